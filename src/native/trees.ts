// Growing and reading ensembles of trees in the addon.
import { loadAddon } from './addon.ts';
import { withToken } from './cancel.ts';
import { fromNative } from './errors.ts';
import type { RawTreeFit, TreeModel, TreeProgress, TreeRows } from './tree-model.ts';

/** In the order of `trees::Growth`. */
export const GROWTHS = ['level', 'leaf', 'oblivious'] as const;
export type Growth = (typeof GROWTHS)[number];

/** In the order of `trees::Objective`. */
export const OBJECTIVES = ['squared', 'huber', 'quantile', 'poisson', 'logistic', 'softmax'] as const;
export type Objective = (typeof OBJECTIVES)[number];

/** Options of a fit; ranges are checked by the addon. */
export interface TreeOptions {
  readonly growth: Growth;
  readonly objective: Objective;
  /** Trees on bootstrap samples, averaged, instead of one after the other. */
  readonly forest: boolean;
  /** Of softmax, at least 2; 1 elsewhere. */
  readonly classes: number;
  readonly rounds: number;
  readonly learningRate: number;
  /** 0 is no limit below 64. */
  readonly maxDepth: number;
  readonly maxLeaves: number;
  readonly minRows: number;
  readonly minHessian: number;
  readonly l1: number;
  readonly l2: number;
  readonly minGain: number;
  readonly maxBins: number;
  readonly rowShare: number;
  readonly columnShare: number;
  readonly splitShare: number;
  /** Where Huber's loss becomes linear, or the quantile. */
  readonly alpha: number;
  /** Rounds without a better validation loss that end the fit; 0 is never. */
  readonly patience: number;
  readonly seed: number;
  readonly threads: number;
  readonly categorySmooth: number;
  readonly categoryL2: number;
  readonly categoryMost: number;
  readonly categoryRows: number;
  /** [columns]: 1 for codes from 0 to 254. */
  readonly categories?: Uint8Array | undefined;
  /** [columns]: 1 never falls, -1 never rises, 0 free. */
  readonly monotone?: Int8Array | undefined;
}

/** A fit that runs a few rounds at a time, with the same bits however they are cut and for any number of threads. */
export class TreeFit {
  readonly #raw: RawTreeFit;

  /** Throws InvalidOptionError, ShapeMismatchError (naming the field), BackendUnavailableError. */
  constructor(options: TreeOptions, columns: number, training: TreeRows, validation?: TreeRows) {
    const plain = {
      ...options,
      growth: GROWTHS.indexOf(options.growth),
      objective: OBJECTIVES.indexOf(options.objective),
      forest: options.forest ? 1 : 0,
    };
    try {
      this.#raw = loadAddon().treesOpen(plain, columns, training, validation);
    } catch (thrown) {
      throw fromNative(thrown);
    }
  }

  /**
   * Runs up to `rounds` more, off the thread. Throws CancelledError, NonFiniteInputError when the loss is no number any more,
   * InvalidOptionError for a category that is no code; none of them can go on.
   */
  step(rounds: number, signal?: AbortSignal): Promise<TreeProgress> {
    return withToken(signal, (token) => this.#raw.step(rounds, token));
  }

  /** Returns the trees so far. */
  take(): TreeModel {
    try {
      return this.#raw.take();
    } catch (thrown) {
      throw fromNative(thrown);
    }
  }
}

/**
 * Returns the sums [rows, classes] of `inputs` [rows, columns]: the same bits as ONNX Runtime gives for the same trees.
 * Throws InvalidOptionError and ShapeMismatchError for a broken model.
 */
export async function predictTrees(
  model: TreeModel,
  inputs: Float32Array,
  threads = 1,
): Promise<Float32Array> {
  const outputs = new Float32Array(Math.floor(inputs.length / model.columns) * model.classes);
  try {
    await loadAddon().treesPredict(model, inputs, threads, outputs);
  } catch (thrown) {
    throw fromNative(thrown);
  }
  return outputs;
}

/**
 * Returns what each column adds to the sums of a row, [rows, classes, columns + 1]: the last is the mean of the trees over the rows of their
 * training, and all together are the sum. Path-dependent TreeSHAP, Lundberg, Erion and Lee 2018. Takes some microseconds for each row and
 * leaf. Throws as `predictTrees`, InvalidOptionError for trees of more than 64 questions, CancelledError.
 */
export async function explainTrees(
  model: TreeModel,
  inputs: Float32Array,
  threads = 1,
  signal?: AbortSignal,
): Promise<Float64Array> {
  const rows = Math.floor(inputs.length / model.columns);
  const outputs = new Float64Array(rows * model.classes * (model.columns + 1));
  await withToken(signal, (token) => loadAddon().treesExplain(model, inputs, threads, outputs, token));
  return outputs;
}
