// A logistic regression in plain TypeScript.
import type { LogisticParameters } from '../../src/onnx/logistic.ts';

/** A logistic regression whose means and deviations are folded into its weights, once for all rows. */
export interface FoldedLogistic {
  readonly weights: Float64Array;
  readonly base: number;
}

/** Returns the folded form of fitted parameters. */
export function foldLogistic({ mean, std, coefficients, intercept }: LogisticParameters): FoldedLogistic {
  const weights = Float64Array.from(coefficients, (weight, at) => weight / std[at]!);
  let base = intercept;
  for (let column = 0; column < weights.length; column++) base -= weights[column]! * mean[column]!;
  return { weights, base };
}

/** Writes the probability of each row of `inputs` [rows, columns] to `out` [rows]. */
export function logisticRows(
  { weights, base }: FoldedLogistic,
  inputs: Float32Array,
  out: Float32Array,
): void {
  const columns = weights.length;
  for (let row = 0, at = 0; row < out.length; row++) {
    let logOdds = base;
    for (let column = 0; column < columns; column++) logOdds += weights[column]! * inputs[at++]!;
    out[row] = 1 / (1 + Math.exp(-logOdds));
  }
}
