// The histories of returns of the risk engine: those of the stream, with what of them waits to be stored.
import type { BodyOf, topics } from '../../../src/bus/topics.ts';
import { ReturnHistory, type ReturnSeries } from '../../../src/trading/return-history.ts';
import type { StoredReturns } from './store.ts';

export type LiveBar = BodyOf<typeof topics.marketLiveData>;

/** Returns kept for each symbol, in bars. */
export const HISTORY_BARS = 2000;
/** Symbols followed at most (32 KB each); bars of further ones are ignored. */
export const MAX_SYMBOLS = 1000;
/** Bars after which a history is written to disk: a kill loses fewer than this. */
const SAVE_EVERY = 64;

/** Bars over which the mean turnover forgets; until there are so many it is the plain mean. */
const TURNOVER_BARS = 256;
/** Bars below which a mean turnover tells nothing. */
const MIN_TURNOVER_BARS = 30;

/** Mean value traded in one bar, in quote currency. */
interface Turnover {
  mean: number;
  bars: number;
}

/** What is stored beside times and returns; `intervalUs` and `turnover` are absent in what older versions stored. */
type Stored = Pick<ReturnSeries, 'source' | 'lastTsUs' | 'lastClose'> &
  Partial<Pick<ReturnSeries, 'intervalUs'>> & { readonly turnover?: Turnover | undefined };

/** Histories that come back after a restart. */
export class SavedReturns extends ReturnHistory {
  /** Bars since a symbol was last written. */
  readonly #unsaved = new Map<string, number>();
  readonly #due = new Set<string>();
  readonly #turnover = new Map<string, Turnover>();
  /** What was handed out last to be written. */
  #taken: readonly string[] = [];

  constructor() {
    super({ bars: HISTORY_BARS, maxSymbols: MAX_SYMBOLS });
  }

  override update(bar: LiveBar, tsEventUs: number): boolean {
    if (!super.update(bar, tsEventUs)) return false;
    const known = this.length(bar.symbol) > 0 ? this.#turnover.get(bar.symbol) : undefined;
    const turnover = known ?? { mean: 0, bars: 0 };
    const weight = 1 / Math.min(++turnover.bars, TURNOVER_BARS);
    turnover.mean += (bar.close * bar.volume - turnover.mean) * weight;
    if (!known) this.#turnover.set(bar.symbol, turnover);
    const unsaved = (this.#unsaved.get(bar.symbol) ?? 0) + 1;
    this.#unsaved.set(bar.symbol, unsaved);
    if (unsaved >= SAVE_EVERY) this.#due.add(bar.symbol);
    return true;
  }

  /** Mean value traded in one bar of a symbol, in quote currency; undefined below 30 bars. */
  turnover(symbol: string): number | undefined {
    const known = this.#turnover.get(symbol);
    return known && known.bars >= MIN_TURNOVER_BARS ? known.mean : undefined;
  }

  override forget(symbol: string): void {
    super.forget(symbol);
    this.#turnover.delete(symbol);
    this.#due.delete(symbol);
    this.#unsaved.delete(symbol);
  }

  /** Histories that wait to be written; with `all` those with any new bar. They count as written from now on. */
  takeUnsaved(all = false): StoredReturns[] {
    const symbols = all ? [...this.#unsaved.keys()] : [...this.#due];
    this.#due.clear();
    this.#taken = symbols;
    return symbols.map((symbol) => {
      const series = this.series(symbol)!;
      this.#unsaved.delete(symbol);
      const { source, intervalUs, lastTsUs, lastClose } = series;
      const turnover = this.#turnover.get(symbol);
      const history: Stored = { source, intervalUs, lastTsUs, lastClose, turnover };
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
      if (!this.series(symbol)) continue;
      this.#unsaved.set(symbol, SAVE_EVERY);
      this.#due.add(symbol);
    }
    this.#taken = [];
  }

  /** Takes over what an earlier process stored. */
  restore(stored: readonly StoredReturns[]): void {
    for (const { symbol, history, times, returns } of stored.slice(0, MAX_SYMBOLS)) {
      const { source, intervalUs, lastTsUs, lastClose, turnover } = JSON.parse(history) as Stored;
      if (turnover) this.#turnover.set(symbol, turnover);
      const series = this.emptySeries(source, intervalUs);
      series.times.set(floats(times));
      series.returns.set(floats(returns));
      series.written = times.byteLength / 8;
      this.put(symbol, Object.assign(series, { lastTsUs, lastClose, gap: true }));
    }
  }
}

function oldestFirst({ written }: ReturnSeries, ring: Float64Array): Uint8Array {
  const out = new Float64Array(Math.min(written, HISTORY_BARS));
  const start = written > HISTORY_BARS ? written % HISTORY_BARS : 0;
  out.set(ring.subarray(start, out.length));
  out.set(ring.subarray(0, start), out.length - start);
  return new Uint8Array(out.buffer);
}

function floats(bytes: Uint8Array): Float64Array {
  return new Float64Array(new Uint8Array(bytes).buffer);
}
