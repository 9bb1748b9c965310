// Logistic regression of two or more classes, with a penalty on the squares of the coefficients.
import { z } from 'zod';
import { InvalidOptionError } from '../../core/errors.ts';
import type { Family, FitProgress, TrainingData } from '../family.ts';
import { linearModel } from './graph.ts';
import { LogLoss } from './log-loss.ts';
import { minimise } from './newton.ts';
import { linearOptions } from './regression.ts';
import {
  checkInputs,
  checkTask,
  classTargets,
  sharesOf,
  standardised,
  standardOf,
  stopIfAborted,
  weightsOf,
} from './rows.ts';

const options = z.strictObject({
  l2: z
    .number()
    .min(1e-8)
    .max(1e12)
    .default(1)
    .describe(
      'penalty: l2 / 2 times the sum of squared coefficients is added to the weighted sum of the log-losses (1 / C of scikit-learn)',
    ),
  class_weight: z
    .union([z.enum(['none', 'balanced']), z.array(z.number().min(0).max(1e6)).min(2).max(1000)])
    .default('none')
    .describe(
      'what the weights of the rows of each class are multiplied by: nothing, `rows / (classes x rows of the class)`, or one number for each class',
    ),
  max_iterations: z.int().min(1).max(10_000).default(100).describe('steps of Newton at most'),
  tolerance: z
    .number()
    .min(1e-12)
    .max(0.1)
    .default(1e-8)
    .describe('converged when no component of the gradient of the mean log-loss is larger'),
  ...linearOptions,
});

/** Options of {@link logistic}. */
export type LogisticOptions = z.output<typeof options>;

/** Multiplies the weight of each row by that of its class; refuses classes that have no weight. */
function weighClasses(
  weights: Float64Array,
  targets: Float32Array,
  classes: number,
  wanted: LogisticOptions['class_weight'],
): void {
  if (Array.isArray(wanted) && wanted.length !== classes) {
    const expected = `${classes} weights, one for each class`;
    throw new InvalidOptionError(`Expected ${expected}, for class_weight, was ${wanted.length}`, [
      { pointer: '/class_weight', expected, received: `${wanted.length}` },
    ]);
  }
  const sums = new Float64Array(classes);
  for (let i = 0; i < targets.length; i++) sums[targets[i]!]! += weights[i]!;
  const total = sums.reduce((a, b) => a + b, 0);
  const factors = sums.map((sum, k) => {
    if (Array.isArray(wanted)) return wanted[k]!;
    return wanted === 'balanced' ? total / (classes * sum) : 1;
  });
  const missing = sums.findIndex((sum, k) => !(sum > 0 && factors[k]! > 0));
  // Its intercept would go to minus infinity.
  if (missing >= 0) {
    const expected = 'rows with a weight above 0 of every class';
    throw new InvalidOptionError(`Expected ${expected} for targets, was none of class ${missing}`, [
      { pointer: '/targets', expected, received: `none of class ${missing}` },
    ]);
  }
  for (let i = 0; i < weights.length; i++) weights[i]! *= factors[targets[i]!]!;
}

function lossOf(
  data: Omit<TrainingData, 'validation'>,
  rows: Float64Array,
  weights: Float64Array,
  l2: number,
) {
  const { targets, classes } = classTargets(data);
  return new LogLoss({
    rows,
    count: data.rows,
    width: rows.length / data.rows,
    targets,
    classes,
    weights,
    l2,
  });
}

/**
 * Logistic regression: the minimum of `sum_i weight_i log-loss_i + l2 / 2 |w|^2`, where intercepts are free (Hastie,
 * Tibshirani, Friedman, The Elements of Statistical Learning, 4.4), by Newton's method. Two classes have one set of
 * coefficients, more have one each (softmax). `importance` sums the standardised coefficients' sizes over the classes.
 */
export const logistic: Family<LogisticOptions> = {
  name: 'logistic',
  title: 'Logistic regression',
  tasks: ['classification'],
  options,
  async fit(task, data, given, { signal, progress }) {
    checkTask(logistic, task);
    checkInputs(data, 2);
    const { targets, classes } = classTargets(data);
    const { weights, total } = weightsOf(data);
    const standard = standardOf(data, weights, total, given.standardise);
    weighClasses(weights, targets, classes, given.class_weight);
    const extra = given.intercept ? 1 : 0;
    const loss = lossOf(data, standardised(data, standard, extra), weights, given.l2);
    loss.free = extra;
    let watched: LogLoss | undefined;
    if (data.validation) {
      checkInputs(data.validation, 1);
      const rows = standardised(data.validation, standard, extra);
      watched = lossOf({ ...data.validation, classes }, rows, weightsOf(data.validation).weights, 0);
    }
    const history: FitProgress[] = [];
    const sum = weights.reduce((a, b) => a + b, 0);
    const { at, converged, iterations } = await minimise(loss, {
      tolerance: given.tolerance * sum,
      maxIterations: given.max_iterations,
      signal,
      async step({ mean }, parameters, step) {
        const validation = await watched?.mean(parameters, signal);
        const entry = {
          ...{ fraction: step / given.max_iterations, step, loss: mean },
          ...(validation === undefined ? {} : { validation_loss: validation }),
        };
        history.push(entry);
        progress?.(entry);
      },
    });
    stopIfAborted(signal);
    const linear = loss.linear(at, data.columns);
    const sizes = new Float64Array(data.columns);
    linear.coefficients.forEach((value, i) => {
      sizes[Math.floor(i / classes)]! += Math.abs(value);
    });
    return {
      model: linearModel('logistic', data.columns, standard, linear, true),
      history,
      importance: sharesOf(sizes),
      facts: { converged, iterations, log_loss: history.at(-1)!.loss, constant_columns: standard.constant },
    };
  },
};
