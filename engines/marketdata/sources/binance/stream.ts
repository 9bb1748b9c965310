// The live stream of Binance: connections that are kept up, subscriptions, and books that begin with a REST snapshot.
import { NautilusError, ProviderError } from '../../../../src/core/errors.ts';
import type { MarketKind } from '../../../../src/market/records.ts';
import { Backoff } from '../net/backoff.ts';
import { type Fields, listOf, objectOf, Scales, Unreadable } from '../net/fields.ts';
import { parseJson } from '../net/json.ts';
import { within } from '../net/rate-limiter.ts';
import { said } from '../net/said.ts';
import { WantedChannels } from '../net/wanted.ts';
import { WsLink } from '../net/ws-link.ts';
import type { LiveSession, SourceContext, SourceSink, Wanted } from '../port.ts';
import { type Reading, readDepth, readStream } from './messages.ts';
import type { BinanceRest } from './rest.ts';
import { bookLevels, nativeSymbol, pathOf, streamName, type Venue } from './venue.ts';

/** Streams of one message: the venue takes more, but a refusal is easier to tell apart in few. */
const BATCH = 100;
const PING_MS = 15_000;
const SILENCE_MS = 40_000;
// The venue ends connections after 24 hours.
const MAX_AGE_MS = 23.5 * 3_600_000;

/** One connection, and which requests on it wait for an answer. */
interface Lane {
  readonly path: string;
  link: WsLink | undefined;
  /** Streams that were asked for on this connection. */
  readonly asked: Set<string>;
  readonly pending: Map<number, readonly string[]>;
}

/** A session of one market. Spot is one connection, futures up to two; each opens when it is first needed. */
export class BinanceStream implements LiveSession {
  readonly #venue: Venue;
  readonly #context: SourceContext;
  readonly #sink: SourceSink;
  readonly #rest: BinanceRest;
  readonly #wanted: WantedChannels;
  readonly #lanes: readonly Lane[];
  readonly #reading: Reading;
  /** Snapshots that are being fetched, by native symbol. */
  readonly #fetching = new Map<string, AbortController>();
  #nextId = 1;
  #closed = false;
  #lost = false;

