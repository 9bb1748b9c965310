// Scores of probability forecasts of a rise, with block-bootstrap intervals.
import { InvalidOptionError, ShapeMismatchError } from '../../../src/core/errors.ts';
import { Philox } from '../../../src/core/philox.ts';

/** Forecasts beside what happened, each [rows] in time order. */
export interface Forecasts {
  /** Probability of label 1. */
  readonly probabilities: Float64Array;
  /** 0 or 1. */
  readonly labels: Uint8Array;
  /** Logarithmic return over the span that the label speaks of. */
  readonly returns: Float64Array;
}

/** Scores of one set of forecasts. */
export interface Scores {
  /** Share of rows where probability >= 0.5 agrees with the label. */
  readonly accuracy: number;
  /** Area under the ROC curve, ties counted half (Mann-Whitney); NaN when one label is absent. */
  readonly auc: number;
  /** Mean of -log of the probability given to what happened, in nats. */
  readonly log_loss: number;
  /** Mean squared difference between probability and label. */
  readonly brier: number;
  /** Share of rows with label 1. */
  readonly base_rate: number;
  /** Mean log return, in basis points a row, of being long where probability >= 0.5 and short elsewhere; no costs. */
  readonly gross_return_bps: number;
}

/** A range that holds the score with probability `level`, as far as the bootstrap can tell. */
export interface Interval {
  readonly low: number;
  readonly high: number;
}

/** How to resample. */
export interface BootstrapOptions {
  readonly resamples: number;
  /** Rows drawn together, so that neighbours whose labels overlap stay together. */
  readonly blockRows: number;
  readonly level: number;
  /** Seed of Philox4x32-10; resample i draws from stream i. */
  readonly seed: number;
}

/**
 * Returns the scores of forecasts.
 * Throws ShapeMismatchError when lengths differ, InvalidOptionError when empty or a probability is not from 0 to 1.
 */
export function score(forecasts: Forecasts): Scores {
  check(forecasts);
  return weighted(
    forecasts,
    order(forecasts.probabilities),
    new Float64Array(forecasts.labels.length).fill(1),
  );
}

/**
 * Returns a percentile interval per score by the circular block bootstrap (Politis and Romano 1992): blocks of
 * consecutive rows are drawn with replacement until the sample is as long as the data. Cost: resamples x rows.
 * Throws as `score` does, and InvalidOptionError for options out of range.
 */
export function bootstrapScores(
  forecasts: Forecasts,
  { resamples, blockRows, level, seed }: BootstrapOptions,
): Record<keyof Scores, Interval> {
  check(forecasts);
  const rows = forecasts.labels.length;
  if (!(resamples >= 2 && blockRows >= 1 && blockRows <= rows && level > 0 && level < 1)) {
    throw new InvalidOptionError(
      'Expected 2 resamples or more, blocks within the data and a level between 0 and 1',
    );
  }
  const sorted = order(forecasts.probabilities);
  const samples: Scores[] = [];
  const weights = new Float64Array(rows);
  const starts = new Float64Array(Math.ceil(rows / blockRows));
  for (let sample = 0; sample < resamples; sample++) {
    weights.fill(0);
    new Philox(seed, sample).fillUniform(starts);
    for (const [block, uniform] of starts.entries()) {
      const start = Math.floor(uniform * rows);
      const length = Math.min(blockRows, rows - block * blockRows);
      for (let i = 0; i < length; i++) weights[(start + i) % rows]!++;
    }
    samples.push(weighted(forecasts, sorted, weights));
  }
  const interval = (name: keyof Scores): Interval => {
    // A sample without one of the labels has no AUC; sorting NaN would put it anywhere.
    const values = samples.map((one) => one[name]).filter((value) => !Number.isNaN(value));
    const ascending = Float64Array.from(values).sort();
    return { low: quantile(ascending, (1 - level) / 2), high: quantile(ascending, (1 + level) / 2) };
  };
  return {
    accuracy: interval('accuracy'),
    auc: interval('auc'),
    log_loss: interval('log_loss'),
    brier: interval('brier'),
    base_rate: interval('base_rate'),
    gross_return_bps: interval('gross_return_bps'),
  };
}

/** Linear interpolation between order statistics (Hyndman and Fan type 7). */
function quantile(ascending: Float64Array, share: number): number {
  const at = share * (ascending.length - 1);
  const below = Math.floor(at);
  const low = ascending[below] ?? Number.NaN;
  return low + (at - below) * ((ascending[below + 1] ?? low) - low);
}

function order(probabilities: Float64Array): Uint32Array {
  return Uint32Array.from(probabilities.keys()).sort((a, b) => probabilities[a]! - probabilities[b]!);
}

/** Scores where row i counts `weights[i]` times; `sorted` lists rows by rising probability. */
function weighted(forecasts: Forecasts, sorted: Uint32Array, weights: Float64Array): Scores {
  const { probabilities, labels, returns } = forecasts;
  let right = 0;
  let loss = 0;
  let squared = 0;
  let earned = 0;
  let positives = 0;
  let total = 0;
  for (let i = 0; i < labels.length; i++) {
    const weight = weights[i]!;
    const probability = probabilities[i]!;
    const label = labels[i]!;
    total += weight;
    positives += weight * label;
    const rise = probability >= 0.5;
    if (rise === (label === 1)) right += weight;
    earned += weight * (rise ? returns[i]! : -returns[i]!);
    // A weight of 0 with an infinite loss would be NaN.
    if (weight > 0) loss -= weight * Math.log(label ? probability : 1 - probability);
    squared += weight * (probability - label) ** 2;
  }
  return {
    accuracy: right / total,
    auc: pairsInOrder(forecasts, sorted, weights) / (positives * (total - positives)),
    log_loss: loss / total,
    brier: squared / total,
    base_rate: positives / total,
    gross_return_bps: (earned / total) * 10_000,
  };
}

/** Weight of (0, 1) pairs where the 1 has the higher probability, ties half. */
function pairsInOrder(
  { probabilities, labels }: Forecasts,
  sorted: Uint32Array,
  weights: Float64Array,
): number {
  let pairs = 0;
  let negativesBelow = 0;
  for (let from = 0; from < sorted.length; ) {
    const value = probabilities[sorted[from]!]!;
    let negatives = 0;
    let positives = 0;
    let to = from;
    for (; to < sorted.length && probabilities[sorted[to]!] === value; to++) {
      const row = sorted[to]!;
      if (labels[row]) positives += weights[row]!;
      else negatives += weights[row]!;
    }
    pairs += positives * (negativesBelow + negatives / 2);
    negativesBelow += negatives;
    from = to;
  }
  return pairs;
}

function check({ probabilities, labels, returns }: Forecasts): void {
  if (probabilities.length !== labels.length || returns.length !== labels.length) {
    throw new ShapeMismatchError('Expected one label and one return per probability');
  }
  if (labels.length === 0) throw new InvalidOptionError('Expected at least one row');
  if (!probabilities.every((value) => value >= 0 && value <= 1)) {
    throw new InvalidOptionError('Expected probabilities from 0 to 1');
  }
}
