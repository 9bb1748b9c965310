// How long to wait before the next try: exponential with full jitter, so that many clients do not come back at once.

export interface BackoffOptions {
  /** Ceiling of the first wait. */
  readonly firstMs: number;
  /** Ceiling of any wait. */
  readonly mostMs: number;
}

const DEFAULT_BACKOFF: BackoffOptions = { firstMs: 500, mostMs: 30_000 };

/** No wait is shorter: a server that refuses at once must not be asked in a loop. */
const LEAST_MS = 50;

/** Waits of one series of tries: each uniform from 50 ms to a ceiling that doubles (`full jitter` of the AWS builders' library). */
export class Backoff {
  readonly #options: BackoffOptions;
  readonly #random: () => number;
  #tries = 0;

  constructor(random: () => number, options: BackoffOptions = DEFAULT_BACKOFF) {
    this.#random = random;
    this.#options = options;
  }

  /** Returns milliseconds to wait before the next try. */
  next(): number {
    const ceiling = Math.min(this.#options.mostMs, this.#options.firstMs * 2 ** Math.min(this.#tries++, 30));
    return Math.round(LEAST_MS + this.#random() * Math.max(0, ceiling - LEAST_MS));
  }

  /** Forgets earlier tries, after a success that lasted. */
  reset(): void {
    this.#tries = 0;
  }
}
