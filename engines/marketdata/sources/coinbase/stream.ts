// The live stream of Coinbase Advanced Trade: one connection whose messages are numbered, so that a missing one is noticed.
import { ConnectionSequence } from '../../../../src/market/book/rules.ts';
import type { BarRecord, MarketKind, MarketRecord } from '../../../../src/market/records.ts';
import { ClosedBars } from '../net/closed-bars.ts';
import { type Fields, listOf, nameOf, objectOf, Scales, Unreadable } from '../net/fields.ts';
import { parseJson } from '../net/json.ts';
import { said } from '../net/said.ts';
import { WantedChannels } from '../net/wanted.ts';
import { WsLink } from '../net/ws-link.ts';
import type { LiveSession, SourceContext, SourceSink, Wanted } from '../port.ts';
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

const URL = 'wss://advanced-trade-ws.coinbase.com';
// Heartbeats come each second.
const SILENCE_MS = 15_000;
// The whole book of a large product is several megabytes.
const MAX_MESSAGE_BYTES = 32 * 2 ** 20;

/** A channel is its name and the product: `level2|BTC-USD`. */
function channelOf(wanted: Wanted, native: string): string | null {
  switch (wanted.kind) {
    case 'trade':
      return `market_trades|${native}`;
    case 'quote':
      return `ticker|${native}`;
    case 'book_delta':
    case 'book_snapshot':
      return `level2|${native}`;
    case 'bar':
      return (wanted.intervalUs ?? STREAM_BAR_US) === STREAM_BAR_US ? `candles|${native}` : null;
    default:
      return null;
  }
}

export class CoinbaseStream implements LiveSession {
  readonly #context: SourceContext;
  readonly #sink: SourceSink;
  readonly #wanted: WantedChannels;
  readonly #scales = new Scales();
  readonly #bars = new ClosedBars();
  /** Newest trade of each product, so that a snapshot after a loss brings only what was missed. */
  readonly #lastTrade = new Map<string, number>();
  readonly #asked = new Set<string>();
  /** Requests without an answer yet, in order; answers do not name theirs. */
  #pending: (readonly string[])[] = [];
  #sequence = new ConnectionSequence();
  #link: WsLink | undefined;

  constructor(context: SourceContext, sink: SourceSink) {
    this.#context = context;
    this.#sink = sink;
    this.#wanted = new WantedChannels((wanted) => wanted.nativeSymbol ?? nativeSymbol(wanted.symbol));
  }

