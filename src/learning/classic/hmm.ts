// Hidden Markov models as a family: several starts, the likeliest served as a filter over a window of steps.
import { z } from 'zod';
import { InvalidOptionError } from '../../core/errors.ts';
import { hmmFit, hmmStates, kmeans } from '../../native/index.ts';
import type { Family, FitProgress, TrainingData } from '../family.ts';
import { cloudOf, refuseWeights, standardise } from './clusters.ts';
import { servingModel } from './graph.ts';
import { filterSection, stationary } from './hmm-graph.ts';
import { seedOf } from './kmeans.ts';
import { checkInputs, checkTask, stopIfAborted } from './rows.ts';

const options = z.strictObject({
  states: z.int().min(1).max(16).default(2).describe('number of states (regimes)'),
  covariance: z
    .enum(['diagonal', 'full'])
    .default('diagonal')
    .describe('whether the features are independent within a state'),
  steps: z
    .int()
    .min(1)
    .max(256)
    .default(1)
    .describe(
      'steps that each row of inputs holds, oldest first: its columns are steps x features. The fit reads the newest step of each row; the served filter begins at the oldest',
    ),
  starts: z
    .int()
    .min(1)
    .max(100)
    .default(5)
    .describe('fits from other first means (by k-means); the likeliest is kept'),
  max_iterations: z.int().min(1).max(10_000).default(200).describe('rounds of each start at most'),
  tolerance: z
    .number()
    .min(0)
    .max(1)
    .default(1e-6)
    .describe('a start ends when the mean log-likelihood of a row gains less, in nats'),
  floor: z
    .number()
    .min(1e-9)
    .max(1)
    .default(1e-4)
    .describe('least variance of a feature within a state, in units of its own variance when standardised'),
  standardise,
});

/** Options of {@link hmm}. */
export type HmmOptions = z.output<typeof options>;

/** Returns the newest step of each row: the series that the rows are windows of. */
function newest(data: TrainingData, steps: number): TrainingData {
  const features = data.columns / steps;
  if (!Number.isInteger(features)) {
    const expected = `a divisor of the ${data.columns} columns`;
    throw new InvalidOptionError(`Expected ${expected} for steps, was another`, [
      { pointer: '/steps', expected, received: `${steps}` },
    ]);
  }
  if (steps === 1) return data;
  const inputs = new Float32Array(data.rows * features);
  for (let i = 0; i < data.rows; i++) {
    const end = (i + 1) * data.columns;
    inputs.set(data.inputs.subarray(end - features, end), i * features);
  }
  return { rows: data.rows, columns: features, inputs };
}

/**
 * Hidden Markov model with normal observations, fitted by Baum-Welch: see the kernels `hmm_fit` and `hmm_states`. States are
 * sorted by the sum of their variances, 0 is the calmest. The served model gives the probability of each state at the newest step
 * given the steps of the row, from the stationary distribution on: it never looks ahead, and with one step it knows no more than
 * that row.
 */
export const hmm: Family<HmmOptions> = {
  name: 'hmm',
  title: 'Hidden Markov model',
  tasks: ['clustering'],
  options,
  async fit(task, data, given, { seed, signal, progress }) {
    checkTask(hmm, task);
    refuseWeights('hmm', data);
    checkInputs(data, Math.max(3, given.states * 2));
    const { states, steps, covariance } = given;
    const series = newest(data, steps);
    const { standard, values } = cloudOf(series, given.standardise, 3);
    const { rows, columns } = series;
    let best: { fit: Awaited<ReturnType<typeof fitFrom>>; start: number } | undefined;
    const history: FitProgress[] = [];
    const fitFrom = async (start: number) => {
      const means = await kmeans.async(
        { rows, columns, clusters: states, values, seed: seedOf(seed, start), maxIterations: 20 },
        signal,
      );
      return hmmFit.async(
        {
          ...{ rows, columns, states, values, covariance, start: means.centres },
          ...{ maxIterations: given.max_iterations, tolerance: given.tolerance, floor: given.floor },
        },
        signal,
      );
    };
    for (let start = 0; start < given.starts; start++) {
      stopIfAborted(signal);
      const fit = await fitFrom(start);
      if (!best || fit.likelihood[0]! > best.fit.likelihood[0]!) best = { fit, start };
      const entry = {
        fraction: (start + 1) / given.starts,
        step: start + 1,
        loss: -best.fit.likelihood[0]! / rows,
      };
      history.push(entry);
      progress?.(entry);
    }
    const { initial, transitions, means, covariances, iterations, likelihood } = best!.fit;
    const model = { states, columns, transitions, means, covariances };
    const call = { rows, columns, states, values, initial, transitions, means, covariances };
    const { filtered } = await hmmStates.async(call, signal);
    const wide = {
      ...standard,
      shift: repeated(standard.shift, steps),
      scale: repeated(standard.scale, steps),
    };
    return {
      model: servingModel(data.columns, wide, {
        name: 'hmm',
        doc: `Hidden Markov model: probabilities of ${states} states at the last of ${steps} steps, the calmest first`,
        width: states,
        ...filterSection(model, steps),
      }),
      history,
      facts: {
        log_likelihood: likelihood[0]! / rows,
        iterations: iterations[0]!,
        converged: iterations[0]! < given.max_iterations,
        constant_columns: standard.constant,
        ...stateFacts(model, filtered, rows),
      },
    };
  },
};

const repeated = (values: Float32Array, times: number) =>
  Float32Array.from({ length: values.length * times }, (_, i) => values[i % values.length]!);

/** How calm each state is, how long it lasts, and how often it was the likeliest by the filter. */
function stateFacts(
  { states, columns, transitions, covariances }: Parameters<typeof filterSection>[0],
  filtered: Float64Array,
  rows: number,
): Record<string, number> {
  const facts: Record<string, number> = {};
  const often = new Array<number>(states).fill(0);
  for (let i = 0; i < rows; i++) {
    let most = 0;
    for (let k = 1; k < states; k++) if (filtered[i * states + k]! > filtered[i * states + most]!) most = k;
    often[most]!++;
  }
  const rest = stationary(transitions, states);
  for (let k = 0; k < states; k++) {
    let variance = 0;
    for (let j = 0; j < columns; j++) variance += covariances[(k * columns + j) * columns + j]!;
    facts[`state_${k}_mean_variance`] = variance / columns;
    facts[`state_${k}_stays`] = transitions[k * states + k]!;
    facts[`state_${k}_stationary`] = rest[k]!;
    facts[`state_${k}_rows`] = often[k]!;
  }
  return facts;
}
