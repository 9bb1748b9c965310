// Applies the events of one batch of the log: what is new, as one unit, or one by one when that fails; sets aside what cannot be applied.
import type { Envelope } from '../bus/envelope.ts';
import type { LogBatch, LogEvent, StreamId } from '../bus/event-log.ts';
import type { Unit } from '../bus/unit.ts';
import { InvalidOptionError, NautilusError, StorageUnavailableError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import type { Database, Transaction } from '../store/database.ts';
import { advance, type ConsumedPlace, FencedError, isConsumed, noteConsumed } from './consumed.ts';
import { park } from './dead-letters.ts';
import { decodeEvent } from './decode.ts';
import { type Failing, Tries } from './tries.ts';

/** Counters since the start. */
export interface ConsumerCounts {
  applied: number;
  duplicates: number;
  retries: number;
  dead_letters: number;
  /** Events that the log had forgotten before they were read. */
  lost: number;
}

export interface ApplierOptions {
  readonly database: Database;
  readonly logger: Log;
  readonly nowUs: () => number;
  /** Applies events as one unit that begins with `first`. */
  readonly apply: (
    stream: StreamId,
    batch: readonly Envelope[],
    first: (unit: Unit) => Promise<void>,
  ) => Promise<void>;
  /** Tries of one event before it is set aside: those that failed, and those with which a process ended. */
  readonly attempts: number;
  /** Wait before the second try, doubled for each further one, in milliseconds. */
  readonly retryMs?: number;
}

/** Where a stream stands while its batch is applied: the consumer's to keep. */
export interface Standing {
  /** Undefined when the stream is no longer held. */
  place(): ConsumedPlace | undefined;
  moved(to: ConsumedPlace): void;
}

interface Undecodable {
  readonly event: LogEvent;
  readonly reason: string;
}

const RETRY_MS = { first: 50, longest: 2000 } as const;

const keyOf = ({ topic, partition }: StreamId) => `${topic}/${partition}`;

/** Every event has its effect once, in order, or is set aside; what it does is counted. */
export class Applier {
  readonly counts: ConsumerCounts = { applied: 0, duplicates: 0, retries: 0, dead_letters: 0, lost: 0 };
  readonly #options: ApplierOptions;
  readonly #tries = new Map<string, Tries>();

  constructor(options: ApplierOptions) {
    this.#options = options;
  }

  /** The stream is held from now on: what its last holder began and did not end is tried with care. */
  async gained(stream: StreamId): Promise<void> {
    this.#tries.set(keyOf(stream), await Tries.of(stream, this.#options.database));
  }

  lost(stream: StreamId): void {
    this.#tries.delete(keyOf(stream));
  }

  /** The event behind `place` that has failed and is tried again. */
  failing(place: ConsumedPlace): Failing | undefined {
    return this.#tries.get(keyOf(place))?.failing(place);
  }

  /** Throws {@link FencedError} when another process consumes the stream, StorageUnavailableError when nothing can be stored. */
  async take(batch: LogBatch, standing: Standing): Promise<void> {
    const place = standing.place();
    const tries = this.#tries.get(keyOf(batch));
    // It was given away while the log was read.
    if (!place || !tries) return;
    const events = await this.#fresh(batch, place);
    const { generation } = batch;
    const to = { ...place, generation, position: batch.events.at(-1)!.position };
    const first = events[0]?.position ?? to.position;
    if (events.length > 0 && tries.isDoubtful(generation, first)) {
      return this.#oneByOne(events, to, tries, standing);
    }
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
    try {
      if (good.length > 0 && !tries.isTrusted) {
        await tries.begin(this.#options.database, to, first, to.position, events.length === 1);
      }
      await this.#store(good, bad, to, tries);
    } catch (error) {
      if (error instanceof FencedError || error instanceof StorageUnavailableError) throw error;
      return this.#oneByOne(events, to, tries, standing);
    }
    standing.moved(to);
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

  async #store(
    good: readonly Envelope[],
    bad: readonly Undecodable[],
    to: ConsumedPlace,
    tries: Tries,
  ): Promise<void> {
    const { apply, database, nowUs } = this.#options;
    const note = async (tx: Transaction) => {
      await advance(tx, to);
      tries.end(tx, to);
      for (const { id } of good) noteConsumed(tx, to.topic, id, nowUs());
      for (const { event, reason } of bad) this.#park(tx, event, to, reason, 1);
    };
    if (good.length > 0) await apply(to, good, ({ tx }) => note(tx));
    else await database.transaction(note);
    tries.moved(to);
    this.counts.applied += good.length;
    this.counts.dead_letters += bad.length;
  }

  /** A batch failed, or ended a process: its events are tried alone, and those that fail for good are set aside. */
  async #oneByOne(
    events: readonly LogEvent[],
    { generation, position: last }: ConsumedPlace,
    tries: Tries,
    standing: Standing,
  ): Promise<void> {
    const { attempts, database, retryMs = RETRY_MS.first } = this.#options;
    for (const event of events) {
      const { position } = event;
      let lastError: unknown;
      for (;;) {
        const place = standing.place();
        if (!place) return;
        const to = { ...place, generation, position };
        const failures = tries.failures(generation, position);
        try {
          if (failures >= attempts) await this.#setAside(event, to, tries, lastError);
          else {
            await tries.begin(database, to, position, last, true);
            await this.#single(event, to, tries);
          }
          standing.moved(to);
          break;
        } catch (error) {
          if (error instanceof FencedError || error instanceof StorageUnavailableError) throw error;
          this.counts.retries++;
          tries.failed(generation, position);
          lastError = error;
          await Bun.sleep(Math.min(retryMs * 2 ** failures, RETRY_MS.longest));
        }
      }
    }
  }

  async #single(event: LogEvent, to: ConsumedPlace, tries: Tries): Promise<void> {
    try {
      await this.#store([decodeEvent(to.topic, event.payload)], [], to, tries);
    } catch (error) {
      if (!(error instanceof InvalidOptionError)) throw error;
      await this.#store([], [{ event, reason: error.message }], to, tries);
    }
  }

  async #setAside(event: LogEvent, to: ConsumedPlace, tries: Tries, error: unknown): Promise<void> {
    const { topic, partition, generation, position } = to;
    const attempts = tries.failures(generation, position);
    const reason = reasonOf(error, attempts);
    this.#options.logger.error(
      { topic, partition, position, attempts, reason, ...(error !== undefined && { err: error }) },
      'an event was set aside: see GET /events/dead-letters',
    );
    await this.#options.database.transaction(async (tx) => {
      await advance(tx, to);
      tries.end(tx, to);
      this.#park(tx, event, to, reason, attempts);
    });
    tries.moved(to);
    this.counts.dead_letters++;
  }

  #park(tx: Transaction, event: LogEvent, to: ConsumedPlace, reason: string, attempts: number): void {
    const { topic, partition, generation } = to;
    const { position, payload } = event;
    const ts_us = this.#options.nowUs();
    park(tx, { topic, partition, generation, position, payload, reason, attempts, ts_us });
  }
}

// Without an error this process has only read that those before it came no further.
function reasonOf(error: unknown, attempts: number): string {
  if (error === undefined) return `Applying it did not end, or ended the process, ${attempts} times`;
  return error instanceof NautilusError ? error.message : String(error).slice(0, 500);
}

function idOf(payload: string): string | undefined {
  try {
    const { id } = JSON.parse(payload) as { id?: unknown };
    return typeof id === 'string' ? id : undefined;
  } catch {
    return undefined;
  }
}
