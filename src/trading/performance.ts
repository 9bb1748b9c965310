// Performance measures of an equity curve in float64; each result names its convention and its sample.
import { InvalidOptionError, NonFiniteInputError, ShapeMismatchError } from '../core/errors.ts';
import { YEAR_US } from './periods.ts';

/** What annualises: bars a year (see `inferPeriodsPerYear`) and the risk-free rate a year as a fraction. */
export interface Conventions {
  readonly periods_per_year: number;
  readonly risk_free_rate: number;
}

/** One measure. `value` is null where it is not defined, and `reason` then says why. */
export interface Measure {
  readonly value: number | null;
  readonly reason?: string;
  /** Number of returns (equity points less one). */
  readonly sample_size: number;
  /** The formula in words. */
  readonly convention: string;
}

/** The deepest fall; times of its peak and valley in microseconds, null where there was none. */
export interface DrawdownMeasure extends Measure {
  readonly peak_ts_us: number | null;
  readonly valley_ts_us: number | null;
}

/** All measures; fractions, not percent. */
export interface Performance {
  readonly conventions: Conventions;
  readonly total_return: Measure;
  readonly annualised_return: Measure;
  readonly volatility: Measure;
  readonly sharpe: Measure;
  readonly sortino: Measure;
  readonly max_drawdown: DrawdownMeasure;
  readonly calmar: Measure;
}

/** A return is a quotient near 1 less 1, so its own rounding is up to an epsilon; a deviation that small is none. */
export const NO_DISPERSION = 4 * Number.EPSILON;

const ruined = 'equity was zero or below';
const tooFew = 'needs at least 2 returns';

/** Returns simple returns `equity[i + 1] / equity[i] - 1`, length n - 1 (0 for an empty curve). */
export function simpleReturns(equity: Float64Array): Float64Array {
  const returns = new Float64Array(Math.max(0, equity.length - 1));
  for (let i = 0; i < returns.length; i++) returns[i] = equity[i + 1]! / equity[i]! - 1;
  return returns;
}

/** Returns the per-period rate that compounds to `annual` over a year: (1 + annual)^(1 / periodsPerYear) - 1. */
export function perPeriodRate(annual: number, periodsPerYear: number): number {
  return Math.expm1(Math.log1p(annual) / periodsPerYear);
}

/**
 * Measures an equity curve. `equity` is in quote currency, `timestampsUs` in microseconds, increasing, same length.
 * Sharpe: Sharpe, "The Sharpe Ratio" (1994), arithmetic mean over standard deviation (ddof 1), times sqrt(periods).
 * Sortino: Sortino and Price (1994), downside deviation over all returns, the risk-free rate as the target.
 * Calmar: Young (1991), here over the whole curve. Throws ShapeMismatchError, NonFiniteInputError and InvalidOptionError
 * (timestamps that don't increase, conventions out of range).
 */
