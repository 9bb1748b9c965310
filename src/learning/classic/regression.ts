// What the linear regressions share: options, centred and weighed rows, the fitted model with its losses.
import { z } from 'zod';
import { gemv } from '../../native/index.ts';
import type { FitControl, Fitted, TrainingData } from '../family.ts';
import { linearModel } from './graph.ts';
import {
  checkInputs,
  numberTargets,
  type Standard,
  sharesOf,
  standardised,
  standardOf,
  stopIfAborted,
  weightsOf,
} from './rows.ts';

/** Options of every linear model. */
export const linearOptions = {
  intercept: z.boolean().default(true).describe('fit a constant, which no penalty touches'),
  standardise: z
    .boolean()
    .default(true)
    .describe(
      'divide each input by its (weighted, population) deviation first, so that a penalty treats all alike; the served model does the same',
    ),
};

interface LinearSettings {
  readonly intercept: boolean;
  readonly standardise: boolean;
}

/** Rows of a regression whose least squares are its weighted ones: centred, times the root of their weight. */
export interface Regression {
  readonly standard: Standard;
  /** [rows, columns]. */
  readonly rows: Float64Array;
  readonly targets: Float64Array;
  /** Weighted means of the standardised columns and of the targets; 0 without an intercept. */
  readonly means: Float64Array;
  readonly targetMean: number;
  /** Sum of the weights. */
  readonly total: number;
}

/** Checks the rows of a regression and brings them into the form of {@link Regression}. Throws as `Family.fit`. */
export function regressionOf(data: TrainingData, { intercept, standardise }: LinearSettings): Regression {
  checkInputs(data, 2);
  const targets = Float64Array.from(numberTargets(data));
  if (data.validation) {
    checkInputs(data.validation, 1);
    numberTargets(data.validation);
  }
  const { weights, total } = weightsOf(data);
  const standard = standardOf(data, weights, total, standardise);
  const rows = standardised(data, standard);
  const { columns } = data;
  const means = new Float64Array(columns);
  let targetMean = 0;
  for (let i = 0; intercept && i < data.rows; i++) {
    const share = weights[i]! / total;
    targetMean += share * targets[i]!;
    for (let j = 0; j < columns; j++) means[j]! += share * rows[i * columns + j]!;
  }
  // Without an intercept and weights, rows are what they are.
  for (let i = 0; (intercept || data.weights) && i < data.rows; i++) {
    const root = Math.sqrt(weights[i]!);
    targets[i] = root * (targets[i]! - targetMean);
    for (let j = 0; j < columns; j++) rows[i * columns + j] = root * (rows[i * columns + j]! - means[j]!);
  }
  return { standard, rows, targets, means, targetMean, total };
}

/** Returns the mean of the weighted squared errors of `coefficients` over `regression`. */
export async function meanSquaredError(
  { rows, targets, total }: Regression,
  coefficients: Float64Array,
  signal?: AbortSignal,
): Promise<number> {
  const call = { m: targets.length, n: coefficients.length, a: rows, x: coefficients };
  const { out } = await gemv.auto(call, signal);
  return out.reduce((sum, value, i) => sum + (value - targets[i]!) ** 2, 0) / total;
}

/** Returns what a fit of linear coefficients gives; `facts` are added to those of all. */
export async function fittedRegression(
  name: string,
  data: TrainingData,
  regression: Regression,
  coefficients: Float64Array,
  { signal, progress }: FitControl,
  { iterations, ...facts }: { readonly iterations: number } & Fitted['facts'],
): Promise<Fitted> {
  const { means, targetMean, standard } = regression;
  const intercept = coefficients.reduce((sum, value, j) => sum - value * means[j]!, targetMean);
  const model = linearModel(name, data.columns, standard, {
    coefficients,
    intercepts: Float64Array.of(intercept),
  });
  const loss = await meanSquaredError(regression, coefficients, signal);
  const validation = validationError(data, standard, coefficients, intercept);
  stopIfAborted(signal);
  const step = {
    fraction: 1,
    step: iterations,
    loss,
    ...(validation === undefined ? {} : { validation_loss: validation }),
  };
  progress?.(step);
  return {
    model,
    history: [step],
    importance: sharesOf(coefficients.map(Math.abs)),
    facts: {
      iterations,
      mean_squared_error: loss,
      nonzero_coefficients: coefficients.filter((value) => value !== 0).length,
      constant_columns: standard.constant,
      ...facts,
    },
  };
}

function validationError(
  { validation }: TrainingData,
  standard: Standard,
  coefficients: Float64Array,
  intercept: number,
): number | undefined {
  if (validation === undefined) return undefined;
  const { columns } = validation;
  const rows = standardised(validation, standard);
  const { weights, total } = weightsOf(validation);
  const targets = numberTargets(validation);
  return targets.reduce((sum, target, i) => {
    let error = intercept - target;
    for (let j = 0; j < columns; j++) error += coefficients[j]! * rows[i * columns + j]!;
    return sum + (weights[i]! / total) * error ** 2;
  }, 0);
}
