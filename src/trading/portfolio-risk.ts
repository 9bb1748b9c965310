// Measures of a portfolio of constant weights from the returns of its assets: historical simulation, no distribution assumed.
import { InvalidOptionError, NonFiniteInputError, ShapeMismatchError } from '../core/errors.ts';
import type { Gemm } from './covariance.ts';
import { performance } from './performance.ts';
import { tailOf } from './var.ts';

/** A number, or null with the reason. */
export interface Figure {
  readonly value: number | null;
  readonly reason?: string;
}

/** Tail figures of one level, over the horizon; losses are positive fractions of the portfolio. */
export interface TailFigures {
  readonly var: Figure;
  readonly cvar: Figure;
  /** Of sampling, for independent bars. */
  readonly var_standard_error: number | null;
  readonly cvar_standard_error: number | null;
}

/** Returns of a portfolio and what they span. */
export interface PortfolioSeries {
  /** [bars]: simple returns as fractions, oldest first. */
  readonly returns: Float64Array;
  /** [bars]: microseconds since the epoch, increasing. */
  readonly times: Float64Array;
  /** Microseconds of one bar, above 0. */
  readonly intervalUs: number;
}

/** How bars become figures. */
export interface RiskConventions {
  /** Length of the horizon in bars, above 0; need not be whole. */
  readonly horizonBars: number;
  readonly periodsPerYear: number;
  /** A year, as a fraction. */
  readonly riskFreeRate: number;
}

/**
 * Returns the [bars] returns of a portfolio that is brought back to `weights` [assets] at each bar, so that what is missing from 1 is cash
 * without interest: `returns` [bars, assets] times `weights`. Throws ShapeMismatchError, NonFiniteInputError.
 */
export function portfolioReturns(
  returns: Float64Array,
  bars: number,
  weights: Float64Array,
  gemm: Gemm,
): Float64Array {
  if (returns.length !== bars * weights.length) {
    throw new ShapeMismatchError(`Expected returns of ${weights.length} assets at ${bars} bars`);
  }
  const out = new Float64Array(bars);
  if (weights.length > 0 && bars > 0) gemm(bars, 1, weights.length, returns, weights, out);
  if (!out.every((x) => Number.isFinite(x))) throw new NonFiniteInputError('Expected finite returns');
  return out;
}

/**
 * Returns value at risk and expected shortfall of one `level` in (0.5, 1): the k-th smallest loss of one bar, k = ceil(bars x level), and
 * the mean of the worst 1 - level (Acerbi and Tasche 2002, as in `tailOf`), times the square root of the horizon in bars. The root is exact
 * for independent bars of mean zero. Null below 1 / (1 - level) bars, where the quantile would be the worst loss itself.
 */
export function tailFigures(returns: Float64Array, level: number, horizonBars: number): TailFigures {
  if (!(level > 0.5 && level < 1)) throw new InvalidOptionError('Expected a level above 0.5 and below 1');
  const needed = Math.ceil(1 / (1 - level) - 1e-6);
  if (returns.length < needed) {
    const absent = { value: null, reason: `needs at least ${needed} returns` };
    return { var: absent, cvar: absent, var_standard_error: null, cvar_standard_error: null };
  }
  const scale = Math.sqrt(horizonBars);
  const losses = returns.map((r) => -r).sort();
  const tail = tailOf(losses, level);
  return {
    // A loss of minus zero is no loss.
    var: { value: tail.var * scale + 0 },
    cvar: { value: tail.cvar * scale + 0 },
    var_standard_error: tail.var_standard_error * scale,
    cvar_standard_error: tail.cvar_standard_error * scale,
  };
}

/** Figures that have no level. */
export interface WholeFigures {
  /** Largest fall from a peak within the history, as a fraction; not scaled. */
  readonly max_drawdown: Figure;
  /** A year, arithmetic. */
  readonly sharpe_ratio: Figure;
  /** Standard deviation over the horizon, ddof 1. */
  readonly volatility: Figure;
}

/** Returns what `performance` says of the curve that the returns make, volatility scaled to the horizon. */
export function wholeFigures(series: PortfolioSeries, conventions: RiskConventions): WholeFigures {
  const { returns, times, intervalUs } = series;
  const { periodsPerYear, riskFreeRate, horizonBars } = conventions;
  const equity = new Float64Array(returns.length + 1).fill(1);
  for (const [i, r] of returns.entries()) equity[i + 1] = equity[i]! * (1 + r);
  const stamps = new Float64Array(equity.length);
  stamps.set(times, 1);
  stamps[0] = (times[0] ?? 0) - intervalUs;
  const measured = performance(equity, stamps, {
    periods_per_year: periodsPerYear,
    risk_free_rate: riskFreeRate,
  });
  const { volatility } = measured;
  return {
    max_drawdown: figureOf(measured.max_drawdown),
    sharpe_ratio: figureOf(measured.sharpe),
    volatility: figureOf({
      ...volatility,
      value: volatility.value === null ? null : volatility.value * Math.sqrt(horizonBars / periodsPerYear),
    }),
  };
}

/** Returns cov(portfolio, benchmark) / var(benchmark) of returns at the same bars, ddof 1. */
export function betaTo(returns: Float64Array, benchmark: Float64Array): Figure {
  if (returns.length !== benchmark.length)
    throw new ShapeMismatchError('Expected a benchmark of as many bars');
  const n = returns.length;
  if (n < 2) return { value: null, reason: 'needs at least 2 returns' };
  const [a, b] = [meanOf(returns), meanOf(benchmark)];
  let [both, own] = [0, 0];
  for (let i = 0; i < n; i++) {
    both += (returns[i]! - a) * (benchmark[i]! - b);
    own += (benchmark[i]! - b) ** 2;
  }
  return own > 0 ? { value: both / own } : { value: null, reason: 'the benchmark does not vary' };
}

function meanOf(values: Float64Array): number {
  return values.reduce((sum, x) => sum + x, 0) / values.length;
}

function figureOf({ value, reason }: { value: number | null; reason?: string }): Figure {
  return reason === undefined ? { value } : { value, reason };
}
