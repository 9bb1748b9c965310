// The live stream of Kraken, WebSocket v2: instruments first, as checksums of books need their precision, then what is wanted.
import { BOOK_RULES } from '../../../../src/market/book/rules.ts';
import type { InstrumentRecord, MarketRecord } from '../../../../src/market/records.ts';
import { MINUTE_US } from '../../../../src/market/sessions/days.ts';
import {
  ChannelSession,
  channelName,
  type Method,
  nativeOf,
  type VenueLink,
} from '../net/channel-session.ts';
import { type Fields, isoUs, listOf, nameOf, objectOf, Unreadable } from '../net/fields.ts';
import { said } from '../net/said.ts';
import type { SourceContext, SourceSink, Wanted } from '../port.ts';
import { Scales } from '../scales.ts';
import {
  INTERVALS_MIN,
  nativeSymbol,
  readBook,
  readOhlc,
  readPair,
  readTicker,
  readTrade,
} from './messages.ts';

const BOOK_DEPTHS = BOOK_RULES.kraken.depths!;
const BOOK_DEPTH = 100;
const PING_MS = 15_000;
// Pings are answered; heartbeats come each second in which nothing else does.
const SILENCE_MS = 20_000;
const INSTRUMENT = 'instrument';

/** Returns the depth of a book that holds `wished` levels of a side, or the greatest that there is. */
export function bookLevels(wished = BOOK_DEPTH): number {
  return BOOK_DEPTHS.find((depth) => depth >= wished) ?? BOOK_DEPTHS.at(-1)!;
}

const PARAMETERS: Readonly<Record<string, (parameter: string) => object>> = {
  // Trades of a snapshot are those that a loss may have cut off.
  trade: () => ({ snapshot: true }),
  ticker: () => ({ event_trigger: 'bbo' }),
  book: (depth) => ({ depth: Number(depth) }),
  ohlc: (minutes) => ({ interval: Number(minutes) }),
};

