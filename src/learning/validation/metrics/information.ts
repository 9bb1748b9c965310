// How well forecasts order what follows: the information coefficient, through time or across series at each time.
import { InvalidOptionError, NonFiniteInputError, ShapeMismatchError } from '../../../core/errors.ts';
import { pearson, ranking } from './correlation.ts';
import type { Scorer } from './scorer.ts';

/** Forecasts beside the returns that followed; rows in time order. */
export interface ReturnForecasts {
  /** [rows]: higher means a higher return; any unit (a probability of a rise will do). */
  readonly forecasts: Float64Array;
  /** [rows]: return over the span that the forecast speaks of, as a fraction. */
  readonly returns: Float64Array;
  /** [rows], never falling, microseconds: rows of one time are the cross-section of that time. */
  readonly tsUs: Float64Array;
}

/** The conventions of each score, in words. */
export const INFORMATION_SCORES = {
  ic: 'Pearson correlation of forecast and return: over all rows, or the mean over the times of a panel',
  rank_ic:
    'Spearman correlation of forecast and return: over all rows, or the mean over the times of a panel',
  icir: 'mean of the ICs of a panel over their standard deviation (ddof 1), for each time, not annualised',
  hit_rate:
    'share of rows whose forecast, less its neutral value, has the sign of the return; returns of 0 do not count',
  gross_return_bps:
    'mean return a row, long at or above the neutral value, else short, without costs; basis points',
} as const;

/** Name of a score of how forecasts order returns. */
export type InformationScore = keyof typeof INFORMATION_SCORES;

/** Fewest series of one time that a correlation is taken of. */
const FEWEST = 3;

/**
 * Returns the scorer of forecasts of returns (Grinold and Kahn 2000, Active Portfolio Management, chapter 6). Units are rows when
 * every row has a time of its own, else times; a time of a panel with fewer than 3 rows, or in which one side never moves, has no IC.
 * `neutral` is the forecast that says nothing: 0.5 for a probability, 0 for a return.
 * Throws ShapeMismatchError, NonFiniteInputError, InvalidOptionError when empty or out of time order.
 */
export function informationScorer(sample: ReturnForecasts, neutral: number): Scorer<InformationScore> {
  check(sample);
  const { forecasts, returns, tsUs } = sample;
  const edges = timeEdges(tsUs);
  const panel = edges.length - 1 < forecasts.length;
  return panel ? panelScorer(sample, edges, neutral) : seriesScorer(forecasts, returns, neutral);
}

/** Returns where each time begins, and the number of rows as the last element. */
export function timeEdges(tsUs: Float64Array): Uint32Array {
  const edges: number[] = [];
  for (let i = 0; i < tsUs.length; i++) if (i === 0 || tsUs[i] !== tsUs[i - 1]) edges.push(i);
  return Uint32Array.from([...edges, tsUs.length]);
}

function seriesScorer(
  forecasts: Float64Array,
  returns: Float64Array,
  neutral: number,
): Scorer<InformationScore> {
  const [ranksOfForecasts, ranksOfReturns] = [ranking(forecasts), ranking(returns)];
  return {
    units: forecasts.length,
    score: (weights) => ({
      ic: pearson(forecasts, returns, weights),
      rank_ic: pearson(ranksOfForecasts.ranks(weights), ranksOfReturns.ranks(weights), weights),
      icir: Number.NaN,
      ...signScores(forecasts, returns, neutral, weights),
    }),
  };
}

function panelScorer(
  { forecasts, returns }: ReturnForecasts,
  edges: Uint32Array,
  neutral: number,
): Scorer<InformationScore> {
  const times = edges.length - 1;
  const ics = new Float64Array(times).fill(Number.NaN);
  const rankIcs = new Float64Array(times).fill(Number.NaN);
  for (let t = 0; t < times; t++) {
    const [from, to] = [edges[t]!, edges[t + 1]!];
    if (to - from < FEWEST) continue;
    const once = new Float64Array(to - from).fill(1);
    const [x, y] = [forecasts.subarray(from, to), returns.subarray(from, to)];
    ics[t] = pearson(x, y, once);
    rankIcs[t] = pearson(ranking(x).ranks(once), ranking(y).ranks(once), once);
  }
  return {
    units: times,
    score(weights) {
      const ofRows = new Float64Array(forecasts.length);
      for (let t = 0; t < times; t++) ofRows.fill(weights[t]!, edges[t]!, edges[t + 1]!);
      const { mean, deviation } = moments(ics, weights);
      return {
        ic: mean,
        rank_ic: moments(rankIcs, weights).mean,
        icir: deviation > 0 ? mean / deviation : Number.NaN,
        ...signScores(forecasts, returns, neutral, ofRows),
      };
    },
  };
}

/** Returns the scores that look at signs only; see {@link INFORMATION_SCORES}. Row i counts `weights[i]` times. */
export function signScores(
  forecasts: Float64Array,
  returns: Float64Array,
  neutral: number,
  weights: Float64Array,
) {
  let [right, moved, earned, total] = [0, 0, 0, 0];
  for (let i = 0; i < returns.length; i++) {
    const weight = weights[i]!;
    const change = returns[i]!;
    const rise = forecasts[i]! >= neutral;
    total += weight;
    earned += weight * (rise ? change : -change);
    if (change !== 0) moved += weight;
    if (change > 0 ? forecasts[i]! > neutral : change < 0 && forecasts[i]! < neutral) right += weight;
  }
  return { hit_rate: right / moved, gross_return_bps: (earned / total) * 10_000 };
}

/** Mean and standard deviation (ddof 1) of the values that exist, value i standing `weights[i]` times; two passes. */
export function moments(values: ArrayLike<number>, weights: ArrayLike<number>) {
  let [total, sum] = [0, 0];
  for (let i = 0; i < values.length; i++) {
    if (Number.isNaN(values[i]!)) continue;
    total += weights[i]!;
    sum += weights[i]! * values[i]!;
  }
  const mean = sum / total;
  let squares = 0;
  for (let i = 0; i < values.length; i++) {
    if (!Number.isNaN(values[i]!)) squares += weights[i]! * (values[i]! - mean) ** 2;
  }
  return { mean, deviation: total > 1 ? Math.sqrt(squares / (total - 1)) : Number.NaN };
}

function check({ forecasts, returns, tsUs }: ReturnForecasts): void {
  const rows = forecasts.length;
  if (returns.length !== rows || tsUs.length !== rows) {
    throw new ShapeMismatchError(`Expected ${rows} returns and times, one for each forecast`);
  }
  if (rows === 0) throw new InvalidOptionError('Expected at least one row');
  for (let i = 0; i < rows; i++) {
    if (!Number.isFinite(forecasts[i]!) || !Number.isFinite(returns[i]!) || !Number.isFinite(tsUs[i]!)) {
      throw new NonFiniteInputError(`Expected finite forecasts, returns and times, was not at row ${i}`);
    }
    if (i > 0 && tsUs[i]! < tsUs[i - 1]!) {
      throw new InvalidOptionError(`Expected rows in time order, was not at row ${i}`);
    }
  }
}
