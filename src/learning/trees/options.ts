// Options of the families of trees, and what they are for the addon.
import { z } from 'zod';
import { InvalidOptionError } from '../../core/errors.ts';
import type { Growth, Objective, TreeOptions } from '../../native/index.ts';
import type { FitControl, Task, TrainingData } from '../family.ts';

const share = (about: string) => z.number().gt(0).max(1).default(1).describe(about);
const count = (min: number, max: number) => z.number().int().min(min).max(max);

/** Options that boosting and forests share. */
const shared = {
  min_gain: z.number().min(0).max(1e12).default(0).describe('least gain of a split (twice the loss)'),
  max_bins: count(2, 255).default(255).describe('bins of a column, missing values not counted'),
  categories: z
    .array(count(0, 1_048_575))
    .max(1_048_576)
    .default([])
    .describe('columns that hold codes of categories, integers from 0 to 254'),
  category_smooth: z
    .number()
    .min(0)
    .max(1e6)
    .default(10)
    .describe('added to the hessian where categories are put in order'),
  category_l2: z.number().min(0).max(1e6).default(10).describe('added to l2 where a split names categories'),
  category_most: count(1, 254).default(32).describe('most categories that one side of a split names'),
  category_rows: count(1, 67_108_864).default(10).describe('rows that a category needs to be named'),
};

/** What a preset says otherwise than the family. */
export interface Preset {
  /** Libraries that can grow the trees instead. */
  readonly engines: readonly ('xgboost' | 'lightgbm')[];
  readonly growth: Growth;
  readonly max_depth: number;
  readonly max_leaves: number;
  readonly learning_rate: number;
  readonly min_rows: number;
  readonly min_hessian: number;
  readonly l2: number;
}

/** Returns the schema of boosting with the defaults of a preset. */
export const boostingOptions = (preset: Preset) =>
  z.strictObject({
    engine: z
      .enum(['native', ...preset.engines])
      .default('native')
      .describe('what grows the trees: this program, or a library of that name that the system has'),
    rounds: count(1, 20_000).default(100).describe('most rounds; each grows a tree, or one for each class'),
    learning_rate: z
      .number()
      .gt(0)
      .max(1)
      .default(preset.learning_rate)
      .describe('part of each step that is taken'),
    growth: z
      .enum(['level', 'leaf', 'oblivious'])
      .default(preset.growth)
      .describe('all nodes of a depth, the node that gains most, or one question for all nodes of a depth'),
    max_depth: count(0, 64).default(preset.max_depth).describe('questions from root to leaf; 0 is 64'),
    max_leaves: count(2, 65_536).default(preset.max_leaves).describe('leaves of a tree'),
    min_rows: count(1, 67_108_864).default(preset.min_rows).describe('rows of a leaf'),
    min_hessian: z.number().min(0).max(1e9).default(preset.min_hessian).describe('sum of hessians of a leaf'),
    l1: z.number().min(0).max(1e9).default(0).describe('penalty on the size of leaves'),
    l2: z.number().min(0).max(1e9).default(preset.l2).describe('penalty on the square of leaves'),
    row_share: share('part of the rows that a round sees, drawn anew for each'),
    column_share: share('part of the columns that a tree may ask'),
    split_share: share('part of those columns that a split may ask'),
    loss: z
      .enum(['squared', 'huber', 'quantile', 'poisson'])
      .default('squared')
      .describe('of regression; classes take the log-loss'),
    alpha: z
      .number()
      .gt(0)
      .max(1e9)
      .default(0.9)
      .describe('where the loss of Huber becomes linear, in units of the target; or the quantile, below 1'),
    patience: count(0, 20_000)
      .default(0)
      .describe('rounds without a better loss on rows of validation that end the fit; 0 is never'),
    increasing: z
      .array(count(0, 1_048_575))
      .max(1_048_576)
      .default([])
      .describe('columns with which the prediction never falls'),
    decreasing: z
      .array(count(0, 1_048_575))
      .max(1_048_576)
      .default([])
      .describe('columns with which the prediction never rises'),
    ...shared,
  });

export type BoostingOptions = z.infer<ReturnType<typeof boostingOptions>>;

/** The schema of forests. */
export const forestOptions = z.strictObject({
  trees: count(1, 5_000).default(100).describe('trees; of three or more classes one for each class'),
  max_depth: count(0, 64).default(0).describe('questions from root to leaf; 0 is 64'),
  max_leaves: count(2, 65_536).default(1_024).describe('leaves of a tree'),
  min_rows: count(1, 67_108_864).default(5).describe('rows of a leaf, repetitions not counted'),
  row_share: share('draws of a tree, as a part of the rows; each may come again'),
  split_share: z
    .number()
    .gt(0)
    .max(1)
    .optional()
    .describe(
      'part of the columns that a split may ask; a third for numbers and the root of their number for classes',
    ),
  ...shared,
});

