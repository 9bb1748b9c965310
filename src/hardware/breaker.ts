// A circuit breaker: takes out what failed several times in a row, and lets one call try it again later.
import type { BreakerState, BreakerStatus } from './accelerator.ts';

export interface BreakerOptions {
  /** Failures in a row after which it opens; default 3. */
  readonly failures?: number;
  /** Milliseconds from opening to the first try; default 5,000. Doubled by each try that fails. */
  readonly retryMs?: number;
  /** The longest wait in milliseconds; default 300,000. */
  readonly maxRetryMs?: number;
  /** Monotonic milliseconds; for tests. */
  readonly now?: () => number;
}

/**
 * Closed it lets every call through. Opened by failures in a row it lets none through until the wait is over, then one: success
 * closes it, failure opens it for twice as long. The addon has the same for its device.
 */
export class Breaker {
  readonly #limit: number;
  readonly #firstMs: number;
  readonly #maxMs: number;
  readonly #now: () => number;
  #state: BreakerState = 'closed';
  #failures = 0;
  #opened = 0;
  #waitMs: number;
  #untilMs = 0;
  #lastError = '';

  constructor({ failures = 3, retryMs = 5000, maxRetryMs = 300_000, now }: BreakerOptions = {}) {
    this.#limit = failures;
    this.#firstMs = retryMs;
    this.#maxMs = maxRetryMs;
    this.#waitMs = retryMs;
    this.#now = now ?? (() => performance.now());
  }

  /** Returns whether a call may use it now. One that may has to end in {@link succeeded}, {@link failed} or {@link gaveUp}. */
  enter(): boolean {
    if (this.#state === 'closed') return true;
    if (this.#state === 'half_open' || this.#now() < this.#untilMs) return false;
    this.#state = 'half_open';
    return true;
  }

  succeeded(): void {
    // What began before it was taken out and ends well now does not end the wait.
    if (this.#state === 'open') return;
    this.#failures = 0;
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#waitMs = this.#firstMs;
  }

  failed(reason: string): void {
    this.#failures++;
    this.#lastError = reason;
    if (this.#state === 'half_open') this.#open(Math.min(this.#waitMs * 2, this.#maxMs));
    else if (this.#state === 'closed' && this.#failures >= this.#limit) this.#open(this.#waitMs);
  }

  /** A call ended without saying anything about it: the caller's own mistake. */
  gaveUp(): void {
    if (this.#state === 'half_open') this.#open(this.#waitMs);
  }

  /** Whether calls go through without a try. */
  get closed(): boolean {
    return this.#state === 'closed';
  }

  get status(): BreakerStatus {
    const retryInMs = this.#state === 'open' ? Math.max(0, Math.ceil(this.#untilMs - this.#now())) : 0;
    return {
      state: this.#state,
      failures: this.#failures,
      opened: this.#opened,
      retryInMs,
      lastError: this.#lastError,
    };
  }

  #open(waitMs: number): void {
    if (this.#state === 'closed') this.#opened++;
    this.#state = 'open';
    this.#waitMs = waitMs;
    this.#untilMs = this.#now() + waitMs;
  }
}
