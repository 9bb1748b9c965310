// A robust scale of the last absolute returns: the median of those that are not 0, made comparable with a standard deviation.

// Of a normal distribution: standard deviation over median of the absolute deviation (Huber and Ronchetti 2009, section 5.1).
const NORMAL = 1.4826;

/** The last `window` values other than 0, kept in order of arrival and of size. A value costs a binary search and moves within the window. */
export class RobustScale {
  readonly #ring: Float64Array;
  readonly #sorted: Float64Array;
  #next = 0;
  count = 0;

  constructor(window: number, values: readonly number[]) {
    this.#ring = new Float64Array(window);
    this.#sorted = new Float64Array(window);
    for (const value of values) this.add(value);
  }

  /** Takes an absolute return; 0 and what is not finite are left out. */
  add(value: number): void {
    if (!(value > 0) || value === Number.POSITIVE_INFINITY) return;
    const sorted = this.#sorted;
    // Of a full window the oldest value leaves its place, and only what lies between it and the place of the new one moves.
    let at = this.count === sorted.length ? this.#place(this.#ring[this.#next]!) : this.count++;
    for (; at > 0 && sorted[at - 1]! > value; at--) sorted[at] = sorted[at - 1]!;
    for (; at + 1 < this.count && sorted[at + 1]! < value; at++) sorted[at] = sorted[at + 1]!;
    sorted[at] = value;
    this.#ring[this.#next] = value;
    this.#next = (this.#next + 1) % this.#ring.length;
  }

  /** Returns the scale, or 0 without values. */
  value(): number {
    if (this.count === 0) return 0;
    const upper = this.count >> 1;
    const lower = this.count % 2 === 1 ? upper : upper - 1;
    return (NORMAL * (this.#sorted[lower]! + this.#sorted[upper]!)) / 2;
  }

  /** Returns the values, oldest first. */
  save(): number[] {
    const full = this.count === this.#ring.length;
    const ring = Array.from(this.#ring.subarray(0, this.count));
    return full ? [...ring.slice(this.#next), ...ring.slice(0, this.#next)] : ring;
  }

  // Index of the first sorted value that is not below one.
  #place(value: number): number {
    let from = 0;
    let to = this.count;
    while (from < to) {
      const middle = (from + to) >> 1;
      if (this.#sorted[middle]! < value) from = middle + 1;
      else to = middle;
    }
    return from;
  }
}