export type ForestOptions = z.infer<typeof forestOptions>;

function marks<T extends Uint8Array | Int8Array>(
  to: T,
  columns: readonly number[],
  value: number,
  field: string,
): T {
  for (const column of columns) {
    if (column >= to.length) {
      throw new InvalidOptionError(`Expected columns below ${to.length} for ${field}`, [
        { pointer: `/options/${field}`, expected: `columns below ${to.length}`, received: 'another number' },
      ]);
    }
    to[column] = value;
  }
  return to;
}

const refuse = (field: string, expected: string, received: string): never => {
  throw new InvalidOptionError(`Expected ${expected} for ${field}, was ${received}`, [
    { pointer: `/options/${field}`, expected, received },
  ]);
};

/** Returns the objective of a task. */
export const objectiveOf = (task: Task, classes: number, loss: Objective): Objective =>
  task === 'regression' ? loss : classes === 2 ? 'logistic' : 'softmax';

/** Returns the addon's options of a fit. Throws InvalidOptionError for combinations that make no sense. */
export function nativeBoosting(
  task: Task,
  data: TrainingData,
  options: BoostingOptions,
  control: FitControl,
): TreeOptions {
  const monotone = options.increasing.length + options.decreasing.length > 0;
  if (options.growth === 'oblivious' && options.categories.length > 0)
    refuse('growth', 'level or leaf beside categories', 'oblivious');
  if (options.loss === 'quantile' && options.alpha >= 1)
    refuse('alpha', 'a quantile below 1', 'out of range');
  // Its leaves are quantiles of their rows, whatever the leaves beside them are.
  if (options.loss === 'quantile' && monotone && task === 'regression')
    refuse('loss', 'another loss beside monotone columns', 'quantile');
  if (options.patience > 0 && !data.validation) {
    refuse('patience', '0 without rows of validation', 'a number above 0');
  }
  for (const column of options.increasing) {
    if (options.decreasing.includes(column))
      refuse('decreasing', 'columns that are not in increasing', 'one of them');
  }
  if (task === 'regression' && options.loss === 'poisson' && data.targets?.some((target) => target < 0)) {
    refuse('loss', 'targets of at least 0 beside poisson', 'another target');
  }
  const directions = new Int8Array(data.columns);
  marks(directions, options.increasing, 1, 'increasing');
  marks(directions, options.decreasing, -1, 'decreasing');
  for (const column of options.categories) {
    if (directions[column]) refuse('categories', 'columns that are not monotone', 'a monotone one');
  }
  const objective = objectiveOf(task, data.classes ?? 2, options.loss);
  return {
    ...common(data, options, control),
    growth: options.growth,
    objective,
    forest: false,
    classes: objective === 'softmax' ? data.classes! : 1,
    rounds: options.rounds,
    learningRate: options.learning_rate,
    minHessian: options.min_hessian,
    l1: options.l1,
    l2: options.l2,
    columnShare: options.column_share,
    splitShare: options.split_share,
    alpha: options.alpha,
    patience: options.patience,
    monotone: monotone ? directions : undefined,
  };
}

/** Returns the addon's options of a forest: Breiman 2001, one regression tree for each number or class. */
export function nativeForest(
  task: Task,
  data: TrainingData,
  options: ForestOptions,
  control: FitControl,
): TreeOptions {
  const objective = objectiveOf(task, data.classes ?? 2, 'squared');
  const usual = task === 'regression' ? 1 / 3 : Math.sqrt(data.columns) / data.columns;
  return {
    ...common(data, options, control),
    growth: 'leaf',
    objective,
    forest: true,
    classes: objective === 'softmax' ? data.classes! : 1,
    rounds: options.trees,
    learningRate: 1,
    minHessian: 0,
    l1: 0,
    l2: 0,
    columnShare: 1,
    splitShare: options.split_share ?? Math.min(1, usual),
    alpha: 0.5,
    patience: 0,
  };
}

type Common = 'maxDepth' | 'maxLeaves' | 'minRows' | 'minGain' | 'maxBins' | 'rowShare' | 'seed' | 'threads';
type Categories = 'categories' | 'categorySmooth' | 'categoryL2' | 'categoryMost' | 'categoryRows';

function common(
  data: TrainingData,
  options: BoostingOptions | ForestOptions,
  control: FitControl,
): Pick<TreeOptions, Common | Categories> {
  return {
    maxDepth: options.max_depth,
    maxLeaves: options.max_leaves,
    minRows: options.min_rows,
    minGain: options.min_gain,
    maxBins: options.max_bins,
    rowShare: options.row_share,
    seed: control.seed,
    threads: control.threads,
    categorySmooth: options.category_smooth,
    categoryL2: options.category_l2,
    categoryMost: options.category_most,
    categoryRows: options.category_rows,
    categories:
      options.categories.length > 0
        ? marks(new Uint8Array(data.columns), options.categories, 1, 'categories')
        : undefined,
  };
}
