// Declaration of the volume-weighted moving average.
import { defineIndicator } from '../define.ts';

/** Mean of the last `period` closes, each weighted by its volume, in price units; NaN before `period - 1`. */
export default defineIndicator({
  name: 'vwma',
  title: 'Volume-Weighted Moving Average',
  group: 'average',
  inputs: ['close', 'volume'],
  options: { period: { type: 'int', min: 2, max: 10000, default: 20, unit: 'bars' } },
  outputs: { vwma: { unit: 'price' } },
  warmup: 'period - 1',
  stability: 'epsilon',
  scale: 1,
  source: 'Kaufman 2013, Trading Systems and Methods, chapter 7; as in TA-Lib VWMA',
});
