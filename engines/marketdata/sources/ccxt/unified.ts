// What is used of ccxt, as its manual has it (https://docs.ccxt.com): its own declarations are 78,000 lines of all exchanges, read at each compilation.

/** Values are what an exchange said: whoever reads them checks them. */
type Said = unknown;

/** One exchange, its limiter and its connections within. */
export interface Exchange {
  readonly id: string;
  /** Addresses that it asks, as texts in nested objects. */
  readonly urls: { api: unknown };
  /** What it can do, by the name of the method: `true`, `false`, `undefined`, or `'emulated'`. */
  readonly has: Readonly<Record<string, unknown>>;
  /** Lengths of bars by name. */
  readonly timeframes?: Readonly<Record<string, unknown>>;
  readonly precisionMode: number;
  /** Absent before {@link loadMarkets}. */
  readonly markets?: Readonly<Record<string, Market>>;
  loadMarkets(): Promise<unknown>;
  /** Throws `BadSymbol`. */
  market(symbol: string): Market;
  /** Seconds of a length of bars. */
  parseTimeframe(name: string): number;
  loadHttpProxyAgent(): Promise<unknown>;
  close(): Promise<unknown>;

  fetchOHLCV(symbol: string, timeframe: string, sinceMs?: number, limit?: number): Promise<Row[]>;
  fetchTrades(symbol: string, sinceMs?: number, limit?: number): Promise<Trade[]>;
  fetchTicker(symbol: string): Promise<Ticker>;
  fetchOrderBook(symbol: string): Promise<OrderBook>;
  watchOHLCV(symbol: string, timeframe: string): Promise<Row[]>;
  watchTrades(symbol: string): Promise<Trade[]>;
  watchTicker(symbol: string): Promise<Ticker>;
  watchBidsAsks(symbols: readonly string[]): Promise<Readonly<Record<string, Ticker | undefined>>>;
  watchOrderBook(symbol: string): Promise<OrderBook>;
}

/** A bar: milliseconds of its start, open, high, low, close, volume. */
export type Row = readonly Said[];

export interface Trade {
  readonly id?: Said;
  readonly timestamp?: Said;
  readonly price?: Said;
  readonly amount?: Said;
  readonly side?: Said;
}

export interface Ticker {
  readonly timestamp?: Said;
  readonly bid?: Said;
  readonly ask?: Said;
  readonly bidVolume?: Said;
  readonly askVolume?: Said;
}

/** Levels are price and size. */
export interface OrderBook {
  readonly timestamp?: Said;
  readonly nonce?: Said;
  readonly bids: readonly (readonly Said[])[];
  readonly asks: readonly (readonly Said[])[];
}

export interface Market {
  readonly symbol?: Said;
  readonly type?: Said;
  readonly base?: Said;
  readonly quote?: Said;
  readonly active?: Said;
  readonly precision?: { readonly price?: Said; readonly amount?: Said };
}
