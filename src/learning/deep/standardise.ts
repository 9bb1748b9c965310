// Inputs and targets at mean 0 and deviation 1, by the training rows alone; the served graph holds the same numbers.
import type { TrainingData } from '../family.ts';

/** What is taken off each column, and what the rest is divided by. */
export interface Scaling {
  readonly mean: Float32Array;
  /** Above 0; 1 where a column is constant. */
  readonly scale: Float32Array;
}

/**
 * Returns mean and population deviation of the columns of `values` [rows, columns], over rows whose weight is above 0.
 * With `features`, columns that are the same feature of different steps share theirs.
 */
export function scalingOf(
  values: Float32Array,
  columns: number,
  weights: Float32Array | undefined,
  features = columns,
): Scaling {
  const sums = new Float64Array(features);
  const squares = new Float64Array(features);
  const rows = values.length / columns;
  let counted = 0;
  const each = (visit: (feature: number, value: number) => void) => {
    for (let row = 0; row < rows; row++) {
      if (weights && !(weights[row]! > 0)) continue;
      for (let column = 0; column < columns; column++)
        visit(column % features, values[row * columns + column]!);
    }
  };
  for (let row = 0; row < rows; row++) if (!weights || weights[row]! > 0) counted += columns / features;
  each((feature, value) => {
    sums[feature] = sums[feature]! + value;
  });
  const means = sums.map((sum) => sum / counted);
  // A second pass: the difference of two large sums would lose the deviation of a price.
  each((feature, value) => {
    squares[feature] = squares[feature]! + (value - means[feature]!) ** 2;
  });
  const mean = Float32Array.from({ length: columns }, (_, i) => means[i % features]!);
  const scale = Float32Array.from({ length: columns }, (_, i) => {
    const deviation = Math.fround(Math.sqrt(squares[i % features]! / counted));
    // Rounding of a constant column must not be blown up to deviations.
    return deviation > Math.abs(mean[i]!) * 1e-6 && deviation > 1e-30 ? deviation : 1;
  });
  return { mean, scale };
}

/** Returns (values - mean) / scale in float32, the arithmetic of the served graph. */
export function standardise(values: Float32Array, { mean, scale }: Scaling): Float32Array {
  const columns = mean.length;
  return values.map((value, i) => Math.fround(value - mean[i % columns]!) / scale[i % columns]!);
}

/**
 * Returns the weights of the rows times those of their classes, [rows]: rows / (classes x rows of the class), so that all
 * classes that occur weigh the same.
 */
export function balancedWeights({ targets, rows, classes, weights }: TrainingData): Float32Array {
  const counts = new Float64Array(classes!);
  const own = (row: number) => weights?.[row] ?? 1;
  for (let row = 0; row < rows; row++) counts[targets![row]!] = counts[targets![row]!]! + own(row);
  const total = counts.reduce((a, b) => a + b, 0);
  return Float32Array.from(
    { length: rows },
    (_, row) => (own(row) * total) / (classes! * counts[targets![row]!]! || 1),
  );
}
