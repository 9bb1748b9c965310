// One unit of work: what an engine stores and what it says because of it go together, or not at all.
import { InvariantError } from '../core/errors.ts';
import type { Transaction } from '../store/database.ts';
import type { Bus } from './client.ts';
import type { Envelope, PublishMeta } from './envelope.ts';
import type { Topic } from './topics.ts';

/** What work may do while it runs. */
export interface Unit {
  /** The transaction of the engine's database. Throws {@link InvariantError} in an engine that has none. */
  readonly tx: Transaction;
  /**
   * Says `body` on `topic` once the unit is stored; nothing is said when it fails. On an `append` topic the event is stored with the
   * unit and will be delivered whatever dies after that. Throws InvalidOptionError for a body that breaks the schema.
   */
  publish<Body>(topic: Topic<Body>, body: Body, meta?: PublishMeta): Envelope<Body>;
}

/** Runs units one after the other: the work of one never sees that of another half done. */
export interface UnitRunner {
  /**
   * Runs `work`, stores it, then publishes what it said. Rejects with what `work` throws; then nothing was stored or said. Work
   * throws its refusals (a NautilusError with a status below 500) before it changes anything in memory; after any other
   * error the engine takes its memory from the database again.
   */
  run<T>(work: (unit: Unit) => T | Promise<T>): Promise<T>;
}

/** A runner for an engine without a database: it holds back what is said until the work is done. */
export class PlainUnits implements UnitRunner {
  readonly #bus: Bus;
  #last: Promise<unknown> = Promise.resolve();

  constructor(bus: Bus) {
    this.#bus = bus;
  }

  run<T>(work: (unit: Unit) => T | Promise<T>): Promise<T> {
    const result = this.#last.then(async () => {
      const said: Envelope[] = [];
      const value = await work({
        get tx(): Transaction {
          throw new InvariantError('this engine has no database');
        },
        publish: (topic, body, meta) => {
          const envelope = this.#bus.seal(topic, body, meta);
          said.push(envelope);
          return envelope;
        },
      });
      for (const envelope of said) this.#bus.send(envelope);
      return value;
    });
    this.#last = result.catch(() => {});
    return result;
  }
}
