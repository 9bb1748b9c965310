// The live stream of Binance: as many connections as its streams need, and books that begin with a REST snapshot.
import type { Fields } from '../net/fields.ts';
import { Teller } from '../net/teller.ts';
import { WantedChannels } from '../net/wanted.ts';
import type { LiveSession, SourceContext, SourceSink, Wanted } from '../port.ts';
import { Scales } from '../scales.ts';
import { Lane } from './lane.ts';
import { type Reading, readDepth, readStream } from './messages.ts';
import type { BinanceRest } from './rest.ts';
import { type ScanNames, scanNames, scanText } from './scan.ts';
import { Snapshots } from './snapshots.ts';
import { bookLevels, nativeSymbol, pathOf, streamName, type Venue } from './venue.ts';

/** A session of one market. Each path has connections of its own, opened when they are first needed. */
export class BinanceStream implements LiveSession {
  readonly #venue: Venue;
  readonly #context: SourceContext;
  readonly #sink: SourceSink;
  readonly #tell: Teller;
  readonly #wanted: WantedChannels;
  readonly #reading: Reading;
  readonly #scanned: ScanNames;
  readonly #snapshots: Snapshots;
  readonly #lanes = new Set<Lane>();
  #closed = false;
  #lost = false;

  constructor(venue: Venue, context: SourceContext, sink: SourceSink, rest: BinanceRest) {
    this.#venue = venue;
    this.#context = context;
    this.#sink = sink;
    this.#tell = new Teller(sink);
    rest.onWait = (waitMs) => sink.event({ event: 'rate_limited', waitMs });
    const wanted = new WantedChannels(({ symbol, nativeSymbol: given }) => given ?? nativeSymbol(symbol));
    this.#wanted = wanted;
    this.#reading = { venue, scales: new Scales(), symbolOf: (native) => wanted.symbolOf(native) };
    this.#scanned = scanNames(this.#reading);
    this.#snapshots = new Snapshots(rest, context, {
      levels: (native) => this.#levelsOf(native),
      came: (native, body) => this.#snapshot(native, body),
      refused: (native, reason) => {
        for (const stream of this.#books(native)) this.#refused(stream, reason);
      },
      garbage: (reason) => this.#tell.garbage(reason),
    });
  }

  want(all: readonly Wanted[]): void {
    if (this.#closed) return;
    const depths = this.#depths();
    const { added, removed } = this.#wanted.replace(all, (wanted, native) => {
      const stream = streamName(this.#venue, wanted, native);
      if (stream === null) this.#tell.refused(wanted, `${this.#venue.title} has no stream of it`);
      return stream;
    });
    this.#abandon(removed);
    for (const lane of this.#lanes) lane.change(removed, []);
    for (const [lane, streams] of Map.groupBy(added, (stream) => this.#place(stream)))
      lane.change([], streams);
    for (const lane of this.#lanes) {
      if (lane.streams.size > 0) continue;
      lane.close();
      this.#lanes.delete(lane);
    }
    this.#deepen(depths);
    // The connection that was lost may be the one that nobody needs any more.
    if (this.#lost && this.#lanes.size > 0) this.#connected(undefined);
  }

  resync(symbol: string): void {
    // Without its stream a snapshot has no changes to go on with: one is fetched when the venue confirms the stream.
    this.#fetch(
      this.#asked().filter((stream) =>
        this.#wanted.wishes(stream).some((wanted) => wanted.symbol === symbol),
      ),
    );
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#snapshots.close();
    for (const lane of this.#lanes) lane.close();
  }

  /** Returns the connection that a stream is to come by, with its place there taken. */
  #place(stream: string): Lane {
    const path = pathOf(this.#venue, stream);
    for (const lane of this.#lanes) {
      if (lane.path !== path || lane.streams.size >= this.#venue.streams) continue;
      lane.streams.add(stream);
      return lane;
    }
    const lane = this.#open(path);
    lane.streams.add(stream);
    return lane;
  }

  #open(path: string): Lane {
    const lane: Lane = new Lane(path, this.#venue, this.#context, this.#tell, {
      connected: () => this.#connected(lane),
      lost: (reason, retryMs) => {
        this.#lost = true;
        // A snapshot of before the loss has no deltas to go on with.
        this.#abandon([...lane.streams]);
        this.#sink.event({ event: 'disconnected', reason, retryMs });
      },
      subscribed: (streams) => this.#fetch(streams),
      refused: (stream, reason) => this.#refused(stream, reason),
      alive: () => this.#sink.event({ event: 'heartbeat', venueUs: null }),
      text: (text, receivedUs) => this.#text(text, receivedUs),
      data: (data, receivedUs) => this.#data(data, receivedUs),
    });
    this.#lanes.add(lane);
    return lane;
  }

  /**
   * Tells that all connections are there, `last` as the last one. A loss of one has ended the books of all: those of the others begin anew,
   * its own when they are confirmed.
   */
  #connected(last: Lane | undefined): void {
    for (const lane of this.#lanes) if (!lane.connected) return;
    this.#sink.event({ event: 'connected' });
    if (!this.#lost) return;
    this.#lost = false;
    for (const lane of this.#lanes) if (lane !== last) this.#fetch(lane.asked);
  }

  #text(text: string, receivedUs: number): boolean {
    const record = scanText(text, receivedUs, this.#scanned);
    if (record !== null) this.#tell.records(this.#wanted.underAll([record]));
    return record !== null;
  }

  #data(data: Fields, receivedUs: number): void {
    this.#tell.records(this.#wanted.underAll(readStream(data, this.#reading, receivedUs)));
  }

  #snapshot(native: string, body: unknown): void {
    const symbol = this.#reading.symbolOf(native);
    if (symbol === undefined) return;
    const book = readDepth(body, symbol, this.#reading, this.#context.clock.nowUs());
    this.#tell.records(this.#wanted.underAll([book]));
  }

  #refused(stream: string, reason: string): void {
    for (const wanted of this.#wanted.wishes(stream)) this.#tell.refused(wanted, reason);
  }

  #fetch(streams: readonly string[]): void {
    for (const stream of streams) if (isDepth(stream)) this.#snapshots.fetch(nativeOf(stream));
  }

  #abandon(streams: readonly string[]): void {
    for (const stream of streams) if (isDepth(stream)) this.#snapshots.drop(nativeOf(stream));
  }

  #books(native: string): string[] {
    return this.#wanted.names.filter((stream) => isDepth(stream) && nativeOf(stream) === native);
  }

  /** Levels that are asked for of each book that is wanted. */
  #depths(): Map<string, number> {
    const books = this.#wanted.names.filter(isDepth).map(nativeOf);
    return new Map(books.map((native) => [native, this.#levelsOf(native)]));
  }

  /** Fetches books of another depth than before anew; one on its way has the depth of before, and would pass for all that there is. */
  #deepen(before: ReadonlyMap<string, number>): void {
    const asked = new Set(this.#asked());
    for (const [native, levels] of this.#depths()) {
      if ((before.get(native) ?? levels) === levels) continue;
      this.#snapshots.drop(native);
      this.#fetch(this.#books(native).filter((stream) => asked.has(stream)));
    }
  }

  /** Streams that were asked for on the connections that there are. */
  #asked(): string[] {
    return [...this.#lanes].flatMap((lane) => lane.asked);
  }

  #levelsOf(native: string): number {
    const wishes = this.#books(native).flatMap((stream) => this.#wanted.wishes(stream));
    const wished = wishes.flatMap(({ bookLevels: levels }) => levels ?? []);
    return bookLevels(this.#venue, wished.length > 0 ? Math.max(...wished) : undefined);
  }
}

function isDepth(stream: string): boolean {
  return stream.includes('@depth');
}

function nativeOf(stream: string): string {
  return stream.slice(0, stream.indexOf('@')).toUpperCase();
}
