// Declaration of the Hull moving average.
import { defineIndicator } from '../define.ts';

/** Weighted average of the close with little lag, in price units; NaN before `period + isqrt(period) - 2`. */
export default defineIndicator({
  name: 'hma',
  title: 'Hull Moving Average',
  group: 'average',
  inputs: ['close'],
  options: { period: { type: 'int', min: 2, max: 10000, default: 20, unit: 'bars' } },
  outputs: { hma: { unit: 'price' } },
  warmup: 'period + isqrt(period) - 2',
  stability: 'epsilon',
  scale: 1,
  source: 'Hull 2005, How to Reduce Lag in a Moving Average, alanhull.com',
});
