// Bounded histories of bar returns by symbol, as they come on the stream; nothing here is stored.

/** What a history takes from a bar. */
export interface ClosingBar {
  readonly symbol: string;
  readonly interval_us: number;
  readonly close: number;
  readonly source: string;
}

/** The last close of a symbol. */
export interface LastClose {
  readonly tsEventUs: number;
  readonly price: number;
}

export interface HistoryBounds {
  /** Returns kept for each symbol. */
  readonly bars: number;
  /** Symbols followed at most; bars of further ones are ignored and counted. */
  readonly maxSymbols: number;
}

/** Returns of several symbols at the same event times. */
export interface AlignedReturns {
  /** [bars, symbols], oldest first: simple returns as fractions. */
  readonly returns: Float64Array;
  readonly bars: number;
  /** [bars]: event times in microseconds since the epoch. */
  readonly times: Float64Array;
}

/** The history of one symbol: a ring of its last returns. */
export interface ReturnSeries {
  readonly source: string;
  /** Undefined until the first bar after a restart, where it was not stored. */
  intervalUs: number | undefined;
  readonly times: Float64Array;
  readonly returns: Float64Array;
  /** Returns ever written; the slot of the next one is its remainder. */
  written: number;
  lastTsUs: number;
  lastClose: number;
  /** Bars were missed while the engine was down: the next return would span them. */
  gap: boolean;
}

/**
 * The last returns of every symbol on the stream. A bar of another source or interval starts the symbol's history afresh. Depends on
 * bars and their event times only, so that a replay leaves the same histories whatever the size of its steps.
 */
export class ReturnHistory {
  readonly #bounds: HistoryBounds;
  readonly #series = new Map<string, ReturnSeries>();
  #ignored = 0;

  constructor(bounds: HistoryBounds) {
    this.#bounds = bounds;
  }

  get symbols(): number {
    return this.#series.size;
  }

  /** Bars of symbols beyond the bound. */
  get ignored(): number {
    return this.#ignored;
  }

  /** Takes one bar and returns true. One that is not newer than the last of its symbol, or of a symbol too many, is ignored. */
  update(bar: ClosingBar, tsEventUs: number): boolean {
    let series = this.#series.get(bar.symbol);
    if (series) series.intervalUs ??= bar.interval_us;
    if (series?.source !== bar.source || series.intervalUs !== bar.interval_us) {
      if (!series && this.#series.size >= this.#bounds.maxSymbols) {
        this.#ignored++;
        return false;
      }
      series = this.emptySeries(bar.source, bar.interval_us);
      this.#series.set(bar.symbol, series);
    } else if (tsEventUs <= series.lastTsUs) return false;
    if (series.lastClose > 0 && !series.gap) {
      const slot = series.written++ % this.#bounds.bars;
      series.times[slot] = tsEventUs;
      series.returns[slot] = bar.close / series.lastClose - 1;
    }
    series.gap = false;
    series.lastClose = bar.close;
    series.lastTsUs = tsEventUs;
    return true;
  }

  /** The last close of a symbol; undefined when none came. */
  mark(symbol: string): LastClose | undefined {
    const series = this.#series.get(symbol);
    return series && { tsEventUs: series.lastTsUs, price: series.lastClose };
  }

  /** Returns kept of a symbol; 0 for one that is not followed. */
  length(symbol: string): number {
    return Math.min(this.#series.get(symbol)?.written ?? 0, this.#bounds.bars);
  }

  /** Microseconds of one bar of a symbol; undefined when none came. */
  intervalUs(symbol: string): number | undefined {
    return this.#series.get(symbol)?.intervalUs;
  }

  forget(symbol: string): void {
    this.#series.delete(symbol);
  }

  /** Returns the event times that all symbols share, as one matrix; 0 bars when one of them is unknown. */
  aligned(symbols: readonly string[]): AlignedReturns {
    const all = symbols.map((symbol) => this.#series.get(symbol));
    const { bars: size } = this.#bounds;
    if (symbols.length === 0 || !all.every((series) => series !== undefined)) {
      return { returns: new Float64Array(0), bars: 0, times: new Float64Array(0) };
    }
    const ends = all.map((series) => series.written);
    const slots: number[][] = [];
    // Backwards from the newest: each turn either takes a time that all have or skips what is newer than the oldest.
    while (all.every((series, i) => ends[i]! > Math.max(0, series.written - size))) {
      const row = all.map((_, i) => (ends[i]! - 1) % size);
      const times = all.map((series, i) => series.times[row[i]!]!);
      const oldest = Math.min(...times);
      if (times.every((time) => time === oldest)) slots.push(row);
      for (const [i, time] of times.entries()) if (time > oldest || slots.at(-1) === row) ends[i]!--;
    }
    const returns = new Float64Array(slots.length * all.length);
    const times = new Float64Array(slots.length);
    for (const [r, row] of slots.reverse().entries()) {
      times[r] = all[0]!.times[row[0]!]!;
      for (const [i, slot] of row.entries()) returns[r * all.length + i] = all[i]!.returns[slot]!;
    }
    return { returns, bars: slots.length, times };
  }

  protected series(symbol: string): ReturnSeries | undefined {
    return this.#series.get(symbol);
  }

  protected put(symbol: string, series: ReturnSeries): void {
    this.#series.set(symbol, series);
  }

  protected emptySeries(source: string, intervalUs: number | undefined): ReturnSeries {
    const times = new Float64Array(this.#bounds.bars);
    const returns = new Float64Array(this.#bounds.bars);
    return { source, intervalUs, times, returns, written: 0, lastTsUs: -1, lastClose: 0, gap: false };
  }
}
