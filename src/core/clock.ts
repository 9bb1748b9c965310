// Time: integer microseconds since the epoch, from the system or from a test's hand.

/** A source of time in integer microseconds since the epoch (exact in a number until the year 2255). */
export interface Clock {
  nowUs(): number;
}

// The wall clock has millisecond resolution; the monotonic one has nanoseconds but no epoch. Anchoring once gives both,
// and never runs backwards within a process. CLOCK_MONOTONIC is common to all processes of a machine, so that anchors
// taken at different moments differ by at most the wall clock's own rounding of one millisecond; the anchor below waits
// for the edge of a millisecond to take that rounding out.
function anchor(): number {
  const start = Date.now();
  let edge = start;
  while (edge === start) edge = Date.now();
  return edge * 1000 - Bun.nanoseconds() / 1000;
}

/** The machine's clock, with microsecond resolution; monotonic within a process. */
export class SystemClock implements Clock {
  readonly #offsetUs = anchor();

  nowUs(): number {
    return Math.round(this.#offsetUs + Bun.nanoseconds() / 1000);
  }
}

/** A clock that stands still until it is moved: for tests and simulated time. */
export class ManualClock implements Clock {
  #nowUs: number;

  constructor(startUs = 0) {
    this.#nowUs = startUs;
  }

  nowUs(): number {
    return this.#nowUs;
  }

  /** Moves to `us`; time never goes back. */
  advanceTo(us: number): void {
    if (us > this.#nowUs) this.#nowUs = us;
  }

  advance(us: number): void {
    this.advanceTo(this.#nowUs + us);
  }
}

/** The process-wide system clock. */
export const systemClock: Clock = new SystemClock();

/** Seconds on a clock that never goes back, from an arbitrary origin: for durations. */
export function monotonicSeconds(): number {
  return Bun.nanoseconds() / 1e9;
}
