// Declaration of momentum.
import { defineIndicator } from '../define.ts';

/** Change of the close over `period` bars, in price units; NaN before `period`. */
export default defineIndicator({
  name: 'momentum',
  title: 'Momentum',
  group: 'momentum',
  inputs: ['close'],
  options: { period: { type: 'int', min: 1, max: 1000, default: 10, unit: 'bars' } },
  outputs: { momentum: { unit: 'price' } },
  warmup: 'period',
  stability: 'exact',
  scale: 1,
  source: 'Murphy 1999, Technical Analysis of the Financial Markets, chapter 10',
});
