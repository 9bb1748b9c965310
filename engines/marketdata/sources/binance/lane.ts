// One connection of Binance: the streams that it is to bring, the requests about them, and what the venue answers.
import { type Fields, objectOf, Unreadable } from '../net/fields.ts';
import { within } from '../net/rate-limiter.ts';
import { said } from '../net/said.ts';
import type { Teller } from '../net/teller.ts';
import { WsLink } from '../net/ws-link.ts';
import type { SourceContext } from '../port.ts';
import type { Venue } from './venue.ts';

/** Streams of one message: the venue takes more, but a refusal is easier to tell apart in few. */
const BATCH = 100;
const PING_MS = 15_000;
const SILENCE_MS = 40_000;
// The venue ends connections after 24 hours.
const MAX_AGE_MS = 23.5 * 3_600_000;

export interface LaneEvents {
  connected(): void;
  lost(reason: string, retryMs: number): void;
  /** The venue confirmed streams. */
  subscribed(streams: readonly string[]): void;
  refused(stream: string, reason: string): void;
  /** The venue answered, although it had nothing to tell. */
  alive(): void;
  /** A message as it came; returns whether it was one of a stream and is done with. */
  text(text: string, receivedUs: number): boolean;
  /** What came by a stream; throws {@link Unreadable}. */
  data(data: Fields, receivedUs: number): void;
}

export class Lane {
  readonly path: string;
  /** Streams that it is to bring. */
  readonly streams = new Set<string>();
  readonly #events: LaneEvents;
  readonly #tell: Teller;
  readonly #link: WsLink;
  /** Streams that were asked for on this connection, those among them that were refused, and requests without an answer. */
  readonly #asked = new Set<string>();
  readonly #refused = new Set<string>();
  readonly #pending = new Map<number, readonly string[]>();
  #nextId = 1;

  constructor(path: string, venue: Venue, context: SourceContext, tell: Teller, events: LaneEvents) {
    this.path = path;
    this.#events = events;
    this.#tell = tell;
    const { clock, timers, random } = context;
    this.#link = new WsLink(
      {
        url: () => (context.endpoint('stream') ?? venue.stream) + path,
        clock,
        timers,
        random,
        silenceMs: SILENCE_MS,
        maxAgeMs: MAX_AGE_MS,
        sends: within(venue.sendsPerSecond),
        // Its answer also says what is subscribed.
        ping: {
          everyMs: PING_MS,
          message: () => JSON.stringify({ method: 'LIST_SUBSCRIPTIONS', id: this.#nextId++ }),
        },
      },
      {
        open: () => {
          this.#subscribe();
          events.connected();
        },
        message: (data, receivedUs) => {
          if (typeof data === 'string' && events.text(data, receivedUs)) return;
          tell.message(data, (message) => this.#heard(message, receivedUs));
        },
        lost: (reason, retryMs) => {
          this.#asked.clear();
          this.#refused.clear();
          this.#pending.clear();
          events.lost(reason, retryMs);
        },
      },
    );
  }

  get connected(): boolean {
    return this.#link.connected;
  }

  /** Streams that were asked for on this connection. */
  get asked(): readonly string[] {
    return [...this.#asked];
  }

  /** Takes streams away, and adds others. */
  change(removed: readonly string[], added: readonly string[]): void {
    for (const stream of removed) {
      this.streams.delete(stream);
      this.#refused.delete(stream);
    }
    this.#request(
      'UNSUBSCRIBE',
      removed.filter((stream) => this.#asked.delete(stream)),
    );
    for (const stream of added) this.streams.add(stream);
    this.#subscribe();
  }

  close(): void {
    this.#link.close();
  }

  #subscribe(): void {
    if (!this.connected) return;
    const missing = [...this.streams].filter((stream) => !this.#asked.has(stream));
    for (const stream of missing) this.#asked.add(stream);
    this.#request('SUBSCRIBE', missing);
  }

  #request(method: 'SUBSCRIBE' | 'UNSUBSCRIBE', streams: readonly string[]): void {
    for (let at = 0; at < streams.length; at += BATCH) {
      const params = streams.slice(at, at + BATCH);
      const id = this.#nextId++;
      if (method === 'SUBSCRIBE') this.#pending.set(id, params);
      this.#link.send(JSON.stringify({ method, params, id }));
    }
  }

  #heard(message: Fields, receivedUs: number): void {
    if (message.stream !== undefined) {
      const data = objectOf(message.data, 'data');
      if (data.e === 'serverShutdown') this.#link.renew('the venue shuts this connection down');
      else this.#events.data(data, receivedUs);
    } else if (message.id !== undefined || message.error !== undefined) this.#answered(message);
    else throw new Unreadable('neither a stream nor an answer');
  }

  #answered(message: Fields): void {
    const id = message.id as number;
    const streams = this.#pending.get(id) ?? [];
    this.#pending.delete(id);
    // Spot wraps an error, futures send it as it is.
    const error = message.error ?? (message.code === undefined ? undefined : message);
    if (error !== undefined) this.#failed(streams, objectOf(error, 'error'));
    else if (Array.isArray(message.result)) this.#alive(id, message.result);
    // What is no longer wanted may be confirmed as well.
    else this.#events.subscribed(streams.filter((stream) => this.#asked.has(stream)));
  }

  #failed(streams: readonly string[], error: Fields): void {
    const reason = said(String(error.msg ?? 'refused'));
    // One bad stream refuses all of its message: ask for each alone.
    if (streams.length > 1) for (const stream of streams) this.#request('SUBSCRIBE', [stream]);
    else if (streams.length === 1) {
      this.#refused.add(streams[0]!);
      this.#events.refused(streams[0]!, reason);
    } else this.#tell.garbage(reason);
  }

  /** The list of subscriptions: what the venue lost without a word is asked for again, what it refused is not. */
  #alive(id: number, listed: readonly unknown[]): void {
    this.#events.alive();
    const live = new Set(listed);
    // Answers come in order: one that should have come before this is lost, and the list is the answer.
    for (const [earlier, streams] of this.#pending) {
      if (earlier > id) return;
      this.#pending.delete(earlier);
      this.#events.subscribed(streams.filter((stream) => live.has(stream) && this.#asked.has(stream)));
    }
    for (const stream of this.#asked)
      if (!live.has(stream) && !this.#refused.has(stream)) this.#asked.delete(stream);
    this.#subscribe();
  }
}
