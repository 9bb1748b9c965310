// A client of a log whose store lives in this process.
import { DependencyUnavailableError } from '../core/errors.ts';
import type { EventLog, LogBatch, LogBounds, LogPlace, ReadOptions, StreamId } from './event-log.ts';
import type { LogReaders } from './log-readers.ts';

/** What the client needs of a store; its methods mean what those of `EventLog` mean. */
export interface LocalStore {
  readonly readers: LogReaders;
  append(
    stream: StreamId,
    generation: string,
    first: number,
    payloads: readonly string[],
  ): number | Promise<number>;
  bounds(stream: StreamId): LogBounds;
  trim(stream: StreamId, position: number): void;
}

/** One of any number of clients; its close ends what it waits for and nothing else. */
export class LocalLog implements EventLog {
  readonly kind: EventLog['kind'];
  connected = true;
  readonly #store: LocalStore;

  constructor(kind: EventLog['kind'], store: LocalStore) {
    this.kind = kind;
    this.#store = store;
  }

  async append(stream: StreamId, generation: string, first: number, payloads: readonly string[]) {
    return this.#open().append(stream, generation, first, payloads);
  }

  async bounds(stream: StreamId): Promise<LogBounds> {
    return this.#open().bounds(stream);
  }

  async read(places: readonly LogPlace[], options: ReadOptions): Promise<LogBatch[]> {
    return this.#open().readers.read(places, options, this);
  }

  async trim(stream: StreamId, position: number): Promise<void> {
    this.#open().trim(stream, position);
  }

  async close(): Promise<void> {
    this.connected = false;
    this.#store.readers.drop(this);
  }

  #open(): LocalStore {
    if (!this.connected) throw new DependencyUnavailableError('The event log was closed');
    return this.#store;
  }
}
