// Declaration of the midprice.
import { defineIndicator } from '../define.ts';

/** Middle between the highest high and the lowest low of the last `period` bars, in price units; NaN before `period - 1`. */
export default defineIndicator({
  name: 'midprice',
  title: 'Midprice',
  group: 'trend',
  inputs: ['high', 'low'],
  options: { period: { type: 'int', min: 2, max: 10000, default: 14, unit: 'bars' } },
  outputs: { midprice: { unit: 'price' } },
  warmup: 'period - 1',
  stability: 'exact',
  scale: 1,
  source: 'as in TA-Lib MIDPRICE; with other periods the lines of Ichimoku',
});
