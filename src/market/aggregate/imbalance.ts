// When an imbalance bar ends: signed trades have run further to one side than was to be expected (López de Prado 2018, section 2.3.2).
import { DecimalSum } from './decimal-sum.ts';
import type { BarSpec } from './spec.ts';

type Spec = Extract<BarSpec, { unit: 'imbalance' }>;

/**
 * The rule. Each trade has the sign of who took liquidity; without it the tick rule: that of the last change of the price. The sum of the signed
 * measure of a bar is its imbalance; the bar ends with the trade at which its absolute value reaches the threshold. The threshold is the expected
 * number of trades of a bar times the absolute expected signed measure of a trade, both exponentially weighted means: of the trades of bars, and of all
 * signed trades. As such thresholds are known to run away or to collapse, it stays within the interval divided and multiplied by `growth`.
 */
export class ImbalanceRule {
  readonly #spec: Spec;
  readonly #barWeight: number;
  readonly #tradeWeight: number;
  #expectedTrades: number;
  #expectedSigned: number;
  #threshold: number;
  readonly #sum = new DecimalSum();
  #trades = 0;
  #sign = 1;
  #price = Number.NaN;

  constructor(spec: Spec) {
    this.#spec = spec;
    this.#barWeight = 2 / (spec.bars_span + 1);
    this.#tradeWeight = 2 / (spec.trades_span + 1);
    this.#expectedTrades = spec.expected_trades;
    this.#expectedSigned = spec.interval / spec.expected_trades;
    this.#threshold = spec.interval;
  }

  /** Returns whether the bar ends with this trade. */
  step(price: number, size: number, side: number): boolean {
    if (side !== 0) this.#sign = side;
    else if (price > this.#price) this.#sign = 1;
    else if (price < this.#price) this.#sign = -1;
    this.#price = price;
    const { measure, interval, growth } = this.#spec;
    const amount = measure === 'tick' ? 1 : measure === 'volume' ? size : price * size;
    const signed = this.#sign * amount;
    this.#expectedSigned += this.#tradeWeight * (signed - this.#expectedSigned);
    this.#sum.add(signed);
    this.#trades++;
    if (Math.abs(this.#sum.value) < this.#threshold) return false;
    this.#expectedTrades += this.#barWeight * (this.#trades - this.#expectedTrades);
    const expected = this.#expectedTrades * Math.abs(this.#expectedSigned);
    this.#threshold = Math.min(Math.max(expected, interval / growth), interval * growth);
    this.#sum.reset();
    this.#trades = 0;
    return true;
  }
}
