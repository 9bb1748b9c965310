// A live stream through ccxt: its own WebSockets where it has them for the exchange, repeated requests where not.
import { InvalidOptionError, ProviderError, TooManyRequestsError } from '../../../../src/core/errors.ts';
import { pause } from '../../../../src/core/timers.ts';
import type { BarRecord, MarketRecord } from '../../../../src/market/records.ts';
import { Backoff } from '../net/backoff.ts';
import { ClosedBars } from '../net/closed-bars.ts';
import { said } from '../net/said.ts';
import type { LiveSession, SourceContext, SourceSink, Wanted } from '../port.ts';
import type { Scales } from '../scales.ts';
import type { Loaded } from './load.ts';
import { barOf, type From, keyOf, quoteOf, snapshotOf, tradeOf } from './messages.ts';
import type { Exchange, Row as Ohlcv, OrderBook, Ticker, Trade as Told } from './unified.ts';

/** Time between two requests for the same thing, where there is no stream of it. */
const POLL_MS = 2000;
const DEPTH = 25;
const POLLED_TRADES = 100;
/** Trades that are known again. */
const SEEN = 10_000;
/** So many refusals in a row are the exchange's last word; fewer may be of one message that was damaged. */
const REFUSALS = 3;

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

/** What came of one call, `null` for what cannot be read. */
type Heard = readonly (MarketRecord | null)[];

/** How something is listened to: one call after the other. */
interface Calls {
  /** Whether each call is a request of its own. */
  readonly polled: boolean;
  next(): Promise<(from: From) => Heard>;
  /** The connection is lost, and what was open on it incomplete. */
  lost?(): void;
}

export class CcxtSession implements LiveSession {
  readonly #opened: Opened;
  readonly #sink: SourceSink;
  readonly #listening = new Map<string, Listening>();
  #exchange: Exchange | undefined;
  #connected = false;
  #lostTold = false;

  constructor(opened: Opened, sink: SourceSink) {
    this.#opened = opened;
    this.#sink = sink;
  }

  want(all: readonly Wanted[]): void {
    const wanted = new Map(
      all.map((each) => [JSON.stringify([each.kind, each.symbol, each.nativeSymbol, each.intervalUs]), each]),
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
    await Promise.all(listening.map(({ done }) => done));
    await this.#exchange?.close().catch(() => {});
  }

  async #listen(wanted: Wanted, signal: AbortSignal): Promise<void> {
    const { context, source, scales } = this.#opened;
    const backoff = new Backoff(() => context.random());
    let calls: Calls | undefined;
    for (let refusals = 0; !signal.aborted; ) {
      let loaded: Loaded | undefined;
      try {
        loaded = await this.#opened.load();
        const { exchange } = loaded;
        this.#exchange = exchange;
        signal.throwIfAborted();
        await orAborted(exchange.loadMarkets(), signal);
        calls ??= this.#calls(exchange, wanted);
        for (;;) {
          const answer = await orAborted(calls.next(), signal);
          const from: From = { symbol: wanted.symbol, source, scales, receivedUs: context.clock.nowUs() };
          this.#hear(answer(from));
          backoff.reset();
          refusals = 0;
          if (calls.polled) await pause(context.timers, POLL_MS, signal);
        }
      } catch (error) {
        if (signal.aborted) return;
        const failure = loaded?.failure(error) ?? (error as Error);
        const reason = said(failure.message);
        const refused = failure instanceof ProviderError;
        if (refused) refusals++;
        if (!loaded || failure instanceof InvalidOptionError || refusals === REFUSALS) {
          this.#sink.event({ event: 'refused', symbol: wanted.symbol, kind: wanted.kind, reason });
          return;
        }
        const retryMs = backoff.next();
        if (failure instanceof TooManyRequestsError)
          this.#sink.event({ event: 'rate_limited', waitMs: retryMs });
        else if (refused) this.#sink.event({ event: 'garbage', reason });
        else {
          calls?.lost?.();
          this.#lost(reason, retryMs);
        }
        await pause(context.timers, retryMs, signal).catch(() => {});
      }
    }
  }

  #hear(records: Heard): void {
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

  /** Returns how to listen to something. Throws {@link InvalidOptionError} for what the exchange does not have. */
  #calls(exchange: Exchange, wanted: Wanted): Calls {
    const symbol = this.#opened.native(wanted);
    try {
      exchange.market(symbol);
    } catch {
      throw new InvalidOptionError(`Expected a symbol of ${this.#opened.source}, was another`);
    }
    const has = (name: string) => exchange.has[name] === true;
    switch (wanted.kind) {
      case 'trade': {
        const seen = new Seen();
        const records = (trades: readonly Told[]) => (from: From) =>
          trades.filter((trade) => seen.isNew(trade)).map((trade) => tradeOf(from, trade));
        return has('watchTrades')
          ? { next: async () => records(await exchange.watchTrades(symbol)), polled: false }
          : {
              next: async () => records(await exchange.fetchTrades(symbol, undefined, POLLED_TRADES)),
              polled: true,
            };
      }
      case 'quote': {
        const records = (ticker: Ticker | undefined) => (from: From) => [
          ticker ? quoteOf(from, ticker) : null,
        ];
        if (has('watchBidsAsks'))
          return {
            next: async () => records((await exchange.watchBidsAsks([symbol]))[symbol]),
            polled: false,
          };
        return has('watchTicker')
          ? { next: async () => records(await exchange.watchTicker(symbol)), polled: false }
          : { next: async () => records(await exchange.fetchTicker(symbol)), polled: true };
      }
      case 'book_snapshot': {
        const records = (book: OrderBook) => (from: From) => [snapshotOf(from, book, DEPTH)];
        return has('watchOrderBook')
          ? { next: async () => records(await exchange.watchOrderBook(symbol)), polled: false }
          : { next: async () => records(await exchange.fetchOrderBook(symbol)), polled: true };
      }
      case 'bar': {
        const timeframe = this.#opened.timeframe(exchange, wanted.intervalUs);
        const bars = new ClosedBars();
        const records = (rows: readonly Ohlcv[]) => (from: From) => {
          const made = rows.map((row) => barOf(from, wanted.intervalUs!, row));
          const states = made.filter((bar) => bar !== null);
          // What time it is at the exchange is not known: a bar is over when the next one begins.
          const over: (BarRecord | null)[] = bars.take('', states);
          for (let at = states.length; at < made.length; at++) over.push(null);
          return over;
        };
        const lost = () => bars.lost();
        return has('watchOHLCV')
          ? { next: async () => records(await exchange.watchOHLCV(symbol, timeframe)), polled: false, lost }
          : { next: async () => records(await exchange.fetchOHLCV(symbol, timeframe)), polled: true };
      }
      default:
        throw new InvalidOptionError(`Expected a kind that ccxt has live, was ${wanted.kind}`);
    }
  }
}

/** Settles as `call` does, or rejects when `signal` aborts first: a call that waits for a message may never end. */
function orAborted<T>(call: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const aborted = () => reject(signal.reason);
    if (signal.aborted) aborted();
    signal.addEventListener('abort', aborted, { once: true });
    call.then(resolve, reject).finally(() => signal.removeEventListener('abort', aborted));
  });
}

/** Tells trades that came before. */
class Seen {
  readonly #keys = new Set<string>();

  isNew(trade: Told): boolean {
    const key = keyOf(trade);
    if (this.#keys.has(key)) return false;
    this.#keys.add(key);
    // Sets keep the order of what they were given.
    if (this.#keys.size > SEEN) this.#keys.delete(this.#keys.values().next().value!);
    return true;
  }
}