  want(all: readonly Wanted[]): void {
    const { removed } = this.#wanted.replace(all, (wanted, native) => {
      const channel = channelOf(wanted, native);
      if (channel === null) this.#refused(wanted, 'Coinbase has no channel of it');
      return channel;
    });
    for (const channel of removed) {
      this.#bars.drop(channel);
      this.#lastTrade.delete(nativeOf(channel));
    }
    this.#ask(
      'unsubscribe',
      removed.filter((channel) => this.#asked.delete(channel)),
    );
    if (this.#wanted.names.length === 0) {
      this.#link?.close();
      this.#link = undefined;
      this.#forget();
    } else if (!this.#link) this.#link = this.#open();
    else this.#subscribe();
  }

  resync(symbol: string): void {
    const books = this.#wanted.names.filter(
      (channel) =>
        channel.startsWith('level2|') &&
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
    if (!this.#link?.connected) return;
    const missing = this.#wanted.names.filter((channel) => !this.#asked.has(channel));
    for (const channel of missing) this.#asked.add(channel);
    this.#ask('subscribe', missing);
  }

  /** One message for each channel, with all its products. */
  #ask(type: 'subscribe' | 'unsubscribe', channels: readonly string[]): void {
    const groups = Map.groupBy(channels, (name) => name.slice(0, name.indexOf('|')));
    for (const [channel, members] of groups) this.#send(type, channel, members);
  }

  #send(type: 'subscribe' | 'unsubscribe', channel: string, members: readonly string[]): void {
    this.#pending.push(type === 'subscribe' ? members : []);
    this.#link?.send(JSON.stringify({ type, channel, product_ids: members.map(nativeOf) }));
  }

  #forget(): void {
    this.#asked.clear();
    this.#pending = [];
    this.#bars.lost();
    this.#sequence = new ConnectionSequence();
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
        maxMessageBytes: MAX_MESSAGE_BYTES,
        // Eight a second are allowed without a key.
        sends: { burst: 6, perSecond: 6 },
      },
      {
        open: () => {
          // Within five seconds something has to be subscribed, and heartbeats keep quiet subscriptions open.
          this.#send('subscribe', 'heartbeats', []);
          this.#subscribe();
          this.#sink.event({ event: 'connected' });
        },
        message: (data, receivedUs) => this.#heard(data, receivedUs),
        lost: (reason, retryMs) => {
          this.#forget();
          this.#sink.event({ event: 'disconnected', reason, retryMs });
        },
      },
    );
  }

  #heard(data: string | Uint8Array, receivedUs: number): void {
    this.#try(() => {
      if (typeof data !== 'string') throw new Unreadable('no text');
      const message = objectOf(parsed(data));
      if (message.type === 'error')
        this.#failed(said(String(message.message ?? message.reason ?? 'refused')));
      else this.#channel(message, receivedUs);
    });
  }

  #channel(message: Fields, receivedUs: number): void {
    const stamp = stampOf(message, receivedUs);
    const missing = this.#sequence.take(stamp.sequence);
    if (missing > 0) this.#garbage('messages missing before this one, by sequence_num');
    const events = listOf(message.events, 'events').map((event) => objectOf(event, 'event'));
    switch (message.channel) {
      case 'heartbeats':
        this.#emit(this.#bars.due(receivedUs));
        this.#sink.event({ event: 'heartbeat', venueUs: stamp.tsEventUs });
        return;
      case 'subscriptions':
        this.#pending.shift();
        return;
      case 'l2_data':
        this.#books(events, stamp);
        return;
      case 'market_trades':
        for (const event of events) this.#trades(event, receivedUs);
        return;
      case 'ticker':
        this.#each(events, 'tickers', (row, symbol) => readTicker(row, symbol, this.#scales, stamp));
        return;
      case 'candles':
        this.#candles(events, receivedUs);
        return;
      default:
        throw new Unreadable('unknown channel');
    }
  }

  /** All events of one message about one book are one change of it: they share one number. */
  #books(events: readonly Fields[], stamp: Stamp): void {
    const records: MarketRecord[] = [];
    for (const [native, ofBook] of Map.groupBy(events, (event) => nameOf(event.product_id, 'product_id'))) {
      const symbol = this.#wanted.symbolOf(native);
      if (symbol === undefined) continue;
      const previous = this.#sequence.previous(native);
      const snapshot = ofBook.some((event) => event.type === 'snapshot');
      this.#try(() => {
        const updates = ofBook.flatMap((event) => listOf(event.updates, 'updates'));
        records.push(readBook(updates, snapshot, symbol, this.#scales, stamp, previous));
      });
    }
    this.#emit(records);
  }

  #trades(event: Fields, receivedUs: number): void {
    const records: MarketRecord[] = [];
    // A snapshot has trades from before the subscription: of those only what was missed since the last one known is news.
    const snapshot = event.type === 'snapshot';
    const rows = listOf(event.trades, 'trades').map((row) => objectOf(row, 'trade'));
    const known = new Map(this.#lastTrade);
    // Newest first in the message.
    for (const row of rows.toReversed()) {
      this.#try(() => {
        const native = nameOf(row.product_id, 'product_id');
        const symbol = this.#wanted.symbolOf(native);
        if (symbol === undefined) return;
        const trade = readTrade(row, symbol, this.#scales, receivedUs);
        const id = trade.sequence ?? 0;
        const last = known.get(native);
        this.#lastTrade.set(native, Math.max(id, this.#lastTrade.get(native) ?? 0));
        if (!snapshot || (last !== undefined && id > last)) records.push(trade);
      });
    }
    this.#emit(records);
  }

  #candles(events: readonly Fields[], receivedUs: number): void {
    const open = new Map<string, BarRecord[]>();
    for (const row of events.flatMap((event) => listOf(event.candles, 'candles'))) {
      this.#try(() => {
        const fields = objectOf(row, 'candle');
        const native = nameOf(fields.product_id, 'product_id');
        const symbol = this.#wanted.symbolOf(native);
        if (symbol === undefined || !this.#wanted.has(`candles|${native}`)) return;
        const key = `candles|${native}`;
        open.set(key, [...(open.get(key) ?? []), readCandle(fields, symbol, STREAM_BAR_US, receivedUs)]);
      });
    }
    for (const [key, bars] of open)
      this.#emit(
        this.#bars.take(
          key,
          bars.sort((a, b) => a.tsEventUs - b.tsEventUs),
        ),
      );
  }

  #each(events: readonly Fields[], list: string, read: (row: Fields, symbol: string) => MarketRecord): void {
    const records: MarketRecord[] = [];
    for (const row of events.flatMap((event) => listOf(event[list], list))) {
      this.#try(() => {
        const fields = objectOf(row, list);
        const symbol = this.#wanted.symbolOf(nameOf(fields.product_id, 'product_id'));
        if (symbol !== undefined) records.push(read(fields, symbol));
      });
    }
    this.#emit(records);
  }

  /** One bad row does not take the others of its message with it. */
  #try(run: () => void): void {
    try {
      run();
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error;
      this.#garbage(error.message);
    }
  }

  #failed(reason: string): void {
    const channels = this.#pending.shift() ?? [];
    // One bad product refuses its whole message: ask for each alone.
    if (channels.length > 1)
      for (const name of channels) this.#send('subscribe', name.slice(0, name.indexOf('|')), [name]);
    else if (channels.length === 1)
      for (const wanted of this.#wanted.wishes(channels[0]!)) this.#refused(wanted, reason);
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
  return channel.slice(channel.indexOf('|') + 1);
}

function parsed(text: string): unknown {
  try {
    return parseJson(text);
  } catch {
    throw new Unreadable('no JSON');
  }
}
