// The bus as engines see it: typed publish, pattern subscriptions with bounded queues, counts of everything dropped.
import type { Clock } from '../core/clock.ts';
import { systemClock } from '../core/clock.ts';
import { idSequence } from '../core/ids.ts';
import type { BatchHandler, Envelope, PublishMeta, SubscribeOptions, Subscription } from './envelope.ts';
import type { HopTimes } from './hop-times.ts';
import { checkedCopy, checkedOwn } from './quick-copy.ts';
import { QueueingSubscription } from './subscription.ts';
import type { Topic } from './topics.ts';
import type { MessageTracing } from './tracing.ts';
import type { Transport, TransportSink } from './transport.ts';

/** Counters since the start of one client, in messages. */
export interface BusStats {
  readonly published: number;
  readonly received: number;
  /** Lost because a handler of this client was too slow. */
  readonly dropped_slow_handler: number;
  /** Lost in the transport: this client read too slowly, or its connection was full or broke with messages under way. */
  readonly dropped_transport: number;
  /** Not sent because the transport was not connected. */
  readonly dropped_disconnected: number;
  /** Batches that could not be decoded. */
  readonly poison: number;
  /** Handlers that threw; the batch counts as handled. */
  readonly handler_errors: number;
}

export interface BusOptions {
  readonly clock?: Clock;
  readonly onHandlerError?: (error: unknown, pattern: string) => void;
  readonly onDropped?: (count: number, where: string) => void;
}

/**
 * A client of the bus. Delivery is at most once and ordered for each publisher. Publishing is buffered until the end of
 * the turn of the event loop (or `flush`), so that many small messages travel as one batch.
 */
