// Isotonic regression by pooling adjacent violators.
import { ShapeMismatchError } from '../../../core/errors.ts';
import { ascendingOrder } from '../metrics/scorer.ts';

/** A line that never falls, through knots: constant outside them, straight between them. */
export interface MonotoneLine {
  /** Rising strictly. */
  readonly x: Float64Array;
  /** Never falling, as long as `x`. */
  readonly y: Float64Array;
}

/**
 * Returns the never-falling line of least squared error through points (x, y); equal x count as their mean. Inner knots of a level
 * stretch are left out, as scikit-learn does. Pool adjacent violators (Barlow et al. 1972; de Leeuw, Hornik, Mair 2009).
 * Throws ShapeMismatchError for lengths that differ or none. O(n log n).
 */
export function isotonicRegression(x: ArrayLike<number>, y: ArrayLike<number>): MonotoneLine {
  if (x.length === 0 || x.length !== y.length) {
    throw new ShapeMismatchError(`Expected as many y as x and at least one, was ${x.length} and ${y.length}`);
  }
  const points = distinctPoints(x, y);
  // Blocks of points with one level, on a stack: the last is merged backwards while it lies below the one before.
  const blocks: { sum: number; weight: number; points: number }[] = [];
  for (const point of points) {
    let block = { sum: point.sum, weight: point.weight, points: 1 };
    for (let before = blocks.at(-1); before && before.sum * block.weight >= block.sum * before.weight; ) {
      blocks.pop();
      block = {
        sum: before.sum + block.sum,
        weight: before.weight + block.weight,
        points: before.points + block.points,
      };
      before = blocks.at(-1);
    }
    blocks.push(block);
  }
  const [knotsX, knotsY] = [[], []] as [number[], number[]];
  let at = 0;
  for (const { sum, weight, points: count } of blocks) {
    // The ends of a level stretch are enough to draw it.
    for (const point of count > 1 ? [points[at]!, points[at + count - 1]!] : [points[at]!]) {
      knotsX.push(point.x);
      knotsY.push(sum / weight);
    }
    at += count;
  }
  return { x: Float64Array.from(knotsX), y: Float64Array.from(knotsY) };
}

/** Returns the line's value at `at`. */
export function valueOnLine({ x, y }: MonotoneLine, at: number): number {
  let [low, high] = [0, x.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (x[middle]! <= at) low = middle + 1;
    else high = middle;
  }
  if (low === 0) return y[0]!;
  if (low === x.length) return y[low - 1]!;
  const share = (at - x[low - 1]!) / (x[low]! - x[low - 1]!);
  return y[low - 1]! + share * (y[low]! - y[low - 1]!);
}

function distinctPoints(x: ArrayLike<number>, y: ArrayLike<number>) {
  const points: { x: number; sum: number; weight: number }[] = [];
  for (const i of ascendingOrder(x)) {
    const last = points.at(-1);
    if (last && last.x === x[i]) {
      last.sum += y[i]!;
      last.weight++;
    } else points.push({ x: x[i]!, sum: y[i]!, weight: 1 });
  }
  return points;
}
