// Time: integer microseconds since the epoch, from the system or from a test's hand.

/** A source of time in integer microseconds since the epoch (exact in a number until the year 2255). */
export interface Clock {
  nowUs(): number;
}

const EDGES = 4;
const GOOD_NS = 2000;
const CHECK_NS = 1e9;
const TOLERANCE_US = 1500;

// The wall clock has millisecond resolution; the monotonic one has nanoseconds but no epoch, and another zero in every
// process. The edge of a millisecond ties them together. The thread may lose the processor at that very moment, so the
// best of a few edges counts: the one with the shortest time between the two readings around it.
function anchorUs(): number {
  let offsetUs = 0;
  let bestNs = Number.POSITIVE_INFINITY;
  for (let edge = 0; edge < EDGES && bestNs > GOOD_NS; edge++) {
    const start = Date.now();
    let before = Bun.nanoseconds();
    let wallMs = Date.now();
    for (; wallMs === start; wallMs = Date.now()) before = Bun.nanoseconds();
    const after = Bun.nanoseconds();
    if (after - before < bestNs) {
      bestNs = after - before;
      offsetUs = wallMs * 1000 - (before + after) / 2000;
    }
  }
  return offsetUs;
}

/** The machine's clock, with microsecond resolution; never goes back, and follows the wall clock within 2 ms. */
export class SystemClock implements Clock {
  #offsetUs = anchorUs();
  #lastUs = 0;
  #nextCheckNs = 0;

  nowUs(): number {
    const ns = Bun.nanoseconds();
    if (ns > this.#nextCheckNs) this.#follow(ns);
    const us = Math.round(this.#offsetUs + ns / 1000);
    this.#lastUs = Math.max(us, this.#lastUs);
    return this.#lastUs;
  }

  // Time services steer the wall clock: after hours, processes of different age would disagree by milliseconds.
  #follow(ns: number): void {
    this.#nextCheckNs = ns + CHECK_NS;
    const wallUs = Date.now() * 1000 + 500;
    const ahead = this.#offsetUs + ns / 1000 - wallUs;
    if (Math.abs(ahead) > TOLERANCE_US) this.#offsetUs -= ahead;
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
