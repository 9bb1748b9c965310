// Declaration of the triple exponential moving average.
import { defineIndicator } from '../define.ts';

/** Exponential average of the close with the lag of two averagings taken out, in price units; NaN before `3 * period - 3`. */
export default defineIndicator({
  name: 'tema',
  title: 'Triple Exponential Moving Average',
  group: 'average',
  inputs: ['close'],
  options: { period: { type: 'int', min: 2, max: 100000, default: 20, unit: 'bars' } },
  outputs: { tema: { unit: 'price' } },
  warmup: '3 * period - 3',
  stability: 'converging',
  scale: 1,
  source:
    'Mulloy 1994, Smoothing Data with Faster Moving Averages, Technical Analysis of Stocks and Commodities 12:1',
});
