// Loads the compiled addon on first use and types its raw exports; callers use index.ts.
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { BackendUnavailableError, InvalidOptionError } from '../core/errors.ts';
import type { RawTreeFit, TreeModel, TreeRows } from './tree-model.ts';

/** The element types that kernels work on. */
export type FloatArray = Float32Array | Float64Array;

/** Everything that a kernel reads or writes. */
export type NativeArray = FloatArray | Int32Array | Uint32Array | Uint8Array;

/** One row of the native kernel table, as `kernels()` returns it. */
export interface KernelRow {
  /** Name of the kernel: `gemm`, `rolling_mean`, `solve_spd`. */
  readonly id: string;
  /** Input and output shapes in words, row-major. */
  readonly shape: string;
  /** Element types that the kernel has. */
  readonly dtypes: readonly ('f32' | 'f64')[];
  /** What computes it on the CPU: Highway SIMD or the platform's BLAS and LAPACK. */
  readonly cpu: 'hwy' | 'blas';
  /** The instruction set or BLAS kernel set chosen on this machine. */
  readonly cpuTarget: string;
  /** Whether this build has a Metal kernel for it. */
  readonly metal: boolean;
  /**
   * Size of a call from which `auto` takes Metal; 0 means never. It is counted in operations by the definition of a kernel, and in values
   * that an indicator writes. `setMetalFrom` changes it at run time.
   */
  readonly metalFrom: number;
  /** Largest difference from the scalar reference in f64, relative to the scale of its sums; 0 means the same bits. */
  readonly toleranceF64: number;
  /** The same in f32. */
  readonly toleranceF32: number;
}

/** What the loaded addon is, as `buildInfo()` returns it. */
export interface BuildInfo {
  /** Compiler and its version. */
  readonly compiler: string;
  /** Compiler flags that change numbers or speed. */
  readonly flags: string;
  /** The SIMD target that runs on this machine. */
  readonly simdTarget: string;
  /** All SIMD targets inside this build. */
  readonly simdTargets: readonly string[];
  /** BLAS library, version and build options. */
  readonly blas: string;
  /** The kernel set that BLAS chose for this machine. */
  readonly blasTarget: string;
  /** Node-API version the addon was built for. */
  readonly napiVersion: number;
  /** Whether Metal kernels are present, and why not; those that did not compile on this device, with the reason. */
  readonly metal: {
    readonly available: boolean;
    readonly reason: string;
    /** Name of the device; empty where there is none. */
    readonly device: string;
    readonly broken: readonly string[];
  };
}

/** What the Metal device has done since it was opened; zeros where there is none. */
export interface MetalCounts {
  /** Command buffers. */
  readonly commands: number;
  /** Those that ended in an error. */
  readonly failures: number;
  /** Calls that began again in smaller pieces. */
  readonly retries: number;
  /** Calls that the CPU completed. */
  readonly fallbacks: number;
  /** Bytes copied into buffers of the device and back; arrays of the pool are used where they lie. */
  readonly copiedBytes: number;
  readonly gpuSeconds: number;
}

/** How the Metal device is: whether calls go to it, and what it said when it failed last. */
export interface MetalHealth {
  /**
   * `closed`: in use. `open`: taken out after failures in a row; every call completes on the CPU at once. `half_open`: one call tries
   * the device again.
   */
  readonly state: 'closed' | 'open' | 'half_open';
  /** Calls in a row that failed on the device. */
  readonly failures: number;
  /** How often the device was taken out. */
  readonly opened: number;
  /** Milliseconds until a call may try it again, at least 0; 0 unless it is `open`. */
  readonly retryInMs: number;
  /** What the device said when it failed last; empty when it never did. */
  readonly lastError: string;
}

/** A Metal kernel on this device: the limits of its pipeline, and what it did so far. */
export interface MetalPipeline {
  /** Name of the kernel: `gemm_f32`, `rsi_f32`. */
  readonly kernel: string;
  /** Threads that a threadgroup may have, by the registers that the kernel takes; 0 for a kernel of the system's. */
  readonly maxThreads: number;
  /** Threads that go together. */
  readonly simdWidth: number;
  /** Static threadgroup memory, of 32,768 bytes that there are. */
  readonly threadgroupBytes: number;
  /** Threads of the threadgroups that it ran in last; 0 before the first. */
  readonly groupThreads: number;
  /** Command buffers. */
  readonly commands: number;
  /** Time that they held the GPU. */
  readonly gpuSeconds: number;
}

