// From times at growing sizes to the size from which Metal wins.

/** What one size of a row took: medians of interleaved runs, in milliseconds. */
export interface SizeTimes {
  /** Size of the call, in the unit of the row. */
  readonly elements: number;
  readonly cpuMs: number;
  readonly metalMs: number;
}

/**
 * Returns the smallest size from which Metal was faster at every larger size tried too; 0 when there is none. Sizes may come in any
 * order.
 */
export function crossoverOf(sizes: readonly SizeTimes[]): number {
  let from = 0;
  for (const { elements, cpuMs, metalMs } of [...sizes].sort((a, b) => b.elements - a.elements)) {
    if (!(metalMs < cpuMs)) break;
    from = elements;
  }
  return from;
}

/** Returns the median of some numbers; NaN of none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  if (sorted.length === 0) return Number.NaN;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
