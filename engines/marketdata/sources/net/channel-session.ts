// A live session of a venue with one connection and channels by symbol: what is wanted, what was asked for, what a loss forgets.
import type { BarRecord, MarketRecord, Trade } from '../../../../src/market/records.ts';
import type { LiveSession, SourceContext, SourceSink, Wanted } from '../port.ts';
import { Scales } from '../scales.ts';
import { ClosedBars } from './closed-bars.ts';
import type { Fields } from './fields.ts';
import { KnownTrades } from './known-trades.ts';
import { Teller } from './teller.ts';
import { WantedChannels } from './wanted.ts';
import { type LinkOptions, WsLink } from './ws-link.ts';

export type Method = 'subscribe' | 'unsubscribe';

/** What the connection of a venue is like. */
export type VenueLink = Omit<LinkOptions, 'url' | 'clock' | 'timers' | 'random'> & {
  /** Its own address. */
  readonly url: string;
};

/** A channel is its name, a parameter and the symbol at the venue: `ohlc|5|BTC/USD`. */
export function channelName(name: string, native: string, parameter: string | number = ''): string {
  return `${name}|${parameter}|${native}`;
}

/** Returns the symbol at the venue that a channel is of. */
export function nativeOf(channel: string): string {
  return channel.slice(channel.lastIndexOf('|') + 1);
}

interface OfChannel<R> {
  readonly channel: string;
  readonly record: R;
}

/** What venues have in common; each says how it is spoken with. */
export abstract class ChannelSession implements LiveSession {
  protected readonly wanted: WantedChannels;
  protected readonly tell: Teller;
  protected readonly scales = new Scales();
  /** Channels that were asked for on this connection. */
  protected readonly asked = new Set<string>();
  readonly #bars = new ClosedBars();
  readonly #trades = new KnownTrades();
  readonly #context: SourceContext;
  readonly #sink: SourceSink;
  #link: WsLink | undefined;

  constructor(context: SourceContext, sink: SourceSink, native: (wanted: Wanted) => string) {
    this.#context = context;
    this.#sink = sink;
    this.tell = new Teller(sink);
    this.wanted = new WantedChannels(native);
  }

  /** Name of the venue. */
  protected abstract readonly title: string;
  /** Name of the channel of books. */
  protected abstract readonly books: string;
  protected abstract readonly link: VenueLink;
  /** Returns the channel of something wanted, null when the venue has none. */
  protected abstract channelOf(wanted: Wanted, native: string): string | null;
  /** Asks for channels of one name and parameter, or for no more of them. */
  protected abstract ask(method: Method, name: string, parameter: string, channels: readonly string[]): void;
  /** The connection is open, and nothing was asked for on it. */
  protected abstract opened(): void;
  /** Takes a message of the venue; throws {@link Unreadable}. */
  protected abstract heard(message: Fields, receivedUs: number): void;

  /** Whether channels may be asked for. */
  protected get ready(): boolean {
    return this.#link?.connected === true;
  }

  want(all: readonly Wanted[]): void {
    const { removed } = this.wanted.replace(all, (wanted, native) => {
      const channel = this.channelOf(wanted, native);
      if (channel === null) this.tell.refused(wanted, `${this.title} has no channel of it`);
      return channel;
    });
    for (const channel of removed) {
      this.#bars.drop(channel);
      this.#trades.drop(channel);
    }
    // What is open of a thing that was wanted by several symbols goes on under those that are left.
    for (const channel of this.wanted.names)
      this.#bars.under(channel, this.wanted.symbolOf(nativeOf(channel))!);
    this.#ask(
      'unsubscribe',
      removed.filter((channel) => this.asked.delete(channel)),
    );
    if (this.wanted.names.length === 0) {
      this.#link?.close();
      this.#link = undefined;
      this.forget();
    } else if (!this.#link) this.#link = this.#open();
    else this.subscribe();
  }

  resync(symbol: string): void {
    this.renew((channel) => this.wanted.wishes(channel).some((wanted) => wanted.symbol === symbol));
  }

