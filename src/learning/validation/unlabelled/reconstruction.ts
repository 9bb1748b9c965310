// How well rows that the fit never saw are given again, beside the mean and principal components, and from which error on a row is unusual.
import { svd } from '../../../native/index.ts';
import { conformalQuantile } from '../conformal.ts';
import type { Scorer } from '../metrics/scorer.ts';
import type { Group } from '../score-group.ts';
import { blockRowsOf, type Centre, centred, centreOf, type Parts, type Points, pointsOf } from './rows.ts';

/** The conventions of each score, in words. */
export const RECONSTRUCTION_SCORES = {
  reconstruction_error: 'mean squared difference of a row and what is given again, in deviations of the fit',
  variance_explained: '1 - that error / the error of giving the mean of the fit',
} as const;

/** From which error on a row is unusual. */
export interface Anomaly {
  /** Share of usual rows that stay at or below the threshold. */
  readonly level: number;
  readonly threshold: number;
  /** Rows that it was measured on. */
  readonly rows: number;
  /** Share of the test rows above it: 1 - level where nothing has changed. */
  readonly test_share: number;
}

/** Rows that principal components are found from; evenly spread ones of more. */
const COMPONENT_ROWS = 4096;

/** Returns the scores of rows given again, `again` [test rows, columns], beside the mean and as many principal components as `latent`. */
export async function reconstructionGroup(
  parts: Parts,
  again: ArrayLike<number>,
  latent: number | null,
  signal?: AbortSignal,
): Promise<Group> {
  const fit = pointsOf(parts.data, parts.fit);
  const centre = centreOf(fit);
  const test = centred(pointsOf(parts.data, parts.test), centre);
  const errors = errorsOf(test, centred({ ...test, values: Float64Array.from(again) }, centre).values);
  const ofMean = errorsOf(test, new Float64Array(test.values.length));
  const scorer = (own: Float64Array): Scorer => ({
    units: test.rows,
    score(weights) {
      let [error, mean, total] = [0, 0, 0];
      for (let i = 0; i < own.length; i++) {
        error += weights[i]! * own[i]!;
        mean += weights[i]! * ofMean[i]!;
        total += weights[i]!;
      }
      return {
        reconstruction_error: error / total,
        variance_explained: mean > 0 ? 1 - error / mean : Number.NaN,
      };
    },
  });
  const components =
    latent === null ? null : await throughComponents(centred(fit, centre), test, latent, signal);
  return {
    conventions: RECONSTRUCTION_SCORES,
    blockRows: blockRowsOf(parts),
    sampleSize: test.rows,
    model: scorer(errors),
    baselines: {
      train_mean: scorer(ofMean),
      ...(components && { principal_components: scorer(errorsOf(test, components)) }),
    },
  };
}

/**
 * Returns the error that a share `level` of the calibration rows stays at or below, and the share of test rows above it.
 * Throws InsufficientHistoryError where there are too few calibration rows for the level.
 */
export function anomalyOf(
  parts: Parts,
  again: { readonly calibration: ArrayLike<number>; readonly test: ArrayLike<number> },
  level: number,
): Anomaly {
  const centre = centreOf(pointsOf(parts.data, parts.fit));
  const calibration = errorsGiven(parts, parts.calibration!, again.calibration, centre);
  const threshold = conformalQuantile(calibration, level);
  const test = errorsGiven(parts, parts.test, again.test, centre);
  const beyond = test.filter((error) => error > threshold).length;
  return { level, threshold, rows: calibration.length, test_share: beyond / test.length };
}

function errorsGiven(parts: Parts, rows: Uint32Array, again: ArrayLike<number>, centre: Centre) {
  const points = centred(pointsOf(parts.data, rows), centre);
  return errorsOf(points, centred({ ...points, values: Float64Array.from(again) }, centre).values);
}

/** Mean squared difference of each row. */
function errorsOf({ rows, columns, values }: Points, again: Float64Array): Float64Array {
  const errors = new Float64Array(rows);
  for (let i = 0; i < values.length; i++)
    errors[Math.floor(i / columns)]! += (values[i]! - again[i]!) ** 2 / columns;
  return errors;
}

/** Returns the test rows as the first `latent` principal components of the fit give them. */
async function throughComponents(
  fit: Points,
  test: Points,
  latent: number,
  signal: AbortSignal | undefined,
): Promise<Float64Array> {
  const { columns } = fit;
  const rows = Math.min(fit.rows, COMPONENT_ROWS);
  const a = new Float64Array(rows * columns);
  for (let i = 0; i < rows; i++) {
    const from = Math.floor((i * fit.rows) / rows) * columns;
    a.set(fit.values.subarray(from, from + columns), i * columns);
  }
  const components = Math.min(latent, rows, columns);
  const { vt } = await svd.async({ rows, columns, components, a }, signal);
  const again = new Float64Array(test.values.length);
  for (let i = 0; i < test.rows; i++) {
    const row = test.values.subarray(i * columns, (i + 1) * columns);
    for (let k = 0; k < components; k++) {
      let along = 0;
      for (let c = 0; c < columns; c++) along += row[c]! * vt[k * columns + c]!;
      for (let c = 0; c < columns; c++) again[i * columns + c]! += along * vt[k * columns + c]!;
    }
  }
  return again;
}
