// Declaration of the stochastic oscillator.
import { defineIndicator } from '../define.ts';

/** Place of the close in the range of the last `period` bars, 0 to 100, smoothed, with its mean; 50 without a range; NaN before the mean exists. */
export default defineIndicator({
  name: 'stochastic',
  title: 'Stochastic Oscillator',
  group: 'oscillator',
  inputs: ['high', 'low', 'close'],
  options: {
    period: { type: 'int', min: 1, max: 10000, default: 14, unit: 'bars' },
    smooth: { type: 'int', min: 1, max: 1000, default: 3, unit: 'bars' },
    signal: { type: 'int', min: 1, max: 1000, default: 3, unit: 'bars' },
  },
  outputs: { k: { unit: 'index points', range: [0, 100] }, d: { unit: 'index points', range: [0, 100] } },
  warmup: 'period + smooth + signal - 3',
  stability: 'epsilon',
  scale: 0,
  source: "Lane 1984, Lane's Stochastics, Technical Analysis of Stocks and Commodities 2:3",
});
