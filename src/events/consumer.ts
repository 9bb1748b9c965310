// The consumer's side of durable events: reads the partitions that it holds and applies each event once.
import type { Envelope } from '../bus/envelope.ts';
import type { EventLog, LogBatch, LogEvent, StreamId } from '../bus/event-log.ts';
import type { LeaseBoard } from '../bus/lease-board.ts';
import { PARTITIONS } from '../bus/partition.ts';
import { PartitionHolder } from '../bus/partition-holder.ts';
import type { Topic } from '../bus/topics.ts';
import type { Unit } from '../bus/unit.ts';
import {
  DependencyUnavailableError,
  InvalidOptionError,
  NautilusError,
  StorageUnavailableError,
} from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import type { Database, Transaction } from '../store/database.ts';
import {
  advance,
  type ConsumedPlace,
  consumedPlace,
  consumedPlaces,
  FencedError,
  forgetConsumed,
  isConsumed,
  noteConsumed,
} from './consumed.ts';
import { park } from './dead-letters.ts';
import { decodeEvent } from './decode.ts';

export interface ConsumerOptions {
  /** Consumers of one group share the partitions. */
  readonly group: string;
  /** The name of this process in the group; the same after a restart. */
  readonly member: string;
  readonly topics: readonly Topic<unknown>[];
  readonly log: EventLog;
  readonly leases: LeaseBoard;
  readonly database: Database;
  readonly logger: Log;
  readonly nowUs: () => number;
  /** Applies events as one unit that begins with `first`. */
  readonly apply: (batch: readonly Envelope[], first: (unit: Unit) => Promise<void>) => Promise<void>;
  /** Microseconds that ids of consumed events are remembered; null = for ever. */
  readonly retentionUs: (topic: string) => number | null;
  /** Called again and again while applying has not ended for `hangMs`. */
  readonly onHung: (stream: StreamId, sinceMs: number) => void;
  readonly hangMs?: number;
  readonly leaseMs?: number;
  /** Tries of one event before it is set aside. */
  readonly attempts?: number;
  /** Longest wait of one read of the log, in milliseconds. */
  readonly waitMs?: number;
  /** Wait before the second try, doubled for each further one, in milliseconds. */
  readonly retryMs?: number;
}

/** Counters since the start. */
export interface ConsumerCounts {
  applied: number;
  duplicates: number;
  retries: number;
  dead_letters: number;
  /** Events that the log had forgotten before they were read. */
  lost: number;
}

interface Undecodable {
  readonly event: LogEvent;
  readonly reason: string;
}

const MAX_EVENTS = 500;
const WAIT_MS = 5000;
const ATTEMPTS = 5;
const HANG_MS = 30_000;
const RETRY_MS = { first: 50, longest: 2000 } as const;
const FORGET_MS = 60 * 60 * 1000;

const keyOf = ({ topic, partition }: StreamId) => `${topic}/${partition}`;

/** Applies the events of some topics. Order holds for each partition; what cannot be applied is set aside, never skipped in silence. */
export class Consumer {
  readonly counts: ConsumerCounts = { applied: 0, duplicates: 0, retries: 0, dead_letters: 0, lost: 0 };
  readonly #options: ConsumerOptions;
  readonly #holder: PartitionHolder;
  readonly #hangMs: number;
  readonly #streams = new Map<string, StreamId>();
  /** Places of the streams that are held. */
  readonly #places = new Map<string, ConsumedPlace>();
  readonly #epochs = new Map<string, number>();
  #changed = new AbortController();
  #handling: Promise<void> = Promise.resolve();
  #handled: { readonly stream: StreamId; readonly sinceMs: number } | undefined;
  #away: string | undefined;
  #stopped = false;
  #loop: Promise<void> | undefined;
  #timers: ReturnType<typeof setInterval>[] = [];

