// Intervals and sets of classes that hold what happens with a chosen probability, from errors on held-out rows.
import {
  InsufficientHistoryError,
  InvalidOptionError,
  NonFiniteInputError,
  ShapeMismatchError,
} from '../../core/errors.ts';

/** A range of numbers. */
export interface Range {
  readonly low: number;
  readonly high: number;
}

/**
 * Returns the smallest value that at least ceil((n + 1) level) of the n `scores` don't pass: with exchangeable rows a new score is at
 * or below it with a probability from `level` to `level + 1 / (n + 1)` (Vovk, Gammerman, Shafer 2005; Lei et al. 2018).
 * Throws InsufficientHistoryError when n is too small for the level, InvalidOptionError for a level out of range, NonFiniteInputError.
 */
export function conformalQuantile(scores: Float64Array, level: number): number {
  if (!(level > 0 && level < 1)) throw new InvalidOptionError('Expected a level between 0 and 1');
  const bad = scores.findIndex((score) => !Number.isFinite(score));
  if (bad >= 0)
    throw new NonFiniteInputError(`Expected finite scores of held-out rows, was not at row ${bad}`);
  const rank = rankOf(scores.length, level);
  if (rank > scores.length) {
    throw new InsufficientHistoryError(
      'Expected more held-out rows for this level',
      Math.ceil(level / (1 - level) - 1e-9),
      scores.length,
    );
  }
  return scores.slice().sort()[rank - 1]!;
}

/** ceil((n + 1) level), where a level such as 0.9 is not quite what its digits say. */
function rankOf(count: number, level: number): number {
  return Math.max(1, Math.ceil((count + 1) * level - 1e-9));
}

/** Intervals around a forecast. */
export interface ConformalInterval {
  readonly level: number;
  /** Held-out rows behind it. */
  readonly rows: number;
  /** Added to the upper and taken from the lower end, in the unit of the target; may be below 0 for quantiles. */
  readonly margin: number;
  /** Returns the interval; give both ends for a model of quantiles. */
  interval(lower: number, upper?: number): Range;
}

/**
 * Returns intervals of one width: the forecast plus and minus the quantile of the absolute errors on held-out rows (split conformal,
 * Lei et al. 2018). Throws as `conformalQuantile`, and ShapeMismatchError for lengths that differ.
 */
export function splitConformal(
  forecasts: ArrayLike<number>,
  targets: ArrayLike<number>,
  level: number,
): ConformalInterval {
  sameLength(forecasts, targets);
  const errors = Float64Array.from(targets, (target, i) => Math.abs(target - forecasts[i]!));
  return around(conformalQuantile(errors, level), errors.length, level);
}

/**
 * Returns intervals that follow a model of two quantiles, widened or narrowed by one number (conformalised quantile regression,
 * Romano, Patterson, Candes 2019). Throws as `splitConformal`.
 */
export function conformalQuantiles(
  lower: ArrayLike<number>,
  upper: ArrayLike<number>,
  targets: ArrayLike<number>,
  level: number,
): ConformalInterval {
  sameLength(lower, targets);
  sameLength(upper, targets);
  const errors = Float64Array.from(targets, (target, i) => Math.max(lower[i]! - target, target - upper[i]!));
  return around(conformalQuantile(errors, level), errors.length, level);
}

function around(margin: number, rows: number, level: number): ConformalInterval {
  return {
    level,
    rows,
    margin,
    interval: (lower, upper = lower) => ({ low: lower - margin, high: upper + margin }),
  };
}

/** How classes enter a set. */
export type SetRule = 'threshold' | 'cumulative';

/** Sets of classes. */
export interface ConformalSets {
  readonly level: number;
  readonly rows: number;
  /** Largest score of a class in the set. */
  readonly quantile: number;
  /** Returns the classes of a row's set, likeliest first; never empty, as the likeliest class is always in it. */
  classes(probabilities: ArrayLike<number>): number[];
}

/**
 * Returns sets that hold the class with probability `level` or more. `threshold` takes every class whose probability is large enough
 * (smallest sets on average; Sadinle, Lei, Wasserman 2019); `cumulative` takes the likeliest until their sum is (sets that adapt
 * to hard rows; Romano, Sesia, Candes 2020, without randomisation). `probabilities` [rows, classes] are of held-out rows.
 * Throws as `conformalQuantile`, and ShapeMismatchError.
 */
