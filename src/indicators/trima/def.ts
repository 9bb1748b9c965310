// Declaration of the triangular moving average.
import { defineIndicator } from '../define.ts';

/** Mean of the last `period` closes, the middle ones weighted most, in price units; NaN before `period - 1`. */
export default defineIndicator({
  name: 'trima',
  title: 'Triangular Moving Average',
  group: 'average',
  inputs: ['close'],
  options: { period: { type: 'int', min: 2, max: 10000, default: 20, unit: 'bars' } },
  outputs: { trima: { unit: 'price' } },
  warmup: 'period - 1',
  stability: 'epsilon',
  scale: 1,
  source: 'Achelis 2000, Technical Analysis from A to Z; as in TA-Lib TRIMA',
});
