// The recursion of the average true range.
import type { Step } from '../define.ts';

const SEEN = 0;
const PREVIOUS = 1;
const RANGE = 2;

/** ATR after Wilder; state: bars seen, previous close, then the sum while seeding and the average after. */
export class AtrStep implements Step<'high' | 'low' | 'close'> {
  readonly state = new Float64Array(3);
  readonly values = new Float64Array(1).fill(Number.NaN);
  readonly #period: number;

  constructor(period: number) {
    this.#period = period;
  }

  update(bar: { readonly high: number; readonly low: number; readonly close: number }): void {
    const state = this.state;
    const period = this.#period;
    const seen = state[SEEN] as number;
    const previous = state[PREVIOUS] as number;
    state[PREVIOUS] = bar.close;
    if (seen === 0) {
      state[SEEN] = 1;
      this.values[0] = Number.NaN;
      return;
    }
    const range = Math.max(bar.high - bar.low, Math.abs(previous - bar.high), Math.abs(previous - bar.low));
    let average: number;
    if (seen > period) average = ((state[RANGE] as number) * (period - 1) + range) / period;
    else {
      average = (state[RANGE] as number) + range;
      state[SEEN] = seen + 1;
      if (seen === period) average /= period;
    }
    state[RANGE] = average;
    this.values[0] = seen < period ? Number.NaN : average;
  }
}
