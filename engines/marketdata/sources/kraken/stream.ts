// The live stream of Kraken, WebSocket v2: instruments first, as checksums of books need their precision, then what is wanted.
import { BOOK_RULES } from '../../../../src/market/book/rules.ts';
import type { BarRecord, MarketKind, MarketRecord } from '../../../../src/market/records.ts';
import type { Scale } from '../../../../src/market/scale.ts';
import { ClosedBars } from '../net/closed-bars.ts';
import { type Fields, isoUs, listOf, nameOf, objectOf, Scales, Unreadable } from '../net/fields.ts';
import { parseJson } from '../net/json.ts';
import { said } from '../net/said.ts';
import { WantedChannels } from '../net/wanted.ts';
import { WsLink } from '../net/ws-link.ts';
import type { LiveSession, SourceContext, SourceSink, Wanted } from '../port.ts';
import {
  INTERVALS_MIN,
  nativeSymbol,
  readBook,
  readOhlc,
  readPair,
  readTicker,
  readTrade,
} from './messages.ts';

const URL = 'wss://ws.kraken.com/v2';
const BOOK_DEPTHS = BOOK_RULES.kraken.depths!;
const BOOK_DEPTH = 100;
const MINUTE_US = 60_000_000;
const PING_MS = 15_000;
// Heartbeats come each second while anything is subscribed.
const SILENCE_MS = 20_000;
const INSTRUMENT = 'instrument';

/** Returns the depth of a book that holds `wished` levels of a side, or the greatest that there is. */
export function bookLevels(wished = BOOK_DEPTH): number {
  return BOOK_DEPTHS.find((depth) => depth >= wished) ?? BOOK_DEPTHS.at(-1)!;
}

/** A channel is its name, its parameter and the symbol: `ohlc|5|BTC/USD`. */
function channelOf(wanted: Wanted, native: string): string | null {
  switch (wanted.kind) {
    case 'trade':
      return `trade||${native}`;
    case 'quote':
      return `ticker||${native}`;
    case 'book_delta':
    case 'book_snapshot':
      return `book|${bookLevels(wanted.bookLevels)}|${native}`;
    case 'bar': {
      const minutes = (wanted.intervalUs ?? MINUTE_US) / MINUTE_US;
      return INTERVALS_MIN.includes(minutes) ? `ohlc|${minutes}|${native}` : null;
    }
    case 'instrument':
      return `${INSTRUMENT}||${native}`;
    default:
      return null;
  }
}

const PARAMETERS: Readonly<Record<string, (parameter: string) => object>> = {
  trade: () => ({ snapshot: false }),
  ticker: () => ({ event_trigger: 'bbo' }),
  book: (depth) => ({ depth: Number(depth) }),
  ohlc: (minutes) => ({ interval: Number(minutes) }),
};

export class KrakenStream implements LiveSession {
  readonly #context: SourceContext;
  readonly #sink: SourceSink;
  readonly #wanted: WantedChannels;
  readonly #scales = new Scales();
  /** Precision of every pair, as the venue told it, by its native symbol. */
  readonly #precisions = new Map<string, Scale>();
  readonly #bars = new ClosedBars();
  /** What was asked for on this connection; nothing before the instruments came. */
  readonly #asked = new Set<string>();
  #ready = false;
  #link: WsLink | undefined;
  #nextId = 1;

  constructor(context: SourceContext, sink: SourceSink) {
    this.#context = context;
    this.#sink = sink;
    this.#wanted = new WantedChannels((wanted) => wanted.nativeSymbol ?? nativeSymbol(wanted.symbol));
  }

