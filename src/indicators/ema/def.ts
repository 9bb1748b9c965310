// Declaration of the exponential moving average.
import { defineIndicator } from '../define.ts';

/** Exponential moving average of the close, in price units; NaN before `period - 1`. */
export default defineIndicator({
  name: 'ema',
  title: 'Exponential Moving Average',
  group: 'average',
  inputs: ['close'],
  options: { period: { type: 'int', min: 2, max: 100_000, default: 20, unit: 'bars' } },
  outputs: { ema: { unit: 'price' } },
  warmup: 'period - 1',
  stability: 'converging',
  scale: 1,
  source: 'Appel and Hitschler 1980, Stock Market Trading Systems; seed and weight as in TA-Lib EMA',
});
