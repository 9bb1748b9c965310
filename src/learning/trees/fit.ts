// Runs a fit of trees in the addon and makes of it what every family gives.
import { NonFiniteInputError } from '../../core/errors.ts';
import { TreeFit, type TreeModel, type TreeOptions, type TreeProgress } from '../../native/index.ts';
import { DivergedError } from '../errors.ts';
import type { FitControl, FitProgress, Fitted, Task, TrainingData } from '../family.ts';
import { type Link, treeGraph } from './graph.ts';
import { treeRows } from './rows.ts';

// Losses that a history has at most.
const REPORTS = 50;

/** A fit with its trees beside the graph: what explanations read. */
export interface FittedTrees extends Fitted {
  /** Null where a library grew them. */
  readonly trees: TreeModel | null;
  readonly importance: Float32Array;
}

/** Fits trees with options of the addon. Throws as `Family.fit` says. */
export async function fitTrees(
  task: Task,
  data: TrainingData,
  options: TreeOptions,
  control: FitControl,
): Promise<FittedTrees & { readonly trees: TreeModel }> {
  const training = treeRows(task, data);
  const validation = data.validation && treeRows(task, data.validation, '/validation');
  const fit = new TreeFit(options, data.columns, training, validation);
  const { history, last } = await run(fit, options.rounds, control);
  const trees = fit.take();
  return {
    model: treeGraph(trees, linkOf(options)),
    trees,
    history,
    importance: importanceOf(trees),
    facts: {
      trees: trees.roots.length,
      rounds: last.bestRounds,
      leaves: trees.feature.reduce((leaves, feature) => leaves + (feature < 0 ? 1 : 0), 0),
      stopped_early: options.patience > 0 && last.rounds < options.rounds,
    },
  };
}

async function run(fit: TreeFit, rounds: number, control: FitControl) {
  const each = Math.max(1, Math.ceil(rounds / REPORTS));
  const history: FitProgress[] = [];
  for (;;) {
    const last = await step(fit, each, control.signal);
    const report: FitProgress = {
      fraction: last.done ? 1 : last.rounds / rounds,
      step: last.rounds,
      loss: last.loss,
      ...(Number.isNaN(last.validationLoss) ? {} : { validation_loss: last.validationLoss }),
    };
    history.push(report);
    control.progress?.(report);
    if (last.done) return { history, last };
  }
}

async function step(fit: TreeFit, rounds: number, signal: AbortSignal | undefined): Promise<TreeProgress> {
  try {
    return await fit.step(rounds, signal);
  } catch (thrown) {
    if (!(thrown instanceof NonFiniteInputError)) throw thrown;
    throw new DivergedError(
      'Expected a finite loss, was NaN or infinity: a smaller learning_rate mends it',
      0,
    );
  }
}

function linkOf(options: TreeOptions): Link {
  const { objective, forest } = options;
  if (objective === 'logistic') return forest ? 'vote' : 'logistic';
  if (objective === 'softmax') return forest ? 'votes' : 'softmax';
  return objective === 'poisson' ? 'exp' : 'identity';
}

/** Returns the part of the gain of all splits that each column has: [columns], sum 1, or zeros without a split. */
export function importanceOf(trees: TreeModel): Float32Array {
  const gains = new Float64Array(trees.columns);
  trees.feature.forEach((feature, node) => {
    if (feature >= 0) gains[feature]! += trees.gain[node]!;
  });
  const total = gains.reduce((sum, gain) => sum + gain, 0);
  return Float32Array.from(gains, (gain) => (total > 0 ? gain / total : 0));
}

/** Returns in how many splits each column is asked: [columns]. */
export function splitCounts(trees: TreeModel): Uint32Array {
  const counts = new Uint32Array(trees.columns);
  for (const feature of trees.feature) if (feature >= 0) counts[feature]!++;
  return counts;
}
