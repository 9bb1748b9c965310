// Two distributions of one column in the same bins: shares of reference and current rows.
import { type Distribution, quantileOf, rowsUpTo } from './distribution.ts';

/** Shares of both sides, a bin each. */
export interface Shares {
  readonly reference: Float64Array;
  readonly current: Float64Array;
  /** Most that the difference of a bin's shares is off. */
  readonly errors: Float64Array;
}

const bits = new BigInt64Array(1);
const number = new Float64Array(bits.buffer);

/** Returns the largest number below a finite `value`. */
export function below(value: number): number {
  if (value === 0) return -Number.MIN_VALUE;
  number[0] = value;
  bits[0]! += value > 0 ? -1n : 1n;
  return number[0]!;
}

/**
 * Returns the inner edges of at most `bins` bins, which hold their upper edge: quantiles of the reference, each once. Where the least reference value has
 * a bin of its own, what is below it has one too: nothing that the reference never saw shares a bin with its commonest value.
 */
export function edgesOf(reference: Distribution, bins: number): number[] {
  const edges: number[] = [];
  for (let bin = 1; bin < bins; bin++) {
    const edge = quantileOf(reference, bin / bins);
    if (edges.length === 0 || edge > edges.at(-1)!) edges.push(edge);
  }
  const least = reference.values[0]!;
  if (edges[0] === least && Number.isFinite(below(least))) edges.unshift(below(least));
  return edges;
}

/** Returns the shares of both sides in the bins between `edges`. */
export function sharesIn(reference: Distribution, current: Distribution, edges: readonly number[]): Shares {
  const shares = (side: Distribution) => {
    let before = 0;
    return Float64Array.from({ length: edges.length + 1 }, (_, bin) => {
      const upTo = bin < edges.length ? rowsUpTo(side, edges[bin]!) : side.rows;
      const share = (upTo - before) / side.rows;
      before = upTo;
      return share;
    });
  };
  // A bin lies between two counts, each of which may be off.
  const errors = new Float64Array(edges.length + 1).fill(2 * (reference.error + current.error));
  return { reference: shares(reference), current: shares(current), errors };
}

/** Returns `current` drawn towards `reference` by the errors of the shares: the smallest difference that the sketches allow. */
export function nearest({ reference, current, errors }: Shares): Float64Array {
  return current.map((share, bin) => {
    const off = share - reference[bin]!;
    return errors[bin] === 0
      ? share
      : reference[bin]! + Math.sign(off) * Math.max(0, Math.abs(off) - errors[bin]!);
  });
}