  async close(): Promise<void> {
    this.#link?.close();
  }

  /** Gives the connection up for a new one. */
  protected again(reason: string): void {
    this.#link?.renew(reason);
  }

  /** Subscribes to books anew, which brings their snapshots. */
  protected renew(isMeant: (channel: string) => boolean): void {
    const books = this.wanted.names.filter(
      (channel) => channel.startsWith(`${this.books}|`) && this.asked.has(channel) && isMeant(channel),
    );
    this.#ask('unsubscribe', books);
    this.#ask('subscribe', books);
  }

  /** Asks for what is wanted and was not asked for on this connection. Returns it. */
  protected subscribe(): readonly string[] {
    if (!this.ready) return [];
    const missing = this.wanted.names.filter((channel) => !this.asked.has(channel));
    for (const channel of missing) this.asked.add(channel);
    this.#ask('subscribe', missing);
    return missing;
  }

  protected send(message: object): void {
    this.#link?.send(JSON.stringify(message));
  }

  /** Hands on the bars whose time is over, where the venue says what time it is: called with whatever comes regularly. */
  protected alive(venueUs: number | null, receivedUs: number): void {
    if (venueUs !== null) this.#emit(this.#bars.due(venueUs, receivedUs));
    this.#sink.event({ event: 'heartbeat', venueUs });
  }

  /** Forgets what the venue knew of a connection that is gone. */
  protected forget(): void {
    this.asked.clear();
    this.#bars.lost();
  }

  /** Reads rows of a message, each on its own, and hands on what they say. */
  protected each(rows: readonly unknown[], read: (row: unknown) => MarketRecord | null): void {
    const records: MarketRecord[] = [];
    for (const row of rows)
      this.tell.readable(() => {
        const record = read(row);
        if (record) records.push(record);
      });
    this.#emit(records);
  }

  /** Reads states of bars as {@link each} does, and hands on those that are over. */
  protected eachBar(rows: readonly unknown[], read: (row: unknown) => OfChannel<BarRecord> | null): void {
    for (const [channel, bars] of this.#byChannel(rows, read))
      this.#emit(
        this.#bars.take(
          channel,
          bars.sort((a, b) => a.tsEventUs - b.tsEventUs),
        ),
      );
  }

  /** Reads trades as {@link each} does, and hands on those that are news. */
  protected eachTrade(
    rows: readonly unknown[],
    snapshot: boolean,
    read: (row: unknown) => OfChannel<Trade> | null,
  ): void {
    for (const [channel, trades] of this.#byChannel(rows, read))
      this.#emit(this.#trades.news(channel, trades, snapshot));
  }

  #emit(records: readonly MarketRecord[]): void {
    this.tell.records(this.wanted.underAll(records));
  }

  #byChannel<R>(rows: readonly unknown[], read: (row: unknown) => OfChannel<R> | null): Map<string, R[]> {
    const found = new Map<string, R[]>();
    for (const row of rows)
      this.tell.readable(() => {
        const one = read(row);
        if (!one) return;
        const of = found.get(one.channel);
        if (of) of.push(one.record);
        else found.set(one.channel, [one.record]);
      });
    return found;
  }

  #ask(method: Method, channels: readonly string[]): void {
    const groups = Map.groupBy(channels, (channel) => channel.slice(0, channel.lastIndexOf('|')));
    for (const [group, members] of groups) {
      const [name, parameter] = group.split('|') as [string, string];
      this.ask(method, name, parameter, members);
    }
  }

  #open(): WsLink {
    const { clock, timers, random } = this.#context;
    const { url, ...link } = this.link;
    return new WsLink(
      { ...link, url: () => this.#context.endpoint('stream') ?? url, clock, timers, random },
      {
        open: () => {
          this.opened();
          this.#sink.event({ event: 'connected' });
        },
        message: (data, receivedUs) => this.tell.message(data, (message) => this.heard(message, receivedUs)),
        lost: (reason, retryMs) => {
          this.forget();
          this.#sink.event({ event: 'disconnected', reason, retryMs });
        },
      },
    );
  }
}
