// Bounded series for the snapshot: the newest bars of one instrument, and a curve that thins itself out.
import type { Bar } from '../../../src/market/bar.ts';

/** Bars column by column, oldest first; all columns have one length. */
export interface BarColumns {
  readonly ts_us: number[];
  readonly open: number[];
  readonly high: number[];
  readonly low: number[];
  readonly close: number[];
  readonly volume: number[];
}

// Columns of the ring, in the order in which one bar is stored.
const WIDTH = 6;

/** The newest `capacity` bars of one instrument, in one flat array: no object per bar is kept alive. */
export class BarRing {
  readonly #cells: Float64Array;
  readonly #capacity: number;
  #count = 0;
  #next = 0;
  #lastUs = Number.NEGATIVE_INFINITY;
  /** Where the newest bar came from: `simulated`, `replay` or a venue. */
  source = '';
  /** Length of the newest bar in microseconds. */
  intervalUs = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
    this.#cells = new Float64Array(capacity * WIDTH);
  }

  /** A bar of the newest bar's time replaces it; an older one means that its source began again, which forgets the rest. */
  push(bar: Bar & { readonly source: string }): void {
    if (bar.ts_event_us < this.#lastUs) this.clear();
    if (bar.ts_event_us === this.#lastUs) {
      this.#next = (this.#next + this.#capacity - 1) % this.#capacity;
      this.#count--;
    }
    const at = this.#next * WIDTH;
    const cells = this.#cells;
    cells[at] = bar.ts_event_us;
    cells[at + 1] = bar.open;
    cells[at + 2] = bar.high;
    cells[at + 3] = bar.low;
    cells[at + 4] = bar.close;
    cells[at + 5] = bar.volume;
    this.#next = (this.#next + 1) % this.#capacity;
    if (this.#count < this.#capacity) this.#count++;
    this.#lastUs = bar.ts_event_us;
    this.source = bar.source;
    this.intervalUs = bar.interval_us;
  }

  clear(): void {
    this.#count = 0;
    this.#next = 0;
    this.#lastUs = Number.NEGATIVE_INFINITY;
  }

  /** The newest `limit` bars. */
  columns(limit: number): BarColumns {
    const n = Math.min(limit, this.#count);
    const first = this.#next + this.#capacity - n;
    const column = (offset: number) =>
      Array.from({ length: n }, (_, i) => this.#cells[((first + i) % this.#capacity) * WIDTH + offset]!);
    return {
      ts_us: column(0),
      open: column(1),
      high: column(2),
      low: column(3),
      close: column(4),
      volume: column(5),
    };
  }
}

/** Points of a thinned curve, oldest first; `stride`: how many came for each one that stays. */
export interface CurvePoints<Value> {
  readonly at: number[];
  readonly values: Value[];
  readonly stride: number;
}

/**
 * A curve from its first point to its newest in at most `capacity` points: when it is full every second point goes and
 * only every second later one is kept, so that the whole course stays visible. The newest point is always exact.
 */
export class ThinnedCurve<Value> {
  readonly #capacity: number;
  #at: number[] = [];
  #values: Value[] = [];
  #stride = 1;
  // Points since the last one that was kept for good.
  #since = 0;

  /** `capacity` is an even number from 4. */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** `at` is a time or a step. A point at the newest point's place replaces it; older points are ignored. */
  push(at: number, value: Value): void {
    const last = this.#at.length - 1;
    if (last >= 0 && at < this.#at[last]!) return;
    if (last >= 0 && at === this.#at[last]!) {
      this.#values[last] = value;
      return;
    }
    // The newest point is provisional until it has come a whole stride from the last kept one.
    if (last > 0 && this.#since < this.#stride) {
      this.#at[last] = at;
      this.#values[last] = value;
      this.#since++;
      return;
    }
    if (this.#at.length === this.#capacity) this.#thin();
    this.#at.push(at);
    this.#values.push(value);
    this.#since = 1;
  }

  clear(): void {
    this.#at = [];
    this.#values = [];
    this.#stride = 1;
    this.#since = 0;
  }

  points(): CurvePoints<Value> {
    return { at: [...this.#at], values: [...this.#values], stride: this.#stride };
  }

  #thin(): void {
    const keep = (_: unknown, i: number) => i % 2 === 0;
    this.#at = this.#at.filter(keep);
    this.#values = this.#values.filter(keep);
    this.#stride *= 2;
  }
}
