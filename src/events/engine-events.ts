// The durable events of one engine put together: its database, its units of work, what it sends and what it consumes.
import type { Bus } from '../bus/client.ts';
import type { EventLog, StreamId } from '../bus/event-log.ts';
import type { LeaseBoard } from '../bus/lease-board.ts';
import type { Participant } from '../bus/participant.ts';
import type { EngineStream } from '../bus/stream.ts';
import { appendTopic, type Topic } from '../bus/topics.ts';
import { InvariantError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import type { Database } from '../store/database.ts';
import type { ConsumerCounts } from './applier.ts';
import { Consumer } from './consumer.ts';
import { DeadLetters } from './dead-letters.ts';
import { decodeEvent } from './decode.ts';
import { HangWatch } from './hang-watch.ts';
import { generationOf } from './outbox.ts';
import { Relay } from './relay.ts';
import type { Failing } from './tries.ts';
import { Units } from './units.ts';

export interface EngineEventsOptions {
  readonly engine: string;
  /** Name of this process among those of the engine; the same after a restart. */
  readonly member: string;
  readonly database: Database;
  readonly bus: Bus;
  readonly log: EventLog;
  readonly leases: LeaseBoard;
  readonly logger: Log;
  /** Days that events stay in the log and in the outbox. */
  readonly keepDays: number;
  /** Called again and again while applying events has not ended for {@link hangMs}. */
  readonly onHung: (stream: StreamId, sinceMs: number) => void;
  /** Milliseconds after which applying events counts as hung; 0 = never. */
  readonly hangMs: number;
  /** Tries of one event before it is set aside. */
  readonly attempts: number;
  readonly leaseMs?: number;
  /** Milliseconds between two looks at whether the log has everything. */
  readonly checkMs?: number;
  /** Longest wait of one read of the log, in milliseconds. */
  readonly waitMs?: number;
  /** First wait before a failed event is tried again, in milliseconds. */
  readonly retryMs?: number;
}

const PROBE_MS = 1000;
const NO_COUNTS: ConsumerCounts = { applied: 0, duplicates: 0, retries: 0, dead_letters: 0, lost: 0 };

/** Everything durable of one engine. */
export class EngineEvents {
  readonly units: Units;
  readonly deadLetters: DeadLetters;
  readonly #options: EngineEventsOptions;
  readonly #relay: Relay;
  readonly #watch: HangWatch;
  #consumer: Consumer | undefined;
  #stream: EngineStream | undefined;
  #prober: ReturnType<typeof setInterval> | undefined;

  private constructor(options: EngineEventsOptions, generation: string) {
    this.#options = options;
    const { database, bus, log, logger, checkMs, hangMs, onHung } = options;
    const nowUs = () => bus.nowUs();
    const relay = { database, log, logger, nowUs, retentionUs: this.#retentionUs };
    this.#relay = new Relay({ ...relay, ...(checkMs !== undefined && { checkMs }) }, generation);
    this.#watch = new HangWatch(hangMs, onHung);
    this.units = new Units({
      database,
      bus,
      onStored: (appended) => this.#relay.stored(appended),
      onUncertain: () => this.#relay.lookAgain(),
    });
    this.deadLetters = new DeadLetters(database, decodeEvent, (stream, envelope, first) =>
      this.#watch.run(stream, () => this.#streamOf().take([envelope], ({ tx }) => first(tx))),
    );
  }

  /** Opens what is needed to store and say things; {@link connect} and {@link start} follow. */
  static async open(options: EngineEventsOptions): Promise<EngineEvents> {
    return new EngineEvents(options, await generationOf(options.database, options.bus.nowUs()));
  }

  /** Says through what events are applied. */
  connect(stream: EngineStream, participant: Participant, reload: () => Promise<void>): void {
    this.#stream = stream;
    this.units.onFailure(reload);
    const topics = [...participant.consumes, ...(participant.follows ?? [])].filter(
      (topic) => topic.delivery === 'append',
    );
    if (topics.length > 0) this.#consumer = this.#consumerOf(topics, stream);
  }

  /** Begins to send what waits in the outbox. */
  async startSending(): Promise<void> {
    await this.#relay.start();
    this.#prober = setInterval(() => void this.units.probe(), PROBE_MS);
  }

  /** Begins to consume. */
  async startConsuming(): Promise<void> {
    await this.#consumer?.start();
  }

  /** Finishes what is under way: nothing is consumed after it, and what was said is in the log or waits in the outbox. */
  async stop(graceMs: number): Promise<void> {
    clearInterval(this.#prober);
    await Promise.race([this.#consumer?.stop(), Bun.sleep(graceMs)]);
    this.#watch.close();
    await this.#relay.stop(graceMs);
  }

  /** What does not work at the moment: `database`, `event log`, `event application`. */
  missing(): string[] {
    const missing = this.units.storageError === undefined ? [] : ['database'];
    if ((this.#relay.away ?? this.#consumer?.away) !== undefined) missing.push('event log');
    if (this.#watch.isSlow || this.failing().length > 0) missing.push('event application');
    return missing;
  }

  /** Events that have failed, or ended the process, and are neither applied nor set aside yet. */
  failing(): Failing[] {
    return this.#consumer?.failing() ?? [];
  }

  /** Part of `/system/status`. */
  status() {
    return {
      log: this.#options.log.kind,
      waiting: this.#relay.waiting,
      partitions: this.#consumer?.places().length ?? 0,
      counts: this.#consumer?.counts ?? NO_COUNTS,
    };
  }

  async overview() {
    return {
      generation: this.#relay.generation,
      log: this.#options.log.kind,
      produced: this.#relay.states(),
      consumed: this.#consumer?.places() ?? [],
      failing: this.failing(),
      counts: { ...(this.#consumer?.counts ?? NO_COUNTS) },
      parked: await this.deadLetters.count(),
    };
  }

  readonly #retentionUs = (topic: string): number | null =>
    appendTopic(topic)?.keep === 'forever' ? null : this.#options.keepDays * 86_400 * 1e6;

  #streamOf(): EngineStream {
    if (!this.#stream) throw new InvariantError('events are applied before the engine is connected');
    return this.#stream;
  }

  #consumerOf(topics: readonly Topic<unknown>[], stream: EngineStream): Consumer {
    const { engine, member, database, bus, log, leases, logger, attempts, leaseMs, retryMs, waitMs } =
      this.#options;
    return new Consumer({
      group: engine,
      member,
      topics,
      log,
      leases,
      database,
      logger,
      nowUs: () => bus.nowUs(),
      attempts,
      apply: (place, batch, first) => this.#watch.run(place, () => stream.take(batch, first)),
      retentionUs: this.#retentionUs,
      ...(leaseMs !== undefined && { leaseMs }),
      ...(retryMs !== undefined && { retryMs }),
      ...(waitMs !== undefined && { waitMs }),
    });
  }
}
