// The recursion of the relative strength index. The native kernel does the same operations in the same order.
import type { Step } from '../define.ts';

const SEEN = 0;
const PREVIOUS = 1;
const GAIN = 2;
const LOSS = 3;

/** RSI of the close after Wilder; state: bars seen, previous close, then sums while seeding and averages after. */
export class RsiStep implements Step<'close'> {
  readonly state = new Float64Array(4);
  readonly values = new Float64Array(1).fill(Number.NaN);
  readonly #period: number;

  constructor(period: number) {
    this.#period = period;
  }

  update(bar: { readonly close: number }): void {
    const state = this.state;
    const period = this.#period;
    const seen = state[SEEN] as number;
    const change = bar.close - (state[PREVIOUS] as number);
    state[PREVIOUS] = bar.close;
    if (seen === 0) {
      state[SEEN] = 1;
      this.values[0] = Number.NaN;
      return;
    }
    const gain = Math.max(change, 0);
    const loss = Math.max(-change, 0);
    let averageGain: number;
    let averageLoss: number;
    if (seen > period) {
      averageGain = ((state[GAIN] as number) * (period - 1) + gain) / period;
      averageLoss = ((state[LOSS] as number) * (period - 1) + loss) / period;
    } else {
      averageGain = (state[GAIN] as number) + gain;
      averageLoss = (state[LOSS] as number) + loss;
      state[SEEN] = seen + 1;
      if (seen === period) {
        averageGain /= period;
        averageLoss /= period;
      }
    }
    state[GAIN] = averageGain;
    state[LOSS] = averageLoss;
    const total = averageGain + averageLoss;
    if (seen < period) this.values[0] = Number.NaN;
    else this.values[0] = total === 0 ? 50 : 100 * (averageGain / total);
  }
}