export class KrakenStream extends ChannelSession {
  protected readonly title = 'Kraken';
  protected readonly books = 'book';
  protected readonly link: VenueLink = {
    url: 'wss://ws.kraken.com/v2',
    silenceMs: SILENCE_MS,
    ping: { everyMs: PING_MS, message: () => JSON.stringify({ method: 'ping', req_id: this.#nextId++ }) },
    sends: { burst: 20, perSecond: 10 },
  };
  /** Every pair, as the venue told of it, by its native symbol. */
  readonly #pairs = new Map<string, InstrumentRecord>();
  /** Scales of books: exactly the precision of the pair, in which the digits of checksums are; other messages may need more. */
  readonly #bookScales = new Scales();
  /** Requests without an answer for some of their channels, by id. */
  readonly #requests = new Map<number, Set<string>>();
  #told = false;
  #nextId = 1;

  constructor(context: SourceContext, sink: SourceSink) {
    super(context, sink, (wanted) => wanted.nativeSymbol ?? nativeSymbol(wanted.symbol));
  }

  protected channelOf(wanted: Wanted, native: string): string | null {
    switch (wanted.kind) {
      case 'trade':
        return channelName('trade', native);
      case 'quote':
        return channelName('ticker', native);
      case 'book_delta':
      case 'book_snapshot':
        return channelName(this.books, native, bookLevels(wanted.bookLevels));
      case 'bar': {
        const minutes = (wanted.intervalUs ?? MINUTE_US) / MINUTE_US;
        return INTERVALS_MIN.includes(minutes) ? channelName('ohlc', native, minutes) : null;
      }
      case 'instrument':
        return channelName(INSTRUMENT, native);
      default:
        return null;
    }
  }

  protected ask(method: Method, name: string, parameter: string, channels: readonly string[]): void {
    // Instruments are subscribed to as a whole, once.
    if (name === INSTRUMENT) return;
    const params = { channel: name, symbol: channels.map(nativeOf), ...PARAMETERS[name]!(parameter) };
    const req_id = this.#nextId++;
    if (method === 'subscribe') this.#requests.set(req_id, new Set(channels));
    this.send({ method, params, req_id });
  }

  protected override get ready(): boolean {
    return this.#told && super.ready;
  }

  protected opened(): void {
    const params = { channel: INSTRUMENT, snapshot: true };
    this.send({ method: 'subscribe', params, req_id: this.#nextId++ });
  }

  protected override forget(): void {
    super.forget();
    this.#told = false;
    this.#requests.clear();
  }

  protected override subscribe(): readonly string[] {
    const asked = super.subscribe();
    // Also of what was asked for before: its first symbol may be another one now.
    for (const channel of this.wanted.names) this.#describe(nativeOf(channel));
    // The venue tells of instruments once, and then what changes.
    this.each(asked.filter(isInstrument), (channel) => this.#instrument(nativeOf(channel as string)));
    return asked;
  }

  protected heard(message: Fields, receivedUs: number): void {
    if (message.channel !== undefined) this.#channel(message, receivedUs);
    else if (message.method !== undefined) this.#answer(message, receivedUs);
    else throw new Unreadable('neither a channel nor an answer');
  }

  #channel(message: Fields, receivedUs: number): void {
    const { channel } = message;
    if (channel === 'heartbeat') this.alive(null, receivedUs);
    else if (channel === INSTRUMENT) this.#instruments(message, receivedUs);
    else if (channel !== 'status') this.#rows(channel, message, receivedUs);
  }

  #rows(channel: unknown, message: Fields, receivedUs: number): void {
    const rows = listOf(message.data, 'data');
    const snapshot = message.type === 'snapshot';
    switch (channel) {
      case 'trade':
        this.eachTrade(rows, snapshot, (row) =>
          this.#of(row, (fields, symbol, native) => ({
            channel: channelName('trade', native),
            record: readTrade(fields, symbol, this.scales, receivedUs),
          })),
        );
        return;
      case 'ohlc':
        this.eachBar(rows, (row) =>
          this.#of(row, (fields, symbol, native) => {
            const record = readOhlc(fields, symbol, receivedUs);
            const name = channelName('ohlc', native, record.interval / MINUTE_US);
            return this.wanted.has(name) ? { channel: name, record } : null;
          }),
        );
        return;
      case 'ticker':
        this.each(rows, (row) =>
          this.#of(row, (fields, symbol) => readTicker(fields, symbol, this.scales, receivedUs)),
        );
        return;
      case 'book':
        this.each(rows, (row) =>
          this.#of(row, (fields, symbol) => readBook(fields, snapshot, symbol, this.#bookScales, receivedUs)),
        );
        return;
      default:
        throw new Unreadable('unknown channel');
    }
  }

  /** Reads a row of a symbol that is wanted. */
  #of<R>(row: unknown, read: (fields: Fields, symbol: string, native: string) => R | null): R | null {
    const fields = objectOf(row, 'data');
    const native = nameOf(fields.symbol, 'symbol');
    const symbol = this.wanted.symbolOf(native);
    return symbol === undefined ? null : read(fields, symbol, native);
  }

  #instruments(message: Fields, receivedUs: number): void {
    this.each(listOf(objectOf(message.data, 'data').pairs, 'pairs'), (row) => {
      const pair = readPair(objectOf(row, 'pair'), receivedUs);
      this.#pairs.set(pair.nativeSymbol, pair);
      this.#describe(pair.nativeSymbol);
      return this.asked.has(channelName(INSTRUMENT, pair.nativeSymbol))
        ? this.#instrument(pair.nativeSymbol)
        : null;
    });
    this.#told = true;
    this.subscribe();
  }

  #instrument(native: string): MarketRecord | null {
    const [pair, symbol] = [this.#pairs.get(native), this.wanted.symbolOf(native)];
    return pair && symbol !== undefined ? { ...pair, symbol } : null;
  }

  /** Takes over the precision of a pair that is wanted. */
  #describe(native: string): void {
    const [pair, symbol] = [this.#pairs.get(native), this.wanted.symbolOf(native)];
    if (!pair || symbol === undefined) return;
    this.scales.set(symbol, pair.scale);
    this.#bookScales.set(symbol, pair.scale);
  }

  #answer(message: Fields, receivedUs: number): void {
    if (message.method === 'pong') {
      const venueUs = message.time_out === undefined ? null : isoUs(message.time_out, 'time_out');
      this.alive(venueUs, receivedUs);
      // Nothing else is asked for before they come: without them the connection would live and say nothing for ever.
      if (!this.#told) this.again('no instruments came');
      return;
    }
    const request = this.#requests.get(message.req_id as number);
    const result = message.success === false ? message : objectOf(message.result ?? {}, 'result');
    // Each symbol of a request has an answer of its own; one without a symbol is for all of them.
    const channels = [...(request ?? [])].filter(
      (channel) => result.symbol === undefined || nativeOf(channel) === result.symbol,
    );
    for (const channel of channels) request!.delete(channel);
    if (request?.size === 0) this.#requests.delete(message.req_id as number);
    if (message.success !== false) return;
    const reason = said(typeof message.error === 'string' ? message.error : 'refused');
    const wishes = channels.flatMap((channel) => this.wanted.wishes(channel));
    for (const wanted of wishes) this.tell.refused(wanted, reason);
    if (wishes.length === 0) this.tell.garbage(reason);
  }
}

function isInstrument(channel: string): boolean {
  return channel.startsWith(`${INSTRUMENT}|`);
}
