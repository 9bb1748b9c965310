// Declaration of the midpoint.
import { defineIndicator } from '../define.ts';

/** Middle between the highest and the lowest of the last `period` closes, in price units; NaN before `period - 1`. */
export default defineIndicator({
  name: 'midpoint',
  title: 'Midpoint',
  group: 'trend',
  inputs: ['close'],
  options: { period: { type: 'int', min: 2, max: 10000, default: 14, unit: 'bars' } },
  outputs: { midpoint: { unit: 'price' } },
  warmup: 'period - 1',
  stability: 'exact',
  scale: 1,
  source: 'as in TA-Lib MIDPOINT',
});
