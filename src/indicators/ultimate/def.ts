// Declaration of the ultimate oscillator.
import { defineIndicator } from '../define.ts';

/** Buying pressure over true range in three windows, weighted 4, 2 and 1, 0 to 100; 50 when prices never moved; NaN before the longest window. */
export default defineIndicator({
  name: 'ultimate',
  title: 'Ultimate Oscillator',
  group: 'oscillator',
  inputs: ['high', 'low', 'close'],
  options: {
    shorter: { type: 'int', min: 1, max: 10000, default: 7, unit: 'bars' },
    medium: { type: 'int', min: 1, max: 10000, default: 14, unit: 'bars' },
    longer: { type: 'int', min: 1, max: 10000, default: 28, unit: 'bars' },
  },
  outputs: { ultimate: { unit: 'index points', range: [0, 100] } },
  warmup: 'max(max(shorter, medium), longer)',
  stability: 'epsilon',
  scale: 0,
  source: 'Williams 1985, The Ultimate Oscillator, Technical Analysis of Stocks and Commodities 3:4',
});
