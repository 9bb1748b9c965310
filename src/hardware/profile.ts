// What is asked of the router and what it answers.
import type { Accelerator } from './accelerator.ts';

/** How the work is waited for: `realtime` by somebody who waits for this one result, `batch` by nobody in particular. */
export type LatencyClass = 'realtime' | 'batch';

/** One call of a kernel or an indicator. */
export interface KernelWork {
  readonly kind: 'kernel' | 'indicator';
  /** The row of the kernel table: `gemm`, `rsi`. */
  readonly id: string;
  /** Size of the call: operations by the kernel's definition, or values that an indicator writes. */
  readonly elements: number;
  readonly dtype: 'f32' | 'f64';
  /** What ran is faster for both classes or for none, so that it changes nothing here. */
  readonly latency?: LatencyClass;
}

/** Predictions of a model. */
export interface InferenceWork {
  readonly kind: 'inference';
  /** Size of the model's file in bytes. */
  readonly modelBytes: number;
  /** Default `realtime`. */
  readonly latency?: LatencyClass;
}

/** One step of a fit. */
export interface TrainingWork {
  readonly kind: 'training';
  /** Operations of the matrix products of the step: 2 * rows * columns * outputs. */
  readonly elements: number;
  readonly dtype: 'f32' | 'f64';
  readonly latency?: LatencyClass;
}

/** What is to be done. */
export type WorkloadProfile = KernelWork | InferenceWork | TrainingWork;

/** Where it should run. Frozen, and the same object for the same answer. */
export interface Route {
  readonly primary: Accelerator;
  /**
   * Who follows when the primary is taken out, in order; `cpu` last, absent where it is the primary. What is under way when an
   * accelerator fails is completed by the CPU.
   */
  readonly fallback: readonly Accelerator[];
  /** Why, in words for a person. */
  readonly reason: string;
}
