// Newton's method for smooth convex functions: whole steps where the Hessian is at hand, else by conjugate gradients.
import { DivergedError } from '../errors.ts';

/** A convex function at one place. */
export interface Point {
  readonly value: number;
  readonly gradient: Float64Array;
  /** The Hessian times `direction`. */
  curvature(direction: Float64Array, signal?: AbortSignal): Promise<Float64Array>;
  /** The step of Newton, -Hessian^-1 gradient; null where only {@link curvature} is at hand. */
  step(signal?: AbortSignal): Promise<Float64Array | null>;
}

/** A convex function of `size` parameters. */
export interface Objective<P extends Point = Point> {
  readonly size: number;
  at(parameters: Float64Array, signal?: AbortSignal): Promise<P>;
}

/** When {@link minimise} ends, and what it tells. */
export interface MinimiseOptions<P extends Point> {
  /** Largest component of the gradient at the minimum. */
  readonly tolerance: number;
  readonly maxIterations: number;
  readonly signal?: AbortSignal | undefined;
  /** Called after each step. */
  readonly step: (point: P, at: Float64Array, step: number) => Promise<void>;
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
 * Minimises from 0 on by Newton's steps with halving (Nocedal and Wright, Numerical Optimization, 2nd edition, algorithm 7.1 where a step
 * is not at hand). Loops in a fixed order, so equal data give equal bits. Throws DivergedError when the objective is no number,
 * CancelledError.
 */
export async function minimise<P extends Point>(
  objective: Objective<P>,
  options: MinimiseOptions<P>,
): Promise<Minimum> {
  const { tolerance, maxIterations, signal, step } = options;
  let at: Float64Array = new Float64Array(objective.size);
  let point = await objective.at(at, signal);
  await step(point, at, 0);
  let iterations = 0;
  while (largest(point.gradient) > tolerance && iterations < maxIterations) {
    iterations++;
    const direction = (await downwards(point, signal)) ?? (await truncated(point, signal));
    const slope = dot(point.gradient, direction);
    let fraction = 1;
    let next = at;
    let lower = point;
    for (; ; fraction /= 2) {
      next = at.map((parameter, j) => parameter + fraction * direction[j]!);
      lower = await objective.at(next, signal);
      if (Number.isNaN(lower.value))
        throw new DivergedError('Expected a finite loss, was not a number', iterations);
      // Close to the minimum the objective only changes in its last bits; such a step is taken as it is.
      const enough = point.value + 1e-4 * fraction * slope + 1e-14 * Math.abs(point.value);
      if (lower.value <= enough || fraction < 1e-10) break;
    }
    at = next;
    point = lower;
    await step(point, at, iterations);
    if (fraction < 1e-10) break;
  }
  return { at, converged: largest(point.gradient) <= tolerance, iterations };
}

/** The step of Newton where it is at hand and leads down: rounding may turn that of a Hessian that is almost singular. */
async function downwards(point: Point, signal?: AbortSignal): Promise<Float64Array | null> {
  const direction = await point.step(signal);
  return direction && dot(point.gradient, direction) < 0 ? direction : null;
}

/**
 * Returns about -Hessian^-1 gradient by conjugate gradients, the nearer the smaller the gradient is: this keeps the convergence
 * quadratic.
 */
async function truncated(point: Point, signal?: AbortSignal): Promise<Float64Array> {
  const { gradient } = point;
  const norm = Math.sqrt(dot(gradient, gradient));
  const enough = Math.min(0.1, Math.sqrt(norm), norm) * norm;
  const direction = new Float64Array(gradient.length);
  const residual = gradient.slice();
  let along = gradient.map((value) => -value);
  let square = norm * norm;
  for (let i = 0; i < Math.min(10 * gradient.length, 1000); i++) {
    const bent = await point.curvature(along, signal);
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
