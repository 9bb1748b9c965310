// Fits of classic models against scikit-learn: groups of customers, of days, of regimes are looked for over and over while a
// model is chosen. A regression means lost lanes in the distances of k-means, a slower search of neighbours, more rounds of descent.
import { elasticNet } from '../../src/learning/classic/index.ts';
import { dbscan, kmeans, setThreads } from '../../src/native/index.ts';
import { publish } from '../report.ts';
import { RIVALS_HINT, Rivals } from '../rivals/rivals.ts';
import { type RivalCase, rivalRow } from './rival-row.ts';

// Words of task names; all when there are none.
const wanted = process.argv.slice(2).filter((word) => !word.startsWith('--'));
const threads = setThreads(navigator.hardwareConcurrency);
const rivals = await Rivals.start(threads);

/** Rows around eight centres, by a formula that the rival has too. */
function cloud(rows: number, columns: number): Float64Array {
  return Float64Array.from({ length: rows * columns }, (_, i) => {
    const [row, column] = [Math.floor(i / columns), i % columns];
    return 3 * Math.sin((row % 8) * (column + 1)) + Math.sin(row * 12.9898 + column * 78.233);
  });
}

const means = cloud(100_000, 16);
const points = cloud(50_000, 3);
const rows = cloud(20_000, 64);
const inputs = Float32Array.from(rows);
const targets = Float32Array.from(
  { length: 20_000 },
  (_, i) => rows[i * 64]! - rows[i * 64 + 5]! + Math.sin(i),
);
const options = elasticNet.options.parse({ alpha: 0.05, tolerance: 1e-6, standardise: false });
const kmeansCall = {
  ...{ rows: 100_000, columns: 16, clusters: 8, tolerance: 0, maxIterations: 20 },
  ...{ values: means, start: means.slice(0, 8 * 16).map((value) => 0.5 * value) },
};

const cases: readonly RivalCase[] = [
  {
    name: 'k-means 100,000 x 16, 8 clusters, at most 20 rounds',
    task: 'kmeans_sklearn',
    sizes: { rows: 100_000, columns: 16, clusters: 8, rounds: 20 },
    ours: async () => (await kmeans.async(kmeansCall)).inertia[0]!,
  },
  {
    name: 'DBSCAN 50,000 x 3',
    task: 'dbscan_sklearn',
    sizes: { rows: 50_000, columns: 3, eps: 0.1, least: 10 },
    ours: async () => {
      const call = { rows: 50_000, columns: 3, eps: 0.1, minPoints: 10, values: points };
      return (await dbscan.async(call)).labels.filter((label) => label >= 0).length;
    },
  },
  {
    name: 'elastic net 20,000 x 64, with its serving graph',
    task: 'elastic_net_sklearn',
    sizes: { rows: 20_000, columns: 64, alpha: 0.05 },
    ours: async () => {
      const data = { inputs, targets, rows: 20_000, columns: 64 };
      const { facts } = await elasticNet.fit('regression', data, options, { seed: 1, threads });
      return Number(facts.mean_squared_error);
    },
  },
];

const table: string[][] = [];
for (const one of cases) {
  if (wanted.length > 0 && !wanted.some((word) => one.task.includes(word))) continue;
  // Rows that are as near to two centres, and rounding of sums, may tell the two apart by a little.
  table.push(await rivalRow(one, rivals, (theirs) => 1e-3 * Math.abs(theirs)));
}
rivals?.stop();
publish({
  title: 'Classic models',
  note: rivals
    ? `scikit-learn ${rivals.versions['scikit-learn'] ?? 'absent'}, ${threads} threads on both sides, float64. Above 1 means that ours is faster.`
    : `Without rivals: ${RIVALS_HINT}.`,
  columns: ['fit', 'ours', 'scikit-learn', 'rival / ours'],
  rows: table,
});
