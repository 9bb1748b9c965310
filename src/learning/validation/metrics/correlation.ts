// Pearson and Spearman correlation of samples in which each pair counts a number of times.
import { ascendingOrder } from './scorer.ts';

/**
 * Returns the Pearson correlation, from -1 to 1, of pairs that count `weights[i]` times; NaN where one side never moves.
 * Two passes: means first, so that a large level costs no digits.
 */
export function pearson(x: ArrayLike<number>, y: ArrayLike<number>, weights: ArrayLike<number>): number {
  let [total, meanX, meanY] = [0, 0, 0];
  for (let i = 0; i < weights.length; i++) {
    total += weights[i]!;
    meanX += weights[i]! * x[i]!;
    meanY += weights[i]! * y[i]!;
  }
  meanX /= total;
  meanY /= total;
  let [xx, yy, xy] = [0, 0, 0];
  // A constant side can leave the rounding of its mean as its only movement.
  let [movesX, movesY] = [false, false];
  let first = -1;
  for (let i = 0; i < weights.length; i++) {
    if (weights[i] === 0) continue;
    if (first < 0) first = i;
    movesX ||= x[i] !== x[first];
    movesY ||= y[i] !== y[first];
    const [dx, dy] = [x[i]! - meanX, y[i]! - meanY];
    xx += weights[i]! * dx * dx;
    yy += weights[i]! * dy * dy;
    xy += weights[i]! * dx * dy;
  }
  if (!movesX || !movesY) return Number.NaN;
  return Math.max(-1, Math.min(1, xy / Math.sqrt(xx * yy)));
}

/** A sample sorted once, so that ranks under new weights take one pass. */
export interface Ranking {
  ranks(weights: ArrayLike<number>): Float64Array;
}

/** Returns the ranking of `values`: ranks from 1 in the sample in which value i stands `weights[i]` times, ties averaged. */
export function ranking(values: ArrayLike<number>): Ranking {
  const order = ascendingOrder(values);
  return {
    ranks(weights) {
      const ranks = new Float64Array(values.length);
      let below = 0;
      for (let from = 0; from < order.length; ) {
        let to = from;
        let tied = 0;
        for (; to < order.length && values[order[to]!] === values[order[from]!]; to++) {
          tied += weights[order[to]!]!;
        }
        for (let i = from; i < to; i++) ranks[order[i]!] = below + (tied + 1) / 2;
        below += tied;
        from = to;
      }
      return ranks;
    },
  };
}
