// The window of Bollinger bands: mean and deviation recomputed on each bar, so that no error accumulates.
import type { Step } from '../define.ts';

/** Bollinger bands of the close; state: bars seen, then a ring of the last `period` closes. */
export class BollingerStep implements Step<'close'> {
  readonly state: Float64Array;
  readonly values = new Float64Array(3).fill(Number.NaN);
  readonly #period: number;
  readonly #deviations: number;

  constructor(period: number, deviations: number) {
    this.state = new Float64Array(1 + period);
    this.#period = period;
    this.#deviations = deviations;
  }

  update(bar: { readonly close: number }): void {
    const { state, values } = this;
    const period = this.#period;
    const seen = state[0] as number;
    const slot = seen % period;
    state[1 + slot] = bar.close;
    state[0] = seen + 1;
    if (seen + 1 < period) return;
    // Oldest to newest, wherever the ring begins: the bits then depend on the window only.
    let sum = 0;
    for (let i = slot + 2; i <= period; i++) sum += state[i] as number;
    for (let i = 1; i <= slot + 1; i++) sum += state[i] as number;
    const mean = sum / period;
    let squares = 0;
    for (let i = slot + 2; i <= period; i++) squares += ((state[i] as number) - mean) ** 2;
    for (let i = 1; i <= slot + 1; i++) squares += ((state[i] as number) - mean) ** 2;
    const width = this.#deviations * Math.sqrt(squares / period);
    values[0] = mean + width;
    values[1] = mean;
    values[2] = mean - width;
  }
}
