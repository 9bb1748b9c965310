// Units of work of an engine with a database: one after the other, stored together where several wait, told when stored.
import type { Bus } from '../bus/client.ts';
import type { Envelope, PublishMeta } from '../bus/envelope.ts';
import { partitionOf } from '../bus/partition.ts';
import type { Topic } from '../bus/topics.ts';
import type { Unit, UnitRunner } from '../bus/unit.ts';
import { NautilusError, StorageUnavailableError } from '../core/errors.ts';
import type { Database, Transaction } from '../store/database.ts';
import { type Appended, storeEvents } from './outbox.ts';

interface Waiting {
  readonly work: (unit: Unit) => unknown;
  readonly resolve: (value: never) => void;
  readonly reject: (error: unknown) => void;
}

type Outcome = { readonly value: unknown } | { readonly refusal: NautilusError };

/** Units that one commit takes at most. */
const MAX_GROUP = 64;
const QUIET_MS = 2000;
const PROBE = "SELECT value FROM event_settings WHERE name = 'generation'";

export interface UnitsOptions {
  readonly database: Database;
  readonly bus: Bus;
  /** Told what was stored for the log. */
  readonly onStored: (appended: Appended) => void;
  /** Told when it is not known whether something was stored: the database went away while it was asked to. */
  readonly onUncertain: () => void;
}

/** Runs the units of one engine. */
export class Units implements UnitRunner {
  readonly #options: UnitsOptions;
  #waiting: Waiting[] = [];
  #running = false;
  #stale = false;
  #reload: () => Promise<void> = async () => {};
  #storageError: string | undefined;
  #probing = false;
  /** When nothing has been stored for so long that it is worth a look whether that is possible. */
  #quietAt = 0;

  constructor(options: UnitsOptions) {
    this.#options = options;
  }

  /** Sets what brings the memory of the engine back to what is stored, after a unit that failed. */
  onFailure(reload: () => Promise<void>): void {
    this.#reload = reload;
  }

  /** Why the database did not take the last unit; undefined when it did. */
  get storageError(): string | undefined {
    return this.#storageError;
  }

  run<T>(work: (unit: Unit) => T | Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#waiting.push({ work, resolve: resolve as (value: never) => void, reject });
      if (!this.#running) {
        this.#running = true;
        void this.#drain();
      }
    });
  }

  /**
   * Looks whether the database works, for an engine that has nothing to store at the moment; and whether it works again, when the
   * last unit found that it does not.
   */
  async probe(): Promise<void> {
    if (this.#probing || (this.#storageError === undefined && performance.now() < this.#quietAt)) return;
    this.#probing = true;
    try {
      if (this.#storageError === undefined) {
        await this.#options.database.get(PROBE);
        this.#works();
      } else await this.run(({ tx }) => tx.write("DELETE FROM event_settings WHERE name = 'probe'"));
    } catch (error) {
      if (error instanceof StorageUnavailableError) this.#storageError = error.message;
    } finally {
      this.#probing = false;
    }
  }

  async #drain(): Promise<void> {
    // Requests of one turn of the event loop share a commit.
    await null;
    while (this.#waiting.length > 0) {
      const group = this.#waiting.splice(0, MAX_GROUP);
      if (await this.#attempt(group)) continue;
      // One of them failed, and with it what the others did: each gets a transaction of its own.
      for (const waiting of group) await this.#attempt([waiting]);
    }
    this.#running = false;
  }

  /** Returns false when a group failed that can be tried one by one. */
  async #attempt(group: readonly Waiting[]): Promise<boolean> {
    const { bus, database, onStored, onUncertain } = this.#options;
    const said: Envelope[] = [];
    const stored: Appended[] = [];
    let outcomes: Outcome[];
    let isUsed = false;
    try {
      if (this.#stale) await this.#refresh();
      outcomes = await database.transaction(async (tx) => {
        const events = new Events();
        const all: Outcome[] = [];
        for (const { work } of group) {
          const unit = new WorkUnit(tx, bus, said, events);
          all.push(await outcomeOf(work, unit));
          isUsed ||= unit.isUsed;
        }
        for (const { topic, partition, payloads } of events.streams()) {
          stored.push(await storeEvents(tx, { topic, partition }, payloads, bus.nowUs()));
        }
        return all;
      });
      // Work that stores nothing (a bar that changes no book) says nothing of the database.
      if (isUsed) this.#works();
    } catch (error) {
      if (error instanceof StorageUnavailableError) this.#storageError = error.message;
      onUncertain();
      this.#stale = true;
      await this.#refresh().catch(() => {});
      if (group.length > 1) return false;
      group[0]!.reject(error);
      return true;
    }
    for (const envelope of said) bus.send(envelope);
    for (const appended of stored) onStored(appended);
    for (const [i, outcome] of outcomes.entries()) {
      if ('refusal' in outcome) group[i]!.reject(outcome.refusal);
      else group[i]!.resolve(outcome.value as never);
    }
    return true;
  }

  #works(): void {
    this.#storageError = undefined;
    this.#quietAt = performance.now() + QUIET_MS;
  }

  async #refresh(): Promise<void> {
    await this.#reload();
    this.#stale = false;
  }
}

// A refusal changed nothing, neither in memory nor on disk.
async function outcomeOf(work: Waiting['work'], unit: WorkUnit): Promise<Outcome> {
  try {
    const value = work(unit);
    return { value: value instanceof Promise ? await value : value };
  } catch (error) {
    const isRefusal = error instanceof NautilusError && error.status < 500;
    if (!isRefusal || unit.touched) throw error;
    return { refusal: error };
  }
}

class WorkUnit implements Unit {
  readonly tx: Transaction;
  readonly #bus: Bus;
  readonly #said: Envelope[];
  readonly #events: Events;
  /** Whether anything was written or said. */
  touched = false;
  /** Whether the database was asked for anything. */
  isUsed = false;

  constructor(tx: Transaction, bus: Bus, said: Envelope[], events: Events) {
    this.#bus = bus;
    this.#said = said;
    this.#events = events;
    this.tx = {
      write: (sql, ...values) => {
        this.touched = true;
        this.isUsed = true;
        tx.write(sql, ...values);
      },
      all: (sql, ...values) => {
        this.isUsed = true;
        return tx.all(sql, ...values);
      },
      get: (sql, ...values) => {
        this.isUsed = true;
        return tx.get(sql, ...values);
      },
    };
  }

  publish<Body>(topic: Topic<Body>, body: Body, meta?: PublishMeta): Envelope<Body> {
    const envelope = this.#bus.seal(topic, body, meta);
    this.touched = true;
    this.#said.push(envelope);
    // What belongs to a replay comes again when the replay is run again.
    if (topic.delivery === 'append' && meta?.session === undefined) this.#events.add(topic, envelope);
    return envelope;
  }
}

/** Events of one group by stream. */
class Events {
  readonly #streams = new Map<string, { topic: string; partition: number; payloads: string[] }>();

  add(topic: Topic<unknown>, envelope: Envelope): void {
    const partition = partitionOf(topic.keyOf(envelope.body));
    const key = `${topic.name}/${partition}`;
    let stream = this.#streams.get(key);
    if (!stream) {
      stream = { topic: topic.name, partition, payloads: [] };
      this.#streams.set(key, stream);
    }
    stream.payloads.push(JSON.stringify(envelope));
  }

  streams() {
    return this.#streams.values();
  }
}
