// The families of trees.
import type { Family, FitControl, Task, TrainingData } from '../family.ts';
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
  fit: async (task, data, options, control) =>
    fitTrees(task, data, nativeBoosting(task, data, options, control), control),
});

/** Leaf-wise growth with LightGBM's defaults. */
export const gradientBoosting = boosting('gradient_boosting', 'Gradient-boosted trees', {
  growth: 'leaf',
  max_depth: 0,
  max_leaves: 31,
  learning_rate: 0.1,
  min_rows: 20,
  min_hessian: 1e-3,
  l2: 0,
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
