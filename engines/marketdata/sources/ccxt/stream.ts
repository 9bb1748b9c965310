// A live stream through ccxt: its own WebSockets where it has them for the exchange, repeated requests where not.
import type { Trade as CcxtTrade, Exchange, OHLCV, OrderBook, Ticker } from 'ccxt';
import { TooManyRequestsError } from '../../../../src/core/errors.ts';
import { pause } from '../../../../src/core/timers.ts';
import type { MarketRecord } from '../../../../src/market/records.ts';
import { Backoff } from '../net/backoff.ts';
import { said } from '../net/said.ts';
import type { LiveSession, SourceContext, SourceSink, Wanted } from '../port.ts';
import type { Scales } from '../scales.ts';
import type { Loaded } from './load.ts';
import { barOf, type From, quoteOf, snapshotOf, tradeOf } from './messages.ts';

/** Time between two requests for the same thing, where there is no stream of it. */
const POLL_MS = 2000;
const DEPTH = 25;
const POLLED_TRADES = 100;

/** What a stream needs of its source. */
export interface Opened {
  readonly source: string;
  readonly context: SourceContext;
  readonly scales: Scales;
  load(): Promise<Loaded>;
  native(wanted: Wanted): string;
  /** Name of a length of bars at the exchange; throws InvalidOptionError. */
  timeframe(exchange: Exchange, intervalUs: number | undefined): string;
}

/** One thing that is listened to: a loop that ends when it is not wanted any more. */
interface Listening {
  readonly stop: AbortController;
  done: Promise<void>;
}

export class CcxtSession implements LiveSession {
  readonly #opened: Opened;
  readonly #sink: SourceSink;
  readonly #listening = new Map<string, Listening>();
  #connected = false;
  #lostTold = false;

  constructor(opened: Opened, sink: SourceSink) {
    this.#opened = opened;
    this.#sink = sink;
  }

  want(all: readonly Wanted[]): void {
    const wanted = new Map(
      all.map((each) => [JSON.stringify([each.kind, each.symbol, each.intervalUs]), each]),
    );
    for (const [key, { stop }] of this.#listening) {
      if (wanted.has(key)) continue;
      stop.abort();
      this.#listening.delete(key);
    }
    for (const [key, each] of wanted) {
      if (this.#listening.has(key)) continue;
      const stop = new AbortController();
      this.#listening.set(key, { stop, done: this.#listen(each, stop.signal) });
    }
  }

  /** Books come whole each time. */
  resync(): void {}

  async close(): Promise<void> {
    const listening = [...this.#listening.values()];
    this.#listening.clear();
    for (const { stop } of listening) stop.abort();
    const loaded = await this.#opened.load().catch(() => null);
    await loaded?.exchange.close().catch(() => {});
    await Promise.all(listening.map(({ done }) => done));
  }

  async #listen(wanted: Wanted, signal: AbortSignal): Promise<void> {
    const { context, source, scales } = this.#opened;
    const backoff = new Backoff(() => context.random());
    while (!signal.aborted) {
      let loaded: Loaded | undefined;
      try {
        loaded = await this.#opened.load();
        const { exchange } = loaded;
        await exchange.loadMarkets();
        const { next, polled } = this.#calls(exchange, wanted);
        for (;;) {
          const answer = await next();
          if (signal.aborted) return;
          const from: From = { symbol: wanted.symbol, source, scales, receivedUs: context.clock.nowUs() };
          this.#hear(answer(from));
          backoff.reset();
          if (polled) await pause(context.timers, POLL_MS, signal);
        }
      } catch (error) {
        if (signal.aborted) return;
        const failure = loaded?.failure(error) ?? (error as Error);
        if (!loaded || (failure as { slug?: string }).slug === 'provider-error' || isUsage(failure)) {
          // Neither an unknown exchange nor a refused symbol mends itself.
          const reason = said(failure.message);
          this.#sink.event({ event: 'refused', symbol: wanted.symbol, kind: wanted.kind, reason });
          return;
        }
        const retryMs = backoff.next();
        if (failure instanceof TooManyRequestsError)
          this.#sink.event({ event: 'rate_limited', waitMs: retryMs });
        else this.#lost(said(failure.message), retryMs);
        await pause(context.timers, retryMs, signal).catch(() => {});
      }
    }
  }

  #hear(records: readonly (MarketRecord | null)[]): void {
    if (!this.#connected) {
      this.#connected = true;
      this.#lostTold = false;
      this.#sink.event({ event: 'connected' });
    }
    const readable = records.filter((record) => record !== null);
    for (let at = readable.length; at < records.length; at++)
      this.#sink.event({ event: 'garbage', reason: 'a structure without time, price or size' });
    if (readable.length > 0) this.#sink.records(readable);
  }

