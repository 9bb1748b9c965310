// ADWIN: a window of recent values that drops its older part as soon as the means of two parts differ.
import { detectorNumber, finiteValue, refusedState } from './detector.ts';
import type { StreamDetector, StreamVerdict } from './types.ts';

export interface AdwinOptions {
  /** Confidence: the chance of a false alarm at one check is at most about this. Above 0, below 1. Default 0.002. */
  readonly delta?: number;
  /** A check follows every so many values. Default 32. */
  readonly clock?: number;
  /** Buckets of one size; two of more become one of twice the size. Default 5. */
  readonly maxBuckets?: number;
  /** Values that either part needs. Default 5. */
  readonly minWindow?: number;
  /** Values before the first check. Default 10. */
  readonly grace?: number;
}

/** Sums of values and of squared deviations of one bucket. */
type Bucket = readonly [total: number, squares: number];

export interface AdwinJson {
  readonly detector: 'adwin';
  readonly options: Required<AdwinOptions>;
  readonly tick: number;
  readonly width: number;
  readonly total: number;
  readonly squares: number;
  readonly detections: number;
  /** By size 1, 2, 4, ...; the oldest first. */
  readonly rows: readonly (readonly Bucket[])[];
}

/**
 * Bifet and Gavalda 2007, "Learning from time-changing data with adaptive windowing", ADWIN2: an exponential histogram of O(log n) buckets, each check
 * against the bound of theorem 3.2. Takes any numbers; the bound is meant for values in [0, 1].
 */
export class Adwin implements StreamDetector {
  readonly #options: Required<AdwinOptions>;
  readonly #rows: Bucket[][] = [[]];
  #tick = 0;
  #width = 0;
  #total = 0;
  #squares = 0;
  #detections = 0;

  /** Throws `InvalidOptionError` for options out of range. */
  constructor(options: AdwinOptions = {}) {
    this.#options = {
      delta: detectorNumber(options.delta, 0.002, 'delta', { above: 0, below: 1 }),
      clock: detectorNumber(options.clock, 32, 'clock', { least: 1 }),
      maxBuckets: detectorNumber(options.maxBuckets, 5, 'max_buckets', { least: 1 }),
      minWindow: detectorNumber(options.minWindow, 5, 'min_window', { least: 1 }),
      grace: detectorNumber(options.grace, 10, 'grace', { least: 0 }),
    };
  }

  /** Values in the window. */
  get width(): number {
    return this.#width;
  }

  /** Mean of the window; NaN while it is empty. */
  get mean(): number {
    return this.#total / this.#width;
  }

  get detections(): number {
    return this.#detections;
  }

  /** Takes one value. On drift the window already is what came after the change. Throws `NonFiniteInputError`. */
  update(value: number): StreamVerdict {
    this.#insert(finiteValue(value));
    this.#tick += 1;
    const { clock, grace } = this.#options;
    let drift = false;
    if (this.#tick % clock === 0 && this.#width > grace) {
      while (this.#isCut()) {
        drift = true;
        this.#drop();
      }
    }
    if (drift) this.#detections += 1;
    return { drift, warning: false };
  }

  #insert(value: number): void {
    this.#rows[0]!.push([value, 0]);
    this.#width += 1;
    if (this.#width > 1) {
      const off = value - this.#total / (this.#width - 1);
      this.#squares += ((this.#width - 1) * off * off) / this.#width;
    }
    this.#total += value;
    for (let i = 0; this.#rows[i]!.length > this.#options.maxBuckets; i++) {
      const size = 2 ** i;
      const [one, other] = this.#rows[i]!.splice(0, 2) as [Bucket, Bucket];
      const off = (one[0] - other[0]) / size;
      this.#rows[i + 1] ??= [];
      this.#rows[i + 1]!.push([one[0] + other[0], one[1] + other[1] + (size * off * off) / 2]);
    }
  }

  /** Whether the window falls into an older and a newer part whose means differ by more than the bound. */
  #isCut(): boolean {
    const { delta, minWindow } = this.#options;
    const log = Math.log((2 * Math.log(this.#width)) / delta);
    const variance = this.#squares / this.#width;
    let older = 0;
    let sum = 0;
    for (let i = this.#rows.length - 1; i >= 0; i--) {
      for (const [total] of this.#rows[i]!) {
        older += 2 ** i;
        sum += total;
        const newer = this.#width - older;
        if (newer < minWindow) return false;
        if (older < minWindow) continue;
        const off = sum / older - (this.#total - sum) / newer;
        const spread = 1 / (older - minWindow + 1) + 1 / (newer - minWindow + 1);
        if (Math.abs(off) > Math.sqrt(2 * spread * variance * log) + (2 / 3) * log * spread) return true;
      }
    }
    return false;
  }

  /** Drops the oldest bucket. */
  #drop(): void {
    const last = this.#rows.length - 1;
    const size = 2 ** last;
    const [total, squares] = this.#rows[last]!.shift()!;
    this.#width -= size;
    this.#total -= total;
    const off = total / size - this.#total / this.#width;
    this.#squares -= squares + (size * this.#width * off * off) / (size + this.#width);
    // What rounding leaves of a window of equal values is no variance.
    if (this.#squares < 0) this.#squares = 0;
    while (this.#rows.length > 1 && this.#rows.at(-1)!.length === 0) this.#rows.pop();
  }

  toJSON(): AdwinJson {
    return {
      ...{ detector: 'adwin', options: this.#options, tick: this.#tick, width: this.#width },
      ...{ total: this.#total, squares: this.#squares, detections: this.#detections },
      rows: this.#rows.map((row) => [...row]),
    };
  }

  /** Returns the detector that {@link toJSON} was called on. Throws `InvalidOptionError` for anything else. */
  static fromJSON(json: unknown): Adwin {
    const from = json as AdwinJson;
    if (from?.detector !== 'adwin') refusedState('adwin');
    const detector = new Adwin(from.options);
    const pairs = Array.isArray(from.rows) && from.rows.length > 0 && from.rows.every(Array.isArray);
    if (!pairs || !from.rows.flat().every((pair) => pair.length === 2 && pair.every(Number.isFinite)))
      refusedState('adwin');
    const width = from.rows.reduce((sum, row, i) => sum + row.length * 2 ** i, 0);
    const counts = [from.tick, from.detections].every((count) => Number.isSafeInteger(count) && count >= 0);
    if (width !== from.width || !counts || ![from.total, from.squares].every(Number.isFinite))
      refusedState('adwin');
    detector.#rows.splice(0, 1, ...from.rows.map((row) => [...row]));
    detector.#tick = from.tick;
    detector.#width = from.width;
    detector.#total = from.total;
    detector.#squares = from.squares;
    detector.#detections = from.detections;
    return detector;
  }
}
