// Fits an L2-penalised logistic regression in float64 by Newton's method.
import { InvalidOptionError, InvariantError } from '../../../src/core/errors.ts';
import type { Dataset } from './dataset.ts';

/** Mean and population standard deviation of each column. */
export interface Scale {
  readonly mean: number[];
  readonly std: number[];
}

/** A fitted regression over standardised inputs. */
export interface LogisticFit extends Scale {
  readonly coefficients: number[];
  readonly intercept: number;
  readonly iterations: number;
}

const MAX_ITERATIONS = 100;

/** Returns the scale of each column (two passes; divisor n). Throws InvalidOptionError for a column that never changes. */
export function scaleOf({ inputs, columns, rows }: Dataset): Scale {
  const mean = Array.from({ length: columns }, (_, j) => {
    let sum = 0;
    for (let i = 0; i < rows; i++) sum += inputs[i * columns + j]!;
    return sum / rows;
  });
  const std = mean.map((centre, j) => {
    let sum = 0;
    for (let i = 0; i < rows; i++) sum += (inputs[i * columns + j]! - centre) ** 2;
    return Math.sqrt(sum / rows);
  });
  if (std.some((value) => !(value > 0)))
    throw new InvalidOptionError('Expected inputs that change over time');
  return { mean, std };
}

/**
 * Returns the coefficients that minimise `sum_i log(1 + exp(-s_i z_i)) + l2/2 * |w|^2`, with `z` the log-odds over
 * standardised inputs and `s` the label as +-1; the intercept is not penalised (scikit-learn's objective with C = 1/l2).
 * Newton's method (IRLS; Hastie, Tibshirani, Friedman, The Elements of Statistical Learning, 4.4.1), halving a step
 * that does not lower the objective; loops in a fixed order, so equal data give equal bits. Cost: rows x columns^2 each
 * iteration. Throws InvalidOptionError when l2 is not above zero, InvariantError when it does not converge.
 */
export function fitLogistic(data: Dataset, l2: number, scale: Scale = scaleOf(data)): LogisticFit {
  if (!(l2 > 0 && Number.isFinite(l2))) throw new InvalidOptionError('Expected l2 above zero');
  const design = standardised(data, scale);
  const width = data.columns + 1;
  let weights = new Float64Array(width);
  let objective = penalisedLoss(design, data.labels, weights, l2);
  for (let iteration = 1; iteration <= MAX_ITERATIONS; iteration++) {
    const step = newtonStep(design, data.labels, weights, l2);
    let fraction = 1;
    let next = weights;
    let lowered = objective;
    do {
      next = weights.map((weight, j) => weight - fraction * step[j]!);
      lowered = penalisedLoss(design, data.labels, next, l2);
      fraction /= 2;
      // Close to the minimum the objective only changes in its last bits; such a step is taken as it is.
    } while (lowered > objective * (1 + 1e-14) && fraction > 1e-6);
    weights = next;
    objective = lowered;
    if (step.every((value, j) => Math.abs(value) <= 1e-12 * Math.max(1, Math.abs(weights[j]!)))) {
      const [intercept, ...coefficients] = weights;
      return { ...scale, coefficients, intercept: intercept!, iterations: iteration };
    }
  }
  throw new InvariantError("Newton's method did not converge");
}

/** Returns the probability of each row, `Float64Array` [rows]. */
export function predictLogistic(data: Dataset, fit: Omit<LogisticFit, 'iterations'>): Float64Array {
  const design = standardised(data, fit);
  const weights = Float64Array.of(fit.intercept, ...fit.coefficients);
  return Float64Array.from({ length: data.rows }, (_, i) => sigmoid(logOdds(design, weights, i)));
}

/** [rows, 1 + columns]: a one for the intercept, then the standardised inputs. */
function standardised({ inputs, columns, rows }: Dataset, { mean, std }: Scale): Float64Array {
  const width = columns + 1;
  const design = new Float64Array(rows * width);
  for (let i = 0; i < rows; i++) {
    design[i * width] = 1;
    for (let j = 0; j < columns; j++) {
      design[i * width + j + 1] = (inputs[i * columns + j]! - mean[j]!) / std[j]!;
    }
  }
  return design;
}

function logOdds(design: Float64Array, weights: Float64Array, row: number): number {
  const width = weights.length;
  let sum = 0;
  for (let j = 0; j < width; j++) sum += weights[j]! * design[row * width + j]!;
  return sum;
}

function penalisedLoss(design: Float64Array, labels: Uint8Array, weights: Float64Array, l2: number): number {
  let loss = 0;
  for (let j = 1; j < weights.length; j++) loss += (l2 / 2) * weights[j]! ** 2;
  for (let i = 0; i < labels.length; i++) {
    const margin = labels[i] ? logOdds(design, weights, i) : -logOdds(design, weights, i);
    // log(1 + e^-m) without overflow for large negative margins.
    loss += margin > 0 ? Math.log1p(Math.exp(-margin)) : Math.log1p(Math.exp(margin)) - margin;
  }
  return loss;
}

/** Returns Hessian^-1 gradient at `weights`. */
function newtonStep(
  design: Float64Array,
  labels: Uint8Array,
  weights: Float64Array,
  l2: number,
): Float64Array {
  const width = weights.length;
  const gradient = new Float64Array(width);
  const hessian = new Float64Array(width * width);
  for (let j = 1; j < width; j++) {
    gradient[j] = l2 * weights[j]!;
    hessian[j * width + j] = l2;
  }
  for (let i = 0; i < labels.length; i++) {
    const probability = sigmoid(logOdds(design, weights, i));
    const error = probability - labels[i]!;
    const curvature = probability * (1 - probability);
    for (let j = 0; j < width; j++) {
      const value = design[i * width + j]!;
      gradient[j]! += error * value;
      for (let k = 0; k <= j; k++) hessian[j * width + k]! += curvature * value * design[i * width + k]!;
    }
  }
  return solvePositiveDefinite(hessian, gradient);
}

/** Solves by Cholesky from the lower triangle, which is overwritten. */
function solvePositiveDefinite(matrix: Float64Array, right: Float64Array): Float64Array {
  const n = right.length;
  for (let j = 0; j < n; j++) {
    for (let i = j; i < n; i++) {
      let sum = matrix[i * n + j]!;
      for (let k = 0; k < j; k++) sum -= matrix[i * n + k]! * matrix[j * n + k]!;
      if (i === j && !(sum > 0)) throw new InvariantError('the Hessian is not positive definite');
      matrix[i * n + j] = i === j ? Math.sqrt(sum) : sum / matrix[j * n + j]!;
    }
  }
  const solution = right.slice();
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < i; k++) solution[i]! -= matrix[i * n + k]! * solution[k]!;
    solution[i]! /= matrix[i * n + i]!;
  }
  for (let i = n - 1; i >= 0; i--) {
    for (let k = i + 1; k < n; k++) solution[i]! -= matrix[k * n + i]! * solution[k]!;
    solution[i]! /= matrix[i * n + i]!;
  }
  return solution;
}

function sigmoid(value: number): number {
  return 1 / (1 + Math.exp(-value));
}
