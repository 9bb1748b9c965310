// Records on their way to the history: in batches, one write at a time, with a bound on what waits.
import type { MarketRecord } from '../../../src/market/records.ts';

/** Where records are kept; resolves when they survive the end of the process. */
export type Put = (records: readonly MarketRecord[]) => Promise<unknown>;

export interface StoringOptions {
  readonly put: Put;
  /** Records that may wait; beyond it the oldest go. */
  readonly capacity?: number;
  /** Told of records that nobody stored. */
  readonly onLost: (records: number, reason: 'full' | 'failed', error?: unknown) => void;
}

const CAPACITY = 200_000;
const BATCH = 20_000;
/** Tries of one batch before it is given up: what cannot be stored must not keep what can. */
const ATTEMPTS = 3;

/** The queue before the history. */
export class Storing {
  /** Records stored, and lost by the reason. */
  readonly counts = { stored: 0, full: 0, failed: 0 };
  readonly #options: StoringOptions;
  readonly #capacity: number;
  #waiting: MarketRecord[] = [];
  #writing: Promise<void> | undefined;

  constructor(options: StoringOptions) {
    this.#options = options;
    this.#capacity = options.capacity ?? CAPACITY;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  add(record: MarketRecord): void {
    this.#waiting.push(record);
    // Room is made in large steps, since taking single records off the front of a long list costs its whole length.
    if (this.#waiting.length > this.#capacity) {
      const lost = this.#waiting.splice(0, Math.max(1, this.#capacity >> 3)).length;
      this.counts.full += lost;
      this.#options.onLost(lost, 'full');
    }
    this.#writing ??= this.#write();
  }

  /** Resolves when everything added so far is stored, or lost. */
  async idle(): Promise<void> {
    while (this.#writing) await this.#writing;
  }

  async #write(): Promise<void> {
    // What comes in one turn of the event loop is written together.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.length <= BATCH ? this.#waiting : this.#waiting.splice(0, BATCH);
      if (batch === this.#waiting) this.#waiting = [];
      await this.#store(batch);
    }
    this.#writing = undefined;
  }

  async #store(batch: readonly MarketRecord[]): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#options.put(batch);
        this.counts.stored += batch.length;
        return;
      } catch (error) {
        if (attempt < ATTEMPTS) continue;
        this.counts.failed += batch.length;
        this.#options.onLost(batch.length, 'failed', error);
        return;
      }
    }
  }
}
