// Tests that may be looked at after every observation: always-valid p-values and intervals of a difference.

import { logBeta, logGamma } from '../../core/special.ts';
import { type Moments, varianceOf } from './moments.ts';

/** What is known of a difference at one moment; it holds however often one looks. */
export interface Comparison {
  /** The second mean minus the first; 0 before there is anything of both. */
  readonly effect: number;
  /** Interval that covers the difference at all moments together with probability 1 - alpha; null while it is unbounded. */
  readonly low: number | null;
  readonly high: number | null;
  /** Of the null hypothesis of no difference: below alpha with probability at most alpha, at whichever moment one stops. */
  readonly p: number;
}

/** Nothing is known. */
export const NOTHING_KNOWN: Comparison = { effect: 0, low: null, high: null, p: 1 };

/**
 * Variances of the normal mixtures of the effect, in variances of one observation: effects of about a tenth and of half a standard
 * deviation are found soonest. The mean of several mixtures is one too.
 */
const MIXTURES = [0.01, 0.25];

/** What speaks against differences. */
export interface Evidence {
  /** The difference that was seen. */
  readonly effect: number;
  /** Logarithm of the evidence against a true difference of `delta`: of a test martingale, or of what is below one. */
  readonly against: (delta: number) => number;
  /** Least and greatest difference that there can be. */
  readonly range: readonly [number, number];
}

const UNBOUNDED = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY] as const;
const OF_RATES = [-1, 1] as const;

/** Returns what is known of a difference, with an interval that misses it with probability at most `alpha`, ever. */
export function comparisonOf({ effect, against, range }: Evidence, alpha: number): Comparison {
  const limit = -Math.log(alpha);
  const end = (bound: number) => {
    const sign = Math.sign(bound);
    let outside = effect;
    let step = Math.max(Math.abs(effect), 1e-12);
    for (let tries = 0; ; tries++) {
      outside = sign < 0 ? Math.max(bound, effect - step) : Math.min(bound, effect + step);
      if (against(outside) >= limit) break;
      if (outside === bound) return bound;
      // Evidence of few observations is bounded, however far away one looks.
      if (tries === 200) return null;
      step *= 4;
    }
    let inside = effect;
    for (let i = 0; i < 64; i++) {
      const middle = (inside + outside) / 2;
      if (against(middle) >= limit) outside = middle;
      else inside = middle;
    }
    return outside;
  };
  return { effect, low: end(range[0]), high: end(range[1]), p: Math.min(1, Math.exp(-against(0))) };
}

/**
 * Evidence on the means of two groups of numbers of unknown, possibly different variance; null while one has fewer than two. Welch's
 * variance and degrees of freedom; the mixture is as wide as the wilder of both groups. Asymptotic: below 30 numbers of a group it errs
 * more often than it promises, also for normal ones.
 */
export function meansEvidence(first: Moments, second: Moments): Evidence | null {
  if (first.n < 2 || second.n < 2) return null;
  const [a, b] = [varianceOf(first), varianceOf(second)];
  const [va, vb] = [a / first.n, b / second.n];
  const variance = va + vb;
  const flat = variance === 0;
  const degrees = flat
    ? first.n + second.n - 2
    : (variance * variance) / ((va * va) / (first.n - 1) + (vb * vb) / (second.n - 1));
  const size = flat ? (first.n * second.n) / (first.n + second.n) : Math.max(a, b) / variance;
  const effect = second.mean - first.mean;
  const against = (delta: number) => mixtureOf(effect - delta, variance, size, degrees);
  return { effect, against, range: UNBOUNDED };
}

/** Evidence on the mean of the differences of pairs; null for fewer than two. */
export function pairsEvidence(differences: Moments): Evidence | null {
  const { n, mean } = differences;
  if (n < 2) return null;
  const variance = varianceOf(differences) / n;
  const against = (delta: number) => mixtureOf(mean - delta, variance, n, n - 1);
  return { effect: mean, against, range: UNBOUNDED };
}

/** How often something happened in a group. */
export interface Counts {
  readonly n: number;
  readonly hits: number;
}

/**
 * Evidence on the rates of two groups; null while one is empty. The mean of a normal mixture, which finds small differences of common
 * events soonest, and of universal inference (Wasserman, Ramdas, Balakrishnan 2020), which is exact for any number of observations and
 * finds large differences of rare ones.
 */
export function ratesEvidence(first: Counts, second: Counts): Evidence | null {
  if (first.n < 1 || second.n < 1) return null;
  const normal = meansEvidence(smoothed(first), smoothed(second))!;
  const exact = universalRates(first, second);
  const effect = second.hits / second.n - first.hits / first.n;
  const against = (delta: number) => logMean([normal.against(delta), exact(delta)]);
  return { effect, against, range: OF_RATES };
}

/** How often only the second of two answers to one question was right, and only the first. */
export interface PairCounts {
  readonly n: number;
  readonly gained: number;
  readonly lost: number;
}

