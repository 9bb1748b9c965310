// Newton's method for smooth convex functions, each step by conjugate gradients: no Hessian is ever stored.
import { DivergedError } from '../errors.ts';

/** A convex function of `size` parameters with its derivatives. */
export interface Objective {
  readonly size: number;
  value(at: Float64Array, signal?: AbortSignal): Promise<number>;
  gradient(at: Float64Array, signal?: AbortSignal): Promise<Float64Array>;
  /** The Hessian at the last point of `gradient`, times `direction`. */
  curvature(direction: Float64Array, signal?: AbortSignal): Promise<Float64Array>;
}

/** When {@link minimise} ends, and what it tells. */
export interface MinimiseOptions {
  /** Largest component of the gradient at the minimum. */
  readonly tolerance: number;
  readonly maxIterations: number;
  readonly signal?: AbortSignal | undefined;
  /** Called after each step. */
  readonly step: (at: Float64Array, step: number) => Promise<void>;
}

/** Where the minimum was found. */
export interface Minimum {
  readonly at: Float64Array;
  /** False when the steps ran out before the gradient was small enough. */
  readonly converged: boolean;
  readonly iterations: number;
}

const dot = (a: Float64Array, b: Float64Array) => a.reduce((sum, value, i) => sum + value * b[i]!, 0);
const largest = (a: Float64Array) => a.reduce((most, value) => Math.max(most, Math.abs(value)), 0);

/**
 * Minimises from 0 on by truncated Newton steps with halving (Nocedal and Wright, Numerical Optimization, 2nd edition,
 * algorithm 7.1). Loops in a fixed order, so equal data give equal bits. Throws DivergedError when the objective is no number,
 * CancelledError.
 */
export async function minimise(objective: Objective, options: MinimiseOptions): Promise<Minimum> {
  const { tolerance, maxIterations, signal, step } = options;
  let at: Float64Array = new Float64Array(objective.size);
  let value = await objective.value(at, signal);
  let gradient = await objective.gradient(at, signal);
  await step(at, 0);
  let iterations = 0;
  while (largest(gradient) > tolerance && iterations < maxIterations) {
    iterations++;
    const direction = await newtonDirection(objective, gradient, signal);
    const slope = dot(gradient, direction);
    let fraction = 1;
    let next = at;
    let lowered = value;
    for (; ; fraction /= 2) {
      next = at.map((parameter, j) => parameter + fraction * direction[j]!);
      lowered = await objective.value(next, signal);
      if (Number.isNaN(lowered))
        throw new DivergedError('Expected a finite loss, was not a number', iterations);
      // Close to the minimum the objective only changes in its last bits; such a step is taken as it is.
      if (lowered <= value + 1e-4 * fraction * slope + 1e-14 * Math.abs(value) || fraction < 1e-10) break;
    }
    at = next;
    value = lowered;
    gradient = await objective.gradient(at, signal);
    await step(at, iterations);
    if (fraction < 1e-10) break;
  }
  return { at, converged: largest(gradient) <= tolerance, iterations };
}

/** Returns about -Hessian^-1 gradient, the nearer the smaller the gradient is: this keeps the convergence quadratic. */
async function newtonDirection(
  objective: Objective,
  gradient: Float64Array,
  signal?: AbortSignal,
): Promise<Float64Array> {
  const norm = Math.sqrt(dot(gradient, gradient));
  const enough = Math.min(0.1, Math.sqrt(norm), norm) * norm;
  const direction = new Float64Array(gradient.length);
  const residual = gradient.slice();
  let along = gradient.map((value) => -value);
  let square = norm * norm;
  for (let i = 0; i < Math.min(10 * gradient.length, 1000); i++) {
    const bent = await objective.curvature(along, signal);
    const curvature = dot(along, bent);
    if (!(curvature > 0)) break;
    const length = square / curvature;
    for (let j = 0; j < direction.length; j++) {
      direction[j]! += length * along[j]!;
      residual[j]! += length * bent[j]!;
    }
    const next = dot(residual, residual);
    if (Math.sqrt(next) <= enough) break;
    const share = next / square;
    along = along.map((value, j) => share * value - residual[j]!);
    square = next;
  }
  return square > 0 && direction.some((value) => value !== 0) ? direction : gradient.map((value) => -value);
}
