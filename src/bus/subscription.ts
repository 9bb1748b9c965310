// One subscription of a client of the bus: its queue and its handler.
import type { BatchHandler, Envelope, SubscribeOptions, Subscription } from './envelope.ts';
import { compilePattern } from './pattern.ts';
import { newestKey } from './topics.ts';

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
  /** Messages since the queue was last looked through for newer ones of the same series; the first overflow looks at once. */
  #unlooked = Number.POSITIVE_INFINITY;
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
    if (this.#queue.length > this.#capacity) this.#makeRoom(batch.length);
    if (!this.#running) {
      this.#running = true;
      queueMicrotask(this.#drain);
    }
  }

  #makeRoom(added: number): void {
    const before = this.#queue.length;
    // Looking through the whole queue for each message would cost more than the messages.
    this.#unlooked += added;
    if (this.#unlooked >= this.#capacity / 8) {
      this.#unlooked = 0;
      this.#queue = newestOnly(this.#queue);
    }
    const excess = this.#queue.length - this.#capacity;
    // The newest ticks are worth most, so that the oldest go.
    if (excess > 0) this.#queue.splice(0, excess);
    const dropped = before - this.#queue.length;
    this.dropped += dropped;
    this.events.dropped(dropped);
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

/** Leaves out messages of which a newer one waits behind them, of topics where only the newest counts. */
function newestOnly(queue: readonly Envelope[]): Envelope[] {
  const seen = new Set<string>();
  const kept: Envelope[] = [];
  for (let i = queue.length - 1; i >= 0; i--) {
    const key = newestKey(queue[i]!);
    if (key !== null) {
      if (seen.has(key)) continue;
      seen.add(key);
    }
    kept.push(queue[i]!);
  }
  return kept.reverse();
}
