// The panel of everything on the stream: one window per symbol, a count of its bars, and the same on disk.
import type { BodyOf, topics } from '../../../src/bus/topics.ts';
import { Panel } from '../../../src/factors/index.ts';
import { FactorStore, type StoredBar } from './store.ts';

export type LiveBar = BodyOf<typeof topics.marketLiveData>;

/** Symbols followed at most (about 7 KB each); bars of further ones are ignored and counted. */
export const MAX_SYMBOLS = 2000;

/** What is known of one symbol beside its window. */
export interface Followed {
  readonly symbol: string;
  readonly source: string;
  interval_us: number;
  /** Bars since its first one. */
  bars: number;
  tsEventUs: number;
}

/** All windows. Bars of one symbol come from one source: the first bar of another source starts the symbol afresh. */
export class FollowedPanel {
  readonly #store: FactorStore;
  #panel = new Panel();
  readonly #symbols = new Map<string, Followed>();
  #newBars: StoredBar[] = [];
  readonly #touched = new Set<Followed>();
  /** Bars of symbols beyond the bound. */
  ignored = 0;

  constructor(path: string) {
    this.#store = new FactorStore(path);
    for (const stored of this.#store.symbols()) this.#symbols.set(stored.symbol, { ...stored, tsEventUs: 0 });
    this.#refill();
  }

  get panel(): Panel {
    return this.#panel;
  }

  /** Symbols in alphabetical order. */
  get symbols(): string[] {
    return [...this.#symbols.keys()].sort();
  }

  get(symbol: string): Followed | undefined {
    return this.#symbols.get(symbol);
  }

  /** Appends a bar; undefined when it was ignored. `save` puts it on disk. */
  push(bar: LiveBar, tsEventUs: number): Followed | undefined {
    let followed = this.#symbols.get(bar.symbol);
    if (followed && followed.source !== bar.source) {
      this.forget(bar.symbol);
      followed = undefined;
    }
    if (!followed) {
      if (this.#symbols.size >= MAX_SYMBOLS) {
        this.ignored++;
        return undefined;
      }
      followed = {
        symbol: bar.symbol,
        source: bar.source,
        interval_us: bar.interval_us,
        bars: 0,
        tsEventUs: 0,
      };
      this.#symbols.set(bar.symbol, followed);
      this.#panel.add(bar.symbol);
    }
    const { symbol, close, volume } = bar;
    if (!this.#panel.push(symbol, { ts_event_us: tsEventUs, close, volume })) return undefined;
    followed.bars++;
    followed.tsEventUs = tsEventUs;
    followed.interval_us = bar.interval_us;
    this.#newBars.push({ symbol, ts_event_us: tsEventUs, close, volume });
    this.#touched.add(followed);
    return followed;
  }

  /** Writes what was pushed since the last time, in one transaction. */
  save(): void {
    this.#store.save(this.#newBars, [...this.#touched]);
    this.#newBars = [];
    this.#touched.clear();
  }

  /** Drops a symbol and its share of the market. */
  forget(symbol: string): void {
    if (!this.#symbols.has(symbol)) return;
    // What waits belongs on disk first: the panel is filled from there.
    this.save();
    this.#symbols.delete(symbol);
    this.#store.forget(symbol);
    this.#refill();
  }

  close(): void {
    this.save();
    this.#store.close();
  }

  #refill(): void {
    this.#panel = new Panel([...this.#symbols.keys()]);
    for (const bar of this.#store.bars()) {
      this.#panel.push(bar.symbol, bar);
      this.#symbols.get(bar.symbol)!.tsEventUs = bar.ts_event_us;
    }
  }
}
