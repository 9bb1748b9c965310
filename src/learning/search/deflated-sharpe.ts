// How likely the Sharpe ratio of the best of many trials is above what luck alone would give the best of them.
import { InvalidOptionError } from '../../core/errors.ts';
import { normalBelow } from './samplers/normal.ts';

/** The best of a search, its Sharpe ratio per holding and not annualised. */
export interface BestSharpe {
  readonly sharpe: number;
  /** Holdings that it is measured on, at least 2. */
  readonly observations: number;
  /** Of the returns of holdings. */
  readonly skewness: number;
  /** Of the returns of holdings; 3 of a normal distribution. */
  readonly kurtosis: number;
  /** Trials that were compared, at least 1; those that are much alike count as one. */
  readonly trials: number;
  /** Standard deviation of the Sharpe ratios of the trials, per holding. */
  readonly deviation: number;
}

/** What is left of it. */
export interface DeflatedSharpe {
  /** Sharpe ratio per holding that the best of as many trials without any skill is expected to have; 0 for one trial. */
  readonly threshold: number;
  /** Probability from 0 to 1 that the true ratio is above the threshold: the deflated Sharpe ratio. */
  readonly probability: number;
}

/** Euler and Mascheroni's. */
const GAMMA = 0.5772156649015329;

/**
 * Returns the deflated Sharpe ratio (Bailey and Lopez de Prado 2014, The Deflated Sharpe Ratio, equations 1, 2 and 9). Throws InvalidOptionError for
 * numbers out of range, and for moments that no returns have.
 */
export function deflatedSharpe(best: BestSharpe): DeflatedSharpe {
  const { sharpe, observations, skewness, kurtosis, trials, deviation } = best;
  const spread = 1 - skewness * sharpe + ((kurtosis - 1) / 4) * sharpe ** 2;
  const holds =
    [sharpe, skewness, kurtosis, deviation].every(Number.isFinite) && deviation >= 0 && spread > 0;
  if (!holds || !(observations >= 2 && trials >= 1))
    throw new InvalidOptionError('Expected finite moments of at least 2 holdings and at least 1 trial');
  const threshold =
    trials > 1 ? deviation * ((1 - GAMMA) * upper(1 / trials) + GAMMA * upper(1 / (trials * Math.E))) : 0;
  const z = ((sharpe - threshold) * Math.sqrt(observations - 1)) / Math.sqrt(spread);
  return { threshold, probability: normalBelow(z) };
}

/**
 * Returns the deflated Sharpe ratio of the trial whose holdings earned `net`, the best of trials with the annualised Sharpe ratios `trials` (its own among
 * them); null below 3 holdings and where the returns never move. Moments are of the population, the deviation of the ratio that of a sample.
 */
export function deflatedSharpeOf(
  net: Float64Array,
  trials: readonly number[],
  periodsPerYear: number,
): DeflatedSharpe | null {
  const { length } = net;
  if (length < 3 || trials.length === 0) return null;
  const mean = net.reduce((sum, value) => sum + value, 0) / length;
  const power = (k: number) => net.reduce((sum, value) => sum + (value - mean) ** k, 0) / length;
  const variance = power(2);
  if (!(variance > 0)) return null;
  return deflatedSharpe({
    sharpe: mean / Math.sqrt((variance * length) / (length - 1)),
    observations: length,
    skewness: power(3) / variance ** 1.5,
    kurtosis: power(4) / variance ** 2,
    trials: trials.length,
    deviation: deviationOf(trials) / Math.sqrt(periodsPerYear),
  });
}

function deviationOf(values: readonly number[]): number {
  if (values.length < 2) return 0;
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return Math.sqrt(squares / (values.length - 1));
}

/** Returns the number above which a standard normal variable lies with probability `share`, in (0, 1), to 1e-12. */
function upper(share: number): number {
  let [low, high] = [-40, 40];
  while (high - low > 1e-12) {
    const middle = (low + high) / 2;
    // Far out the lower tail keeps the digits that 1 minus it would lose.
    if (normalBelow(-middle) > share) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}
