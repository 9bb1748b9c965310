// Waiting readers of a log that lives in this process: one read over many streams, woken in the turn of the append.
import { DependencyUnavailableError } from '../core/errors.ts';
import type { LogBatch, LogPlace, ReadOptions, StreamId } from './event-log.ts';

/** What readers need of a store. */
export interface LogSlices {
  /**
   * Events after `place`: at most `maxEvents`, and no more once they hold `maxUnits` units of UTF-16, but always one when there
   * is one. Undefined when there is none.
   */
  slice(place: LogPlace, maxEvents: number, maxUnits: number): LogBatch | undefined;
}

/** Units of UTF-16 in the payloads of one answer; its last event may go beyond. */
export const ANSWER_UNITS = 2 ** 20;
const LONGEST_WAIT_MS = 2 ** 31 - 1;

interface Waiter {
  readonly owner: object;
  readonly places: readonly LogPlace[];
  readonly maxEvents: number;
  readonly settle: (outcome: LogBatch[] | Error) => void;
}

/** The key of a stream in maps. */
export function streamKey({ topic, partition }: StreamId): string {
  return `${partition}/${topic}`;
}

/** Answers reads from a store, at once or when {@link LogReaders.wake} says that a stream has more. */
export class LogReaders {
  readonly #store: LogSlices;
  readonly #waiting = new Map<string, Set<Waiter>>();
  #turn = 0;

  constructor(store: LogSlices) {
    this.#store = store;
  }

  /** Reads as `EventLog.read` does; `owner` is whom {@link LogReaders.drop} names when it goes away. */
  async read(places: readonly LogPlace[], options: ReadOptions, owner: object): Promise<LogBatch[]> {
    const { signal } = options;
    const maxEvents = Math.max(1, Math.floor(options.maxEvents));
    const found = this.#collect(places, maxEvents);
    if (found.length > 0 || !(options.waitMs > 0) || signal?.aborted) return found;
    return new Promise((resolve, reject) => {
      const keys = new Set(places.map(streamKey));
      const end = () => waiter.settle([]);
      const timer = setTimeout(end, Math.min(options.waitMs, LONGEST_WAIT_MS));
      const waiter: Waiter = {
        owner,
        places,
        maxEvents,
        settle: (outcome) => {
          clearTimeout(timer);
          signal?.removeEventListener('abort', end);
          for (const key of keys) this.#forget(key, waiter);
          if (outcome instanceof Error) reject(outcome);
          else resolve(outcome);
        },
      };
      signal?.addEventListener('abort', end);
      for (const key of keys) {
        const waiters = this.#waiting.get(key);
        if (waiters) waiters.add(waiter);
        else this.#waiting.set(key, new Set([waiter]));
      }
    });
  }

  /** Answers everyone who waits for `stream`; called after each change of it. */
  wake(stream: StreamId): void {
    for (const waiter of [...(this.#waiting.get(streamKey(stream)) ?? [])]) {
      try {
        const found = this.#collect(waiter.places, waiter.maxEvents);
        if (found.length > 0) waiter.settle(found);
      } catch (error) {
        waiter.settle(error as Error);
      }
    }
  }

  /** Ends the reads of `owner`. */
  drop(owner: object): void {
    for (const waiters of [...this.#waiting.values()]) {
      for (const waiter of [...waiters]) {
        if (waiter.owner === owner) waiter.settle(new DependencyUnavailableError('The event log was closed'));
      }
    }
  }

  #forget(key: string, waiter: Waiter): void {
    const waiters = this.#waiting.get(key);
    waiters?.delete(waiter);
    if (waiters?.size === 0) this.#waiting.delete(key);
  }

  // Each read begins with another stream, so that a busy one cannot keep the others out of bounded answers.
  #collect(places: readonly LogPlace[], maxEvents: number): LogBatch[] {
    const found: { at: number; batch: LogBatch }[] = [];
    const begin = places.length > 1 ? this.#turn++ % places.length : 0;
    let units = ANSWER_UNITS;
    for (let i = 0; i < places.length && units > 0; i++) {
      const at = (begin + i) % places.length;
      const batch = this.#store.slice(places[at]!, maxEvents, units);
      if (!batch) continue;
      found.push({ at, batch });
      for (const event of batch.events) units -= event.payload.length;
    }
    return found.sort((a, b) => a.at - b.at).map(({ batch }) => batch);
  }
}
