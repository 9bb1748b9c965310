// Matrix product through the addon, with the checks of its arguments.
import type { FloatArray, RawAddon } from './addon.ts';
import {
  type BackendOption,
  backendCode,
  requireApart,
  requireArray,
  requireCount,
  requireFactor,
} from './arguments.ts';
import { type Ran, runLater, runNow } from './run.ts';

/** Arguments of `gemm`: `out = alpha * op(a) * op(b) + beta * out`, all row-major and without gaps. */
export interface GemmOptions<A extends FloatArray = FloatArray> {
  /** Rows of op(a) and of out. */
  readonly m: number;
  /** Columns of op(b) and of out. */
  readonly n: number;
  /** Columns of op(a), rows of op(b). */
  readonly k: number;
  /** [m, k], or [k, m] with `transA`. */
  readonly a: A;
  /** [k, n], or [n, k] with `transB`. */
  readonly b: A;
  /** [m, n]; written, and read only when `beta` is not 0. Must not overlap `a` or `b`. */
  readonly out: A;
  /** Whether op(a) is the transpose of `a`; default false. */
  readonly transA?: boolean;
  /** Whether op(b) is the transpose of `b`; default false. */
  readonly transB?: boolean;
  /** Factor of the product; default 1. */
  readonly alpha?: number;
  /** Factor of what `out` holds; default 0. */
  readonly beta?: number;
  readonly backend?: BackendOption;
}

/** What `gemm` returns: what ran, and the caller's own `out`. */
export interface GemmResult<A extends FloatArray = FloatArray> extends Ran {
  readonly out: A;
}

type RawArguments = Parameters<RawAddon['gemm']>;

function rawArguments(options: GemmOptions): RawArguments {
  const { m, n, k, a, b, out, transA = false, transB = false, alpha = 1, beta = 0, backend } = options;
  const code = backendCode(backend);
  requireCount('m', m);
  requireCount('n', n);
  requireCount('k', k);
  requireFactor('alpha', alpha);
  requireFactor('beta', beta);
  requireArray('a', a, m * k);
  requireArray('b', b, k * n, a);
  requireArray('out', out, m * n, a);
  requireApart('out', out, a);
  requireApart('out', out, b);
  return [code, m, n, k, a, b, out, transA === true, transB === true, alpha, beta];
}

/**
 * Returns the matrix product in the caller's `out` ([m, n], row-major) and what ran it. Float64Array and Float32Array,
 * all three of one class; NaN and infinity follow IEEE 754. Sizes of 0 are allowed: with `k` 0 the result is
 * `beta * out`. One call costs about 1.5 us, so a loop in TypeScript wins below about 12 x 12. Blocks the thread: take `gemmAsync` when m * n * k exceeds about 10^7.
 * Throws `InvalidOptionError`, `ShapeMismatchError`, `BackendUnavailableError`.
 * Source: BLAS level 3 (Dongarra et al. 1990), by Accelerate or OpenBLAS.
 */
export function gemm<A extends FloatArray>(options: GemmOptions<A>): GemmResult<A> {
  const raw = rawArguments(options);
  return { ...runNow('gemm', (addon) => addon.gemm(...raw)), out: options.out };
}

/**
 * The same as `gemm`, off the JavaScript thread; every error rejects. Until it settles the arrays must be neither
 * written, read (`out`) nor transferred: the kernel works in their memory.
 */
export async function gemmAsync<A extends FloatArray>(options: GemmOptions<A>): Promise<GemmResult<A>> {
  const raw = rawArguments(options);
  return { ...(await runLater('gemm', (addon) => addon.gemmAsync(...raw))), out: options.out };
}
