// A logistic regression in plain TypeScript.
import type { LogisticParameters } from '../../src/onnx/logistic.ts';

/** Writes the probability of each row of `inputs` [rows, columns] to `out` [rows]. */
export function logisticRows(
  { mean, std, coefficients, intercept }: LogisticParameters,
  inputs: Float32Array,
  out: Float32Array,
): void {
  const columns = coefficients.length;
  // The division and the mean leave the loop: they are the same for every row.
  const weights = Float64Array.from(coefficients, (weight, at) => weight / std[at]!);
  let base = intercept;
  for (let column = 0; column < columns; column++) base -= weights[column]! * mean[column]!;
  for (let row = 0, at = 0; row < out.length; row++) {
    let logOdds = base;
    for (let column = 0; column < columns; column++) logOdds += weights[column]! * inputs[at++]!;
    out[row] = 1 / (1 + Math.exp(-logOdds));
  }
}