export function conformalSets(
  probabilities: ArrayLike<number>,
  labels: ArrayLike<number>,
  classes: number,
  level: number,
  rule: SetRule,
): ConformalSets {
  if (probabilities.length !== labels.length * classes) {
    throw new ShapeMismatchError(
      `Expected ${labels.length} x ${classes} probabilities, was ${probabilities.length}`,
    );
  }
  const rowOf = (i: number) => Array.from({ length: classes }, (_, k) => probabilities[i * classes + k]!);
  const scores = Float64Array.from(labels, (label, i) => {
    const found = scoresOf(rowOf(i), rule).find((one) => one.of === label);
    if (!found)
      throw new InvalidOptionError(`Expected labels from 0 to ${classes - 1}, was another at row ${i}`);
    return found.score;
  });
  const quantile = conformalQuantile(scores, level);
  return {
    level,
    rows: labels.length,
    quantile,
    classes(row) {
      const inside = scoresOf(Array.from(row), rule).filter((one, i) => i === 0 || one.score <= quantile);
      return inside.map((one) => one.of);
    },
  };
}

/** The classes of a row, likeliest first, each with its score: the larger, the less it belongs. */
function scoresOf(row: readonly number[], rule: SetRule): { of: number; score: number }[] {
  let sum = 0;
  return row
    .map((probability, of) => ({ of, probability }))
    .sort((a, b) => b.probability - a.probability || a.of - b.of)
    .map(({ of, probability }) => {
      sum += probability;
      return { of, score: rule === 'threshold' ? 1 - probability : sum };
    });
}

/** What an {@link AdaptiveConformal} goes on from. */
export interface AdaptiveState {
  /** The miss rate that it aims at now; leaves 0 to 1 on purpose. */
  readonly alpha: number;
  /** Newest absolute errors, oldest first. */
  readonly errors: readonly number[];
}

/** How {@link AdaptiveConformal} adapts. */
export interface AdaptiveOptions {
  readonly level: number;
  /** Step of the miss rate after each row, above 0; the paper uses 0.005. */
  readonly gamma: number;
  /** Most errors remembered. */
  readonly window: number;
}

/**
 * Intervals for a series that drifts (adaptive conformal inference, Gibbs and Candes 2021): after a miss the next interval is wider,
 * after a hit narrower, so that the share of misses over T rows is within (max(alpha, 1 - alpha) + gamma) / (T gamma) of 1 - level for
 * any series at all. An aim below 0 gives the whole line, one above 1 the empty interval (low = Infinity, high = -Infinity).
 */
export class AdaptiveConformal {
  readonly #options: AdaptiveOptions;
  readonly #errors: number[];
  #alpha: number;

  /** Throws InvalidOptionError for options out of range. */
  constructor(options: AdaptiveOptions, state: AdaptiveState = { alpha: 1 - options.level, errors: [] }) {
    const { level, gamma, window } = options;
    if (!(level > 0 && level < 1 && gamma > 0 && gamma <= 1 && Number.isInteger(window) && window >= 1)) {
      throw new InvalidOptionError(
        'Expected a level between 0 and 1, gamma from 0 to 1 and a window of at least 1',
      );
    }
    this.#options = options;
    this.#alpha = state.alpha;
    this.#errors = state.errors.slice(-window);
  }

  /** Returns the interval around the next row's forecast. */
  interval(forecast: number): Range {
    if (this.#alpha >= 1) return { low: Number.POSITIVE_INFINITY, high: Number.NEGATIVE_INFINITY };
    const rank = rankOf(this.#errors.length, 1 - this.#alpha);
    if (this.#alpha <= 0 || rank > this.#errors.length) {
      return { low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY };
    }
    const margin = this.#errors.slice().sort((a, b) => a - b)[rank - 1]!;
    return { low: forecast - margin, high: forecast + margin };
  }

  /** Takes what happened after `forecast`. Returns whether the interval held it. Throws NonFiniteInputError. */
  update(forecast: number, target: number): boolean {
    if (!Number.isFinite(forecast) || !Number.isFinite(target)) {
      throw new NonFiniteInputError('Expected a finite forecast and target');
    }
    const { low, high } = this.interval(forecast);
    const held = target >= low && target <= high;
    const { level, gamma, window } = this.#options;
    this.#alpha += gamma * (1 - level - (held ? 0 : 1));
    this.#errors.push(Math.abs(target - forecast));
    if (this.#errors.length > window) this.#errors.shift();
    return held;
  }

  /** Returns what another one goes on from. */
  get state(): AdaptiveState {
    return { alpha: this.#alpha, errors: [...this.#errors] };
  }
}

function sameLength(forecasts: ArrayLike<number>, targets: ArrayLike<number>): void {
  if (forecasts.length !== targets.length) {
    throw new ShapeMismatchError(
      `Expected ${targets.length} forecasts, one for each target, was ${forecasts.length}`,
    );
  }
}
