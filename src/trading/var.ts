// Value at risk and expected shortfall of a book by Monte-Carlo simulation of correlated normal returns.
import { InvalidOptionError, NonFiniteInputError, ShapeMismatchError } from '../core/errors.ts';
import { PHILOX_NAME, Philox } from '../core/philox.ts';
import { type Gemm, momentsOf, pivotedCholesky } from './covariance.ts';

export interface VarInput {
  /** [assets]: signed notional of each position in quote currency. */
  readonly values: Float64Array;
  /** [bars, assets], row = one bar: simple returns as fractions. */
  readonly returns: Float64Array;
  readonly horizonBars: number;
  /** Of the loss not being exceeded: 0.99 means the worst hundredth lies beyond. In [0.5, 1). */
  readonly confidence: number;
  readonly paths: number;
  readonly seed: number | bigint;
}

/** Everything needed to compute the same figures again. */
export interface VarConvention {
  readonly method: 'monte-carlo-normal';
  readonly sign: 'loss positive';
  readonly confidence: number;
  readonly horizon_bars: number;
  readonly paths: number;
  readonly seed: string;
  readonly generator: string;
}

/** Losses are positive, in quote currency, over the whole horizon. */
export interface VarResult {
  readonly var: number;
  readonly cvar: number;
  readonly var_standard_error: number;
  readonly cvar_standard_error: number;
  /** Mean profit over the horizon that the returns imply (drift); above zero is a gain. */
  readonly expected_pnl: number;
  /** Bars of history used. */
  readonly observations: number;
  /** Independent directions in the covariance; below the number of assets where history is short or assets are twins. */
  readonly rank: number;
  readonly convention: VarConvention;
}

/** Paths beyond the quantile below which neither figure nor its error means anything. */
const MIN_TAIL_PATHS = 10;
/** Normals held at a time: 4 MB, so that paths x assets never decides the memory. */
const BLOCK_NORMALS = 524_288;

/**
 * Simulates the book's profit over the horizon. Returns of the history give mean and covariance (ddof 1); horizon
 * returns are normal with h x mean and h x covariance (independent bars), correlated by a root L of the covariance
 * (pivoted Cholesky); positions stay as they are. Each path draws one normal per asset, Z [paths, assets], and its
 * profit is h x mean'w + sqrt(h) x Z (L'w): the root is applied to the positions w once instead of to every path, which is the
 * same number for a linear book.
 *
 * VaR is the k-th smallest loss, k = ceil(paths x confidence); CVaR the mean of the worst 1 - confidence (Acerbi and
 * Tasche, "On the coherence of expected shortfall", 2002). Standard error of VaR: the spread of the order statistics
 * sqrt(n p (1 - p)) ranks either side, halved (Woodruff 1952); of CVaR: the asymptotic form of Trindade et al. (2007).
 *
 * The same input gives the same bits on one machine and gemm. Blocks the caller for about 0.1 us x paths x assets.
 * Throws ShapeMismatchError, InvalidOptionError, NonFiniteInputError and InsufficientHistoryError (below 2 bars).
 */
export function monteCarloVar(input: VarInput, gemm: Gemm): VarResult {
  const bars = check(input);
  const { values, returns, horizonBars, confidence, paths, seed } = input;
  const assets = values.length;
  const { mean, covariance } = momentsOf(returns, bars, assets, gemm);
  const { root, rank } = pivotedCholesky(covariance, assets);

  let drift = 0;
  for (let j = 0; j < assets; j++) drift += mean[j]! * values[j]! * horizonBars;
  const scale = Math.sqrt(horizonBars);
  const exposure = new Float64Array(assets);
  for (let i = 0; i < assets; i++) {
    for (let k = 0; k < rank; k++) exposure[k]! += root[i * assets + k]! * values[i]! * scale;
  }

  const losses = new Float64Array(paths);
  // Blocks start at an even path so that each starts at an even normal, as the generator wants.
  const rows = Math.max(2, Math.floor(BLOCK_NORMALS / assets / 2) * 2);
  const normals = new Float64Array(Math.min(rows, paths) * assets);
  const generator = new Philox(seed);
  for (let start = 0; start < paths; start += rows) {
    const count = Math.min(rows, paths - start);
    const z = generator.fillNormal(normals.subarray(0, count * assets), start * assets);
    gemm(count, 1, assets, z, exposure, losses.subarray(start, start + count));
  }
  for (let i = 0; i < paths; i++) losses[i] = -(losses[i]! + drift);
  losses.sort();

  return {
    ...tailOf(losses, confidence),
    expected_pnl: drift,
    observations: bars,
    rank,
    convention: {
      method: 'monte-carlo-normal',
      sign: 'loss positive',
      confidence,
      horizon_bars: horizonBars,
      paths,
      seed: String(seed),
      generator: PHILOX_NAME,
    },
  };
}

export type Tail = Pick<VarResult, 'var' | 'cvar' | 'var_standard_error' | 'cvar_standard_error'>;

/** Quantile, tail mean and their standard errors of losses sorted ascending; formulas as in `monteCarloVar`. */
export function tailOf(sorted: Float64Array, confidence: number): Tail {
  const n = sorted.length;
  // n x 0.95 may come out an epsilon above a whole number in binary; the rank must not jump for that.
  const rank = Math.max(1, Math.ceil(n * confidence * (1 - 2 * Number.EPSILON)));
  const quantile = sorted[rank - 1]!;
  const tail = n * (1 - confidence);
  let sum = (rank - n * confidence) * quantile;
  for (let i = rank; i < n; i++) sum += sorted[i]!;
  const cvar = sum / tail;

  const spread = Math.sqrt(n * confidence * (1 - confidence));
  const high = Math.min(n - 1, Math.round(rank - 1 + spread));
  const low = Math.max(0, Math.round(rank - 1 - spread));
  const varError = high > low ? ((sorted[high]! - sorted[low]!) / (high - low)) * spread : 0;

  let squares = 0;
  for (let i = rank; i < n; i++) squares += (sorted[i]! - cvar) ** 2;
  const variance = squares / tail + confidence * (cvar - quantile) ** 2;
  return {
    var: quantile,
    cvar,
    var_standard_error: varError,
    cvar_standard_error: Math.sqrt(variance / tail),
  };
}

/** Returns the number of bars. */
function check({ values, returns, horizonBars, confidence, paths }: VarInput): number {
  const assets = values.length;
  if (assets === 0 || returns.length % assets !== 0) {
    throw new ShapeMismatchError(
      `Expected returns of ${assets} assets, one column per position, was ${returns.length} values`,
    );
  }
  if (!Number.isSafeInteger(horizonBars) || horizonBars < 1)
    throw new InvalidOptionError('Expected horizon_bars of at least 1');
  if (!(confidence >= 0.5 && confidence < 1))
    throw new InvalidOptionError('Expected confidence from 0.5 to below 1');
  const needed = Math.ceil(MIN_TAIL_PATHS / (1 - confidence) - 1e-6);
  if (!Number.isSafeInteger(paths) || paths < needed) {
    throw new InvalidOptionError(`Expected at least ${needed} paths at confidence ${confidence}`);
  }
  if (!values.every((x) => Number.isFinite(x)))
    throw new NonFiniteInputError('Expected finite position values');
  if (!returns.every((x) => Number.isFinite(x))) throw new NonFiniteInputError('Expected finite returns');
  return returns.length / assets;
}
