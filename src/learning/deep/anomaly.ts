// How unlike the rows of a fit a row is, by how badly an autoencoder gives it again.
import { ShapeMismatchError } from '../../core/errors.ts';
import { scalingOf } from './standardise.ts';

/**
 * Returns the scores of rows, [rows], at least 0: the mean squared difference of inputs and reconstruction, each column
 * divided by its deviation. `reference` are rows that are usual (those of the fit), which the deviations are taken of;
 * all three are [rows, columns]. Throws ShapeMismatchError.
 */
export function anomalyScores(
  inputs: Float32Array,
  reconstruction: Float32Array,
  reference: Float32Array,
  columns: number,
): Float32Array {
  if (inputs.length !== reconstruction.length || inputs.length % columns !== 0) {
    throw new ShapeMismatchError(
      `Expected ${inputs.length} reconstructed values, was ${reconstruction.length}`,
    );
  }
  const { scale } = scalingOf(reference, columns, undefined);
  const scores = new Float32Array(inputs.length / columns);
  for (let row = 0; row < scores.length; row++) {
    let sum = 0;
    for (let column = 0; column < columns; column++) {
      const at = row * columns + column;
      sum += ((inputs[at]! - reconstruction[at]!) / scale[column]!) ** 2;
    }
    scores[row] = sum / columns;
  }
  return scores;
}

/** Returns the score that the part `level` in (0, 1) of `scores` stays at or below: beyond it a row is called unusual. */
export function anomalyThreshold(scores: Float32Array, level = 0.99): number {
  const sorted = scores.toSorted();
  return sorted[Math.min(sorted.length - 1, Math.ceil(level * sorted.length) - 1)]!;
}
