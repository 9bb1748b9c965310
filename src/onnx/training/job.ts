// What a training run is given and gives: plain data that can be sent to another process.
import type { EpochRecord } from './checkpoint.ts';
import { initialValues, type NetworkPlan } from './network.ts';
import type { Optimiser } from './optimisers.ts';
import type { Schedule } from './schedule.ts';
import { encodeEvaluation, encodeStep, encodeTraining, planTraining, type Training } from './step.ts';

/** Rows to train on or to measure with, row-major. */
export interface Rows {
  readonly rows: number;
  /** [rows, columns]. */
  readonly inputs: Float32Array;
  /** [rows, width]; absent where the target width is 0. */
  readonly targets?: Float32Array | undefined;
  /** [rows], at least 0; all 1 when absent. */
  readonly weights?: Float32Array | undefined;
}

/** How long and how a run goes. */
export interface RunOptions {
  readonly epochs: number;
  readonly schedule: Schedule;
  /** Epochs without a better validation loss after which the run stops; never when absent. */
  readonly patience?: number | undefined;
  /** What counts as better: a loss smaller by at least this much. */
  readonly minDelta?: number | undefined;
  readonly seed: number;
  /** `webgpu` keeps the state on the GPU and runs step by step. */
  readonly provider?: 'cpu' | 'webgpu';
}

/** A whole run. */
export interface TrainingJob extends RunOptions {
  /** Files of the graphs; `step` instead of `loop` on a GPU. */
  readonly loop: Uint8Array;
  readonly evaluation: Uint8Array;
  readonly batch: number;
  readonly columns: number;
  readonly targetWidth: number;
  readonly optimiser: Optimiser;
  readonly keys: number;
  /** First values of all parameters. */
  readonly initial: Float32Array;
  readonly data: Rows;
  /** Rows that early stopping watches; the best parameters by them are the result. */
  readonly validation?: Rows | undefined;
}

/** How far a run is, told after each chunk of steps. */
export interface TrainingProgress {
  /** Part done in [0, 1] of the longest possible run. */
  readonly fraction: number;
  /** Epochs finished. */
  readonly epoch: number;
  /** Steps done. */
  readonly step: number;
  /** Mean loss of the epoch so far, or of the finished one. */
  readonly loss: number;
  readonly validation_loss?: number | undefined;
}

/** What a run gives. */
export interface TrainingResult {
  /** All parameters, those of the best epoch where there was validation data. */
  readonly parameters: Float32Array;
  readonly history: readonly EpochRecord[];
  readonly steps: number;
  /** Epoch (from 1) that the parameters are of. */
  readonly epoch: number;
  readonly stoppedEarly: boolean;
}

/** Returns the job of a training on data, and the plan of its parameters. */
export function createJob(
  training: Training,
  data: Rows,
  options: RunOptions & { readonly validation?: Rows | undefined },
): { readonly job: TrainingJob; readonly plan: NetworkPlan } {
  const plan = planTraining(training);
  const { batch, columns, targetWidth, optimiser } = training;
  const job: TrainingJob = {
    ...options,
    loop: options.provider === 'webgpu' ? encodeStep(training, plan) : encodeTraining(training, plan),
    evaluation: encodeEvaluation(training, plan),
    batch,
    columns,
    targetWidth,
    optimiser,
    keys: plan.keys,
    initial: initialValues(plan, options.seed),
    data,
  };
  return { job, plan };
}
