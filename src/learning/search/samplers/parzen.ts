// The density of points that are like those seen: a mixture with one kernel around each of them and one over the whole space.
import { cellOf, fromUnit } from '../axis.ts';
import { settingsOf } from '../tree.ts';
import type { Choice, Dimension } from '../types.ts';
import type { Draws } from './draws.ts';
import { normalBetween } from './normal.ts';

/** One dimension of all kernels. */
interface Axis {
  /** Draws a value near kernel `kernel`. */
  draw(kernel: number, draws: Draws): Choice;
  /** Adds the logarithm of the density (of a value in a cell: of the mass) at `value` to that of each kernel. */
  addLogDensity(value: Choice, logs: Float64Array): void;
}

const ROOT = Math.sqrt(2 * Math.PI);

/** Trials that count in full, from the newest back; older ones count the less the older they are. */
const RECENT = 25;

/**
 * The mixture of Bergstra et al. 2011 over several dimensions at once: a kernel is a product of truncated normals (of masses of cells where a dimension has
 * finitely many values) and of distributions over choices, with the widths and weights of Optuna's multivariate TPE.
 */
export class Parzen {
  readonly #axes: readonly Axis[];
  readonly #logWeights: Float64Array;
  readonly #weights: Float64Array;

  /**
   * `seen` holds points as their places in the unit interval, one column for each dimension, the oldest first; one more kernel lies over the whole space.
   */
  constructor(dimensions: readonly Dimension[], seen: readonly Float64Array[]) {
    this.#weights = weightsOf(seen[0]!.length);
    this.#logWeights = this.#weights.map(Math.log);
    this.#axes = dimensions.map((dimension, at) =>
      dimension.kind === 'choice' ? choiceAxis(dimension.values, seen[at]!) : rangeAxis(dimension, seen[at]!),
    );
  }

  /** Draws a point. */
  draw(draws: Draws): Choice[] {
    let left = draws.uniform();
    let kernel = 0;
    // The last kernel takes what rounding leaves of the sum.
    while (kernel < this.#weights.length - 1 && left >= this.#weights[kernel]!)
      left -= this.#weights[kernel++]!;
    return this.#axes.map((axis) => axis.draw(kernel, draws));
  }

  /** Returns the logarithm of the density at a point, up to a constant of the dimensions. */
  logDensity(point: readonly Choice[]): number {
    const logs = this.#logWeights.slice();
    for (const [at, axis] of this.#axes.entries()) axis.addLogDensity(point[at]!, logs);
    let most = Number.NEGATIVE_INFINITY;
    for (let kernel = 0; kernel < logs.length; kernel++) if (logs[kernel]! > most) most = logs[kernel]!;
    let sum = 0;
    for (let kernel = 0; kernel < logs.length; kernel++) sum += Math.exp(logs[kernel]! - most);
    return most + Math.log(sum);
  }
}

/** Returns the weights of `seen` kernels and of the one over the whole space, sum 1. */
function weightsOf(seen: number): Float64Array {
  const weights = new Float64Array(seen + 1).fill(1);
  const old = seen - RECENT;
  for (let at = 0; at < old; at++)
    weights[at] = old === 1 ? 1 / seen : 1 / seen + (at / (old - 1)) * (1 - 1 / seen);
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map((weight) => weight / sum);
}

function choiceAxis(values: readonly Choice[], places: Float64Array): Axis {
  const seen = Uint32Array.from(places, (place) => Math.floor(place * values.length));
  const kernels = seen.length + 1;
  // Each value is as likely as if all had been seen once by all kernels together.
  const whole = 1 + values.length / kernels;
  const hit = (1 + 1 / kernels) / whole;
  const miss = 1 / kernels / whole;
  const [logHit, logMiss, logAny] = [hit, miss, 1 / values.length].map(Math.log) as [number, number, number];
  return {
    draw(kernel, draws) {
      const at = draws.uniform();
      const own = seen[kernel];
      if (own === undefined) return values[Math.floor(at * values.length)]!;
      if (at < hit - miss) return values[own]!;
      return values[Math.min(values.length - 1, Math.floor((at - (hit - miss)) / miss))]!;
    },
    addLogDensity(value, logs) {
      const index = values.indexOf(value);
      for (let kernel = 0; kernel < seen.length; kernel++) {
        logs[kernel]! += seen[kernel] === index ? logHit : logMiss;
      }
      logs[seen.length]! += logAny;
    },
  };
}

function rangeAxis(dimension: Dimension, seen: Float64Array): Axis {
  const kernels = seen.length + 1;
  const centres = new Float64Array(kernels).fill(0.5);
  centres.set(seen);
  const widths = widthsOf(seen);
  const narrowness = new Float64Array(kernels);
  const logHeights = new Float64Array(kernels);
  for (let kernel = 0; kernel < kernels; kernel++) {
    const width = widths[kernel]!;
    const centre = centres[kernel]!;
    narrowness[kernel] = 1 / width;
    logHeights[kernel] = -Math.log(normalBetween(-centre / width, (1 - centre) / width) * width * ROOT);
  }
  /** Adds the logarithm of the density at a place. */
  const addDensity = (at: number, logs: Float64Array) => {
    for (let kernel = 0; kernel < kernels; kernel++) {
      const z = (at - centres[kernel]!) * narrowness[kernel]!;
      logs[kernel]! += logHeights[kernel]! - 0.5 * z * z;
    }
  };
  const logMasses = (left: number, right: number) => {
    const masses = new Float64Array(kernels);
    const middle = (left + right) / 2;
    const logSize = Math.log(right - left);
    for (let kernel = 0; kernel < kernels; kernel++) {
      const z = Math.abs(middle - centres[kernel]!) * narrowness[kernel]!;
      masses[kernel] = logHeights[kernel]! + logSize + logShape(z, (right - left) * narrowness[kernel]!);
    }
    return masses;
  };
  const known = new Map<Choice, Float64Array>();
  const continuous = settingsOf(dimension) === Number.POSITIVE_INFINITY;
  return {
    draw(kernel, draws) {
      const width = widths[kernel]!;
      // Widths are at most 1 and centres within the interval: at least a third of all draws stay within it.
      for (;;) {
        const at = centres[kernel]! + width * draws.normal();
        if (at >= 0 && at <= 1) return fromUnit(dimension, at);
      }
    },
    addLogDensity(value, logs) {
      const [left, right] = cellOf(dimension, value);
      if (continuous) return addDensity(left, logs);
      const masses = known.get(value) ?? logMasses(left, right);
      known.set(value, masses);
      for (let kernel = 0; kernel < kernels; kernel++) logs[kernel]! += masses[kernel]!;
    },
  };
}

/** Returns the logarithm of what `exp(-x^2 / 2)` is on average over an interval of length `size` around `z`, at least 0; within 1e-5. */
function logShape(z: number, size: number): number {
  if (size < 0.2 && size * z < 0.2) {
    // The first terms of its series: a cell is often much smaller than a kernel, and this needs no exponential.
    const bend = (size * size * (z * z - 1)) / 24;
    return bend - 0.5 * bend * bend - 0.5 * z * z;
  }
  return Math.log((normalBetween(z - size / 2, z + size / 2) * ROOT) / size);
}

/** Returns the width of the kernel of each place seen, and 1 for that over the whole interval: the larger gap to a neighbour, within limits. */
function widthsOf(seen: Float64Array): Float64Array {
  const { length } = seen;
  const sorted = seen.toSorted();
  const last = length - 1;
  const least = 1 / Math.min(100, length + 2);
  // How many of the same value have had their place.
  const taken = new Uint32Array(length);
  const widths = new Float64Array(length + 1).fill(1);
  for (let at = 0; at < length; at++) {
    const value = seen[at]!;
    const from = lowerBound(sorted, value);
    const place = from + taken[from]!++;
    const before = place > 0 ? value - sorted[place - 1]! : value;
    const after = place < last ? sorted[place + 1]! - value : 1 - value;
    // The ends of the interval are no neighbours where there are others.
    const gap =
      length > 1 && place === 0 ? after : length > 1 && place === last ? before : Math.max(before, after);
    widths[at] = Math.min(1, Math.max(least, gap));
  }
  return widths;
}

function lowerBound(sorted: Float64Array, value: number): number {
  let from = 0;
  let to = sorted.length;
  while (from < to) {
    const middle = (from + to) >> 1;
    if (sorted[middle]! < value) from = middle + 1;
    else to = middle;
  }
  return from;
}
