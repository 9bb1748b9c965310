// Rows of a search for tests: a few columns of which some tell, daily, with overlapping labels.
import { Philox } from '../../core/philox.ts';
import { type TargetSpec, targetSchema } from '../tables/target.ts';
import type { TrainingSet } from '../tables/training-set.ts';
import { schemeSchema } from '../validation/schemes.ts';
import { dailySpans } from '../validation/test-panels.ts';
import type { SearchInput } from './table.ts';

/** Columns of the group `price`, which tell, and of `volume`, which do not. */
const GROUPS = [
  {
    name: 'price',
    features: [1, 2, 5].map((periods) => ({ kind: 'log_return', column: 'close', periods }) as const),
  },
  {
    name: 'volume',
    features: [5, 20].map((window) => ({ kind: 'z_score', column: 'volume', window }) as const),
  },
];

/** Returns what a search over {@link testSet} takes. */
export function testInput(changes: Partial<SearchInput> = {}): SearchInput {
  return {
    groups: GROUPS,
    target: targetSchema.parse({ kind: 'log_return' }),
    scheme: schemeSchema.parse({ kind: 'holdout', train_fraction: 0.7 }),
    metric: 'rmse',
    costBps: 1,
    testFraction: 0.2,
    watchFraction: 0.2,
    ...changes,
  };
}

/** Returns `rows` rows of a seed: the return is a bent function of the first three columns, with noise. */
export function testSet(rows: number, kind: Exclude<TargetSpec['kind'], 'none'> = 'log_return'): TrainingSet {
  const draws = new Float64Array(rows * 6);
  new Philox(7, 0).fillUniform(draws);
  const inputs = new Float32Array(rows * 5);
  const returns = new Float64Array(rows);
  for (let row = 0; row < rows; row++) {
    const x = draws.subarray(row * 6, row * 6 + 6);
    for (let column = 0; column < 5; column++) inputs[row * 5 + column] = 2 * x[column]! - 1;
    const [a, b, c] = [2 * x[0]! - 1, 2 * x[1]! - 1, 2 * x[2]! - 1];
    returns[row] = 0.01 * (a * b + 0.5 * c + (x[5]! - 0.5));
  }
  const classes = { log_return: 0, value: 0, volatility: 0, direction: 2, signal: 3 }[kind];
  const labelOf = (change: number) => {
    if (classes === 0) return change;
    if (classes === 2) return Number(change > 0);
    return change > 0.002 ? 2 : change < -0.002 ? 0 : 1;
  };
  return {
    inputs: ['a', 'b', 'c', 'd', 'e'],
    leftOut: { without_label: 0, without_features: 0 },
    data: {
      inputs,
      rows,
      columns: 5,
      targets: Float32Array.from(returns, labelOf),
      ...(classes > 0 && { classes }),
      returns,
      spans: dailySpans(rows, 1),
    },
  };
}
