// Time of windows: the engine's clock says when, a clock that only counts says how long, and both together whether the first one jumped.
import type { Clock } from '../../../src/core/clock.ts';

/** By how much the clocks differ when the difference is told as a jump, however many looks it took: one that drifts jumps each time that it is so far off. */
export const JUMP_US = 1_000_000;

/** What is known of jumps. */
export interface ClockJumps {
  readonly jumps: number;
  /** Microseconds by which the newest jump went forwards, or backwards where negative. */
  readonly last_us: number | null;
}

/** Reads both clocks. */
export class ClockWatch {
  readonly #clock: Clock;
  readonly #steadyUs: () => number;
  /** Of the engine's clock before the one that only counts, as it was last told. */
  #offsetUs: number;
  /** The engine's clock when a jump was last told. */
  #toldUs = Number.NaN;
  #jumps = 0;
  #lastUs: number | null = null;

  constructor(clock: Clock, steadyUs: () => number = () => Bun.nanoseconds() / 1000) {
    this.#clock = clock;
    this.#steadyUs = steadyUs;
    this.#offsetUs = clock.nowUs() - steadyUs();
  }

  /** Microseconds since the epoch; what jumped since the last call is counted. */
  nowUs(): number {
    const now = this.#clock.nowUs();
    const offset = now - this.#steadyUs();
    const by = offset - this.#offsetUs;
    if (Math.abs(by) >= JUMP_US) {
      // A clock that may not go back stands still until it is caught up: one jump, in steps.
      const goesOn = now === this.#toldUs;
      this.#jumps += goesOn ? 0 : 1;
      this.#lastUs = Math.round(by) + (goesOn ? this.#lastUs! : 0);
      this.#offsetUs = offset;
      this.#toldUs = now;
    }
    return now;
  }

  /** Microseconds of the clock that only counts. */
  steadyUs(): number {
    return this.#steadyUs();
  }

  get jumps(): ClockJumps {
    return { jumps: this.#jumps, last_us: this.#lastUs };
  }
}
