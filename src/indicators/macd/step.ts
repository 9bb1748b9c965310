// The recursion of the moving average convergence/divergence: two averages of the close and one of their difference.
import type { Step } from '../define.ts';
import { EMA_CELL, EmaCell } from '../ema/step.ts';

/** MACD of the close; state: bars seen, then the fast, the slow and the signal average. */
export class MacdStep implements Step<'close'> {
  readonly state = new Float64Array(1 + 3 * EMA_CELL);
  readonly values = new Float64Array(3).fill(Number.NaN);
  readonly #fast: EmaCell;
  readonly #slow: EmaCell;
  readonly #signal: EmaCell;
  readonly #head: number;

  constructor(fast: number, slow: number, signal: number) {
    this.#fast = new EmaCell(this.state, 1, fast);
    this.#slow = new EmaCell(this.state, 1 + EMA_CELL, slow);
    this.#signal = new EmaCell(this.state, 1 + 2 * EMA_CELL, signal);
    this.#head = slow - fast;
  }

  update(bar: { readonly close: number }): void {
    const seen = this.state[0] as number;
    // The fast average starts late, so that both are seeded by windows that end at the same bar.
    let fast = Number.NaN;
    if (seen >= this.#head) fast = this.#fast.push(bar.close);
    else this.state[0] = seen + 1;
    const slow = this.#slow.push(bar.close);
    const macd = fast - slow;
    const signal = Number.isNaN(macd) ? Number.NaN : this.#signal.push(macd);
    this.values[0] = Number.isNaN(signal) ? Number.NaN : macd;
    this.values[1] = signal;
    this.values[2] = macd - signal;
  }
}
