// Waiting: timers of the system, or of a test's hand, so that what waits for minutes is tested in no time.
import { type Clock, ManualClock } from './clock.ts';

/** Calls back after a time. */
export interface Timers {
  /** Calls `run` once after `ms`; the returned function takes that back. A timer does not keep the process alive. */
  after(ms: number, run: () => void): () => void;
}

const LONGEST_MS = 2 ** 31 - 1;

/** Timers of the system; what is longer than 24 days ends then. */
export const systemTimers: Timers = {
  after(ms, run) {
    // Longer ones would fire at once.
    const timer = setTimeout(run, Math.min(ms, LONGEST_MS));
    timer.unref();
    return () => clearTimeout(timer);
  },
};

/** Resolves after `ms`; rejects with the reason of `signal` when it aborts first. */
export function pause(timers: Timers, ms: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted) return Promise.reject(signal.reason);
  return new Promise((resolve, reject) => {
    const aborted = () => {
      cancel();
      reject(signal!.reason);
    };
    const cancel = timers.after(ms, () => {
      signal?.removeEventListener('abort', aborted);
      resolve();
    });
    signal?.addEventListener('abort', aborted, { once: true });
  });
}

interface Waiting {
  readonly dueUs: number;
  readonly run: () => void;
}

/** A clock and its timers that stand still until they are moved. */
export class ManualTime implements Clock, Timers {
  readonly #clock: ManualClock;
  readonly #waiting = new Set<Waiting>();

  constructor(startUs = 0) {
    this.#clock = new ManualClock(startUs);
  }

  nowUs(): number {
    return this.#clock.nowUs();
  }

  after(ms: number, run: () => void): () => void {
    const waiting = { dueUs: this.nowUs() + Math.max(0, ms) * 1000, run };
    this.#waiting.add(waiting);
    return () => void this.#waiting.delete(waiting);
  }

  /** How many timers wait. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** Milliseconds until the next timer; null when none waits. */
  get nextMs(): number | null {
    const next = this.#next();
    return next ? (next.dueUs - this.nowUs()) / 1000 : null;
  }

  /** Moves by `ms`, running what comes due on the way, each at its time. */
  advance(ms: number): void {
    const endUs = this.nowUs() + ms * 1000;
    for (let next = this.#next(); next && next.dueUs <= endUs; next = this.#next()) {
      this.#clock.advanceTo(next.dueUs);
      this.#waiting.delete(next);
      next.run();
    }
    this.#clock.advanceTo(endUs);
  }

  #next(): Waiting | undefined {
    let first: Waiting | undefined;
    for (const waiting of this.#waiting) if (!first || waiting.dueUs < first.dueUs) first = waiting;
    return first;
  }
}
