// The live stream of Alpaca by its SDK, which connects, pings and comes back by itself.
import type { streaming } from '@alpacahq/alpaca-trade-api';
import type { MarketKind, MarketRecord } from '../../../../src/market/records.ts';
import { MINUTE_US } from '../../../../src/market/sessions/days.ts';
import { said } from '../net/said.ts';
import type { LiveSession, SourceContext, SourceSink, Wanted } from '../port.ts';
import type { Scales } from '../scales.ts';
import { type AlpacaClient, type Feed, TITLE } from './client.ts';
import { barOf, type From, quoteOf, type Row, tradeOf } from './messages.ts';

/** The shortest wait of the SDK before it connects again: what is told, as it does not tell its own. */
const RETRY_MS = 500;

const KINDS = ['trade', 'quote', 'bar'] as const;
const CHANNELS = { trade: 'trades', quote: 'quotes', bar: 'bars' } as const;
/** What the SDK calls the errors 405 and 409: the last subscription is refused, those before it go on. */
const REFUSALS: ReadonlySet<string> = new Set(['symbol limit exceeded', 'insufficient subscription']);
type Kind = (typeof KINDS)[number];

export interface AlpacaStreamParts {
  readonly source: string;
  readonly feed: Feed;
  readonly context: SourceContext;
  readonly client: AlpacaClient;
  readonly scales: Scales;
  native(symbol: string): string;
}