  #lost(reason: string, retryMs: number): void {
    this.#connected = false;
    // Once for the exchange, not for each thing that is listened to.
    if (!this.#lostTold) this.#sink.event({ event: 'disconnected', reason, retryMs });
    this.#lostTold = true;
  }

  /** Returns what to call again and again for something wanted: each call answers with how to make records of what came. */
  #calls(
    exchange: Exchange,
    wanted: Wanted,
  ): { next: () => Promise<(from: From) => (MarketRecord | null)[]>; polled: boolean } {
    const symbol = this.#opened.native(wanted);
    const has = (name: string) => exchange.has[name] === true;
    switch (wanted.kind) {
      case 'trade': {
        const seen = new Seen();
        const records = (trades: readonly CcxtTrade[]) => (from: From) =>
          trades.filter((trade) => seen.isNew(trade)).map((trade) => tradeOf(from, trade));
        if (has('watchTrades'))
          return { next: async () => records(await exchange.watchTrades(symbol)), polled: false };
        return {
          next: async () => records(await exchange.fetchTrades(symbol, undefined, POLLED_TRADES)),
          polled: true,
        };
      }
      case 'quote': {
        const records = (ticker: Ticker) => (from: From) => [quoteOf(from, ticker)];
        if (has('watchBidsAsks'))
          return {
            next: async () => {
              const tickers = await exchange.watchBidsAsks([symbol]);
              return records(tickers[symbol] as Ticker);
            },
            polled: false,
          };
        if (has('watchTicker'))
          return { next: async () => records(await exchange.watchTicker(symbol)), polled: false };
        return { next: async () => records(await exchange.fetchTicker(symbol)), polled: true };
      }
      case 'book_snapshot': {
        const records = (book: OrderBook) => (from: From) => [snapshotOf(from, book, DEPTH)];
        if (has('watchOrderBook'))
          return { next: async () => records(await exchange.watchOrderBook(symbol)), polled: false };
        return { next: async () => records(await exchange.fetchOrderBook(symbol)), polled: true };
      }
      case 'bar': {
        const timeframe = this.#opened.timeframe(exchange, wanted.intervalUs);
        const finished = new Finished();
        const records = (rows: readonly OHLCV[]) => (from: From) =>
          finished.of(rows).map((row) => barOf(from, wanted.intervalUs!, row));
        if (has('watchOHLCV'))
          return { next: async () => records(await exchange.watchOHLCV(symbol, timeframe)), polled: false };
        return { next: async () => records(await exchange.fetchOHLCV(symbol, timeframe)), polled: true };
      }
      default:
        throw new Error(`no live ${wanted.kind}`);
    }
  }
}

function isUsage(error: Error): boolean {
  return (error as { slug?: string }).slug === 'invalid-option' || error.message.startsWith('no live');
}

/** Tells trades that came before, by their id, or by all they say where they have none. */
class Seen {
  readonly #keys = new Set<string>();

  isNew(trade: CcxtTrade): boolean {
    const key = trade.id ?? `${trade.timestamp} ${trade.price} ${trade.amount} ${trade.side}`;
    if (this.#keys.has(key)) return false;
    this.#keys.add(key);
    // Sets keep the order of what they were given.
    if (this.#keys.size > 10_000) this.#keys.delete(this.#keys.values().next().value!);
    return true;
  }
}

/** Tells bars that are over: those before the newest one, each once. */
class Finished {
  #last: OHLCV | undefined;
  #toldMs = Number.NEGATIVE_INFINITY;

  of(rows: readonly OHLCV[]): OHLCV[] {
    const told: OHLCV[] = [];
    for (const row of rows) {
      if (this.#last && row[0]! > this.#last[0]! && this.#last[0]! > this.#toldMs) {
        told.push(this.#last);
        this.#toldMs = this.#last[0]!;
      }
      if (!this.#last || row[0]! >= this.#last[0]!) this.#last = [...row] as OHLCV;
    }
    return told;
  }
}