/** The addon's own exports: plain numbers in `block`, arrays as arguments, errors with a native `code`. */
export interface RawAddon {
  /**
   * The numbers of the next call: backend (0 auto, 1 CPU, 2 Metal), element type (1 f32, 2 f64), then the kernel's sizes and
   * options in the order of its definition. One for each JavaScript thread.
   */
  readonly block: Float64Array;
  /** Runs the kernel at `index` of the table and returns the backend that ran it. */
  readonly run: (index: number, ...arrays: (NativeArray | undefined)[]) => number;
  /** The same off the thread; a `token` that turns from 0 cancels it. */
  readonly runAsync: (
    index: number,
    token: Uint32Array | undefined,
    ...arrays: (NativeArray | undefined)[]
  ) => Promise<number>;
  readonly kernelIndex: (id: string) => number;
  readonly kernels: () => KernelRow[];
  readonly buildInfo: () => BuildInfo;
  readonly metalCounts: () => MetalCounts;
  readonly setMetalFrom: (index: number, elements: number) => void;
  readonly metalPipelines: () => MetalPipeline[];
  readonly metalHealth: () => MetalHealth;
  readonly setMetalBreaker: (failures: number, retryMs: number, maxRetryMs: number) => void;
  readonly metalSwitch: (on: boolean) => void;
  readonly statusCodes: () => string[];
  /** A zeroed block of page-aligned memory; `bytes` is a multiple of 16,384. */
  readonly slab: (bytes: number) => ArrayBuffer;
  readonly setThreads: (threads: number) => number;
  readonly setUrgency: (urgency: 'latency' | 'throughput') => void;
  readonly bindThreads: (cpus: Int32Array) => { readonly threads: number; readonly error: string };
  readonly allowedCpus: () => number[];
  /** Begins a fit of trees: options, columns, rows, rows of validation; see `trees.ts`. */
  readonly treesOpen: (
    options: object,
    columns: number,
    training: TreeRows,
    validation: TreeRows | undefined,
  ) => RawTreeFit;
  /** Writes the sums of `inputs` [rows, columns] to `outputs` [rows, classes]. */
  readonly treesPredict: (
    model: TreeModel,
    inputs: Float32Array,
    threads: number,
    outputs: Float32Array,
  ) => Promise<void>;
  /** Writes what each column adds, and the mean last, to `outputs` [rows, classes, columns + 1]. */
  readonly treesExplain: (
    model: TreeModel,
    inputs: Float32Array,
    threads: number,
    outputs: Float64Array,
    token: Uint32Array,
  ) => Promise<void>;
}

const addonPath =
  process.env.NAUTILUS_ADDON ||
  fileURLToPath(new URL('../../build/native/Release/nautilus.node', import.meta.url));
const loadModule = createRequire(import.meta.url);
let loaded: RawAddon | undefined;

/** Returns the path of the addon's file. */
export const addonFile = (): string => addonPath;

/** Returns whether the addon has been built; says nothing about whether it loads. */
export function isAddonBuilt(): boolean {
  return existsSync(addonPath);
}

/**
 * Returns the addon, loading it on the first call, when `NAUTILUS_THREADS` (an integer from 1) also sets the number
 * of threads that kernels and BLAS may use. Throws `BackendUnavailableError` naming the build command when it is absent or
 * does not load, and `InvalidOptionError` for a broken `NAUTILUS_THREADS`. `path` is for tests.
 */
export function loadAddon(path: string = addonPath): RawAddon {
  if (loaded && path === addonPath) return loaded;
  if (!existsSync(path)) {
    throw new BackendUnavailableError(
      'Expected a built native addon, was absent: run `bun run build:native`',
    );
  }
  const addon = openAddon(path);
  applyThreads(addon, process.env.NAUTILUS_THREADS);
  if (path === addonPath) loaded = addon;
  return addon;
}

function openAddon(path: string): RawAddon {
  try {
    return loadModule(path) as RawAddon;
  } catch (cause) {
    const error = new BackendUnavailableError(
      'Expected a native addon that loads, was refused by the linker: run `bun run build:native` on this machine',
    );
    error.cause = cause;
    throw error;
  }
}

function applyThreads(addon: RawAddon, text: string | undefined): void {
  if (text === undefined || text === '') return;
  const threads = Number(text);
  if (!Number.isInteger(threads) || threads < 1 || threads > 1024) {
    const expected = 'an integer from 1 to 1024';
    throw new InvalidOptionError(`Expected ${expected} for NAUTILUS_THREADS, was something else`);
  }
  addon.setThreads(threads);
}
