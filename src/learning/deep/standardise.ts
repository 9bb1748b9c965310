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
  const rows = values.length / columns;
  const counts = (row: number) => !weights || weights[row]! > 0;
  let counted = 0;
  for (let row = 0; row < rows; row++) if (counts(row)) counted += columns / features;
  const means = columnSums(values, columns, counts, new Float64Array(features), 1).map(
    (sum) => sum / counted,
  );
  // A second pass: the difference of two large sums would lose the deviation of a price.
  const squares = columnSums(values, columns, counts, means, 2);
  const mean = Float32Array.from({ length: columns }, (_, i) => means[i % features]!);
  const scale = Float32Array.from({ length: columns }, (_, i) => {
    const deviation = Math.fround(Math.sqrt(squares[i % features]! / counted));
    // Rounding of a constant column must not be blown up to deviations.
    return deviation > Math.abs(mean[i]!) * 1e-6 && deviation > 1e-30 ? deviation : 1;
  });
  return { mean, scale };
}

/** Returns the sums of (value - centre)^power of each feature. */
function columnSums(
  values: Float32Array,
  columns: number,
  counts: (row: number) => boolean,
  centres: Float64Array,
  power: 1 | 2,
): Float64Array {
  const features = centres.length;
  const sums = new Float64Array(features);
  for (let at = 0; at < values.length; at += features) {
    if (!counts(Math.floor(at / columns))) continue;
    for (let feature = 0; feature < features; feature++) {
      const apart = values[at + feature]! - centres[feature]!;
      sums[feature] = sums[feature]! + (power === 1 ? apart : apart * apart);
    }
  }
  return sums;
}

/** Returns (values - mean) / scale in float32, the arithmetic of the served graph. */
export function standardise(values: Float32Array, { mean, scale }: Scaling): Float32Array {
  const columns = mean.length;
  const result = new Float32Array(values.length);
  for (let at = 0; at < values.length; at += columns) {
    for (let column = 0; column < columns; column++) {
      result[at + column] = Math.fround(values[at + column]! - mean[column]!) / scale[column]!;
    }
  }
  return result;
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
