// What every family of models is: options as a schema, one fit, and an ONNX graph that serves what was fitted.
import type { z } from 'zod';
import type { ModelSpec } from '../onnx/graph.ts';

/** What a family learns: a number per row, a class per row, groups and states without labels, the rows themselves, or new ones like them. */
export const TASKS = ['regression', 'classification', 'clustering', 'reconstruction', 'generation'] as const;
export type Task = (typeof TASKS)[number];

/** Rows in time order. What the columns mean is the caller's matter. */
export interface TrainingData {
  /** [rows, columns], row-major. NaN is "missing": families that can't read it refuse the row's index. */
  readonly inputs: Float32Array;
  readonly rows: number;
  readonly columns: number;
  /** [rows]: numbers for regression, class indices 0 .. classes - 1 for classification; absent without labels. */
  readonly targets?: Float32Array;
  /** Number of classes, at least 2; only for classification. */
  readonly classes?: number;
  /** [rows], each at least 0; all 1 when absent. */
  readonly weights?: Float32Array;
  /** Rows that early stopping watches and that no parameter is fitted on. */
  readonly validation?: Omit<TrainingData, 'validation'>;
}

/** How far a fit is. */
export interface FitProgress {
  /** Part done in [0, 1]. */
  readonly fraction: number;
  /** Epochs, trees or iterations done. */
  readonly step: number;
  readonly loss: number;
  readonly validation_loss?: number;
}

/** Where long fits keep their state. A run is named by a hash of all that decides its bits. */
export interface Checkpoints {
  load(run: string): Promise<Uint8Array | undefined>;
  /** A state that can't be kept costs time at most: this does not throw. */
  save(run: string, state: Uint8Array): void;
  /** Milliseconds from one to the next. */
  readonly everyMs: number;
}

/** What can run the steps of a fit. */
export const TRAINING_HARDWARE = ['cpu', 'webgpu'] as const;
export type TrainingHardware = (typeof TRAINING_HARDWARE)[number];

/** What runs a fit. */
export interface FitControl {
  /** The same seed, data and options give the same bits, whatever the number of threads. */
  readonly seed: number;
  /** Threads that the fit may use, at least 1. */
  readonly threads: number;
  /** Stops the fit at its next step: it then throws CancelledError and leaves nothing behind. */
  readonly signal?: AbortSignal;
  readonly progress?: (progress: FitProgress) => void;
  /** From which a fit goes on, to the same bits, that was ended in the middle; it begins again where this is absent. */
  readonly checkpoints?: Checkpoints;
  /** Whether this process is there for the fit alone: stretches of native code then hold up nobody. */
  readonly ownProcess?: boolean;
  /** What runs the steps, for families that name it in {@link Family.hardware}; `cpu` by default. */
  readonly hardware?: TrainingHardware;
}

/** What a fit gives. */
export interface Fitted {
  /**
   * Graph with the one input `input`, float32 [rows, columns], and the output `output`, float32 [rows, width]: one number for
   * regression, probabilities of all classes for classification and clustering, the inputs again for reconstruction. Of generation the inputs are uniforms
   * in [0, 1), and the output is new rows.
   * Operators of `SERVING_OPERATORS` only; the rows are free.
   */
  readonly model: ModelSpec;
  /** Column of the output that means "of no group"; absent where every row is of one. */
  readonly noise?: number;
  /** Steps done, and the losses that {@link FitProgress} told. */
  readonly history: readonly FitProgress[];
  /** [columns], at least 0, sum 1 where anything was used; only for families that know it. */
  readonly importance?: Float32Array;
  /** Figures that belong to the family, such as `trees` or `converged`. */
  readonly facts: Readonly<Record<string, number | string | boolean>>;
}

/** A family of models, defined once: what the routes, the docs and the tests list follows from it. */
export interface Family<Options = unknown> {
  /** Name in requests, such as `ridge` or `lstm`. */
  readonly name: string;
  readonly title: string;
  readonly tasks: readonly Task[];
  /** What its fits run on; the CPU alone when absent. */
  readonly hardware?: readonly TrainingHardware[];
  /** Every option has a default, a unit and a range. */
  readonly options: z.ZodType<Options>;
  /**
   * Fits `data`. Throws InvalidOptionError (options, task), ShapeMismatchError, NonFiniteInputError, InsufficientHistoryError
   * (too few rows), DivergedError when the loss is no number any more, CancelledError.
   */
  fit(task: Task, data: TrainingData, options: Options, control: FitControl): Promise<Fitted>;
}
