// Declaration of the simple moving average.
import { defineIndicator } from '../define.ts';

/** Mean of the last `period` closes, in price units; NaN before `period - 1`. */
export default defineIndicator({
  name: 'sma',
  title: 'Simple Moving Average',
  group: 'average',
  inputs: ['close'],
  options: { period: { type: 'int', min: 2, max: 10_000, default: 20, unit: 'bars' } },
  outputs: { sma: { unit: 'price' } },
  warmup: 'period - 1',
  stability: 'epsilon',
  scale: 1,
  source: 'Murphy 1999, Technical Analysis of the Financial Markets, chapter 9',
});
