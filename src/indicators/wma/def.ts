// Declaration of the weighted moving average.
import { defineIndicator } from '../define.ts';

/** Mean of the last `period` closes, weighted 1 to `period`, in price units; NaN before `period - 1`. */
export default defineIndicator({
  name: 'wma',
  title: 'Weighted Moving Average',
  group: 'average',
  inputs: ['close'],
  options: { period: { type: 'int', min: 2, max: 10000, default: 20, unit: 'bars' } },
  outputs: { wma: { unit: 'price' } },
  warmup: 'period - 1',
  stability: 'epsilon',
  scale: 1,
  source: 'Kaufman 2013, Trading Systems and Methods, chapter 7; weights as in TA-Lib WMA',
});
