// Every kernel of the table against what a team would write in Python (numpy, pandas, scipy). Hot path: whatever an engine or a
// program asks of the kernels. A regression means lost SIMD lanes, lost threads, or a copy at the border.
import { cpus } from 'node:os';
import { setThreads } from '../../src/native/index.ts';
import { formatNs, interleave, type PairResult, quantile, ratioOf } from '../pairs.ts';
import { isQuick, PAIR_COLUMNS, pairRow, publish } from '../report.ts';
import { RIVALS_HINT, Rivals } from '../rivals/rivals.ts';
import { KERNELS, kernelCase, PYTHON, tried } from './cases.ts';

const threads = setThreads(Number(process.env.NAUTILUS_THREADS ?? cpus().length));
const rivals = await Rivals.start(threads);
const rounds = isQuick ? 3 : 15;
const rows: string[][] = [];
const results: PairResult[] = [];
for (const kernel of KERNELS) {
  const { def } = kernel;
  const dtype = def.dtypes.includes('f64') ? 'f64' : def.dtypes[0]!;
  const one = tried(() => kernelCase(kernel, dtype));
  if (typeof one === 'string') {
    rows.push([def.id, '', '', '', '', '', `did not run: ${one}`]);
    process.exitCode = 1;
    continue;
  }
  const name = `${def.id} (${one.shape})`;
  const code = PYTHON[def.id];
  const request = { code, numbers: one.numbers, inputs: one.inputs };
  const failed =
    rivals && code !== undefined ? await rivals.run('expression', request).then(() => '', String) : '';
  if (!rivals || code === undefined || failed !== '') {
    const [times = []] = await interleave([one.run], { rounds });
    rows.push([name, '', '', '', formatNs(quantile(times, 0.5)), '', failed]);
    continue;
  }
  const [ours = [], theirs = []] = await interleave([one.run, rivals.side('expression', request)], {
    rounds,
  });
  const [aNs, bNs] = [quantile(ours, 0.5), quantile(theirs, 0.5)];
  const result = { name, pairs: rounds, ...ratioOf(ours, theirs), aNs, bNs };
  results.push(result);
  rows.push(pairRow(result, code));
}
rivals?.stop();

const versions = rivals
  ? Object.entries(rivals.versions)
      .map(([name, version]) => `${name} ${version}`)
      .join(', ')
  : RIVALS_HINT;
publish({
  title: 'Kernels against Python',
  note: `f64 unless the kernel has f32 only, ${threads} threads on both sides; ${versions}. A slower row means lost lanes, lost threads or a copy at the border.`,
  columns: PAIR_COLUMNS,
  rows,
  data: results,
});
