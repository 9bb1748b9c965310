// How much a feature says about a target, in nats: from neighbours (Kraskov, Ross), and from bins with a correction of their bias.
import { Philox } from '../../core/philox.ts';
import { digamma } from '../../core/special.ts';

/** Most rows whose neighbours are looked for; of more, that many evenly spread ones. */
export const MAX_NEIGHBOUR_ROWS = 20_000;

/** Counts of pairs of codes, in use again from pair to pair. */
export class CodePairs {
  readonly #counts: Float64Array;
  readonly #width: number;

  /** Codes are from 0 to below `levels`. */
  constructor(levels: number) {
    this.#width = levels;
    this.#counts = new Float64Array(levels * levels);
  }

  /**
   * Returns the mutual information of two code columns, at least 0. Plug-in estimate, and with `corrected` less its first-order bias
   * (Miller 1955): (occupied pairs - occupied x - occupied y + 1) / 2n.
   */
  information(x: Uint8Array, y: Uint8Array, corrected: boolean): number {
    const width = this.#width;
    const counts = this.#counts.fill(0);
    for (let row = 0; row < x.length; row++) counts[x[row]! * width + y[row]!]!++;
    const [xs, ys] = [new Float64Array(width), new Float64Array(width)];
    for (let a = 0; a < width; a++) {
      for (let b = 0; b < width; b++) {
        xs[a]! += counts[a * width + b]!;
        ys[b]! += counts[a * width + b]!;
      }
    }
    const n = x.length;
    const occupied = (of: Float64Array) => of.reduce((sum, count) => sum + (count > 0 ? 1 : 0), 0);
    let sum = 0;
    for (let a = 0; a < width; a++) {
      for (let b = 0; b < width; b++) {
        const count = counts[a * width + b]!;
        if (count > 0) sum += (count / n) * Math.log((count * n) / (xs[a]! * ys[b]!));
      }
    }
    const bias = corrected ? (occupied(counts) - occupied(xs) - occupied(ys) + 1) / (2 * n) : 0;
    return Math.max(0, sum - bias);
  }
}

/**
 * Returns the mutual information of two columns of numbers from their `neighbours` nearest neighbours: Kraskov, Stogbauer and Grassberger 2004,
 * equation 8, as scikit-learn's `mutual_info_regression`. Both are scaled by their deviation; noise of 1e-10 of the mean size, from
 * `seed`, parts equal numbers. O(n sqrt(n)) where one of them has few equal numbers.
 */
export function neighbourInformation(
  x: Float64Array,
  y: Float64Array,
  neighbours: number,
  seed: number,
): number {
  const n = x.length;
  const noise = new Philox(seed).fillNormal(new Float64Array(2 * n));
  const pair = [scaled(x, noise.subarray(0, n)), scaled(y, noise.subarray(n))] as const;
  // Neighbours are looked for along one column, whose equal numbers all come before any other: along the one with fewer of them.
  const [a, b] = new Set(x).size < new Set(y).size ? [pair[1], pair[0]] : pair;
  const order = Uint32Array.from({ length: n }, (_, i) => i).sort((i, j) => a[i]! - a[j]!);
  const xs = Float64Array.from(order, (i) => a[i]!);
  const paired = Float64Array.from(order, (i) => b[i]!);
  const ys = b.slice().sort();
  let sum = 0;
  for (let i = 0; i < n; i++) {
    const radius = nearest(xs, paired, i, neighbours);
    sum += digamma(within(xs, xs[i]!, radius)) + digamma(within(ys, paired[i]!, radius));
  }
  return Math.max(0, digamma(n) + digamma(neighbours) - sum / n);
}

/**
 * Returns the mutual information of numbers and classes: Ross 2014, as scikit-learn's `mutual_info_classif`. A class of one row does not count.
 */
export function classInformation(
  x: Float64Array,
  classes: Float64Array,
  neighbours: number,
  seed: number,
): number {
  const scaledX = scaled(x, new Philox(seed).fillNormal(new Float64Array(x.length)));
  const groups = Map.groupBy(scaledX.keys(), (row) => classes[row]!);
  const counted = [...groups.values()].filter((rows) => rows.length > 1);
  const all = Float64Array.from(counted.flat(), (row) => scaledX[row]!).sort();
  let sum = 0;
  for (const rows of counted) {
    const own = Float64Array.from(rows, (row) => scaledX[row]!).sort();
    const k = Math.min(neighbours, own.length - 1);
    sum += own.length * (digamma(k) - digamma(own.length));
    for (let i = 0; i < own.length; i++) sum -= digamma(within(all, own[i]!, nearestOnLine(own, i, k)));
  }
  return all.length === 0 ? 0 : Math.max(0, digamma(all.length) + sum / all.length);
}

// As scikit-learn: divided by the population deviation, not centred.
function scaled(x: Float64Array, noise: Float64Array): Float64Array {
  const mean = x.reduce((sum, value) => sum + value, 0) / x.length;
  const deviation = Math.sqrt(x.reduce((sum, value) => sum + (value - mean) ** 2, 0) / x.length) || 1;
  const size = Math.max(1, x.reduce((sum, value) => sum + Math.abs(value), 0) / x.length / deviation);
  return x.map((value, i) => value / deviation + 1e-10 * size * noise[i]!);
}

/** Largest-coordinate distance to the k-th nearest other point of point `i`; `xs` ascending. */
function nearest(xs: Float64Array, ys: Float64Array, i: number, k: number): number {
  const best = new Float64Array(k).fill(Number.POSITIVE_INFINITY);
  const [x, y] = [xs[i]!, ys[i]!];
  let left = i - 1;
  let right = i + 1;
  for (;;) {
    const toLeft = left >= 0 ? x - xs[left]! : Number.POSITIVE_INFINITY;
    const toRight = right < xs.length ? xs[right]! - x : Number.POSITIVE_INFINITY;
    const isLeft = toLeft < toRight;
    const far = isLeft ? toLeft : toRight;
    if (far >= best[k - 1]!) return best[k - 1]!;
    const other = isLeft ? left-- : right++;
    const distance = Math.max(far, Math.abs(ys[other]! - y));
    if (distance >= best[k - 1]!) continue;
    let place = k - 1;
    while (place > 0 && best[place - 1]! > distance) {
      best[place] = best[place - 1]!;
      place--;
    }
    best[place] = distance;
  }
}

/** Distance to the k-th nearest other number of an ascending line. */
function nearestOnLine(xs: Float64Array, i: number, k: number): number {
  let [left, right, distance] = [i - 1, i + 1, 0];
  for (let found = 0; found < k; found++) {
    const toLeft = left >= 0 ? xs[i]! - xs[left]! : Number.POSITIVE_INFINITY;
    const toRight = right < xs.length ? xs[right]! - xs[i]! : Number.POSITIVE_INFINITY;
    distance = Math.min(toLeft, toRight);
    if (toLeft < toRight) left--;
    else right++;
  }
  return distance;
}

/** How many of an ascending line lie nearer to `x` than `radius`, itself among them. */
function within(line: Float64Array, x: number, radius: number): number {
  let [low, high] = [0, line.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (line[middle]! <= x || line[middle]! - x < radius) low = middle + 1;
    else high = middle;
  }
  const to = low;
  low = 0;
  high = to;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (line[middle]! < x && x - line[middle]! >= radius) low = middle + 1;
    else high = middle;
  }
  return Math.max(1, to - low);
}