/** Evidence on the rates of two answers to the same questions, as {@link ratesEvidence}; null before the first. */
export function pairedRatesEvidence({ n, gained, lost }: PairCounts): Evidence | null {
  if (n < 1) return null;
  // One gain and one loss more keep the variance above 0.
  const mean = (gained - lost) / (n + 2);
  const normal = pairsEvidence({ n: n + 2, mean, m2: gained + lost + 2 - (n + 2) * mean * mean })!;
  const exact = universalPairs(gained, lost, n - gained - lost);
  const against = (delta: number) => logMean([normal.against(delta), exact(delta)]);
  return { effect: (gained - lost) / n, against, range: OF_RATES };
}

// One hit and one miss more in each group, after Agresti and Caffo (2000): a rate of 0 or 1 still has a variance.
function smoothed({ n, hits }: Counts): Moments {
  const mean = (hits + 1) / (n + 2);
  return { n: n + 2, mean, m2: (n + 2) * mean * (1 - mean) };
}

/**
 * Logarithm of the likelihood ratio of a t statistic under a normal mixture of effects to that under none, averaged over
 * {@link MIXTURES}. Exact for the mean of normal numbers, as differences of pairs may be; asymptotic for others and for two groups. Source: Johari, Koomen, Pekelis, Walsh, "Always
 * valid inference" (2022); for unknown variance Wang and Ramdas, "Anytime-valid t-tests and confidence sequences" (2024).
 */
function mixtureOf(distance: number, variance: number, size: number, degrees: number): number {
  if (distance === 0) return logMean(MIXTURES.map((width) => -0.5 * Math.log1p(width * size)));
  const t2 = (distance * distance) / variance / degrees;
  return logMean(
    MIXTURES.map((width) => {
      const ratio = 1 + width * size;
      const gain =
        t2 === Number.POSITIVE_INFINITY ? Math.log(ratio) : Math.log1p(t2) - Math.log1p(t2 / ratio);
      return ((degrees + 1) / 2) * gain - 0.5 * Math.log(ratio);
    }),
  );
}

// Jeffreys mixtures of both rates over the most likely pair of rates that differ by delta.
function universalRates(first: Counts, second: Counts): (delta: number) => number {
  const [missedFirst, missedSecond] = [first.n - first.hits, second.n - second.hits];
  const mixed = jeffreys(first.hits, missedFirst) + jeffreys(second.hits, missedSecond);
  return (delta) => {
    const [low, high] = [Math.max(0, -delta), Math.min(1, 1 - delta)];
    const slope = (rate: number) =>
      over(first.hits, rate) -
      over(missedFirst, 1 - rate) +
      over(second.hits, rate + delta) -
      over(missedSecond, 1 - rate - delta);
    const rate = rootOf(slope, low, high);
    const most =
      times(first.hits, rate) +
      times(missedFirst, 1 - rate) +
      times(second.hits, rate + delta) +
      times(missedSecond, 1 - rate - delta);
    return mixed - most;
  };
}

// A Jeffreys mixture of gain, loss and neither over the most likely three with gain - loss = delta.
function universalPairs(gained: number, lost: number, same: number): (delta: number) => number {
  const mixed =
    [gained, lost, same].reduce((sum, count) => sum + logGamma(count + 0.5) - logGamma(0.5), 0) +
    logGamma(1.5) -
    logGamma(1.5 + gained + lost + same);
  return (delta) => {
    // The rate of losses is what is free.
    const [low, high] = [Math.max(0, -delta), (1 - delta) / 2];
    const slope = (rate: number) =>
      over(gained, rate + delta) + over(lost, rate) - 2 * over(same, 1 - delta - 2 * rate);
    const rate = rootOf(slope, low, high);
    const most = times(gained, rate + delta) + times(lost, rate) + times(same, 1 - delta - 2 * rate);
    return mixed - most;
  };
}

const jeffreys = (hits: number, misses: number) => logBeta(hits + 0.5, misses + 0.5) - logBeta(0.5, 0.5);
const times = (count: number, rate: number) => (count === 0 ? 0 : count * Math.log(rate));
const over = (count: number, rate: number) => (count === 0 ? 0 : count / rate);

/** Where a falling function is 0 between two ends, or the end that it points to. */
function rootOf(slope: (x: number) => number, low: number, high: number): number {
  let [a, b] = [low, high];
  for (let i = 0; i < 44; i++) {
    const middle = (a + b) / 2;
    if (slope(middle) > 0) a = middle;
    else b = middle;
  }
  return (a + b) / 2;
}

function logMean(logs: readonly number[]): number {
  const most = Math.max(...logs);
  // Certain by one is certain by the mean; the difference of two infinities is none.
  if (most === Number.POSITIVE_INFINITY) return most;
  return most + Math.log(logs.reduce((sum, log) => sum + Math.exp(log - most), 0) / logs.length);
}
