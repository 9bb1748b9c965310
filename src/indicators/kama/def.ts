// Declaration of Kaufman's adaptive moving average.
import { defineIndicator } from '../define.ts';

/** Average of the close that is fast in a straight market and slow in a noisy one, in price units; NaN before `period`. */
export default defineIndicator({
  name: 'kama',
  title: 'Kaufman Adaptive Moving Average',
  group: 'average',
  inputs: ['close'],
  options: {
    period: { type: 'int', min: 2, max: 10000, default: 10, unit: 'bars' },
    fast: { type: 'int', min: 2, max: 1000, default: 2, unit: 'bars' },
    slow: { type: 'int', min: 2, max: 1000, default: 30, unit: 'bars' },
  },
  outputs: { kama: { unit: 'price' } },
  warmup: 'period',
  stability: 'converging',
  scale: 1,
  source: 'Kaufman 1995, Smarter Trading, chapter 8',
});
