// Load on a durable log: an owner that sends from its own store, and a consumer that notices every loss, repeat and mix-up.
import { expect } from 'bun:test';
import type { EventLog, LogPlace, StreamId } from '../../src/bus/event-log.ts';
import { DependencyUnavailableError, StorageUnavailableError } from '../../src/core/errors.ts';

/** The generation of every owner. */
export const LOAD_GENERATION = '2026-01-01';

/** Returns the payloads of `count` events from position `from` on. */
export const numbered = (from: number, count: number) =>
  Array.from({ length: count }, (_, i) => `{"n":${from + i}}`);

/** An owner: has all events in its own database and sends on what the log lacks, as a relay does. */
export class Owner {
  stored = 0;
  running = true;
  refused = 0;
  readonly done: Promise<void>;

  constructor(
    readonly log: EventLog,
    readonly stream: StreamId,
    readonly batch = 20,
  ) {
    this.done = this.#relay();
  }

  stop(): Promise<void> {
    this.running = false;
    return this.done;
  }

  async #relay(): Promise<void> {
    let next = 1;
    while (this.running || next <= this.stored) {
      if (next > this.stored) this.stored += this.batch;
      try {
        const count = Math.min(this.stored - next + 1, 500);
        next = (await this.log.append(this.stream, LOAD_GENERATION, next, numbered(next, count))) + 1;
      } catch (error) {
        if (!(error instanceof DependencyUnavailableError || error instanceof StorageUnavailableError))
          throw error;
        this.refused++;
        await Bun.sleep(2);
      }
    }
  }
}

/** A consumer: every position must be its next one, and hold what the owner wrote there. */
export class Consumer {
  place: LogPlace;
  running = true;
  refused = 0;
  readonly done: Promise<void>;

  constructor(
    readonly log: EventLog,
    stream: StreamId,
  ) {
    this.place = { ...stream, generation: '', position: 0 };
    this.done = this.#consume();
  }

  stop(): Promise<void> {
    this.running = false;
    return this.done;
  }

  async #consume(): Promise<void> {
    while (this.running) {
      try {
        const batches = await this.log.read([this.place], { maxEvents: 1000, waitMs: 100 });
        for (const { generation, events } of batches) {
          for (const { position, payload } of events) {
            expect([position, payload]).toEqual([this.place.position + 1, `{"n":${position}}`]);
            this.place = { ...this.place, generation, position };
          }
        }
      } catch (error) {
        if (!(error instanceof DependencyUnavailableError)) throw error;
        this.refused++;
        await Bun.sleep(2);
      }
    }
  }
}
