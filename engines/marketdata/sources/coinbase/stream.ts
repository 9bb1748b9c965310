// The live stream of Coinbase Advanced Trade: one connection whose messages are numbered, so that a missing one is noticed.
import { ConnectionSequence } from '../../../../src/market/book/rules.ts';
import type { MarketRecord } from '../../../../src/market/records.ts';
import {
  ChannelSession,
  channelName,
  type Method,
  nativeOf,
  type VenueLink,
} from '../net/channel-session.ts';
import { type Fields, listOf, nameOf, objectOf, Unreadable } from '../net/fields.ts';
import { within } from '../net/rate-limiter.ts';
import { said } from '../net/said.ts';
import type { SourceContext, SourceSink, Wanted } from '../port.ts';
import {
  nativeSymbol,
  readBook,
  readCandle,
  readTicker,
  readTrade,
  STREAM_BAR_US,
  type Stamp,
  stampOf,
} from './messages.ts';

// Heartbeats come each second.
const SILENCE_MS = 15_000;
// The whole book of a large product is several megabytes.
const MAX_MESSAGE_BYTES = 32 * 2 ** 20;
/** A book is not begun anew more often. */
const RENEW_US = 5_000_000;

export class CoinbaseStream extends ChannelSession {
  protected readonly title = 'Coinbase';
  protected readonly books = 'level2';
  protected readonly link: VenueLink = {
    url: 'wss://advanced-trade-ws.coinbase.com',
    silenceMs: SILENCE_MS,
    maxMessageBytes: MAX_MESSAGE_BYTES,
    // Eight a second are allowed without a key.
    sends: within(6),
  };
  readonly #nowUs: () => number;
  /** Requests without an answer yet, in order; answers do not name theirs. */
  #pending: (readonly string[])[] = [];
  #sequence = new ConnectionSequence();
  /** Books that may lack a change, until their next snapshot. */
  readonly #suspect = new Set<string>();
  /** When a book was begun anew last. */
  readonly #renewedUs = new Map<string, number>();

  constructor(context: SourceContext, sink: SourceSink) {
    super(context, sink, (wanted) => streamProduct(wanted.nativeSymbol ?? nativeSymbol(wanted.symbol)));
    this.#nowUs = () => context.clock.nowUs();
  }

  override resync(symbol: string): void {
    this.#doubt((channel) => this.wanted.wishes(channel).some((wanted) => wanted.symbol === symbol));
  }

  protected channelOf(wanted: Wanted, native: string): string | null {
    switch (wanted.kind) {
      case 'trade':
        return channelName('market_trades', native);
      case 'quote':
        return channelName('ticker', native);
      case 'book_delta':
      case 'book_snapshot':
        return channelName(this.books, native);
      case 'bar':
        return (wanted.intervalUs ?? STREAM_BAR_US) === STREAM_BAR_US ? channelName('candles', native) : null;
      default:
        return null;
    }
  }

  protected ask(method: Method, name: string, _parameter: string, channels: readonly string[]): void {
    this.#pending.push(method === 'subscribe' ? channels : []);
    this.send({ type: method, channel: name, product_ids: channels.map(nativeOf) });
  }

  protected opened(): void {
    // Within five seconds something has to be subscribed, and heartbeats keep quiet subscriptions open.
    this.ask('subscribe', 'heartbeats', '', []);
    this.subscribe();
  }

  protected override forget(): void {
    super.forget();
    this.#pending = [];
    this.#suspect.clear();
    this.#renewedUs.clear();
    this.#sequence = new ConnectionSequence();
  }

  protected heard(message: Fields, receivedUs: number): void {
    if (message.type === 'error') this.#failed(said(String(message.message ?? message.reason ?? 'refused')));
    else this.#channel(message, receivedUs);
  }

  #channel(message: Fields, receivedUs: number): void {
    const stamp = stampOf(message, receivedUs);
    if (this.#sequence.take(stamp.sequence) > 0)
      this.#missing('messages missing before this one, by sequence_num');
    if (message.channel !== 'l2_data') this.#events(message, stamp, receivedUs);
    else
      try {
        this.#books(eventsOf(message), stamp);
      } catch (error) {
        if (!(error instanceof Unreadable)) throw error;
        // It came, but nobody can say of which books: as if it had not.
        this.#sequence.lose();
        this.#missing(error.message);
      }
  }

