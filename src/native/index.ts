// The native kernels as typed functions; the only file of this folder that other modules import.
import { type BuildInfo, type KernelRow, loadAddon } from './addon.ts';
import { requireCount } from './arguments.ts';

export { type BuildInfo, type FloatArray, isAddonBuilt, type KernelRow } from './addon.ts';
export type { BackendOption } from './arguments.ts';
export { NotPositiveDefiniteError } from './errors.ts';
export { type GemmOptions, type GemmResult, gemm, gemmAsync } from './gemm.ts';
export { type RsiOptions, type RsiResult, rsi, rsiAsync } from './rsi.ts';
export type { Ran } from './run.ts';
export { type SolveSpdOptions, type SolveSpdResult, solveSpd, solveSpdAsync } from './solve-spd.ts';

/** Returns what the loaded addon is: compiler, flags, SIMD targets, BLAS, Metal. Throws `BackendUnavailableError`. */
export function buildInfo(): BuildInfo {
  return loadAddon().buildInfo();
}

/** Returns the rows of the native kernel table, one for each kernel. Throws `BackendUnavailableError`. */
export function kernels(): readonly KernelRow[] {
  return loadAddon().kernels();
}

/**
 * Sets how many threads BLAS may use in this process (all Workers share it) and returns how many it now uses: OpenBLAS
 * caps at its own maximum; Accelerate decides by itself and the answer is 0. `threads` is an integer from 1.
 * Throws `InvalidOptionError`, `BackendUnavailableError`.
 */
export function setThreads(threads: number): number {
  requireCount('threads', threads, 1);
  return loadAddon().setThreads(threads);
}
