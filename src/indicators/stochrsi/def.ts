// Declaration of the stochastic relative strength index.
import { defineIndicator } from '../define.ts';

/** Place of the relative strength index in its range of the last `range` bars, 0 to 100, with its mean; 50 without a range; NaN before the mean exists. */
export default defineIndicator({
  name: 'stochrsi',
  title: 'Stochastic RSI',
  group: 'oscillator',
  inputs: ['close'],
  options: {
    period: { type: 'int', min: 2, max: 100000, default: 14, unit: 'bars' },
    range: { type: 'int', min: 1, max: 10000, default: 14, unit: 'bars' },
    signal: { type: 'int', min: 1, max: 1000, default: 3, unit: 'bars' },
  },
  outputs: { k: { unit: 'index points', range: [0, 100] }, d: { unit: 'index points', range: [0, 100] } },
  warmup: 'period + range + signal - 2',
  stability: 'converging',
  scale: 0,
  source: 'Chande and Kroll 1994, The New Technical Trader',
});