export class AlpacaSession implements LiveSession {
  readonly #parts: AlpacaStreamParts;
  readonly #sink: SourceSink;
  /** Own symbols by native ones, for each kind. */
  readonly #symbols: Readonly<Record<Kind, Map<string, string>>> = {
    trade: new Map(),
    quote: new Map(),
    bar: new Map(),
  };
  #stream: streaming.StockDataStream | undefined;
  #closed = false;
  #lost = false;
  /** Why nothing will ever come: what is wanted from then on is refused as well. */
  #over: string | undefined;
  /** Why Alpaca ended a connection, where it said so. */
  #lastError: string | undefined;
  /** What Alpaca said last that it sends. */
  #confirmed: Readonly<Record<string, readonly string[]>> = {};

  constructor(parts: AlpacaStreamParts, sink: SourceSink) {
    this.#parts = parts;
    this.#sink = sink;
    this.#open().catch((error: Error) => this.#refuseAll(error.message));
  }

  want(all: readonly Wanted[]): void {
    const wanted: Record<Kind, Map<string, string>> = { trade: new Map(), quote: new Map(), bar: new Map() };
    for (const each of all) {
      const native = each.nativeSymbol ?? this.#parts.native(each.symbol);
      const reason = reasonAgainst(each, native);
      if (reason === null) wanted[each.kind as Kind].set(native, each.symbol);
      else this.#refuse(each.symbol, each.kind, reason);
    }
    for (const kind of KINDS) {
      const known = this.#symbols[kind];
      const gone = [...known.keys()].filter((native) => !wanted[kind].has(native));
      const added = [...wanted[kind].keys()].filter((native) => !known.has(native));
      known.clear();
      for (const [native, symbol] of wanted[kind]) known.set(native, symbol);
      if (this.#over !== undefined)
        for (const native of added) this.#refuse(known.get(native)!, kind, this.#over);
      if (!this.#stream || this.#over !== undefined) continue;
      if (gone.length > 0) unsubscribe(this.#stream, kind, gone);
      if (added.length > 0) subscribe(this.#stream, kind, added);
    }
  }

  /** There are no books. */
  resync(): void {}

  async close(): Promise<void> {
    this.#closed = true;
    this.#stream?.disconnect();
  }

  async #open(): Promise<void> {
    const { client, feed, context, source } = this.#parts;
    const stream = (await client.sdk()).stream({ feed });
    if (this.#closed) return;
    this.#stream = stream;
    stream.on('authorized', () => {
      this.#lost = false;
      this.#lastError = undefined;
      this.#confirmed = {};
      this.#sink.event({ event: 'connected' });
    });
    stream.on('state_change', (state: string) => {
      if (state !== 'waiting to reconnect' || this.#lost) return;
      this.#lost = true;
      const reason = this.#lastError ?? 'the connection is lost';
      this.#sink.event({ event: 'disconnected', reason, retryMs: RETRY_MS });
    });
    stream.on('subscription', (confirmed: Readonly<Record<string, readonly string[]>>) => {
      this.#confirmed = confirmed;
    });
    stream.on('error', (message: string) => {
      const reason = said(message, client.secrets);
      this.#lastError = reason;
      if (REFUSALS.has(message)) this.#refuseUnconfirmed(reason);
      else this.#sink.event({ event: 'garbage', reason });
    });
    // Come with trades by themselves. What was handed on cannot be taken back; history leaves it out.
    const takenBack = (symbol: string, id: string | undefined) =>
      context.log.info({ source, symbol, id }, 'the exchange took back or corrected a trade that was told');
    stream.onCancelError(({ symbol, idRaw }) => takenBack(symbol, idRaw));
    stream.onCorrection(({ symbol, originalIdRaw }) => takenBack(symbol, originalIdRaw));
    stream.onTrade((trade) => this.#hear('trade', trade.symbol, (from) => tradeOf(from, shortTrade(trade))));
    stream.onQuote((quote) => this.#hear('quote', quote.symbol, (from) => quoteOf(from, shortQuote(quote))));
    stream.onBar((bar) => this.#hear('bar', bar.symbol, (from) => barOf(from, MINUTE_US, shortBar(bar))));
    for (const kind of KINDS) {
      const natives = [...this.#symbols[kind].keys()];
      if (natives.length > 0) subscribe(stream, kind, natives);
    }
    // Only a first answer that refuses the keys is final: the SDK does not come back with them.
    void stream.whenAuthenticated().then((result) => {
      if (!this.#closed && result.status === 'server_rejected') this.#refuseAll(result.message);
    });
    stream.connect();
  }

  #hear(kind: Kind, native: string, record: (from: From) => MarketRecord | string): void {
    const symbol = this.#symbols[kind].get(native);
    // What was on its way when it was unsubscribed.
    if (symbol === undefined || this.#closed) return;
    const { source, scales, context } = this.#parts;
    const made = record({ symbol, source, scales, receivedUs: context.clock.nowUs() });
    if (typeof made === 'string') this.#sink.event({ event: 'garbage', reason: `${kind}: ${made}` });
    else this.#sink.records([made]);
  }

  #refuseAll(message: string): void {
    this.#over = message;
    for (const kind of KINDS)
      for (const symbol of this.#symbols[kind].values()) this.#refuse(symbol, kind, message);
  }

  /** Gives up what Alpaca does not send, so that the next connection does not ask for it with all the rest and is refused as a whole. */
  #refuseUnconfirmed(reason: string): void {
    for (const kind of KINDS) {
      const sent = new Set(this.#confirmed[CHANNELS[kind]]);
      const refused = [...this.#symbols[kind]].filter(([native]) => !sent.has(native));
      if (refused.length === 0) continue;
      unsubscribe(
        this.#stream!,
        kind,
        refused.map(([native]) => native),
      );
      for (const [native, symbol] of refused) {
        this.#symbols[kind].delete(native);
        this.#refuse(symbol, kind, reason);
      }
    }
  }

  #refuse(symbol: string, kind: MarketKind, message: string): void {
    this.#sink.event({ event: 'refused', symbol, kind, reason: said(message, this.#parts.client.secrets) });
  }
}

function reasonAgainst({ kind, intervalUs }: Wanted, native: string): string | null {
  if (native.trim() === '') return 'a name of an instrument is not empty';
  if (!(KINDS as readonly string[]).includes(kind)) return `${TITLE} has no live ${kind}`;
  return kind === 'bar' && intervalUs !== MINUTE_US ? 'live bars are of one minute' : null;
}

function subscribe(stream: streaming.StockDataStream, kind: Kind, natives: string[]): void {
  if (kind === 'trade') stream.subscribeForTrades(natives);
  else if (kind === 'quote') stream.subscribeForQuotes(natives);
  else stream.subscribeForBars(natives);
}

function unsubscribe(stream: streaming.StockDataStream, kind: Kind, natives: string[]): void {
  if (kind === 'trade') stream.unsubscribeFromTrades(natives);
  else if (kind === 'quote') stream.unsubscribeFromQuotes(natives);
  else stream.unsubscribeFromBars(natives);
}

function shortTrade({ timestampRaw, price, size, idRaw, exchange }: streaming.StreamTrade): Row {
  return { t: timestampRaw, p: price, s: size, i: idRaw, x: exchange };
}

function shortQuote({ timestampRaw, bidPrice, askPrice, bidSize, askSize }: streaming.StreamQuote): Row {
  return { t: timestampRaw, bp: bidPrice, ap: askPrice, bs: bidSize, as: askSize };
}

function shortBar({ timestampRaw, open, high, low, close, volume, tradeCount }: streaming.StreamBar): Row {
  return { t: timestampRaw, o: open, h: high, l: low, c: close, v: volume, n: tradeCount };
}
