// The consumer's side of durable events: reads the partitions that it holds and applies each event once.
import type { EventLog, LogBatch, StreamId } from '../bus/event-log.ts';
import type { LeaseBoard } from '../bus/lease-board.ts';
import { PARTITIONS } from '../bus/partition.ts';
import { PartitionHolder } from '../bus/partition-holder.ts';
import type { Topic } from '../bus/topics.ts';
import { DependencyUnavailableError, StorageUnavailableError } from '../core/errors.ts';
import { Applier, type ApplierOptions, type ConsumerCounts, type Standing } from './applier.ts';
import {
  type ConsumedPlace,
  consumedPlace,
  consumedPlaces,
  FencedError,
  forgetConsumed,
} from './consumed.ts';
import type { Failing } from './tries.ts';

export interface ConsumerOptions extends ApplierOptions {
  /** Consumers of one group share the partitions. */
  readonly group: string;
  /** The name of this process in the group; the same after a restart. */
  readonly member: string;
  readonly topics: readonly Topic<unknown>[];
  readonly log: EventLog;
  readonly leases: LeaseBoard;
  /** Microseconds that ids of consumed events are remembered; null = for ever. */
  readonly retentionUs: (topic: string) => number | null;
  readonly leaseMs?: number;
  /** Longest wait of one read of the log, in milliseconds. */
  readonly waitMs?: number;
}

const MAX_EVENTS = 500;
const WAIT_MS = 5000;
const RETRY_MS = { first: 50, longest: 2000 } as const;
const FORGET_MS = 60 * 60 * 1000;

const keyOf = ({ topic, partition }: StreamId) => `${topic}/${partition}`;

/** Applies the events of some topics. Order holds for each partition; what cannot be applied is set aside, never skipped in silence. */
export class Consumer {
  readonly #options: ConsumerOptions;
  readonly #applier: Applier;
  readonly #holder: PartitionHolder;
  readonly #streams = new Map<string, StreamId>();
  /** Places of the streams that are held. */
  readonly #places = new Map<string, ConsumedPlace>();
  readonly #epochs = new Map<string, number>();
  #changed = new AbortController();
  #handling: Promise<void> = Promise.resolve();
  #handled: StreamId | undefined;
  #away: string | undefined;
  #stopped = false;
  #loop: Promise<void> | undefined;
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(options: ConsumerOptions) {
    this.#options = options;
    this.#applier = new Applier(options);
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

  get counts(): Readonly<ConsumerCounts> {
    return this.#applier.counts;
  }

  /** Why nothing can be read at the moment; undefined when all is well. */
  get away(): string | undefined {
    return this.#away;
  }

  /** Events that have failed and are tried again. */
  failing(): Failing[] {
    return [...this.#places.values()].flatMap((place) => this.#applier.failing(place) ?? []);
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
    this.#timer = setInterval(() => void this.#forget().catch(() => {}), FORGET_MS);
  }

  /** Finishes the batch under way and gives the partitions back. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#timer);
    this.#changed.abort();
    await this.#loop;
    await this.#holder.stop();
  }

  async #gained(resource: string, epoch: number): Promise<void> {
    const stream = this.#streams.get(resource)!;
    // Another process may have come further than what was read at the start.
    const place = await consumedPlace(this.#options.database, stream);
    await this.#applier.gained(stream);
    this.#epochs.set(resource, epoch);
    this.#places.set(resource, { ...place, epoch });
    this.#wake();
  }

  async #lost(resource: string): Promise<void> {
    this.#places.delete(resource);
    this.#wake();
    if (this.#handled && keyOf(this.#handled) === resource) await this.#handling;
    this.#applier.lost(this.#streams.get(resource)!);
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
          this.#handled = batch;
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
    const key = keyOf(batch);
    const standing: Standing = {
      place: () => (this.#stopped ? undefined : this.#places.get(key)),
      moved: (to) => {
        if (this.#places.has(key)) this.#places.set(key, to);
      },
    };
    try {
      await this.#applier.take(batch, standing);
    } catch (error) {
      if (!(error instanceof FencedError)) throw error;
      const { topic, partition } = batch;
      this.#options.logger.warn({ topic, partition }, error.message);
      this.#places.delete(key);
      this.#holder.drop(key);
    }
  }

  async #forget(): Promise<void> {
    const { database, topics, retentionUs, nowUs } = this.#options;
    for (const { name } of topics) {
      const keep = retentionUs(name);
      if (keep !== null) await database.transaction((tx) => forgetConsumed(tx, name, nowUs() - keep));
    }
  }

  #tell(away: string | undefined, error?: unknown): void {
    if (away === this.#away || this.#stopped) return;
    this.#away = away;
    const { logger } = this.#options;
    if (away === undefined) logger.info('events are consumed again');
    else logger.warn({ reason: away, ...(error !== undefined && { err: error }) }, 'no events are consumed');
  }
}