export class Bus implements TransportSink {
  readonly source: string;
  readonly #transport: Transport;
  readonly #clock: Clock;
  readonly #nextId = idSequence();
  readonly #options: BusOptions;
  readonly #subscriptions = new Set<QueueingSubscription>();
  readonly #patternUse = new Map<string, number>();
  #outbox: { topic: string; batch: Envelope[] }[] = [];
  // Stays set when `flush` comes before the end of the turn: what is published after it goes then.
  #flushScheduled = false;
  readonly #endTurn = () => {
    this.#flushScheduled = false;
    this.flush();
  };
  #closed = false;
  #hops: HopTimes | undefined;
  #tracing: MessageTracing | undefined;
  readonly #counts = {
    published: 0,
    received: 0,
    transport: 0,
    disconnected: 0,
    poison: 0,
    handlerErrors: 0,
    slow: 0,
  };

  constructor(source: string, transport: Transport, options: BusOptions = {}) {
    this.source = source;
    this.#transport = transport;
    this.#clock = options.clock ?? systemClock;
    this.#options = options;
    transport.start(this);
  }

  /** Which transport carries the messages: `memory`, `hub` or `redis`. */
  get kind(): Transport['kind'] {
    return this.#transport.kind;
  }

  get connected(): boolean {
    return this.#transport.connected;
  }

  /**
   * Publishes `body` on `topic` after its schema has passed it; returns the frozen envelope.
   * Throws {@link InvalidOptionError} for a body that breaks the schema: nothing is sent then.
   */
  publish<Body>(topic: Topic<Body>, body: Body, meta: PublishMeta = {}): Envelope<Body> {
    const envelope = this.seal(topic, body, meta);
    this.send(envelope);
    return envelope;
  }

  /** Returns the frozen envelope of `body` after its schema has passed it, without sending it; throws like {@link publish}. */
  seal<Body>(topic: Topic<Body>, body: Body, meta: PublishMeta = {}): Envelope<Body> {
    return this.#seal(topic, meta.own ? checkedOwn(topic, body) : checkedCopy(topic, body), meta);
  }

  /** Publishes an envelope that {@link seal} made. */
  send(envelope: Envelope): void {
    const { topic } = envelope;
    const last = this.#outbox.at(-1);
    if (last && last.topic === topic) last.batch.push(envelope);
    else this.#outbox.push({ topic, batch: [envelope] });
    this.#counts.published++;
    if (!this.#flushScheduled) {
      this.#flushScheduled = true;
      setImmediate(this.#endTurn);
    }
  }

  // Whole literals: objects put together from parts cost several times as much, for every message.
  #seal<Body>({ name, version }: Topic<Body>, body: Body, meta: PublishMeta): Envelope<Body> {
    const id = this.#nextId();
    const now = this.#clock.nowUs();
    const ts_event_us = meta.tsEventUs ?? now;
    const correlation_id = meta.correlationId ?? id;
    const source = this.source;
    if (meta.session === undefined) {
      const traceparent = this.#tracing?.contextOf(correlation_id);
      if (traceparent !== undefined) {
        return Object.freeze({
          id,
          topic: name,
          version,
          ts_event_us,
          ts_sent_us: now,
          correlation_id,
          source,
          traceparent,
          body,
        });
      }
      return Object.freeze({
        id,
        topic: name,
        version,
        ts_event_us,
        ts_sent_us: now,
        correlation_id,
        source,
        body,
      });
    }
    return Object.freeze({
      id,
      topic: name,
      version,
      ts_event_us,
      ts_sent_us: now,
      correlation_id,
      source,
      session: meta.session,
      step: meta.step ?? 0,
      body,
    });
  }

  /** The time that messages are stamped with, in microseconds since the epoch. */
  nowUs(): number {
    return this.#clock.nowUs();
  }

  /** Records in `hops`, from now on, how long each message took to come here. */
  measureHops(hops: HopTimes): void {
    this.#hops = hops;
  }

  /** Sends recorded traces along with live messages, from now on. */
  traceWith(tracing: MessageTracing): void {
    this.#tracing = tracing;
  }

  /** Whoever records traces; undefined when nobody does. */
  get tracing(): MessageTracing | undefined {
    return this.#tracing;
  }

  /** Reports a failure that happened while handling messages of `where`. */
  reportError(error: unknown, where: string): void {
    this.#counts.handlerErrors++;
    this.#options.onHandlerError?.(error, where);
  }

  /** Reports messages that were given up before they were handled. */
  reportDropped(count: number, where: string): void {
    this.#counts.slow += count;
    this.#options.onDropped?.(count, where);
  }

  /** Hands everything published so far to the transport. */
  flush(): void {
    const outbox = this.#outbox;
    if (outbox.length === 0) return;
    this.#outbox = [];
    for (const { topic, batch } of outbox) {
      if (!this.#transport.send(topic, batch)) {
        this.#counts.disconnected += batch.length;
        this.#options.onDropped?.(batch.length, `${topic}: not connected`);
      }
    }
  }

  /**
   * Calls `handler` with batches of messages whose topic matches `pattern` (a topic or a glob). Resolves once messages
   * published from now on will arrive. A handler that throws loses its batch, is counted and reported.
   */
  async subscribe(
    pattern: string | Topic<unknown>,
    handler: BatchHandler,
    options: SubscribeOptions = {},
  ): Promise<Subscription> {
    const glob = typeof pattern === 'string' ? pattern : pattern.name;
    const subscription = new QueueingSubscription(glob, handler, options, {
      failed: (error) => this.reportError(error, glob),
      dropped: (count) => this.reportDropped(count, `${glob}: handler too slow`),
      end: async () => {
        this.#subscriptions.delete(subscription);
        const left = (this.#patternUse.get(glob) ?? 1) - 1;
        this.#patternUse.set(glob, left);
        if (left === 0) await this.#transport.unsubscribe(glob);
      },
    });
    this.#subscriptions.add(subscription);
    const uses = this.#patternUse.get(glob) ?? 0;
    this.#patternUse.set(glob, uses + 1);
    await this.#transport.subscribe(glob);
    return subscription;
  }

  stats(): BusStats {
    const c = this.#counts;
    return {
      published: c.published,
      received: c.received,
      dropped_slow_handler: c.slow,
      dropped_transport: c.transport,
      dropped_disconnected: c.disconnected,
      poison: c.poison,
      handler_errors: c.handlerErrors,
    };
  }

  /** Flushes, ends all subscriptions and closes the transport. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.flush();
    await this.#transport.close();
    this.#subscriptions.clear();
  }

  onBatch(topic: string, batch: readonly Envelope[]): void {
    this.#counts.received += batch.length;
    this.#hops?.record(topic, batch, this.#clock.nowUs());
    for (const subscription of this.#subscriptions) {
      if (subscription.matches(topic)) subscription.push(batch);
    }
  }

  onDropped(count: number): void {
    this.#counts.transport += count;
    this.#options.onDropped?.(count, 'lost in the transport');
  }

  onPoison(): void {
    this.#counts.poison++;
  }
}
