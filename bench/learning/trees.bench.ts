// A whole fit of boosted trees beside LightGBM's: the same rows, rounds, leaves and threads. A regression means longer training jobs.
import { cpus } from 'node:os';
import { gradientBoosting } from '../../src/learning/trees/index.ts';
import { setThreads } from '../../src/native/index.ts';
import { pairRow } from '../pairs.ts';
import { publish } from '../report.ts';
import { RIVALS_HINT, Rivals } from '../rivals/rivals.ts';

const threads = setThreads(cpus().length);
const rounds = 100;
const rivals = await Rivals.start(threads);

function rowsOf(rows: number, columns: number, classes: boolean) {
  const inputs = Float32Array.from({ length: rows * columns }, (_, at) =>
    Math.abs((Math.sin(at * 12.9898) * 43758.5453) % 1),
  );
  const targets = Float32Array.from({ length: rows }, (_, row) => {
    const [a = 0, b = 0, c = 0, d = 0, e = 0] = inputs.subarray(row * columns, row * columns + 5);
    const sum = 10 * Math.sin(Math.PI * a * b) + 20 * (c - 0.5) ** 2 + 10 * d + 5 * e;
    return classes ? Number(sum > 14) : sum;
  });
  return { inputs, targets, rows, columns, ...(classes ? { classes: 2 } : {}) };
}

const table: string[][] = [];
for (const [rows, columns, objective] of [
  [100_000, 50, 'regression'],
  [100_000, 50, 'binary'],
  [10_000, 20, 'regression'],
] as const) {
  const data = rowsOf(rows, columns, objective === 'binary');
  const options = gradientBoosting.options.parse({ rounds });
  const task = objective === 'binary' ? 'classification' : 'regression';
  const a = () => gradientBoosting.fit(task, data, options, { seed: 1, threads });
  const name = `${objective}, ${rows} x ${columns}, ${rounds} rounds of 31 leaves`;
  if (!rivals?.versions.LightGBM) {
    table.push([name, '', '', RIVALS_HINT]);
    continue;
  }
  const b = rivals.side('boosted_trees', { rows, columns, rounds, leaves: 31, threads, objective });
  table.push(await pairRow({ name, a, b }));
}
rivals?.stop();
publish({
  title: 'Trees',
  note: `Bins, rounds and, of ours, the ONNX graph; LightGBM ${rivals?.versions.LightGBM ?? 'absent'} with the same ${threads} threads. Reach: a ratio of at least 1.`,
  columns: ['fit', 'ours', 'LightGBM', 'LightGBM / ours'],
  rows: table,
});
