// Choices and correlations of features against scikit-learn and scipy, and the four methods on a wide table. A regression means neighbours looked for in whole
// columns, ranks made one column after the other, or blocks of time multiplied out again for each half.
import { Philox } from '../../src/core/philox.ts';
import type { Candidates } from '../../src/learning/selection/candidates.ts';
import { correlations } from '../../src/learning/selection/correlation.ts';
import { testEach } from '../../src/learning/selection/discovery.ts';
import { informationOf, minimumRedundancy } from '../../src/learning/selection/relevance.ts';
import { stability } from '../../src/learning/selection/stability.ts';
import { setThreads } from '../../src/native/index.ts';
import { isQuick, publish } from '../report.ts';
import { RIVALS_HINT, Rivals } from '../rivals/rivals.ts';
import { aloneRow, type RivalCase, rivalRow } from './rival-row.ts';

const threads = setThreads(navigator.hardwareConcurrency);
const rivals = await Rivals.start(threads);

/** The columns of `selection_columns` in bench/rivals/rival.py, and a target that the first ones have a part in. */
function waves(rows: number, columns: number): Candidates {
  const values = Float64Array.from({ length: rows * columns }, (_, i) => {
    const [column, row] = [Math.floor(i / rows), i % rows];
    return Math.sin(row * 12.9898 + column * 78.233) + 0.5 * Math.sin(row * (column + 1) * 0.7391);
  });
  const target = Float64Array.from(
    { length: rows },
    (_, row) => values[row]! - values[rows + row]! + Math.sin(row * row * 0.001),
  );
  return candidates(values, target, columns);
}

function candidates(values: Float64Array, target: Float64Array, columns: number): Candidates {
  const rows = target.length;
  const startUs = Float64Array.from({ length: rows }, (_, row) => row);
  const places = Array.from({ length: columns }, (_, i) => i);
  return { rows, places, values, target, classes: null, startUs, unusable: new Map(), incomplete: 0 };
}

const control = { seed: 1 };
const sum = (values: Float64Array) => values.reduce((all, value) => all + Math.abs(value), 0);
const narrow = { rows: 5000, columns: 20 };
const square = { rows: 20_000, columns: 100 };
const few = waves(narrow.rows, narrow.columns);
const many = waves(square.rows, square.columns);
const cases: readonly RivalCase[] = [
  {
    name: `mutual information by 3 neighbours, ${narrow.rows} x ${narrow.columns}`,
    task: 'mutual_information_sklearn',
    sizes: narrow,
    ours: async () => sum(await informationOf(few, 'neighbours', 3, control)),
  },
  {
    name: `Spearman's matrix, ${square.rows} x ${square.columns}`,
    task: 'spearman_scipy',
    sizes: square,
    ours: async () => sum(await correlations(many.values, square.rows, 'spearman')),
  },
];

const table: string[][] = [];
for (const one of cases) table.push(await rivalRow(one, rivals, (theirs) => 1e-6 * Math.abs(theirs)));
rivals?.stop();

const [rows, columns] = isQuick ? [5000, 100] : [50_000, 1000];
const noise = new Philox(1).fillNormal(new Float64Array(rows * columns));
const target = Float64Array.from(
  { length: rows },
  (_, row) => noise[row]! + noise[rows + row]! + 3 * noise[5 * rows + row]!,
);
const wide = candidates(noise, target, columns);
const size = `${rows} x ${columns}`;
const half = { threshold: 0.7, expected_false: 1, samples: 50 };
table.push(
  await aloneRow(`mutual information in bins, ${size}`, () => informationOf(wide, 'binned', 3, control)),
);
table.push(await aloneRow(`mRMR of 20, ${size}`, () => minimumRedundancy(wide, 20, 'difference', control)));
table.push(await aloneRow(`false-discovery control over blocks, ${size}`, () => testEach(wide, 'blocks')));
table.push(await aloneRow(`stability of 50 halves, ${size}`, () => stability(wide, half, control)));
table.push(await aloneRow(`Pearson's matrix, ${size}`, () => correlations(noise, rows, 'pearson')));
publish({
  title: 'Choice of features',
  note: rivals
    ? `scikit-learn ${rivals.versions['scikit-learn'] ?? 'absent'}, scipy ${rivals.versions.SciPy ?? 'absent'}, ${threads} threads on both sides. Above 1 means that ours is faster.`
    : `Without rivals: ${RIVALS_HINT}.`,
  columns: ['work', 'ours', 'rival', 'rival / ours'],
  rows: table,
});
