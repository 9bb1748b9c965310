// The native kernels as typed functions; the only file of this folder that other modules import.
import { type BuildInfo, type KernelRow, loadAddon } from './addon.ts';
import { refuse } from './arguments.ts';

export {
  addonFile,
  type BuildInfo,
  type FloatArray,
  isAddonBuilt,
  type KernelRow,
  type MetalCounts,
  type MetalHealth,
  type MetalPipeline,
  type NativeArray,
} from './addon.ts';
export type { BackendOption } from './arguments.ts';
export type { Ran } from './backend.ts';
export {
  type ArraySpec,
  type Dtype,
  type KernelDef,
  type OptionSpec,
  resolveDim,
  shapeOf,
} from './define.ts';
export { CancelledError, NotPositiveDefiniteError } from './errors.ts';
export { type Kernel, type KernelOptions, type KernelResult, SYNCHRONOUS_NS } from './kernel.ts';
export { FAMILIES, KERNELS } from './kernels/index.ts';
export * from './kernels/learning/index.ts';
export * from './kernels/matrix/index.ts';
export * from './kernels/montecarlo/index.ts';
export * from './kernels/portfolio/index.ts';
export * from './kernels/statistics/index.ts';
export * from './kernels/system/index.ts';
export {
  metalCounts,
  metalHealth,
  metalPipelines,
  metalSwitch,
  setMetalBreaker,
  setMetalFrom,
} from './metal.ts';
export { placer } from './placer.ts';
export { type PoolScope, type PoolStats, pool } from './pool.ts';
export type { TreeModel, TreeProgress, TreeRows } from './tree-model.ts';
export {
  explainTrees,
  GROWTHS,
  type Growth,
  OBJECTIVES,
  type Objective,
  predictTrees,
  TreeFit,
  type TreeOptions,
} from './trees.ts';

/** Returns what the loaded addon is: compiler, flags, SIMD targets, BLAS, Metal. Throws `BackendUnavailableError`. */
export function buildInfo(): BuildInfo {
  return loadAddon().buildInfo();
}

/** Returns the rows of the native kernel table, one for each kernel and indicator. Throws `BackendUnavailableError`. */
export function kernels(): readonly KernelRow[] {
  return loadAddon().kernels();
}

/**
 * Sets how many threads kernels and BLAS may use in this process (all Workers share it) and returns how many that is.
 * `threads` is an integer from 1 to 1024. Throws `InvalidOptionError`, `BackendUnavailableError`.
 */
export function setThreads(threads: number): number {
  if (!Number.isInteger(threads) || threads < 1 || threads > 1024)
    refuse(
      'threads',
      'an integer from 1 to 1024',
      typeof threads === 'number' ? 'out of range' : typeof threads,
    );
  return loadAddon().setThreads(threads);
}
