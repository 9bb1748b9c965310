// Lasso and elastic net: least squares with a penalty that sets coefficients to 0.
import { z } from 'zod';
import { coordinateDescent, gemv, syrk } from '../../native/index.ts';
import type { Family, FitControl, Fitted, Task, TrainingData } from '../family.ts';
import { fittedRegression, linearOptions, regressionOf } from './regression.ts';
import { checkTask } from './rows.ts';

const shared = {
  alpha: z
    .number()
    .min(1e-12)
    .max(1e12)
    .default(0.01)
    .describe('penalty, in units of the target: the more, the more coefficients are 0'),
  max_iterations: z
    .int()
    .min(1)
    .max(1_000_000)
    .default(10_000)
    .describe('rounds over the coefficients at most'),
  tolerance: z
    .number()
    .min(1e-14)
    .max(0.1)
    .default(1e-8)
    .describe('converged when the duality gap is at most this share of the mean square of the targets'),
  ...linearOptions,
};
const lassoOptions = z.strictObject(shared);
const elasticNetOptions = z.strictObject({
  ...shared,
  l1_ratio: z
    .number()
    .min(0)
    .max(1)
    .default(0.5)
    .describe('part of the penalty on absolute sizes; the rest is on squares. 1 is the lasso'),
});

/** Options of {@link lasso}. */
export type LassoOptions = z.output<typeof lassoOptions>;
/** Options of {@link elasticNet}. */
export type ElasticNetOptions = z.output<typeof elasticNetOptions>;

async function fit(
  family: Pick<Family, 'name' | 'tasks'>,
  task: Task,
  data: TrainingData,
  given: ElasticNetOptions,
  control: FitControl,
): Promise<Fitted> {
  checkTask(family, task);
  const regression = regressionOf(data, given);
  const { columns, rows: count } = data;
  const { rows: a, targets, total } = regression;
  const { signal } = control;
  const alpha = 1 / total;
  const { out: gram } = await syrk.async({ n: columns, k: count, transA: true, alpha, a }, signal);
  const across = { m: columns, n: count, transA: true, alpha, a, x: targets };
  const { out: products } = await gemv.async(across, signal);
  const square = targets.reduce((sum, value) => sum + value * value, 0) / total;
  const { coefficients, gap, iterations } = await coordinateDescent.async(
    {
      ...{ columns, gram, products, square: Float64Array.of(square) },
      l1: given.alpha * given.l1_ratio,
      l2: given.alpha * (1 - given.l1_ratio),
      tolerance: given.tolerance,
      maxIterations: given.max_iterations,
    },
    signal,
  );
  return fittedRegression(family.name, data, regression, coefficients, control, {
    iterations: iterations[0]!,
    converged: gap[0]! <= given.tolerance * square,
    duality_gap: gap[0]!,
  });
}

/**
 * Lasso: the minimum of `sum_i weight_i (y_i - x_i w - intercept)^2 / (2 sum weight) + alpha sum |w|` (Tibshirani 1996).
 * `importance` is the share of each standardised coefficient in their absolute sum.
 */
export const lasso: Family<LassoOptions> = {
  name: 'lasso',
  title: 'Lasso',
  tasks: ['regression'],
  options: lassoOptions,
  fit: (task, data, given, control) => fit(lasso, task, data, { ...given, l1_ratio: 1 }, control),
};

/** Elastic net: the lasso's penalty times `l1_ratio`, and `alpha (1 - l1_ratio) / 2 sum w^2` (Zou and Hastie 2005). */
export const elasticNet: Family<ElasticNetOptions> = {
  name: 'elastic_net',
  title: 'Elastic net',
  tasks: ['regression'],
  options: elasticNetOptions,
  fit: (task, data, given, control) => fit(elasticNet, task, data, given, control),
};
