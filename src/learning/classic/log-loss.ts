// The penalised log-loss of a linear model: value, gradient and Hessian-vector product over native matrix products.
import { gemm } from '../../native/index.ts';
import type { Linear } from './graph.ts';
import type { Objective } from './newton.ts';

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

/**
 * `sum_i weight_i log-loss_i + l2 / 2 |w|^2` over parameters [width, scores]: one score, the log-odds of class 1, for two
 * classes, else one for each class.
 */
export class LogLoss implements Objective {
  /** 1 when the last row of the parameters is an intercept, which no penalty touches. */
  free: 0 | 1 = 0;
  readonly size: number;
  readonly #parts: LogLossParts;
  readonly #scores: number;
  /** [count, scores]: the probabilities at the last point that `gradient` was asked for. */
  #probabilities: Float64Array = new Float64Array();

  constructor(parts: LogLossParts) {
    this.#parts = parts;
    this.#scores = parts.classes === 2 ? 1 : parts.classes;
    this.size = parts.width * this.#scores;
  }

  async #scoresAt(parameters: Float64Array, signal?: AbortSignal): Promise<Float64Array> {
    const { rows, count, width } = this.#parts;
    const call = { m: count, n: this.#scores, k: width, a: rows, b: parameters };
    return (await gemm.async(call, signal)).out;
  }

  async #across(values: Float64Array, signal?: AbortSignal): Promise<Float64Array> {
    const { rows, count, width } = this.#parts;
    const call = { m: width, n: this.#scores, k: count, transA: true, a: rows, b: values };
    return (await gemm.async(call, signal)).out;
  }

  #penalised(sums: Float64Array, parameters: Float64Array): Float64Array {
    const end = this.size - this.free * this.#scores;
    for (let j = 0; j < end; j++) sums[j]! += this.#parts.l2 * parameters[j]!;
    return sums;
  }

  /** Returns the objective. */
  async value(parameters: Float64Array, signal?: AbortSignal): Promise<number> {
    const end = this.size - this.free * this.#scores;
    const squares = parameters.subarray(0, end).reduce((sum, value) => sum + value * value, 0);
    return (this.#parts.l2 / 2) * squares + (await this.#sum(parameters, signal));
  }

  /** Returns the weighted mean of the log-losses, in nats, without the penalty. */
  async mean(parameters: Float64Array, signal?: AbortSignal): Promise<number> {
    const total = this.#parts.weights.reduce((sum, weight) => sum + weight, 0);
    return (await this.#sum(parameters, signal)) / total;
  }

  async #sum(parameters: Float64Array, signal?: AbortSignal): Promise<number> {
    const { count, targets, weights } = this.#parts;
    const scores = await this.#scoresAt(parameters, signal);
    const width = this.#scores;
    let sum = 0;
    for (let i = 0; i < count; i++) {
      if (width === 1) {
        const margin = targets[i] ? scores[i]! : -scores[i]!;
        // log(1 + e^-m) without overflow for large negative margins.
        sum +=
          weights[i]! * (margin > 0 ? Math.log1p(Math.exp(-margin)) : Math.log1p(Math.exp(margin)) - margin);
      } else {
        const row = scores.subarray(i * width, (i + 1) * width);
        sum += weights[i]! * (logSumExp(row) - row[targets[i]!]!);
      }
    }
    return sum;
  }

  async gradient(parameters: Float64Array, signal?: AbortSignal): Promise<Float64Array> {
    const { count, targets, weights } = this.#parts;
    const width = this.#scores;
    const probabilities = await this.#scoresAt(parameters, signal);
    const errors = new Float64Array(probabilities.length);
    for (let i = 0; i < count; i++) {
      const row = probabilities.subarray(i * width, (i + 1) * width);
      if (width === 1) row[0] = 1 / (1 + Math.exp(-row[0]!));
      else {
        const all = logSumExp(row);
        for (let k = 0; k < width; k++) row[k] = Math.exp(row[k]! - all);
      }
      for (let k = 0; k < width; k++) {
        const hit = width === 1 ? targets[i]! : Number(targets[i] === k);
        errors[i * width + k] = weights[i]! * (row[k]! - hit);
      }
    }
    this.#probabilities = probabilities;
    return this.#penalised(await this.#across(errors, signal), parameters);
  }

  /** Returns the product of the Hessian, at the last point of `gradient`, with `direction`. */
  async curvature(direction: Float64Array, signal?: AbortSignal): Promise<Float64Array> {
    const { count, weights } = this.#parts;
    const width = this.#scores;
    const scores = await this.#scoresAt(direction, signal);
    const probabilities = this.#probabilities;
    for (let i = 0; i < count; i++) {
      const first = i * width;
      let mean = width === 1 ? probabilities[i]! * scores[i]! : 0;
      for (let k = 0; width > 1 && k < width; k++) mean += probabilities[first + k]! * scores[first + k]!;
      for (let k = 0; k < width; k++)
        scores[first + k] = weights[i]! * probabilities[first + k]! * (scores[first + k]! - mean);
    }
    return this.#penalised(await this.#across(scores, signal), direction);
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

function logSumExp(row: Float64Array): number {
  let most = Number.NEGATIVE_INFINITY;
  for (const value of row) most = Math.max(most, value);
  let sum = 0;
  for (const value of row) sum += Math.exp(value - most);
  return most + Math.log(sum);
}
