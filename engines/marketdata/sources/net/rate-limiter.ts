// Keeps requests to a provider within its limit: a token bucket by weight, first come first served.
import type { Clock } from '../../../../src/core/clock.ts';
import type { Timers } from '../../../../src/core/timers.ts';
import type { SourceContext } from '../port.ts';

export interface RateLimit {
  /** Weight that may be used at once, after a quiet time. */
  readonly burst: number;
  /** Weight that comes back per second. */
  readonly perSecond: number;
}

/**
 * Returns the limit by which no `seconds` have more than `most`, wherever they begin: what is used at once counts as well as what comes back
 * while they last.
 */
export function within(most: number, seconds = 1, burst = most / 2): RateLimit {
  return { burst, perSecond: (most - burst) / seconds };
}

export interface RateLimiterOptions extends RateLimit {
  readonly clock: Clock;
  readonly timers: Timers;
  /** Told when a request has to wait, and for how long. */
  readonly onWait?: ((waitMs: number) => void) | undefined;
}

/**
 * Returns the limiter of a source's requests: by `limit`, which is what its provider allows; where another number of requests per minute is
 * set, by the same bucket made smaller or larger, so that no minute has more than that.
 */
export function requestLimiter(
  { clock, timers, requestsPerMinute }: Pick<SourceContext, 'clock' | 'timers' | 'requestsPerMinute'>,
  limit: RateLimit,
  onWait?: (waitMs: number) => void,
): RateLimiter {
  const parts = { clock, timers, onWait };
  if (requestsPerMinute === undefined) return new RateLimiter({ ...limit, ...parts });
  const share = requestsPerMinute / (limit.burst + 60 * limit.perSecond);
  const burst = Math.max(1, limit.burst * share);
  return new RateLimiter({ burst, perSecond: (requestsPerMinute - burst) / 60, ...parts });
}

interface Waiting {
  readonly weight: number;
  /** What has to be there for it to go. */
  readonly needed: number;
  readonly go: () => void;
}

/** A token bucket. One per provider and account: all its clients share it. */
export class RateLimiter {
  readonly #options: RateLimiterOptions;
  readonly #queue: Waiting[] = [];
  #tokens: number;
  #atUs: number;
  #heldUntilUs = 0;
  #cancel: (() => void) | undefined;

  constructor(options: RateLimiterOptions) {
    this.#options = options;
    this.#tokens = options.burst;
    this.#atUs = options.clock.nowUs();
  }

  /** Resolves when `weight` may be used, in the order of the calls; rejects with the reason of `signal` when it aborts first. */
  take(weight = 1, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    // More than the bucket holds would wait for ever: it waits for a full one, and those behind it for all that it weighs.
    const needed = Math.min(weight, this.#options.burst);
    if (this.#queue.length === 0 && this.#waitMs(needed) === 0) {
      this.#tokens -= weight;
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      const waiting: Waiting = {
        weight,
        needed,
        go: () => {
          signal?.removeEventListener('abort', aborted);
          resolve();
        },
      };
      const aborted = () => {
        this.#queue.splice(this.#queue.indexOf(waiting), 1);
        reject(signal!.reason);
        this.#arm();
      };
      signal?.addEventListener('abort', aborted, { once: true });
      this.#queue.push(waiting);
      if (this.#queue.length === 1) this.#options.onWait?.(this.#waitMs(needed));
      this.#arm();
    });
  }

  /** Lets nothing through for `ms`: the provider said so. */
  hold(ms: number): void {
    this.#heldUntilUs = Math.max(this.#heldUntilUs, this.#options.clock.nowUs() + ms * 1000);
    this.#options.onWait?.(ms);
    this.#arm();
  }

  /** Tells how much the provider says is used of `limit`: others may use the same account. Only ever slows down. */
  used(weight: number, limit: number): void {
    this.#refill();
    const left = Math.max(0, ((limit - weight) / limit) * this.#options.burst);
    this.#tokens = Math.min(this.#tokens, left);
  }

  /** Milliseconds for which nothing is let through because the provider said so; 0 otherwise. */
  get heldMs(): number {
    return Math.max(0, Math.ceil((this.#heldUntilUs - this.#options.clock.nowUs()) / 1000));
  }

  /** Requests that wait. */
  get waiting(): number {
    return this.#queue.length;
  }

  #refill(): void {
    const nowUs = this.#options.clock.nowUs();
    const gained = ((nowUs - this.#atUs) / 1e6) * this.#options.perSecond;
    this.#tokens = Math.min(this.#options.burst, this.#tokens + Math.max(0, gained));
    this.#atUs = nowUs;
  }

  #waitMs(needed: number): number {
    this.#refill();
    const missing = Math.max(0, needed - this.#tokens);
    // Microseconds are the grain of the clock: what is missing by rounding only is there.
    const forTokens = missing < 1e-6 ? 0 : Math.ceil((missing / this.#options.perSecond) * 1000);
    return Math.max(forTokens, this.heldMs);
  }

  #arm(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    const first = this.#queue[0];
    if (first) this.#cancel = this.#options.timers.after(this.#waitMs(first.needed), () => this.#release());
  }

  #release(): void {
    for (let first = this.#queue[0]; first && this.#waitMs(first.needed) === 0; first = this.#queue[0]) {
      this.#tokens -= first.weight;
      this.#queue.shift();
      first.go();
    }
    this.#arm();
  }
}
