// Declaration of Tillson's moving average.
import { defineIndicator } from '../define.ts';

/** Six exponential averages of the close, mixed so that lag and overshoot cancel, in price units; NaN before `6 * period - 6`. */
export default defineIndicator({
  name: 't3',
  title: 'T3 Moving Average',
  group: 'average',
  inputs: ['close'],
  options: {
    period: { type: 'int', min: 2, max: 100000, default: 5, unit: 'bars' },
    factor: { type: 'number', min: 0, max: 1, default: 0.7, unit: 'share of overshoot' },
  },
  outputs: { t3: { unit: 'price' } },
  warmup: '6 * period - 6',
  stability: 'converging',
  scale: 1,
  source: 'Tillson 1998, Better Moving Averages, Technical Analysis of Stocks and Commodities 16:1',
});
