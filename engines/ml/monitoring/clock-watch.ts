// Time of windows: the engine's clock says when, a clock that only counts says how long, and both together whether the first one jumped.
import type { Clock } from '../../../src/core/clock.ts';

/** From which difference of the two clocks between two looks on it is a jump: a steered clock moves by far less. */
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
  #nowUs: number;
  #atUs: number;
  #jumps = 0;
  #lastUs: number | null = null;
  #jumping = false;

  constructor(clock: Clock, steadyUs: () => number = () => Bun.nanoseconds() / 1000) {
    this.#clock = clock;
    this.#steadyUs = steadyUs;
    this.#nowUs = clock.nowUs();
    this.#atUs = steadyUs();
  }

  /** Microseconds since the epoch; what jumped since the last call is counted. */
  nowUs(): number {
    const now = this.#clock.nowUs();
    const at = this.#steadyUs();
    const by = now - this.#nowUs - (at - this.#atUs);
    const jumped = Math.abs(by) >= JUMP_US;
    // A clock that may not go back stands still until it is caught up: one jump, in steps.
    const goesOn = jumped && this.#jumping && Math.sign(by) === Math.sign(this.#lastUs ?? 0);
    if (jumped) {
      this.#jumps += goesOn ? 0 : 1;
      this.#lastUs = Math.round(by) + (goesOn ? this.#lastUs! : 0);
    }
    this.#jumping = jumped;
    this.#nowUs = now;
    this.#atUs = at;
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
