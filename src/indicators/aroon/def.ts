// Declaration of Aroon.
import { defineIndicator } from '../define.ts';

/** How recent the highest high and the lowest low of the last `period + 1` bars are, 0 to 100, and their difference; NaN before `period`. */
export default defineIndicator({
  name: 'aroon',
  title: 'Aroon',
  group: 'trend',
  inputs: ['high', 'low'],
  options: { period: { type: 'int', min: 2, max: 10000, default: 14, unit: 'bars' } },
  outputs: {
    up: { unit: 'index points', range: [0, 100] },
    down: { unit: 'index points', range: [0, 100] },
    oscillator: { unit: 'index points', range: [-100, 100] },
  },
  warmup: 'period',
  stability: 'exact',
  scale: 0,
  source: 'Chande 1995, The Time Price Oscillator, Technical Analysis of Stocks and Commodities 13:9',
});