  constructor(venue: Venue, context: SourceContext, sink: SourceSink, rest: BinanceRest) {
    this.#venue = venue;
    this.#context = context;
    this.#sink = sink;
    this.#rest = rest;
    rest.onWait = (waitMs) => sink.event({ event: 'rate_limited', waitMs });
    this.#wanted = new WantedChannels((wanted) => wanted.nativeSymbol ?? nativeSymbol(wanted.symbol));
    this.#lanes = venue.paths.map((path) => ({
      path,
      link: undefined,
      asked: new Set(),
      pending: new Map(),
    }));
    const wanted = this.#wanted;
    this.#reading = { venue, scales: new Scales(), symbolOf: (native) => wanted.symbolOf(native) };
  }

  want(all: readonly Wanted[]): void {
    if (this.#closed) return;
    const { removed } = this.#wanted.replace(all, (wanted, native) => {
      const stream = streamName(this.#venue, wanted, native);
      if (stream === null) this.#refused(wanted, `${this.#venue.title} has no stream of it`);
      return stream;
    });
    for (const lane of this.#lanes) {
      const gone = removed.filter((stream) => lane.asked.delete(stream));
      this.#abandon(gone);
      this.#request(lane, 'UNSUBSCRIBE', gone);
      this.#subscribe(lane);
    }
  }

  resync(symbol: string): void {
    for (const stream of this.#wanted.names) {
      if (isDepth(stream) && this.#wanted.wishes(stream).some((wanted) => wanted.symbol === symbol))
        this.#snapshot(nativeOf(stream));
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const fetching of this.#fetching.values()) fetching.abort();
    for (const lane of this.#lanes) lane.link?.close();
  }

  #abandon(streams: readonly string[]): void {
    for (const stream of streams.filter(isDepth)) {
      this.#fetching.get(nativeOf(stream))?.abort();
      this.#fetching.delete(nativeOf(stream));
    }
  }

  #streamsOf(lane: Lane): string[] {
    return this.#wanted.names.filter((stream) => pathOf(this.#venue, stream) === lane.path);
  }

  /** Asks for what is wanted and was not asked for yet, opening the connection when it is the first. */
  #subscribe(lane: Lane): void {
    const wanted = this.#streamsOf(lane);
    if (wanted.length === 0) {
      lane.link?.close();
      lane.link = undefined;
      return;
    }
    const missing = wanted.filter((stream) => !lane.asked.has(stream));
    if (missing.length === 0) return;
    if (!lane.link) lane.link = this.#open(lane);
    if (!lane.link.connected) return;
    for (const stream of missing) lane.asked.add(stream);
    this.#request(lane, 'SUBSCRIBE', missing);
  }

  #request(lane: Lane, method: 'SUBSCRIBE' | 'UNSUBSCRIBE', streams: readonly string[]): void {
    for (let at = 0; at < streams.length; at += BATCH) {
      const params = streams.slice(at, at + BATCH);
      const id = this.#nextId++;
      if (method === 'SUBSCRIBE') lane.pending.set(id, params);
      lane.link?.send(JSON.stringify({ method, params, id }));
    }
  }

  #open(lane: Lane): WsLink {
    const { clock, timers, random } = this.#context;
    const base = this.#context.endpoint('stream') ?? this.#venue.stream;
    return new WsLink(
      {
        url: () => base + lane.path,
        clock,
        timers,
        random,
        silenceMs: SILENCE_MS,
        maxAgeMs: MAX_AGE_MS,
        sends: within(this.#venue.sendsPerSecond),
        // Its answer also says what is subscribed.
        ping: {
          everyMs: PING_MS,
          message: () => JSON.stringify({ method: 'LIST_SUBSCRIPTIONS', id: this.#nextId++ }),
        },
      },
      {
        open: () => {
          this.#subscribe(lane);
          if (this.#lanes.every(({ link }) => link === undefined || link.connected || link === lane.link))
            this.#connected(lane);
        },
        message: (data, receivedUs) => this.#heard(lane, data, receivedUs),
        lost: (reason, retryMs) => {
          this.#lost = true;
          lane.asked.clear();
          lane.pending.clear();
          // A snapshot of before the loss has no deltas to go on with.
          this.#abandon(this.#streamsOf(lane));
          this.#sink.event({ event: 'disconnected', reason, retryMs });
        },
      },
    );
  }

  /** All connections are there, `last` as the last one. A loss of one has ended the books of all: those of the others begin anew. */
  #connected(last: Lane): void {
    this.#sink.event({ event: 'connected' });
    if (!this.#lost) return;
    this.#lost = false;
    for (const lane of this.#lanes)
      if (lane !== last)
        for (const stream of lane.asked) if (isDepth(stream)) this.#snapshot(nativeOf(stream));
  }

  #heard(lane: Lane, data: string | Uint8Array, receivedUs: number): void {
    try {
      if (typeof data !== 'string') throw new Unreadable('no text');
      const message = objectOf(parsed(data));
      if (message.stream !== undefined) {
        const records = readStream(objectOf(message.data, 'data'), this.#reading, receivedUs);
        if (records.length > 0) this.#sink.records(records);
      } else if (message.id !== undefined || message.error !== undefined) this.#answered(lane, message);
      else throw new Unreadable('neither a stream nor an answer');
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error;
      this.#sink.event({ event: 'garbage', reason: said(error.message) });
    }
  }

  #answered(lane: Lane, message: Fields): void {
    const id = message.id as number;
    const streams = lane.pending.get(id);
    lane.pending.delete(id);
    // Spot wraps an error, futures send it as it is.
    const error = message.error ?? (message.code === undefined ? undefined : message);
    if (error !== undefined) this.#failed(lane, streams ?? [], objectOf(error, 'error'));
    else if (Array.isArray(message.result)) this.#alive(lane, listOf(message.result, 'result'));
    else for (const stream of streams ?? []) if (isDepth(stream)) this.#snapshot(nativeOf(stream));
  }

  #failed(lane: Lane, streams: readonly string[], error: Fields): void {
    const reason = said(String(error.msg ?? 'refused'));
    // One bad stream refuses all of its message: ask for each alone.
    if (streams.length > 1) for (const stream of streams) this.#request(lane, 'SUBSCRIBE', [stream]);
    else if (streams.length === 1)
      for (const wanted of this.#wanted.wishes(streams[0]!)) this.#refused(wanted, reason);
    else this.#sink.event({ event: 'garbage', reason });
  }

  /** The list of subscriptions: what the venue lost without a word is asked for again. */
  #alive(lane: Lane, result: readonly unknown[]): void {
    this.#sink.event({ event: 'heartbeat', venueUs: null });
    if (lane.pending.size > 0) return;
    const live = new Set(result);
    const lost = [...lane.asked].filter((stream) => !live.has(stream));
    for (const stream of lost) lane.asked.delete(stream);
    this.#subscribe(lane);
  }

  #refused(wanted: Wanted, reason: string): void {
    const kind: MarketKind = wanted.kind;
    this.#sink.event({ event: 'refused', symbol: wanted.symbol, kind, reason });
  }

  #levelsOf(native: string): number {
    const wishes = this.#wanted.names
      .filter((stream) => isDepth(stream) && nativeOf(stream) === native)
      .flatMap((stream) => this.#wanted.wishes(stream));
    return bookLevels(this.#venue, wishes.find((wanted) => wanted.bookLevels !== undefined)?.bookLevels);
  }

  /** Fetches the snapshot of a book, again and again until it comes, the book is no longer wanted, or the connection is lost. */
  #snapshot(native: string): void {
    if (this.#fetching.has(native) || this.#closed) return;
    const stop = new AbortController();
    this.#fetching.set(native, stop);
    const backoff = new Backoff(this.#context.random);
    const attempt = async (): Promise<void> => {
      try {
        const body = await this.#rest.depth(native, this.#levelsOf(native), stop.signal);
        const symbol = this.#reading.symbolOf(native);
        if (!stop.signal.aborted && symbol !== undefined)
          this.#sink.records([readDepth(body, symbol, this.#reading, this.#context.clock.nowUs())]);
        done();
      } catch (error) {
        if (stop.signal.aborted) return done();
        if (error instanceof ProviderError) {
          for (const stream of this.#wanted.names) {
            if (isDepth(stream) && nativeOf(stream) === native)
              for (const wanted of this.#wanted.wishes(stream)) this.#refused(wanted, error.message);
          }
          return done();
        }
        if (error instanceof Unreadable) this.#sink.event({ event: 'garbage', reason: said(error.message) });
        else if (!(error instanceof NautilusError))
          this.#context.log.error({ err: error }, 'no depth snapshot');
        const cancel = this.#context.timers.after(backoff.next(), () => void attempt());
        stop.signal.addEventListener('abort', () => {
          cancel();
          done();
        });
      }
    };
    const done = () => {
      if (this.#fetching.get(native) === stop) this.#fetching.delete(native);
    };
    void attempt();
  }
}

function parsed(text: string): unknown {
  try {
    return parseJson(text);
  } catch {
    throw new Unreadable('no JSON');
  }
}

function isDepth(stream: string): boolean {
  return stream.includes('@depth');
}

function nativeOf(stream: string): string {
  return stream.slice(0, stream.indexOf('@')).toUpperCase();
}
