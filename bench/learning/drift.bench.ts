// Drift of wide tables: one pass over rows that are never all in memory, and a comparison beside evidently's. A regression means monitors
// that fall behind what is served, or memory that grows with the rows.
import { cpus } from 'node:os';
import { compareSketches, TableSketch } from '../../src/learning/drift/index.ts';
import { setThreads } from '../../src/native/index.ts';
import { formatNs, pairRow } from '../pairs.ts';
import { publish } from '../report.ts';
import { Rivals } from '../rivals/rivals.ts';
import { uniforms } from './trainer.ts';

const threads = setThreads(cpus().length);
const numeric = (columns: number) =>
  Array.from({ length: columns }, (_, i) => ({ name: `c${i}`, kind: 'numeric' as const }));
const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(0)} MB`;

// The same chunk comes again and again: what a source of rows takes is not measured, and its own memory is known.
const [columns, chunkRows] = [1000, 32_768];
const chunk = uniforms(columns * chunkRows, 1);
const wide: string[][] = [];
const reference = new TableSketch(numeric(columns));
reference.updateRows(chunk);
for (const rows of [300_000, 1_200_000]) {
  Bun.gc(true);
  const before = process.memoryUsage().rss;
  let most = before;
  const start = Bun.nanoseconds();
  const current = new TableSketch(numeric(columns));
  for (let from = 0; from < rows; from += chunkRows) {
    current.updateRows(chunk.subarray(0, Math.min(chunkRows, rows - from) * columns));
    most = Math.max(most, process.memoryUsage().rss);
  }
  const { judged, columns: compared } = compareSketches(reference, current);
  const ns = Bun.nanoseconds() - start;
  if (judged !== columns) throw new Error(`${judged} columns were judged`);
  const error = Math.max(...numeric(columns).map(({ name }) => errorOf(current, name)));
  wide.push([
    `${rows} x ${columns}, float32`,
    formatNs(ns),
    `${(ns / (rows * columns)).toFixed(2)} ns`,
    `${((4 * rows * columns) / ns).toFixed(2)} GB/s`,
    megabytes(most - before),
    `${(100 * error).toFixed(2)} %`,
    String(compared.filter(({ drifted }) => drifted).length),
  ]);
}

function errorOf(sketch: TableSketch, name: string): number {
  const column = sketch.column(name)!;
  return column.kind === 'numeric' ? column.distribution().error : 0;
}

publish({
  title: 'Drift of a wide table',
  note: `Rows come in chunks of ${chunkRows}; sketches of all columns, then the comparison with the sketch of another table, on ${threads} threads. Memory is what the process grew by beside the chunk. Reach: 300,000 rows under 10 s, and memory that four times the rows do not make larger.`,
  columns: ['rows x columns', 'one pass', 'a value', 'of the input', 'memory', 'shares within', 'drifted'],
  rows: wide,
});

const rivals = await Rivals.start(threads, 'drift_rival.py');
const pairs: string[][] = [];
for (const [rows, width] of [
  [20_000, 10],
  [100_000, 10],
] as const) {
  const tables = [uniforms(rows * width, 1), uniforms(rows * width, 2)];
  const ours = () => {
    const [one, other] = tables.map((values) => {
      const sketch = new TableSketch(numeric(width));
      sketch.updateRows(values);
      return sketch;
    });
    return compareSketches(one!, other!).columns[0]!.tests.wasserstein!.effect.value!;
  };
  for (const task of ['evidently', 'scipy'] as const) {
    const name = `${rows} x ${width}, beside ${task === 'evidently' ? 'evidently' : 'SciPy'}`;
    if (!rivals) {
      const start = Bun.nanoseconds();
      const value = ours();
      pairs.push([name, formatNs(Bun.nanoseconds() - start), '', '', value.toFixed(5), '']);
      continue;
    }
    const { value } = await rivals.run(task, { rows, columns: width });
    const times = await pairRow({ name, a: ours, b: rivals.side(task, { rows, columns: width }) });
    pairs.push([...times, ours().toFixed(5), value!.toFixed(5)]);
  }
}
rivals?.stop();
const against = rivals
  ? `evidently ${rivals.versions.evidently} (its preset: one test for each column) and the KS test and Wasserstein distance of SciPy ${rivals.versions.SciPy} alone`
  : 'for the rivals, `NAUTILUS_BENCH_PYTHON` names a Python that has evidently 0.7 and a pandas below 3';
publish({
  title: 'Drift of two tables',
  note: `Both tables from their rows: sketches, four tests with p-values, effects, power and verdicts; ${against}. The last two columns are the Wasserstein distance of the first column in standard deviations. Reach: 50 times evidently.`,
  columns: ['rows x columns', 'ours', 'rival', 'rival / ours', 'our distance', 'its distance'],
  rows: pairs,
});
