// Declaration of the double exponential moving average.
import { defineIndicator } from '../define.ts';

/** Exponential average of the close with the lag of one averaging taken out, in price units; NaN before `2 * period - 2`. */
export default defineIndicator({
  name: 'dema',
  title: 'Double Exponential Moving Average',
  group: 'average',
  inputs: ['close'],
  options: { period: { type: 'int', min: 2, max: 100000, default: 20, unit: 'bars' } },
  outputs: { dema: { unit: 'price' } },
  warmup: '2 * period - 2',
  stability: 'converging',
  scale: 1,
  source:
    'Mulloy 1994, Smoothing Data with Faster Moving Averages, Technical Analysis of Stocks and Commodities 12:1',
});
