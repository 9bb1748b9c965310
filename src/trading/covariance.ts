// Mean, covariance and a root of it, for the simulations of risk. Large products go through an injected gemm.
import { InsufficientHistoryError } from '../core/errors.ts';

/** Row-major float64 matrix product: `out` [m, n] = `a` [m, k] x `b` [k, n]; `out` is overwritten. */
export type Gemm = (
  m: number,
  n: number,
  k: number,
  a: Float64Array,
  b: Float64Array,
  out: Float64Array,
) => void;

export interface Moments {
  /** [assets], per bar. */
  readonly mean: Float64Array;
  /** [assets, assets], per bar, ddof 1. */
  readonly covariance: Float64Array;
}

/**
 * Returns mean and covariance (ddof 1) of `returns` [bars, assets], row = one bar, in two passes: centred first, so that
 * a mean far from zero costs no digits. Throws InsufficientHistoryError below 2 bars; NaN spreads to its asset.
 */
export function momentsOf(returns: Float64Array, bars: number, assets: number, gemm: Gemm): Moments {
  if (bars < 2) throw new InsufficientHistoryError('Expected at least 2 bars of returns', 2, bars);
  const mean = new Float64Array(assets);
  for (let i = 0; i < bars; i++) for (let j = 0; j < assets; j++) mean[j]! += returns[i * assets + j]!;
  for (let j = 0; j < assets; j++) mean[j]! /= bars;
  const centred = new Float64Array(bars * assets);
  const transposed = new Float64Array(bars * assets);
  for (let i = 0; i < bars; i++) {
    for (let j = 0; j < assets; j++) {
      const x = returns[i * assets + j]! - mean[j]!;
      centred[i * assets + j] = x;
      transposed[j * bars + i] = x;
    }
  }
  const covariance = new Float64Array(assets * assets);
  gemm(assets, assets, bars, transposed, centred, covariance);
  for (let i = 0; i < covariance.length; i++) covariance[i]! /= bars - 1;
  return { mean, covariance };
}

export interface Root {
  /** [n, n], row-major: `root` x its transpose gives the matrix. Columns from `rank` on are zero. */
  readonly root: Float64Array;
  /** Independent directions of the matrix. */
  readonly rank: number;
}

/**
 * Returns a root of `matrix` [n, n] (symmetric, semi-definite) by Cholesky with complete pivoting (Higham, "Analysis of
 * the Cholesky decomposition of a semi-definite matrix", 1990), so short history and twin assets are welcome: rows are
 * permuted triangular, and what remains below 8 n epsilon of its own variance is rounding and is dropped. Works on the
 * correlation, so that an asset of tiny variance counts like any other. Costs n^2 x rank.
 */
export function pivotedCholesky(matrix: Float64Array, n: number): Root {
  const scale = Float64Array.from({ length: n }, (_, i) => Math.sqrt(Math.max(0, matrix[i * n + i]!)));
  const root = new Float64Array(n * n);
  /** What of each unit variance is not yet explained; 0 once a row has been pivot. */
  const rest = Float64Array.from(scale, (s) => (s > 0 ? 1 : 0));
  const tolerance = 8 * n * Number.EPSILON;
  let rank = 0;
  for (; rank < n; rank++) {
    let p = 0;
    for (let i = 1; i < n; i++) if (rest[i]! > rest[p]!) p = i;
    if (!(rest[p]! > tolerance)) break;
    const pivot = Math.sqrt(rest[p]!);
    rest[p] = 0;
    root[p * n + rank] = pivot;
    for (let i = 0; i < n; i++) {
      if (rest[i]! <= 0) continue;
      let x = matrix[i * n + p]! / (scale[i]! * scale[p]!);
      for (let k = 0; k < rank; k++) x -= root[i * n + k]! * root[p * n + k]!;
      x /= pivot;
      root[i * n + rank] = x;
      rest[i]! -= x * x;
    }
  }
  for (let i = 0; i < n; i++) for (let k = 0; k < rank; k++) root[i * n + k]! *= scale[i]!;
  return { root, rank };
}
