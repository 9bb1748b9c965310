// How good a model is on what happened, against what it was: means of losses with their spread, and a one-sided test between two.
import { normalCdf } from '../../../src/core/special.ts';

/** Count, mean and sum of squared deviations of losses (Welford). */
export interface LossTally {
  readonly rows: number;
  readonly mean: number;
  readonly m2: number;
}

export const NO_LOSSES: LossTally = { rows: 0, mean: 0, m2: 0 };

/** What later losses are held against. `rows` null: a figure that somebody gave, taken as exact. */
export interface LossBaseline {
  readonly mean: number;
  /** Of one loss. */
  readonly variance: number;
  readonly rows: number | null;
}

/** Returns the tally with one more loss. */
export function withLoss({ rows, mean, m2 }: LossTally, loss: number): LossTally {
  const count = rows + 1;
  const next = mean + (loss - mean) / count;
  return { rows: count, mean: next, m2: m2 + (loss - mean) * (loss - next) };
}

/** Sample variance of one loss; 0 under two. */
export function varianceOf({ rows, m2 }: LossTally): number {
  return rows < 2 ? 0 : m2 / (rows - 1);
}

/** Returns what later losses are held against. */
export function baselineOf(tally: LossTally): LossBaseline {
  return { mean: tally.mean, variance: varianceOf(tally), rows: tally.rows };
}

/** The baseline of a classifier of this accuracy on so many rows. */
export function accuracyBaseline(accuracy: number, rows: number | null): LossBaseline {
  return { mean: 1 - accuracy, variance: accuracy * (1 - accuracy), rows };
}

/**
 * Returns the probability of a mean loss at least so far above the baseline when nothing changed: one-sided Welch test with the normal
 * distribution; for losses of 0 and 1 (`isShare`) the two-sample test of proportions with pooled variance. Where neither side varies it is 0 or 1.
 */
export function worseP(baseline: LossBaseline, current: LossTally, isShare: boolean): number {
  const { rows: n } = current;
  const m = baseline.rows;
  let [v0, v1] = [baseline.variance, varianceOf(current)];
  if (isShare) {
    const pooled = m === null ? baseline.mean : (baseline.mean * m + current.mean * n) / (m + n);
    v0 = pooled * (1 - pooled);
    v1 = v0;
  }
  const error = Math.sqrt(v1 / n + (m === null ? 0 : v0 / m));
  const rise = current.mean - baseline.mean;
  if (error === 0) return rise > 0 ? 0 : 1;
  return upperTail(rise / error);
}

/** Returns the probability that so many of `n` fair coins or more show heads; normal approximation with continuity correction. */
export function majorityP(heads: number, n: number): number {
  return n === 0 ? 1 : upperTail((heads - 0.5 - n / 2) / (Math.sqrt(n) / 2));
}

/** Returns P(Z > z) of the standard normal distribution. */
export function upperTail(z: number): number {
  return normalCdf(-z);
}
