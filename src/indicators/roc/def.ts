// Declaration of the rate of change.
import { defineIndicator } from '../define.ts';

/** Change of the close over `period` bars, in percent; NaN before `period`. */
export default defineIndicator({
  name: 'roc',
  title: 'Rate of Change',
  group: 'momentum',
  inputs: ['close'],
  options: { period: { type: 'int', min: 1, max: 1000, default: 10, unit: 'bars' } },
  outputs: { roc: { unit: 'percent' } },
  warmup: 'period',
  stability: 'exact',
  scale: 0,
  source: 'Murphy 1999, Technical Analysis of the Financial Markets, chapter 10',
});
