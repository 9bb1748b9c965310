// The penalised log-loss of a linear model: value, gradient and Hessian over native kernels.
import { gemm, linearLogLoss, NotPositiveDefiniteError, solveSpd } from '../../native/index.ts';
import type { Linear } from './graph.ts';
import type { Objective, Point } from './newton.ts';

interface LogLossParts {
  /** [count, width], a last column of ones when there is an intercept. */
  readonly rows: Float64Array;
  readonly count: number;
  readonly width: number;
  readonly targets: Float32Array;
  readonly classes: number;
  readonly weights: Float64Array;
  readonly l2: number;
}

/** The log-loss at one place. */
export interface LossPoint extends Point {
  /** The weighted mean of the log-losses, in nats, without the penalty. */
  readonly mean: number;
}

// Up to this many parameters a Hessian over all rows costs less than the products of conjugate gradients.
const DENSE = 256;

/**
 * `sum_i weight_i log-loss_i + l2 / 2 |w|^2` over parameters [width, scores]: one score, the log-odds of class 1, for two
 * classes, else one for each class.
 */
export class LogLoss implements Objective<LossPoint> {
  /** 1 when the last row of the parameters is an intercept, which no penalty touches. */
  free: 0 | 1 = 0;
  readonly size: number;
  readonly #parts: LogLossParts;
  readonly #scores: number;
  readonly #targets: Int32Array;
  readonly #total: number;

  constructor(parts: LogLossParts) {
    this.#parts = parts;
    this.#scores = parts.classes === 2 ? 1 : parts.classes;
    this.#targets = new Int32Array(parts.targets);
    this.#total = parts.weights.reduce((sum, weight) => sum + weight, 0);
    this.size = parts.width * this.#scores;
  }

  #call(parameters: Float64Array) {
    const { rows, count, width, weights } = this.#parts;
    const sizes = { rows: count, columns: width, scores: this.#scores };
    return { ...sizes, values: rows, targets: this.#targets, weights, parameters };
  }

  /** Returns the weighted mean of the log-losses, in nats, without the penalty. */
  async mean(parameters: Float64Array, signal?: AbortSignal): Promise<number> {
    const { loss } = await linearLogLoss.async(this.#call(parameters), signal);
    return loss[0]! / this.#total;
  }

  /** Returns the objective with its derivatives. */
  async at(parameters: Float64Array, signal?: AbortSignal): Promise<LossPoint> {
    const dense = this.size <= DENSE;
    const hessian = dense ? new Float64Array(this.size ** 2) : undefined;
    const probabilities = dense ? undefined : new Float64Array(this.#parts.count * this.#scores);
    const extra = hessian ? { hessian } : { probabilities: probabilities! };
    const { loss, gradient } = await linearLogLoss.async({ ...this.#call(parameters), ...extra }, signal);
    const penalised = parameters.subarray(0, this.size - this.free * this.#scores);
    const squares = penalised.reduce((sum, value) => sum + value * value, 0);
    this.#penalise(gradient, parameters);
    if (hessian) for (let j = 0; j < penalised.length; j++) hessian[j * (this.size + 1)]! += this.#parts.l2;
    return {
      value: (this.#parts.l2 / 2) * squares + loss[0]!,
      mean: loss[0]! / this.#total,
      gradient,
      step: async (stop) => (hessian ? this.#step(hessian, gradient, stop) : null),
      curvature: (direction, stop) =>
        hessian ? this.#product(hessian, direction, stop) : this.#bend(probabilities!, direction, stop),
    };
  }

  #penalise(sums: Float64Array, parameters: Float64Array): Float64Array {
    const end = this.size - this.free * this.#scores;
    for (let j = 0; j < end; j++) sums[j]! += this.#parts.l2 * parameters[j]!;
    return sums;
  }

  /** Null where the Hessian is singular to rounding. */
  async #step(hessian: Float64Array, gradient: Float64Array, signal?: AbortSignal) {
    const n = this.size;
    const a = hessian.slice();
    const scores = this.#scores;
    // The same number on the intercepts of all classes changes nothing: whatever curvature that direction gets, no gradient is along it.
    if (scores > 1 && this.free) {
      const share = this.#total / scores;
      for (let k = n - scores; k < n; k++) for (let l = n - scores; l < n; l++) a[k * n + l]! += share;
    }
    try {
      const { x } = await solveSpd.async({ n, nrhs: 1, a, b: gradient.map((value) => -value) }, signal);
      return x;
    } catch (thrown) {
      if (thrown instanceof NotPositiveDefiniteError) return null;
      throw thrown;
    }
  }

  async #product(hessian: Float64Array, direction: Float64Array, signal?: AbortSignal) {
    const call = { m: this.size, n: 1, k: this.size, a: hessian, b: direction };
    return (await gemm.async(call, signal)).out;
  }

  /** The Hessian times `direction` where only the probabilities are at hand. */
  async #bend(probabilities: Float64Array, direction: Float64Array, signal?: AbortSignal) {
    const { rows, count, width: columns, weights } = this.#parts;
    const width = this.#scores;
    const scores = (await gemm.async({ m: count, n: width, k: columns, a: rows, b: direction }, signal)).out;
    for (let i = 0; i < count; i++) {
      const first = i * width;
      let mean = width === 1 ? probabilities[i]! * scores[i]! : 0;
      for (let k = 0; width > 1 && k < width; k++) mean += probabilities[first + k]! * scores[first + k]!;
      for (let k = 0; k < width; k++)
        scores[first + k] = weights[i]! * probabilities[first + k]! * (scores[first + k]! - mean);
    }
    const back = { m: columns, n: width, k: count, transA: true, a: rows, b: scores };
    return this.#penalise((await gemm.async(back, signal)).out, direction);
  }

  /**
   * Returns coefficients and intercepts for all classes: of two, class 0 has zeros. Intercepts of more are centred: a softmax
   * knows them up to a constant.
   */
  linear(parameters: Float64Array, columns: number): Linear {
    const { classes } = this.#parts;
    const [given, offset] = classes === 2 ? [1, 1] : [classes, 0];
    const coefficients = new Float64Array(columns * classes);
    const intercepts = new Float64Array(classes);
    for (let k = 0; k < given; k++) {
      for (let j = 0; j < columns; j++) coefficients[j * classes + k + offset] = parameters[j * given + k]!;
      if (this.free) intercepts[k + offset] = parameters[columns * given + k]!;
    }
    const mean = classes === 2 ? 0 : intercepts.reduce((sum, value) => sum + value, 0) / classes;
    return { coefficients, intercepts: intercepts.map((value) => value - mean) };
  }
}