export function performance(
  equity: Float64Array,
  timestampsUs: Float64Array,
  conventions: Conventions,
): Performance {
  check(equity, timestampsUs, conventions);
  const { periods_per_year: periods, risk_free_rate } = conventions;
  const n = Math.max(0, equity.length - 1);
  const positive = equity.every((x) => x > 0);
  const free = perPeriodRate(risk_free_rate, periods);
  const { mean, deviation, downside } = moments(simpleReturns(equity), free);

  const measure = (convention: string, absent: string | null, value: () => number): Measure => {
    const base = { sample_size: n, convention };
    if (absent !== null) return { value: null, reason: absent, ...base };
    const x = value();
    return Number.isFinite(x)
      ? { value: x, ...base }
      : { value: null, reason: 'beyond the range of float64', ...base };
  };
  const none = n < 1 ? 'needs at least 1 return' : null;
  const unstable = n < 2 ? tooFew : positive ? null : ruined;
  const growth = equity[n]! / equity[0]!;
  const elapsed = timestampsUs[n]! - timestampsUs[0]!;
  const yearly = () => growth ** (YEAR_US / elapsed) - 1;
  const fall = deepest(equity);
  const unfallen = fall !== null && fall.depth === 0 ? 'no drawdown' : null;

  return {
    conventions,
    total_return: measure('end / start - 1', none ?? (equity[0]! > 0 ? null : ruined), () => growth - 1),
    annualised_return: measure(
      'compound: (end / start)^(365.25 days / elapsed) - 1',
      none ?? (positive ? null : ruined),
      yearly,
    ),
    volatility: measure(
      'standard deviation of simple returns (ddof 1) x sqrt(periods_per_year)',
      unstable,
      () => deviation * Math.sqrt(periods),
    ),
    sharpe: measure(
      'arithmetic mean excess return / standard deviation (ddof 1) x sqrt(periods_per_year); risk-free compounded per period',
      unstable ?? (deviation > NO_DISPERSION ? null : 'zero volatility'),
      () => ((mean - free) / deviation) * Math.sqrt(periods),
    ),
    sortino: measure(
      'arithmetic mean excess return / root mean square of excess returns below 0 (over all returns) x sqrt(periods_per_year)',
      unstable ?? (downside > NO_DISPERSION ? null : 'no return below the risk-free rate'),
      () => ((mean - free) / downside) * Math.sqrt(periods),
    ),
    max_drawdown: {
      ...measure(
        'largest 1 - equity / running peak',
        none ?? (fall === null ? ruined : null),
        () => fall!.depth,
      ),
      peak_ts_us: fall !== null && fall.depth > 0 ? timestampsUs[fall.peak]! : null,
      valley_ts_us: fall !== null && fall.depth > 0 ? timestampsUs[fall.valley]! : null,
    },
    calmar: measure(
      'annualised_return / max_drawdown over the whole curve',
      none ?? (positive ? unfallen : ruined),
      () => yearly() / fall!.depth,
    ),
  };
}

/** Two passes: the mean, then squares around it (ddof 1) and below the target (over all). */
function moments(returns: Float64Array, target: number) {
  const n = returns.length;
  let sum = 0;
  for (const r of returns) sum += r;
  const mean = sum / n;
  let squares = 0;
  let below = 0;
  for (const r of returns) {
    squares += (r - mean) ** 2;
    if (r < target) below += (r - target) ** 2;
  }
  return { mean, deviation: Math.sqrt(squares / (n - 1)), downside: Math.sqrt(below / n) };
}

/** The first deepest fall from a running peak; null when the curve starts at or below zero. */
function deepest(equity: Float64Array): { depth: number; peak: number; valley: number } | null {
  if (!(equity[0]! > 0)) return null;
  let top = 0;
  let [depth, peak, valley] = [0, 0, 0];
  for (let i = 1; i < equity.length; i++) {
    if (equity[i]! > equity[top]!) top = i;
    const fall = 1 - equity[i]! / equity[top]!;
    if (fall > depth) [depth, peak, valley] = [fall, top, i];
  }
  return { depth, peak, valley };
}

function check(equity: Float64Array, timestampsUs: Float64Array, conventions: Conventions): void {
  if (equity.length !== timestampsUs.length) {
    throw new ShapeMismatchError(
      `Expected ${equity.length} timestamps, one per equity value, was ${timestampsUs.length}`,
    );
  }
  const { periods_per_year, risk_free_rate } = conventions;
  if (!(periods_per_year > 0 && Number.isFinite(periods_per_year))) {
    throw new InvalidOptionError('Expected periods_per_year above 0');
  }
  if (!(risk_free_rate > -1 && Number.isFinite(risk_free_rate))) {
    throw new InvalidOptionError('Expected risk_free_rate above -1, as a fraction a year');
  }
  for (let i = 0; i < equity.length; i++) {
    if (!Number.isFinite(equity[i]!) || !Number.isFinite(timestampsUs[i]!)) {
      throw new NonFiniteInputError(`Expected finite equity and timestamps, was not at index ${i}`);
    }
    if (i > 0 && !(timestampsUs[i]! > timestampsUs[i - 1]!)) {
      throw new InvalidOptionError(`Expected timestamps that increase, did not at index ${i}`);
    }
  }
}
