// One subscription of a client of the bus: its queue and its handler.
import type { BatchHandler, Envelope, SubscribeOptions, Subscription } from './envelope.ts';
import { compilePattern } from './pattern.ts';

const DEFAULT_CAPACITY = 262_144;
const DEFAULT_MAX_BATCH = 4096;

/** What a subscription tells its bus. */
export interface SubscriptionEvents {
  failed(error: unknown): void;
  dropped(count: number): void;
  end(): Promise<void>;
}

/** Hands batches to a handler, one at a time; keeps what comes meanwhile, within its bounds. */
export class QueueingSubscription implements Subscription {
  dropped = 0;
  readonly matches: (topic: string) => boolean;
  readonly #capacity: number;
  readonly #maxBatch: number;
  #queue: Envelope[] = [];
  #running = false;
  #ended = false;

  constructor(
    readonly pattern: string,
    readonly handler: BatchHandler,
    options: SubscribeOptions,
    readonly events: SubscriptionEvents,
  ) {
    this.matches = compilePattern(pattern);
    this.#capacity = options.capacity ?? DEFAULT_CAPACITY;
    this.#maxBatch = options.maxBatch ?? DEFAULT_MAX_BATCH;
  }

  push(batch: readonly Envelope[]): void {
    if (this.#ended) return;
    if (this.#queue.length === 0) this.#queue = batch.slice();
    else for (const envelope of batch) this.#queue.push(envelope);
    const excess = this.#queue.length - this.#capacity;
    if (excess > 0) {
      // The newest ticks are worth most, so that the oldest go.
      this.#queue.splice(0, excess);
      this.dropped += excess;
      this.events.dropped(excess);
    }
    if (!this.#running) {
      this.#running = true;
      queueMicrotask(this.#drain);
    }
  }

  // Most handlers answer at once, and then a batch costs no promise.
  readonly #drain = (): void => {
    while (this.#queue.length > 0 && !this.#ended) {
      const batch =
        this.#queue.length <= this.#maxBatch ? this.#queue : this.#queue.splice(0, this.#maxBatch);
      if (batch === this.#queue) this.#queue = [];
      try {
        const pending = this.handler(batch);
        if (pending) {
          Promise.resolve(pending).then(this.#drain, this.#failed);
          return;
        }
      } catch (error) {
        this.events.failed(error);
      }
    }
    this.#running = false;
  };

  readonly #failed = (error: unknown): void => {
    this.events.failed(error);
    this.#drain();
  };

  async unsubscribe(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    this.#queue = [];
    await this.events.end();
  }
}