  #events(message: Fields, stamp: Stamp, receivedUs: number): void {
    const events = eventsOf(message);
    const rows = (list: string) => events.flatMap((event) => listOf(event[list], list));
    switch (message.channel) {
      case 'heartbeats':
        this.alive(stamp.tsEventUs, receivedUs);
        this.#renew();
        return;
      case 'subscriptions':
        this.#pending.shift();
        return;
      case 'market_trades':
        for (const event of events)
          this.eachTrade(listOf(event.trades, 'trades'), event.type === 'snapshot', (row) =>
            this.#of(row, 'market_trades', (fields, symbol) =>
              readTrade(fields, symbol, this.scales, receivedUs),
            ),
          );
        return;
      case 'ticker':
        this.each(
          rows('tickers'),
          (row) =>
            this.#of(row, 'ticker', (fields, symbol) => readTicker(fields, symbol, this.scales, stamp))
              ?.record ?? null,
        );
        return;
      case 'candles':
        this.eachBar(rows('candles'), (row) =>
          this.#of(row, 'candles', (fields, symbol) => readCandle(fields, symbol, STREAM_BAR_US, receivedUs)),
        );
        return;
      default:
        throw new Unreadable('unknown channel');
    }
  }

  /** Reads a row of a channel that is wanted. */
  #of<R>(
    row: unknown,
    name: string,
    read: (fields: Fields, symbol: string) => R,
  ): { channel: string; record: R } | null {
    const fields = objectOf(row, 'row');
    const native = nameOf(fields.product_id, 'product_id');
    const channel = channelName(name, native);
    const symbol = this.wanted.symbolOf(native);
    return symbol === undefined || !this.wanted.has(channel)
      ? null
      : { channel, record: read(fields, symbol) };
  }

  /** What is missing may have been of any book: each of them begins anew, also one that says nothing more for a while. */
  #missing(reason: string): void {
    this.tell.garbage(reason);
    this.#doubt(() => true);
  }

  #doubt(isMeant: (channel: string) => boolean): void {
    for (const channel of this.wanted.names)
      if (this.asked.has(channel) && isMeant(channel)) this.#suspect.add(channel);
    this.#renew();
  }

  /** Begins books anew that are in doubt, those that just were a little later. */
  #renew(): void {
    if (this.#suspect.size === 0) return;
    const nowUs = this.#nowUs();
    this.renew((channel) => {
      const renewedUs = this.#renewedUs.get(channel) ?? Number.NEGATIVE_INFINITY;
      const due = nowUs - renewedUs >= RENEW_US && this.#suspect.has(channel);
      if (due) this.#renewedUs.set(channel, nowUs);
      return due;
    });
  }

  /** All events of one message about one book are one change of it: they share one number. */
  #books(events: readonly Fields[], stamp: Stamp): void {
    const books = Map.groupBy(events, (event) => nameOf(event.product_id, 'product_id'));
    this.each([...books], (book) => this.#book(book as [string, Fields[]], stamp));
  }

  #book([native, events]: [string, readonly Fields[]], stamp: Stamp): MarketRecord | null {
    const symbol = this.wanted.symbolOf(native);
    if (symbol === undefined) return null;
    const previous = this.#sequence.previous(native);
    const snapshot = events.some((event) => event.type === 'snapshot');
    if (snapshot) this.#suspect.delete(channelName(this.books, native));
    const updates = events.flatMap((event) => listOf(event.updates, 'updates'));
    return readBook(updates, snapshot, symbol, this.scales, stamp, previous);
  }

  #failed(reason: string): void {
    const channels = this.#pending.shift() ?? [];
    // One bad product refuses its whole message: ask for each alone.
    if (channels.length > 1)
      for (const channel of channels)
        this.ask('subscribe', channel.slice(0, channel.indexOf('|')), '', [channel]);
    else if (channels.length === 1)
      for (const wanted of this.wanted.wishes(channels[0]!)) this.tell.refused(wanted, reason);
    else this.tell.garbage(reason);
  }
}

function eventsOf(message: Fields): Fields[] {
  return listOf(message.events, 'events').map((event) => objectOf(event, 'event'));
}

/** Products whose stream is their own although they are quoted in USDC. */
const OWN = new Set(['USDT-USDC', 'EURC-USDC']);

/** Returns the product whose messages come for another: what is quoted in USDC shares the book of USD, and is called so. */
function streamProduct(native: string): string {
  return native.endsWith('-USDC') && !OWN.has(native) ? native.slice(0, -1) : native;
}
