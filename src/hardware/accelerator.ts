// The names of what can do the work, and what the router knows of each.

/** What can do the work. */
export type Accelerator = 'neural_engine' | 'metal_gpu' | 'cpu';

/** A part of the hardware whose failures are counted by itself: the GPU under our kernels, and what Core ML runs models on. */
export type Part = 'metal_kernels' | 'metal_models' | 'neural_engine_models';

export const PARTS: readonly Part[] = ['metal_kernels', 'metal_models', 'neural_engine_models'];

/** The accelerator that a part belongs to. */
export const ACCELERATOR_OF: Readonly<Record<Part, Exclude<Accelerator, 'cpu'>>> = {
  metal_kernels: 'metal_gpu',
  metal_models: 'metal_gpu',
  neural_engine_models: 'neural_engine',
};

/** Why a part is not there at all; null when it is. */
export type Presence = Readonly<Record<Part, string | null>>;

/** Whether a part is in use: `open` = taken out after failures, `half_open` = tried again by one call. */
export type BreakerState = 'closed' | 'open' | 'half_open';

/** What a circuit breaker says of itself. */
export interface BreakerStatus {
  readonly state: BreakerState;
  /** Failures in a row. */
  readonly failures: number;
  /** Times that it was taken out since the start. */
  readonly opened: number;
  /** Milliseconds until the next try; 0 unless it is open. */
  readonly retryInMs: number;
  /** The last failure in words; empty before the first. */
  readonly lastError: string;
}

/** What a part that never failed says. */
export const SOUND: BreakerStatus = Object.freeze({
  state: 'closed',
  failures: 0,
  opened: 0,
  retryInMs: 0,
  lastError: '',
});
