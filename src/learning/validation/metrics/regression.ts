// Scores of forecasts of a number.
import { InvalidOptionError, NonFiniteInputError, ShapeMismatchError } from '../../../core/errors.ts';
import { ascendingOrder, type Scorer } from './scorer.ts';

/** Forecasts beside what happened, each [rows] in time order, in the unit of the target. */
export interface NumberForecasts {
  readonly forecasts: Float64Array;
  readonly targets: ArrayLike<number>;
  /** The quantile that `quantile_loss` asks for, between 0 and 1; 0.5 by default. */
  readonly quantile?: number;
}

/** The conventions of each score, in words. */
export const REGRESSION_SCORES = {
  rmse: 'root of the mean squared error, in the unit of the target',
  mae: 'mean absolute error, in the unit of the target',
  median_ae: 'median absolute error, the mean of the middle two, in the unit of the target',
  r2: '1 - squared error / squared distance from the mean of these targets; not defined for a constant target',
  quantile_loss: 'mean of q (y - f) where y is above f, else (1 - q)(f - y), in the unit of the target',
} as const;

/** Name of a score of number forecasts. */
export type RegressionScore = keyof typeof REGRESSION_SCORES;

/**
 * Returns the scorer of number forecasts, with the definitions of scikit-learn's `r2_score`, `median_absolute_error` and
 * `mean_pinball_loss`. Throws ShapeMismatchError when lengths differ, NonFiniteInputError, InvalidOptionError when empty or for a
 * quantile out of range.
 */
export function regressionScorer({
  forecasts,
  targets,
  quantile = 0.5,
}: NumberForecasts): Scorer<RegressionScore> {
  const rows = forecasts.length;
  if (targets.length !== rows) {
    throw new ShapeMismatchError(`Expected ${rows} targets, one for each forecast, was ${targets.length}`);
  }
  if (rows === 0) throw new InvalidOptionError('Expected at least one row');
  if (!(quantile > 0 && quantile < 1)) throw new InvalidOptionError('Expected a quantile between 0 and 1');
  for (let i = 0; i < rows; i++) {
    if (!Number.isFinite(forecasts[i]!) || !Number.isFinite(targets[i]!)) {
      throw new NonFiniteInputError(`Expected finite forecasts and targets, was not at row ${i}`);
    }
  }
  const distances = Float64Array.from(forecasts, (forecast, i) => Math.abs(targets[i]! - forecast));
  const order = ascendingOrder(distances);
  return {
    units: rows,
    score(weights) {
      let [total, targetSum, squared, absolute, pinball] = [0, 0, 0, 0, 0];
      for (let i = 0; i < rows; i++) {
        const weight = weights[i]!;
        const error = targets[i]! - forecasts[i]!;
        total += weight;
        targetSum += weight * targets[i]!;
        squared += weight * error * error;
        absolute += weight * Math.abs(error);
        pinball += weight * (error >= 0 ? quantile * error : (quantile - 1) * error);
      }
      const centre = targetSum / total;
      let spread = 0;
      for (let i = 0; i < rows; i++) spread += weights[i]! * (targets[i]! - centre) ** 2;
      return {
        rmse: Math.sqrt(squared / total),
        mae: absolute / total,
        median_ae: weightedMedian(distances, order, weights, total),
        r2: spread > 0 ? 1 - squared / spread : Number.NaN,
        quantile_loss: pinball / total,
      };
    },
  };
}

/** The median of the sample in which value i stands `weights[i]` times. */
function weightedMedian(
  values: Float64Array,
  order: Uint32Array,
  weights: Float64Array,
  total: number,
): number {
  let passed = 0;
  let lower = Number.NaN;
  for (const row of order) {
    passed += weights[row]!;
    if (Number.isNaN(lower) && passed >= total / 2) lower = values[row]!;
    if (passed > total / 2) return (lower + values[row]!) / 2;
  }
  return lower;
}
