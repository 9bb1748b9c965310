// The recursion of the exponential moving average, usable alone or as a part of another indicator's state.
import type { Step } from '../define.ts';

/** Numbers of state that one `EmaCell` uses. */
export const EMA_CELL = 2;

/** One average at `state[at]` (values seen) and `state[at + 1]` (sum while seeding, then the average). */
export class EmaCell {
  readonly #state: Float64Array;
  readonly #at: number;
  readonly #period: number;
  readonly #weight: number;

  constructor(state: Float64Array, at: number, period: number) {
    this.#state = state;
    this.#at = at;
    this.#period = period;
    this.#weight = 2 / (period + 1);
  }

  /** Takes the next value; returns the average, NaN while fewer than `period` values were seen. */
  push(value: number): number {
    const state = this.#state;
    const at = this.#at;
    const seen = state[at] as number;
    const previous = state[at + 1] as number;
    if (seen >= this.#period) {
      // One product instead of two: an unchanged price then leaves the average unchanged to the last bit.
      const average = (value - previous) * this.#weight + previous;
      state[at + 1] = average;
      return average;
    }
    const sum = previous + value;
    state[at] = seen + 1;
    if (seen + 1 < this.#period) {
      state[at + 1] = sum;
      return Number.NaN;
    }
    const seed = sum / this.#period;
    state[at + 1] = seed;
    return seed;
  }
}

/** EMA of the close. */
export class EmaStep implements Step<'close'> {
  readonly state = new Float64Array(EMA_CELL);
  readonly values = new Float64Array(1).fill(Number.NaN);
  readonly #cell: EmaCell;

  constructor(period: number) {
    this.#cell = new EmaCell(this.state, 0, period);
  }

  update(bar: { readonly close: number }): void {
    this.values[0] = this.#cell.push(bar.close);
  }
}
