// Symmetric positive-definite systems through the addon: what minimum-variance weights need.
import type { RawAddon } from './addon.ts';
import { requireArray, requireCount } from './arguments.ts';
import { type Ran, runLater, runNow } from './run.ts';

/** Arguments of `solveSpd`. */
export interface SolveSpdOptions {
  /** Order of the system. */
  readonly n: number;
  /** Number of right-hand sides. */
  readonly nrhs: number;
  /** Symmetric positive-definite matrix, [n, n] row-major; only its upper triangle is read. Left unchanged. */
  readonly a: Float64Array;
  /** Right-hand sides, [n, nrhs] row-major. Left unchanged. */
  readonly b: Float64Array;
}

/** What `solveSpd` returns: what ran, and the solution. */
export interface SolveSpdResult extends Ran {
  /** [n, nrhs] row-major, with `a x = b`. */
  readonly x: Float64Array;
}

const cpuCode = 1;

function rawArguments({ n, nrhs, a, b }: SolveSpdOptions): {
  raw: Parameters<RawAddon['solve_spd']>;
  x: Float64Array;
} {
  requireCount('n', n);
  requireCount('nrhs', nrhs);
  requireArray('a', a, n * n, new Float64Array(0));
  requireArray('b', b, n * nrhs, a);
  const x = new Float64Array(n * nrhs);
  return { raw: [cpuCode, n, nrhs, a, b, x], x };
}

/**
 * Returns the solution of `a x = b` by Cholesky factorization (f64, CPU). Cost n^3 / 3. For minimum-variance weights
 * pass the covariance matrix and a column of ones, then divide by the sum.
 * Throws `InvalidOptionError`, `ShapeMismatchError`, `NonFiniteInputError`, and `NotPositiveDefiniteError` when `a` has
 * no Cholesky factor (fewer observations than assets, or perfectly dependent ones). A nearly singular `a` may pass: its
 * solution then loses about log10(condition number) digits.
 * Source: LAPACK potrf and two BLAS triangular solves (Anderson et al. 1999, LAPACK Users' Guide).
 */
export function solveSpd(options: SolveSpdOptions): SolveSpdResult {
  const { raw, x } = rawArguments(options);
  return { ...runNow('solve_spd', (addon) => addon.solve_spd(...raw)), x };
}

/** The same as `solveSpd`, off the JavaScript thread; every error rejects. `a` and `b` must not change until it settles. */
export async function solveSpdAsync(options: SolveSpdOptions): Promise<SolveSpdResult> {
  const { raw, x } = rawArguments(options);
  return { ...(await runLater('solve_spd', (addon) => addon.solve_spdAsync(...raw))), x };
}
