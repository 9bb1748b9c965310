// Declaration of Bollinger bands.
import { defineIndicator } from '../define.ts';

/** Bollinger bands of the close (population deviation), in price units; NaN before `period - 1`. */
export default defineIndicator({
  name: 'bollinger',
  title: 'Bollinger Bands',
  group: 'volatility',
  inputs: ['close'],
  options: {
    // A bar costs O(period), hence the smaller maximum.
    period: { type: 'int', min: 2, max: 1000, default: 20, unit: 'bars' },
    deviations: { type: 'number', min: 0.1, max: 10, default: 2, unit: 'standard deviations' },
  },
  outputs: { upper: { unit: 'price' }, middle: { unit: 'price' }, lower: { unit: 'price' } },
  warmup: 'period - 1',
  stability: 'exact',
  scale: 1,
  source: 'Bollinger 2001, Bollinger on Bollinger Bands',
});