  constructor(options: ConsumerOptions) {
    this.#options = options;
    this.#hangMs = options.hangMs ?? HANG_MS;
    for (const { name } of options.topics) {
      for (let partition = 0; partition < PARTITIONS; partition++) {
        this.#streams.set(keyOf({ topic: name, partition }), { topic: name, partition });
      }
    }
    this.#holder = new PartitionHolder({
      board: options.leases,
      group: options.group,
      member: options.member,
      resources: [...this.#streams.keys()],
      ...(options.leaseMs !== undefined && { ttlMs: options.leaseMs }),
      minEpoch: (resource) => this.#epochs.get(resource) ?? 0,
      onGained: (resource, epoch) => this.#gained(resource, epoch),
      onLost: (resource) => this.#lost(resource),
    });
  }

  /** Why nothing can be read at the moment; undefined when all is well. */
  get away(): string | undefined {
    return this.#away;
  }

  /** Places of what is held, in order. */
  places(): ConsumedPlace[] {
    return [...this.#places.values()].sort(
      (a, b) => a.topic.localeCompare(b.topic) || a.partition - b.partition,
    );
  }

  async start(): Promise<void> {
    for (const place of await consumedPlaces(this.#options.database)) {
      this.#epochs.set(keyOf(place), place.epoch);
    }
    await this.#holder.start();
    this.#loop = this.#run();
    this.#timers = [
      setInterval(() => this.#watch(), Math.min(1000, this.#hangMs / 2)),
      setInterval(() => void this.#forget().catch(() => {}), FORGET_MS),
    ];
  }

  /** Finishes the batch under way and gives the partitions back. */
  async stop(): Promise<void> {
    this.#stopped = true;
    for (const timer of this.#timers) clearInterval(timer);
    this.#changed.abort();
    await this.#loop;
    await this.#holder.stop();
  }

  async #gained(resource: string, epoch: number): Promise<void> {
    const stream = this.#streams.get(resource)!;
    // Another process may have come further than what was read at the start.
    const place = await consumedPlace(this.#options.database, stream);
    this.#epochs.set(resource, epoch);
    this.#places.set(resource, { ...place, epoch });
    this.#wake();
  }

  async #lost(resource: string): Promise<void> {
    this.#places.delete(resource);
    this.#wake();
    if (this.#handled && keyOf(this.#handled.stream) === resource) await this.#handling;
  }

  #wake(): void {
    this.#changed.abort();
    this.#changed = new AbortController();
  }

  async #run(): Promise<void> {
    let wait: number = RETRY_MS.first;
    while (!this.#stopped) {
      const { signal } = this.#changed;
      const places = [...this.#places.values()];
      if (places.length === 0) {
        await new Promise<void>((resolve) =>
          signal.addEventListener('abort', () => resolve(), { once: true }),
        );
        continue;
      }
      try {
        const batches = await this.#options.log.read(places, {
          maxEvents: MAX_EVENTS,
          waitMs: this.#options.waitMs ?? WAIT_MS,
          signal,
        });
        this.#tell(undefined);
        for (const batch of batches) {
          if (this.#stopped) break;
          this.#handled = { stream: batch, sinceMs: performance.now() };
          this.#handling = this.#handle(batch);
          await this.#handling;
          this.#handled = undefined;
        }
        wait = RETRY_MS.first;
      } catch (error) {
        this.#handled = undefined;
        const known = error instanceof DependencyUnavailableError || error instanceof StorageUnavailableError;
        this.#tell(known ? error.message : 'failed, see the log', known ? undefined : error);
        await Bun.sleep(wait * (0.5 + Math.random() / 2));
        wait = Math.min(wait * 2, RETRY_MS.longest);
        // Whether the last commit was stored is not known after a loss of the database.
        await this.#readPlaces().catch(() => {});
      }
    }
  }

  async #readPlaces(): Promise<void> {
    for (const [resource, { epoch }] of this.#places) {
      const place = await consumedPlace(this.#options.database, this.#streams.get(resource)!);
      if (this.#places.has(resource)) this.#places.set(resource, { ...place, epoch });
    }
  }

  async #handle(batch: LogBatch): Promise<void> {
    const place = this.#places.get(keyOf(batch));
    // It was given away while the log was read.
    if (!place) return;
    const events = await this.#fresh(batch, place);
    const good: Envelope[] = [];
    const bad: Undecodable[] = [];
    for (const event of events) {
      try {
        good.push(decodeEvent(batch.topic, event.payload));
      } catch (error) {
        if (!(error instanceof InvalidOptionError)) throw error;
        bad.push({ event, reason: error.message });
      }
    }
    const to = { ...place, generation: batch.generation, position: batch.events.at(-1)!.position };
    try {
      await this.#apply(good, bad, to);
    } catch (error) {
      if (error instanceof FencedError) return this.#fenced(error, batch);
      if (error instanceof StorageUnavailableError) throw error;
      await this.#oneByOne(events, batch);
    }
  }

  /** What of a batch is new, and what is missing before it. */
  async #fresh(batch: LogBatch, place: ConsumedPlace): Promise<readonly LogEvent[]> {
    const { database, logger } = this.#options;
    const { topic, partition } = batch;
    if (batch.generation === place.generation) {
      const events = batch.events.filter((e) => e.position > place.position);
      this.counts.duplicates += batch.events.length - events.length;
      const missing = events.length > 0 ? events[0]!.position - place.position - 1 : 0;
      if (missing > 0) {
        this.counts.lost += missing;
        logger.error(
          { topic, partition, after: place.position, missing },
          'events are gone from the log before they were consumed: it keeps them for NAUTILUS_EVENTS_DAYS',
        );
      }
      return events;
    }
    if (place.generation === '') return batch.events;
    // The owner began anew: numbers say nothing about what was had under the old ones.
    logger.warn({ topic, partition, generation: batch.generation }, 'the owner of these events began anew');
    const events: LogEvent[] = [];
    for (const event of batch.events) {
      const id = idOf(event.payload);
      if (id !== undefined && (await isConsumed(database, topic, id))) this.counts.duplicates++;
      else events.push(event);
    }
    return events;
  }

  async #apply(good: readonly Envelope[], bad: readonly Undecodable[], to: ConsumedPlace): Promise<void> {
    const { apply, nowUs } = this.#options;
    const first = async ({ tx }: Unit) => {
      await advance(tx, to);
      for (const { id } of good) noteConsumed(tx, to.topic, id, nowUs());
      for (const { event, reason } of bad) this.#park(tx, event, to, reason, 1);
    };
    await apply(good, first);
    this.#places.set(keyOf(to), to);
    this.counts.applied += good.length;
    this.counts.dead_letters += bad.length;
  }

  /** A batch failed: its events are tried alone, and those that fail for good are set aside. */
  async #oneByOne(events: readonly LogEvent[], batch: LogBatch): Promise<void> {
    for (const event of events) {
      for (let attempt = 1; ; attempt++) {
        const place = this.#places.get(keyOf(batch));
        if (!place || this.#stopped) return;
        const to = { ...place, generation: batch.generation, position: event.position };
        try {
          const isLast = attempt > (this.#options.attempts ?? ATTEMPTS);
          await (isLast ? this.#setAside(event, to, attempt - 1) : this.#single(event, to));
          break;
        } catch (error) {
          if (error instanceof FencedError) return this.#fenced(error, batch);
          if (error instanceof StorageUnavailableError) throw error;
          this.counts.retries++;
          this.#lastError = error;
          const first = this.#options.retryMs ?? RETRY_MS.first;
          await Bun.sleep(Math.min(first * 2 ** (attempt - 1), RETRY_MS.longest));
        }
      }
    }
  }

  #lastError: unknown;

  async #single(event: LogEvent, to: ConsumedPlace): Promise<void> {
    try {
      await this.#apply([decodeEvent(to.topic, event.payload)], [], to);
    } catch (error) {
      if (!(error instanceof InvalidOptionError)) throw error;
      await this.#apply([], [{ event, reason: error.message }], to);
    }
  }

  async #setAside(event: LogEvent, to: ConsumedPlace, attempts: number): Promise<void> {
    const error = this.#lastError;
    const reason = error instanceof NautilusError ? error.message : String(error).slice(0, 500);
    const { topic, partition, position } = to;
    this.#options.logger.error(
      { topic, partition, position, attempts, err: error },
      'an event was set aside: see GET /events/dead-letters',
    );
    await this.#options.database.transaction(async (tx) => {
      await advance(tx, to);
      this.#park(tx, event, to, reason, attempts);
    });
    this.#places.set(keyOf(to), to);
    this.counts.dead_letters++;
  }

  #park(tx: Transaction, event: LogEvent, to: ConsumedPlace, reason: string, attempts: number): void {
    const { topic, partition, generation } = to;
    const { position, payload } = event;
    const ts_us = this.#options.nowUs();
    park(tx, { topic, partition, generation, position, payload, reason, attempts, ts_us });
  }

  #fenced(error: FencedError, stream: StreamId): void {
    this.#options.logger.warn({ topic: stream.topic, partition: stream.partition }, error.message);
    this.#places.delete(keyOf(stream));
    this.#holder.drop(keyOf(stream));
  }

  #watch(): void {
    const handled = this.#handled;
    if (!handled) return;
    const sinceMs = performance.now() - handled.sinceMs;
    if (sinceMs > this.#hangMs) this.#options.onHung(handled.stream, sinceMs);
  }

  async #forget(): Promise<void> {
    const { database, topics, retentionUs, nowUs } = this.#options;
    for (const { name } of topics) {
      const keep = retentionUs(name);
      if (keep !== null) await database.transaction((tx) => forgetConsumed(tx, name, nowUs() - keep));
    }
  }

  #tell(away: string | undefined, error?: unknown): void {
    if (away === this.#away) return;
    this.#away = away;
    const { logger } = this.#options;
    if (away === undefined) logger.info('events are consumed again');
    else logger.warn({ reason: away, ...(error !== undefined && { err: error }) }, 'no events are consumed');
  }
}

function idOf(payload: string): string | undefined {
  try {
    const { id } = JSON.parse(payload) as { id?: unknown };
    return typeof id === 'string' ? id : undefined;
  } catch {
    return undefined;
  }
}
