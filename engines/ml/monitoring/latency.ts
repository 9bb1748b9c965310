// How long requests took: counts in bins that grow by 2.2%, so that any quantile is within 1.1% in constant memory.

const PER_DOUBLING = 32;
/** One microsecond, in milliseconds: what is quicker counts as that. */
const LEAST_MS = 0.001;
/** 2^26 microseconds are 67 seconds; what is slower counts as that. */
const BINS = 26 * PER_DOUBLING;

const binOf = (ms: number) =>
  Math.min(BINS - 1, Math.max(0, Math.floor(Math.log2(Math.max(ms, LEAST_MS) / LEAST_MS) * PER_DOUBLING)));
/** Geometric middle of a bin. */
const middleOf = (bin: number) => LEAST_MS * 2 ** ((bin + 0.5) / PER_DOUBLING);

/** Latencies of requests. */
export class Latencies {
  readonly #counts = new Uint32Array(BINS);
  #requests = 0;

  get requests(): number {
    return this.#requests;
  }

  add(ms: number): void {
    this.#counts[binOf(ms)]!++;
    this.#requests++;
  }

  /** The median, within 1.1%; null without requests. */
  get medianMs(): number | null {
    if (this.#requests === 0) return null;
    let left = (this.#requests + 1) / 2;
    const bin = this.#counts.findIndex((count) => {
      left -= count;
      return left <= 0;
    });
    return middleOf(bin);
  }

  /** Requests that took longer than `ms`, by whole bins: those of its own bin count half. */
  above(ms: number): number {
    const own = binOf(ms);
    let sum = this.#counts[own]! / 2;
    for (let bin = own + 1; bin < BINS; bin++) sum += this.#counts[bin]!;
    return sum;
  }

  /** Pairs of bin and count. */
  toJSON(): [number, number][] {
    const pairs: [number, number][] = [];
    for (const [bin, count] of this.#counts.entries()) if (count > 0) pairs.push([bin, count]);
    return pairs;
  }

  static from(pairs: readonly (readonly [number, number])[]): Latencies {
    const made = new Latencies();
    for (const [bin, count] of pairs) {
      made.#counts[bin] = count;
      made.#requests += count;
    }
    return made;
  }
}
