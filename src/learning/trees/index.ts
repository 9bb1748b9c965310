// The families of trees.
import type { Family, FitControl, Task, TrainingData } from '../family.ts';
import { fitExternal } from './external/index.ts';
import { type FittedTrees, fitTrees } from './fit.ts';
import {
  type BoostingOptions,
  boostingOptions,
  type ForestOptions,
  forestOptions,
  nativeBoosting,
  nativeForest,
  type Preset,
} from './options.ts';

export { type FittedTrees, importanceOf, splitCounts } from './fit.ts';
export { treeGraph } from './graph.ts';

/** A family whose fits have their trees beside the graph. */
export interface TreeFamily<Options> extends Family<Options> {
  fit(task: Task, data: TrainingData, options: Options, control: FitControl): Promise<FittedTrees>;
}

const boosting = (name: string, title: string, preset: Preset): TreeFamily<BoostingOptions> => ({
  name,
  title,
  tasks: ['regression', 'classification'],
  options: boostingOptions(preset),
  fit: async (task, data, options, control) => {
    const native = nativeBoosting(task, data, options, control);
    if (options.engine === 'native') return fitTrees(task, data, native, control);
    return { ...(await fitExternal(options.engine, task, data, native, control)), trees: null };
  },
});

const LEAF_WISE: Preset = {
  engines: [],
  growth: 'leaf',
  max_depth: 0,
  max_leaves: 31,
  learning_rate: 0.1,
  min_rows: 20,
  min_hessian: 1e-3,
  l2: 0,
};

/** Leaf-wise growth with LightGBM's defaults. */
export const gradientBoosting = boosting('gradient_boosting', 'Gradient-boosted trees', LEAF_WISE);

/** The same with the choice of LightGBM itself. */
export const lightgbm = boosting('lightgbm', 'LightGBM', { ...LEAF_WISE, engines: ['lightgbm'] });

/** Level-wise growth with XGBoost's defaults, and the choice of XGBoost itself. */
export const xgboost = boosting('xgboost', 'XGBoost', {
  engines: ['xgboost'],
  growth: 'level',
  max_depth: 6,
  max_leaves: 64,
  learning_rate: 0.3,
  min_rows: 1,
  min_hessian: 1,
  l2: 1,
});

/** Oblivious trees with CatBoost's depth and penalty; its ordered boosting and statistics of targets are not in it. */
export const catboost = boosting('catboost', 'CatBoost', {
  engines: [],
  growth: 'oblivious',
  max_depth: 6,
  max_leaves: 64,
  learning_rate: 0.1,
  min_rows: 1,
  min_hessian: 0,
  l2: 3,
});

/** Random forest: Breiman 2001. */
export const randomForest: TreeFamily<ForestOptions> = {
  name: 'random_forest',
  title: 'Random forest',
  tasks: ['regression', 'classification'],
  options: forestOptions,
  fit: async (task, data, options, control) =>
    fitTrees(task, data, nativeForest(task, data, options, control), control),
};

/** All families of trees. */
export const TREE_FAMILIES = [gradientBoosting, xgboost, lightgbm, catboost, randomForest] as const;
