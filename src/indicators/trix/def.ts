// Declaration of TRIX.
import { defineIndicator } from '../define.ts';

/** Change per bar of a triple exponential average of the close, in percent; NaN before `3 * period - 2`. */
export default defineIndicator({
  name: 'trix',
  title: 'Triple Exponential Average Rate of Change',
  group: 'momentum',
  inputs: ['close'],
  options: { period: { type: 'int', min: 2, max: 100000, default: 15, unit: 'bars' } },
  outputs: { trix: { unit: 'percent' } },
  warmup: '3 * period - 2',
  stability: 'converging',
  scale: 0,
  source: 'Hutson 1983, Good TRIX, Technical Analysis of Stocks and Commodities 1:5',
});
