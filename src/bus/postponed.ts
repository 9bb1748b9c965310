// Live messages whose handling could not be stored: kept in their order and tried again until they are, or are too many or too old.
import { StorageUnavailableError, StorageUncertainError } from '../core/errors.ts';
import type { Envelope } from './envelope.ts';

/** Waits between two tries, in milliseconds. */
const RETRY_MS = { first: 50, longest: 1000 };
const MAX_MESSAGES = 20_000;
const KEEP_MS = 60_000;

export interface PostponedOptions {
  /** Milliseconds for which a message is tried; default one minute. */
  readonly keepMs?: number | undefined;
  /** Most messages that wait; beyond, the oldest go. Default 20,000. */
  readonly maxMessages?: number | undefined;
}

export interface PostponedParts extends PostponedOptions {
  readonly handle: (batch: readonly Envelope[]) => Promise<void>;
  /** Runs work when nothing else of the engine runs. */
  readonly enqueue: (work: () => Promise<void>) => Promise<void>;
  /** Hears the first failure of each time that nothing can be stored, and every other error of `handle`. */
  readonly failed: (error: unknown) => void | Promise<void>;
  /** Hears how many messages were given up. */
  readonly dropped: (count: number) => void;
}

interface Waiting {
  readonly batch: readonly Envelope[];
  readonly untilMs: number;
}

/** Part of `/system/status`. */
export interface PostponedStatus {
  /** Messages that wait. */
  readonly waiting: number;
  /** Messages that waited and were handled since the start. */
  readonly handled: number;
  /** Messages that were given up since the start. */
  readonly dropped: number;
}

/** Hands batches on in order; while one waits, all later ones do. */
export class Postponed {
  readonly #parts: PostponedParts;
  readonly #queue: Waiting[] = [];
  #count = 0;
  #handled = 0;
  #dropped = 0;
  #wait = RETRY_MS.first;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(parts: PostponedParts) {
    this.#parts = parts;
  }

  status(): PostponedStatus {
    return { waiting: this.#count, handled: this.#handled, dropped: this.#dropped };
  }

  /** The messages that wait, in order. */
  waiting(): readonly Envelope[] {
    return this.#queue.flatMap(({ batch }) => batch);
  }

  /** Handles `batch`, or keeps it when it cannot be stored or others wait. Throws what `handle` throws for any other reason. */
  async take(batch: readonly Envelope[]): Promise<void> {
    if (this.#count > 0) {
      this.#keep(batch);
      return;
    }
    try {
      await this.#parts.handle(batch);
    } catch (error) {
      if (!isPassing(error)) throw error;
      this.#keep(batch);
      this.#arm();
      await this.#parts.failed(error);
    }
  }

  /** Tries once more, and no later: what cannot be stored now is given up. */
  async close(): Promise<void> {
    await this.#parts.enqueue(() => this.#retry());
    clearTimeout(this.#timer);
    this.#drop(this.#queue.splice(0));
  }

  async #retry(): Promise<void> {
    clearTimeout(this.#timer);
    for (;;) {
      this.#dropOld();
      const [next] = this.#queue;
      if (!next) break;
      try {
        await this.#parts.handle(next.batch);
        this.#handled += next.batch.length;
        this.#wait = RETRY_MS.first;
      } catch (error) {
        if (isPassing(error)) return this.#arm();
        await this.#parts.failed(error);
      }
      this.#queue.shift();
      this.#count -= next.batch.length;
    }
    this.#wait = RETRY_MS.first;
  }

  #arm(): void {
    const wait = this.#wait * (0.5 + Math.random() / 2);
    this.#wait = Math.min(this.#wait * 2, RETRY_MS.longest);
    this.#timer = setTimeout(() => void this.#parts.enqueue(() => this.#retry()), wait);
  }

  #keep(batch: readonly Envelope[]): void {
    const { keepMs = KEEP_MS, maxMessages = MAX_MESSAGES } = this.#parts;
    this.#queue.push({ batch, untilMs: performance.now() + keepMs });
    this.#count += batch.length;
    let most = 0;
    // The newest batch stays, however long it is.
    for (let left = this.#count; left > maxMessages && most < this.#queue.length - 1; most++)
      left -= this.#queue[most]!.batch.length;
    this.#drop(this.#queue.splice(0, most));
  }

  #dropOld(): void {
    const now = performance.now();
    const fresh = this.#queue.findIndex(({ untilMs }) => untilMs > now);
    this.#drop(this.#queue.splice(0, fresh < 0 ? this.#queue.length : fresh));
  }

  #drop(waiting: readonly Waiting[]): void {
    const count = waiting.reduce((sum, { batch }) => sum + batch.length, 0);
    if (count === 0) return;
    this.#count -= count;
    this.#dropped += count;
    this.#parts.dropped(count);
  }
}

// What may have been stored is not done again: it could count twice.
function isPassing(error: unknown): boolean {
  return error instanceof StorageUnavailableError && !(error instanceof StorageUncertainError);
}