  want(all: readonly Wanted[]): void {
    const { removed } = this.#wanted.replace(all, (wanted, native) => {
      const channel = channelOf(wanted, native);
      if (channel === null) this.#refused(wanted, 'Kraken has no channel of it');
      return channel;
    });
    for (const channel of removed) this.#bars.drop(channel);
    this.#ask(
      'unsubscribe',
      removed.filter((channel) => this.#asked.delete(channel)),
    );
    if (this.#wanted.names.length === 0) {
      this.#link?.close();
      this.#link = undefined;
      this.#ready = false;
      this.#asked.clear();
    } else if (!this.#link) this.#link = this.#open();
    else this.#subscribe();
  }

  resync(symbol: string): void {
    const books = this.#wanted.names.filter(
      (channel) =>
        channel.startsWith('book|') &&
        this.#asked.has(channel) &&
        this.#wanted.wishes(channel).some((wanted) => wanted.symbol === symbol),
    );
    this.#ask('unsubscribe', books);
    this.#ask('subscribe', books);
  }

  async close(): Promise<void> {
    this.#link?.close();
  }

  #subscribe(): void {
    if (!this.#ready) return;
    const missing = this.#wanted.names.filter((channel) => !this.#asked.has(channel));
    for (const channel of missing) {
      this.#asked.add(channel);
      const precision = this.#precisions.get(nativeOf(channel));
      // Checksums are made of digits in exactly this precision.
      for (const { symbol } of this.#wanted.wishes(channel))
        if (precision) this.#scales.set(symbol, precision);
    }
    this.#ask('subscribe', missing);
  }

  /** One message for each channel and parameter, with all its symbols. */
  #ask(method: 'subscribe' | 'unsubscribe', channels: readonly string[]): void {
    const groups = Map.groupBy(channels, (channel) => channel.slice(0, channel.lastIndexOf('|')));
    for (const [group, members] of groups) {
      const [channel, parameter] = group.split('|') as [string, string];
      // Instruments are subscribed to as a whole, once.
      if (channel === INSTRUMENT) continue;
      const symbol = members.map(nativeOf);
      const params: Record<string, unknown> = { channel, symbol, ...PARAMETERS[channel]!(parameter) };
      this.#link?.send(JSON.stringify({ method, params, req_id: this.#nextId++ }));
    }
  }

  #open(): WsLink {
    const { clock, timers, random } = this.#context;
    return new WsLink(
      {
        url: () => this.#context.endpoint('stream') ?? URL,
        clock,
        timers,
        random,
        silenceMs: SILENCE_MS,
        ping: { everyMs: PING_MS, message: () => JSON.stringify({ method: 'ping', req_id: this.#nextId++ }) },
        sends: { burst: 20, perSecond: 10 },
      },
      {
        open: () => {
          const params = { channel: INSTRUMENT, snapshot: true };
          this.#link!.send(JSON.stringify({ method: 'subscribe', params, req_id: this.#nextId++ }));
          this.#sink.event({ event: 'connected' });
        },
        message: (data, receivedUs) => this.#heard(data, receivedUs),
        lost: (reason, retryMs) => {
          this.#ready = false;
          this.#asked.clear();
          this.#bars.lost();
          this.#sink.event({ event: 'disconnected', reason, retryMs });
        },
      },
    );
  }

  #heard(data: string | Uint8Array, receivedUs: number): void {
    try {
      if (typeof data !== 'string') throw new Unreadable('no text');
      const message = objectOf(parsed(data));
      if (message.channel !== undefined) this.#channel(message, receivedUs);
      else if (message.method !== undefined) this.#answer(message);
      else throw new Unreadable('neither a channel nor an answer');
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error;
      this.#garbage(error.message);
    }
  }

  #channel(message: Fields, receivedUs: number): void {
    switch (message.channel) {
      case 'heartbeat':
        this.#emit(this.#bars.due(receivedUs));
        this.#sink.event({ event: 'heartbeat', venueUs: null });
        return;
      case 'status':
        return;
      case INSTRUMENT:
        this.#instruments(message, receivedUs);
        return;
    }
    const records: MarketRecord[] = [];
    const bars = new Map<string, BarRecord[]>();
    // One bad row of a message does not take the others with it.
    for (const row of listOf(message.data, 'data')) {
      try {
        const record = this.#read(message, objectOf(row, 'data'), receivedUs);
        if (record?.kind !== 'bar') records.push(...(record ? [record] : []));
        else {
          const key = `ohlc|${record.interval / MINUTE_US}|${(row as Fields).symbol}`;
          bars.set(key, [...(bars.get(key) ?? []), record]);
        }
      } catch (error) {
        if (!(error instanceof Unreadable)) throw error;
        this.#garbage(error.message);
      }
    }
    for (const [key, open] of bars) records.push(...this.#bars.take(key, open));
    this.#emit(records);
  }

  #read(message: Fields, row: Fields, receivedUs: number): MarketRecord | null {
    const native = nameOf(row.symbol, 'symbol');
    const symbol = this.#wanted.symbolOf(native);
    if (symbol === undefined) return null;
    switch (message.channel) {
      case 'trade':
        return readTrade(row, symbol, this.#scales, receivedUs);
      case 'ticker':
        return readTicker(row, symbol, this.#scales, receivedUs);
      case 'book':
        return readBook(row, message.type === 'snapshot', symbol, this.#scales, receivedUs);
      case 'ohlc':
        return readOhlc(row, symbol, receivedUs);
      default:
        throw new Unreadable('unknown channel');
    }
  }

  #instruments(message: Fields, receivedUs: number): void {
    const records: MarketRecord[] = [];
    for (const row of listOf(objectOf(message.data, 'data').pairs, 'pairs')) {
      try {
        const pair = readPair(objectOf(row, 'pair'), receivedUs);
        const symbol = this.#wanted.symbolOf(pair.nativeSymbol);
        this.#precisions.set(pair.nativeSymbol, pair.scale);
        if (symbol !== undefined && this.#wanted.has(`${INSTRUMENT}||${pair.nativeSymbol}`))
          records.push({ ...pair, symbol });
      } catch (error) {
        if (!(error instanceof Unreadable)) throw error;
        this.#garbage(error.message);
      }
    }
    this.#emit(records);
    this.#ready = true;
    this.#subscribe();
  }

  #answer(message: Fields): void {
    if (message.method === 'pong') {
      const venueUs = message.time_out === undefined ? null : isoUs(message.time_out, 'time_out');
      this.#sink.event({ event: 'heartbeat', venueUs });
      return;
    }
    if (message.success !== false) return;
    const reason = said(typeof message.error === 'string' ? message.error : 'refused');
    const native = typeof message.symbol === 'string' ? message.symbol : undefined;
    const channels = this.#wanted.names.filter(
      (channel) => native !== undefined && channel.endsWith(`|${native}`),
    );
    const wishes = channels.flatMap((channel) => this.#wanted.wishes(channel));
    if (message.method === 'subscribe' && wishes.length > 0)
      for (const wanted of wishes) this.#refused(wanted, reason);
    else this.#garbage(reason);
  }

  #emit(records: readonly MarketRecord[]): void {
    if (records.length > 0) this.#sink.records(records);
  }

  #garbage(reason: string): void {
    this.#sink.event({ event: 'garbage', reason: said(reason) });
  }

  #refused(wanted: Wanted, reason: string): void {
    const kind: MarketKind = wanted.kind;
    this.#sink.event({ event: 'refused', symbol: wanted.symbol, kind, reason });
  }
}

function nativeOf(channel: string): string {
  return channel.slice(channel.lastIndexOf('|') + 1);
}

function parsed(text: string): unknown {
  try {
    return parseJson(text);
  } catch {
    throw new Unreadable('no JSON');
  }
}
