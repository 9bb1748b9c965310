// Shapley values: exact for trees, by sampled orders of the features for any other model.
import { Philox } from '../../core/philox.ts';
import { explainTrees } from '../../native/index.ts';
import type { GraphSpec } from '../../onnx/graph.ts';
import { shuffled } from './permutation.ts';
import type { FeatureGroup, ServedFunction } from './served.ts';
import { coverTrees, treesOf } from './tree-model.ts';

/** What each feature adds to each output of some rows. */
export interface Shapley {
  /** [rows, groups, width]. */
  readonly values: Float64Array;
  readonly width: number;
  /** [groups]: of the values of one row, the mean over the rows; 0 where they are exact. */
  readonly standardError: Float64Array;
  /** `tree`: path-dependent TreeSHAP of the sums of the trees; `sampling`: of what the model answers. */
  readonly method: 'tree' | 'sampling';
}

/**
 * Returns the values of a model that is one ensemble of trees, from the file that serves: Lundberg, Erion and Lee 2018. They add up to the sums of the leaves (of
 * classifiers log-odds, before any calibration), less their mean over `background` [rows, columns], whose rows count the ways through the trees. Null for
 * a graph that is anything else.
 */
export async function treeShapley(
  graph: GraphSpec,
  groups: readonly FeatureGroup[],
  rows: Float32Array,
  background: Float32Array,
  { columns, threads, signal }: { columns: number; threads: number; signal?: AbortSignal },
): Promise<Shapley | null> {
  const trees = treesOf(graph, columns);
  if (!trees) return null;
  const parts = await explainTrees(coverTrees(trees, background), rows, threads, signal);
  const count = rows.length / columns;
  const width = trees.classes;
  const values = new Float64Array(count * groups.length * width);
  for (let row = 0; row < count; row++)
    for (let k = 0; k < width; k++)
      groups.forEach(({ columns: own }, g) => {
        let sum = 0;
        for (const c of own) sum += parts[(row * width + k) * (columns + 1) + c]!;
        values[(row * groups.length + g) * width + k] = sum;
      });
  return { values, width, standardError: new Float64Array(groups.length), method: 'tree' };
}

/**
 * Returns the values of any model by walks from a row of `background` to the row that is explained, feature by feature in a random order and back in the
 * opposite one (Strumbelj and Kononenko 2014; Mitchell et al. 2022): unbiased, and for each row they add up to its answer less the mean answer of the
 * rows that its walks began at. The steps of a feature move together.
 */
export async function sampledShapley(
  model: ServedFunction,
  groups: readonly FeatureGroup[],
  rows: Float32Array,
  background: Float32Array,
  {
    walks,
    seed,
    signal,
    progress,
  }: {
    /** At least 2: pairs of opposite orders. */
    readonly walks: number;
    readonly seed: number;
    readonly signal?: AbortSignal;
    readonly progress?: (fraction: number) => void;
  },
): Promise<Shapley> {
  const { columns } = model;
  const count = rows.length / columns;
  const starts = background.length / columns;
  const n = groups.length;
  // A walk of n steps there and one back, both from the same row of the background.
  const stops = 2 * (n + 1);
  let width = 0;
  let values = new Float64Array(0);
  const errors = new Float64Array(n);
  for (let row = 0; row < count; row++) {
    signal?.throwIfAborted();
    const target = rows.subarray(row * columns, (row + 1) * columns);
    const first = Math.floor(new Philox(seed, 2 ** 40 + row).fillUniform(new Float64Array(2))[0]! * starts);
    const inputs = new Float32Array(walks * stops * columns);
    const orders = Array.from({ length: walks }, (_, walk) => shuffled(n, seed, row * walks + walk));
    orders.forEach((order, walk) => {
      const begin = ((first + walk) % starts) * columns;
      const from = background.subarray(begin, begin + columns);
      for (const back of [false, true]) {
        let at = (walk * stops + (back ? n + 1 : 0)) * columns;
        inputs.set(from, at);
        for (let step = 0; step < n; step++) {
          inputs.copyWithin(at + columns, at, at + columns);
          at += columns;
          for (const c of groups[order[back ? n - 1 - step : step]!]!.columns) inputs[at + c] = target[c]!;
        }
      }
    });
    const answers = await model.predict(inputs);
    if (row === 0) {
      width = answers.length / (walks * stops);
      values = new Float64Array(count * n * width);
    }
    addWalks(answers, orders, width, values.subarray(row * n * width, (row + 1) * n * width), errors);
    progress?.((row + 1) / count);
  }
  return { values, width, standardError: errors.map((sum) => sum / count), method: 'sampling' };
}

/** Writes the means over the walks of one row to `values` [groups, width], and adds the standard error of each group to `errors`. */
function addWalks(
  answers: Float32Array,
  orders: readonly Uint32Array[],
  width: number,
  values: Float64Array,
  errors: Float64Array,
): void {
  const n = errors.length;
  const walks = orders.length;
  const squares = new Float64Array(values.length);
  orders.forEach((order, walk) => {
    const base = walk * 2 * (n + 1);
    for (let step = 0; step < n; step++) {
      const g = order[step]!;
      const there = base + step;
      // On the way back the same feature comes n - 1 - step steps in.
      const back = base + n + 1 + (n - 1 - step);
      for (let k = 0; k < width; k++) {
        const gain = (stop: number) => answers[(stop + 1) * width + k]! - answers[stop * width + k]!;
        const mean = (gain(there) + gain(back)) / 2;
        values[g * width + k]! += mean / walks;
        squares[g * width + k]! += (mean * mean) / walks;
      }
    }
  });
  for (let g = 0; g < n; g++) {
    let most = 0;
    for (let k = 0; k < width; k++) {
      const spread = Math.max(0, squares[g * width + k]! - values[g * width + k]! ** 2);
      most = Math.max(most, Math.sqrt(spread / (walks - 1)));
    }
    errors[g]! += most;
  }
}

/** Returns the mean over rows and outputs of the sizes of values: [groups]. */
export function meanSizes({ values, width }: Shapley, groups: number): Float64Array {
  const rows = values.length / groups / width;
  const sizes = new Float64Array(groups);
  for (let i = 0; i < values.length; i++)
    sizes[Math.floor(i / width) % groups]! += Math.abs(values[i]!) / rows / width;
  return sizes;
}
