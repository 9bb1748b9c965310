// Bounded histories of bar returns by symbol, for value at risk and reference prices.
import type { BodyOf, topics } from '../../../src/bus/topics.ts';
import type { Mark } from './book.ts';
import type { StoredReturns } from './store.ts';

export type LiveBar = BodyOf<typeof topics.marketLiveData>;

/** Returns kept for each symbol, in bars. */
export const HISTORY_BARS = 2000;
/** Symbols followed at most (32 KB each); bars of further ones are ignored. */
export const MAX_SYMBOLS = 1000;
/** Bars after which a history is written to disk: a kill loses fewer than this. */
const SAVE_EVERY = 64;

interface Series {
  readonly source: string;
  readonly times: Float64Array;
  readonly returns: Float64Array;
  /** Returns ever written; the slot of the next one is its remainder. */
  written: number;
  lastTsUs: number;
  lastClose: number;
  unsaved: number;
  /** Bars were missed while the engine was down: the next return would span them. */
  gap: boolean;
}

type Stored = Pick<Series, 'source' | 'lastTsUs' | 'lastClose'>;

/** Returns of several symbols at the same event times. */
export interface AlignedReturns {
  /** [bars, symbols], oldest first: simple returns as fractions. */
  readonly returns: Float64Array;
  readonly bars: number;
}

/** The last returns of every symbol on the stream. A bar of another source starts the symbol's history afresh. */
export class ReturnHistory {
  readonly #series = new Map<string, Series>();
  readonly #due = new Set<string>();
  /** What was handed out last to be written. */
  #taken: readonly string[] = [];

  get symbols(): number {
    return this.#series.size;
  }

  /** Takes one bar. A bar that is not newer than the last one of its symbol is ignored. */
  update(bar: LiveBar, tsEventUs: number): void {
    let series = this.#series.get(bar.symbol);
    if (series?.source !== bar.source) {
      if (!series && this.#series.size >= MAX_SYMBOLS) return;
      series = emptySeries(bar.source);
      this.#series.set(bar.symbol, series);
    } else if (tsEventUs <= series.lastTsUs) return;
    if (series.lastClose > 0 && !series.gap) {
      const slot = series.written++ % HISTORY_BARS;
      series.times[slot] = tsEventUs;
      series.returns[slot] = bar.close / series.lastClose - 1;
    }
    series.gap = false;
    series.lastClose = bar.close;
    series.lastTsUs = tsEventUs;
    if (++series.unsaved >= SAVE_EVERY) this.#due.add(bar.symbol);
  }

  /** The last close of a symbol. */
  mark(symbol: string): Mark | undefined {
    const series = this.#series.get(symbol);
    return series && { tsEventUs: series.lastTsUs, price: series.lastClose };
  }

  forget(symbol: string): void {
    this.#series.delete(symbol);
    this.#due.delete(symbol);
  }

  /** Returns the event times that all symbols share, as one matrix; 0 bars when one of them is unknown. */
  aligned(symbols: readonly string[]): AlignedReturns {
    const all = symbols.map((symbol) => this.#series.get(symbol));
    if (symbols.length === 0 || !all.every((series) => series !== undefined)) {
      return { returns: new Float64Array(0), bars: 0 };
    }
    const ends = all.map((series) => series.written);
    const slots: number[][] = [];
    // Backwards from the newest: each turn either takes a time that all have or skips what is newer than the oldest.
    while (all.every((series, i) => ends[i]! > Math.max(0, series.written - HISTORY_BARS))) {
      const row = all.map((_, i) => (ends[i]! - 1) % HISTORY_BARS);
      const times = all.map((series, i) => series.times[row[i]!]!);
      const oldest = Math.min(...times);
      if (times.every((time) => time === oldest)) slots.push(row);
      for (const [i, time] of times.entries()) if (time > oldest || slots.at(-1) === row) ends[i]!--;
    }
    const returns = new Float64Array(slots.length * all.length);
    for (const [r, row] of slots.reverse().entries()) {
      for (const [i, slot] of row.entries()) returns[r * all.length + i] = all[i]!.returns[slot]!;
    }
    return { returns, bars: slots.length };
  }

  /** Histories that wait to be written; with `all` those with any new bar. They count as written from now on. */
  takeUnsaved(all = false): StoredReturns[] {
    const symbols = all
      ? [...this.#series].filter(([, series]) => series.unsaved > 0).map(([symbol]) => symbol)
      : [...this.#due];
    this.#due.clear();
    this.#taken = symbols;
    return symbols.map((symbol) => {
      const series = this.#series.get(symbol)!;
      series.unsaved = 0;
      const { source, lastTsUs, lastClose } = series;
      const history: Stored = { source, lastTsUs, lastClose };
      return {
        symbol,
        history: JSON.stringify(history),
        times: oldestFirst(series, series.times),
        returns: oldestFirst(series, series.returns),
      };
    });
  }

  /** What `takeUnsaved` handed out last was not written after all: it waits again. */
  putBack(): void {
    for (const symbol of this.#taken) {
      const series = this.#series.get(symbol);
      if (!series) continue;
      series.unsaved = SAVE_EVERY;
      this.#due.add(symbol);
    }
    this.#taken = [];
  }

  /** Takes over what an earlier process stored. */
  restore(stored: readonly StoredReturns[]): void {
    for (const { symbol, history, times, returns } of stored.slice(0, MAX_SYMBOLS)) {
      const { source, lastTsUs, lastClose } = JSON.parse(history) as Stored;
      const series = emptySeries(source);
      series.times.set(floats(times));
      series.returns.set(floats(returns));
      series.written = times.byteLength / 8;
      this.#series.set(symbol, Object.assign(series, { lastTsUs, lastClose, gap: true }));
    }
  }
}

function emptySeries(source: string): Series {
  const times = new Float64Array(HISTORY_BARS);
  const returns = new Float64Array(HISTORY_BARS);
  return { source, times, returns, written: 0, lastTsUs: -1, lastClose: 0, unsaved: 0, gap: false };
}

function oldestFirst({ written }: Series, ring: Float64Array): Uint8Array {
  const out = new Float64Array(Math.min(written, HISTORY_BARS));
  const start = written > HISTORY_BARS ? written % HISTORY_BARS : 0;
  out.set(ring.subarray(start, out.length));
  out.set(ring.subarray(0, start), out.length - start);
  return new Uint8Array(out.buffer);
}

function floats(bytes: Uint8Array): Float64Array {
  return new Float64Array(new Uint8Array(bytes).buffer);
}
