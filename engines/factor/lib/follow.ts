// The panel of everything on the stream: one window per symbol, a count of its bars, and the same in the database.
import type { BodyOf, topics } from '../../../src/bus/topics.ts';
import { Panel } from '../../../src/factors/index.ts';
import type { Transaction } from '../../../src/store/database.ts';
import type { FactorStore, StoredBar } from './store.ts';

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
  #symbols = new Map<string, Followed>();
  #newBars: StoredBar[] = [];
  readonly #touched = new Set<Followed>();
  readonly #forgotten = new Set<string>();
  /** Bars of symbols beyond the bound. */
  ignored = 0;

  constructor(store: FactorStore) {
    this.#store = store;
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

  /** Takes everything from the database; what was not saved is forgotten. */
  async load(): Promise<void> {
    const [stored, bars] = await Promise.all([this.#store.symbols(), this.#store.bars()]);
    const symbols = new Map(stored.map((one) => [one.symbol, { ...one, tsEventUs: 0 }]));
    const panel = new Panel([...symbols.keys()]);
    for (const bar of bars) {
      panel.push(bar.symbol, bar);
      symbols.get(bar.symbol)!.tsEventUs = bar.ts_event_us;
    }
    this.#symbols = symbols;
    this.#panel = panel;
    this.#settle();
  }

  /** Appends a bar; undefined when it was ignored. `save` stores it. */
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

  /** Drops a symbol and its share of the market. */
  forget(symbol: string): void {
    const followed = this.#symbols.get(symbol);
    if (!followed) return;
    this.#symbols.delete(symbol);
    this.#panel = this.#panel.without(symbol);
    this.#newBars = this.#newBars.filter((bar) => bar.symbol !== symbol);
    this.#touched.delete(followed);
    this.#forgotten.add(symbol);
  }

  /** Stores what happened since the last time. */
  save(tx: Transaction): void {
    for (const symbol of this.#forgotten) this.#store.forget(tx, symbol);
    if (this.#newBars.length > 0) this.#store.save(tx, this.#newBars, this.#touched);
    this.#settle();
  }

  #settle(): void {
    this.#newBars = [];
    this.#touched.clear();
    this.#forgotten.clear();
  }
}
