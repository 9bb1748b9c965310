// K-means as a family: several starts, the best one served.
import { z } from 'zod';
import { InvalidOptionError } from '../../core/errors.ts';
import { kmeans as kernel } from '../../native/index.ts';
import type { Family, FitProgress } from '../family.ts';
import { cloudOf, distances, oneHot, standardise } from './clusters.ts';
import { floats, node, servingModel } from './graph.ts';
import { checkTask, stopIfAborted } from './rows.ts';

const options = z.strictObject({
  clusters: z.int().min(1).max(4096).default(8).describe('number of clusters; at most that of rows'),
  starts: z
    .int()
    .min(1)
    .max(1000)
    .default(10)
    .describe('fits from other first centres; the one of least inertia is kept'),
  max_iterations: z.int().min(1).max(10_000).default(300).describe('rounds of each start at most'),
  tolerance: z
    .number()
    .min(0)
    .max(1)
    .default(1e-4)
    .describe('a start ends when the centres move by at most this share of the mean variance (squared)'),
  probabilities: z
    .enum(['hard', 'soft'])
    .default('hard')
    .describe(
      'hard serves 1 for the nearest cluster; soft the probabilities of equally likely normal clouds of one variance in all directions, which are no calibrated ones',
    ),
  standardise,
});

/** Options of {@link kmeans}. */
export type KmeansOptions = z.output<typeof options>;

/** Returns `seed` mixed with the number of a start, an integer below 2^53. */
export function seedOf(seed: number, start: number): number {
  const low = Math.imul((seed % 2 ** 32) ^ Math.imul(start, 0x9e3779b9), 0x85ebca6b) >>> 0;
  const high = (Math.floor(seed / 2 ** 32) ^ start) & 0x1fffff;
  return start === 0 ? seed : high * 2 ** 32 + low;
}

/** K-means (Lloyd 1982; k-means++ by Arthur and Vassilvitskii 2007): see the kernel `kmeans`. Labels are counted as they were drawn. */
export const kmeans: Family<KmeansOptions> = {
  name: 'kmeans',
  title: 'K-means',
  tasks: ['clustering'],
  options,
  async fit(task, data, given, { seed, signal, progress }) {
    checkTask(kmeans, task);
    const { standard, values, weights } = cloudOf(data, given.standardise, given.clusters);
    const { rows, columns } = data;
    const { clusters } = given;
    const total = weights ? weights.reduce((a, b) => a + b, 0) : rows;
    let best: { centres: Float64Array; inertia: number; iterations: number } | undefined;
    const history: FitProgress[] = [];
    for (let start = 0; start < given.starts; start++) {
      stopIfAborted(signal);
      const found = await kernel.async(
        {
          ...{ rows, columns, clusters, values, weights, seed: seedOf(seed, start) },
          maxIterations: given.max_iterations,
          tolerance: given.tolerance,
        },
        signal,
      );
      const [inertia, iterations] = [found.inertia[0]!, found.iterations[0]!];
      if (!best || inertia < best.inertia) best = { centres: found.centres, inertia, iterations };
      const entry = { fraction: (start + 1) / given.starts, step: start + 1, loss: best.inertia / total };
      history.push(entry);
      progress?.(entry);
    }
    if (!best) throw new InvalidOptionError('Expected at least one start');
    const near = distances(best.centres, columns, 'distances');
    const last =
      given.probabilities === 'hard'
        ? oneHot('nearest', clusters)
        : // The log-density of a cloud: -|x - centre|^2 / (2 variance); |x|^2 cancels in the softmax.
          {
            nodes: [
              node('Mul', ['distances', 'sharpness'], 'scores'),
              node('Softmax', ['scores'], 'output', { axis: { int: -1 } }),
            ],
            constants: [floats('sharpness', [-0.5 / Math.max(best.inertia / (total * columns), 1e-12)], [1])],
          };
    const hard = given.probabilities === 'hard' ? [nearest('distances')] : [];
    return {
      model: servingModel(columns, standard, {
        name: 'kmeans',
        doc: `K-means: ${given.probabilities === 'hard' ? '1 for the nearest cluster' : 'probabilities of clusters'}`,
        width: clusters,
        nodes: [...near.nodes, ...hard, ...last.nodes],
        constants: [...near.constants, ...last.constants],
      }),
      history,
      facts: { inertia: best.inertia, iterations: best.iterations, constant_columns: standard.constant },
    };
  },
};

const nearest = (from: string) =>
  node('ArgMin', [from], 'nearest', { axis: { int: 1 }, keepdims: { int: 1 } });
