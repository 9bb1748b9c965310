// The published tables of speed-ups, row by row: our "before" and "now" beside each claim, and the rivals of the same run. A
// regression here is one of a kernel, an engine or the border between them; the benches of that part say which.
//   bun bench/speedups/speedups.bench.ts [--quick] [row id...]
import { cpus, loadavg, platform, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { buildInfo, setThreads } from '../../src/native/index.ts';
import { isQuick, publish } from '../report.ts';
import { Rivals } from '../rivals/rivals.ts';
import { type Bench, rowOf } from './measure.ts';
import { type Results, type Row, resultsMarkdown, summary } from './results.ts';
import { ROWS } from './rows.ts';
import { writeResults } from './write.ts';

const ROUNDS = { full: 15, quick: 3 };

async function main(ids: readonly string[]): Promise<void> {
  const unknown = ids.filter((id) => !ROWS.some((row) => row.id === id));
  if (unknown.length > 0) {
    throw new Error(`Expected rows among ${ROWS.map(({ id }) => id).join(', ')}; was ${unknown.join(', ')}`);
  }
  const threads = setThreads(Number(process.env.NAUTILUS_THREADS ?? cpus().length));
  const rivals = await Rivals.start(threads);
  const bench: Bench = { rivals, threads, rounds: isQuick ? ROUNDS.quick : ROUNDS.full, quick: isQuick };
  const began = loadavg()[0]!;
  const rows: Row[] = [];
  for (const plan of ROWS) {
    if (ids.length > 0 && !ids.includes(plan.id)) continue;
    const start = performance.now();
    rows.push(await rowOf(plan, bench));
    process.stderr.write(`${plan.id}: ${((performance.now() - start) / 1000).toFixed(1)} s\n`);
  }
  rivals?.stop();
  const { compiler, simdTarget, blas, blasTarget } = buildInfo();
  const { Python, NumPy, pandas, 'TA-Lib': taLib, QuantLib, 'scikit-learn': scikit } = rivals?.versions ?? {};
  const results: Results = {
    machine: {
      cpu: cpus()[0]?.model.trim() ?? 'unknown',
      threads: cpus().length,
      memory_gib: Math.round(totalmem() / 2 ** 30),
      os: `${platform()} ${release()}`,
      load_begin: began,
      load_end: loadavg()[0]!,
    },
    date: new Date().toISOString(),
    versions: {
      Bun: Bun.version,
      compiler,
      SIMD: simdTarget,
      BLAS: `${blas.split(' ').slice(0, 2).join(' ')} ${blasTarget}`,
      Python: Python ?? null,
      NumPy: NumPy ?? null,
      pandas: pandas ?? null,
      'TA-Lib': taLib ?? null,
      QuantLib: QuantLib ?? null,
      'scikit-learn': scikit ?? null,
    },
    rows,
  };
  // A part of the rows, or a quick run, does not replace the results of a whole one.
  const whole = ids.length === 0 && !isQuick;
  const root = join(import.meta.dir, '../..');
  writeResults(results, whole ? join(root, 'bench') : join(root, 'build/bench'));
  if (process.env.NAUTILUS_BENCH_OUTPUT === undefined) console.log(resultsMarkdown(results));
  else
    publish({
      title: 'Speed-ups beside the published claims',
      note: '',
      text: summary(results),
      data: results,
    });
}

await main(process.argv.slice(2).filter((arg) => arg !== '--quick'));
