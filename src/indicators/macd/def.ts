// Declaration of the moving average convergence/divergence.
import { defineIndicator } from '../define.ts';

/** MACD line, its signal line and their difference, in price units; all NaN before the signal line exists. */
export default defineIndicator({
  name: 'macd',
  title: 'Moving Average Convergence/Divergence',
  group: 'momentum',
  inputs: ['close'],
  options: {
    fast: { type: 'int', min: 2, max: 100_000, default: 12, unit: 'bars' },
    slow: { type: 'int', min: 3, max: 100_000, default: 26, unit: 'bars' },
    signal: { type: 'int', min: 2, max: 100_000, default: 9, unit: 'bars' },
  },
  rules: [{ option: 'slow', expected: 'an integer above fast', holds: ({ fast, slow }) => slow > fast }],
  outputs: { macd: { unit: 'price' }, signal: { unit: 'price' }, histogram: { unit: 'price' } },
  warmup: 'slow + signal - 2',
  stability: 'converging',
  scale: 1,
  source: 'Appel 2005, Technical Analysis: Power Tools for Active Investors; seeds as in TA-Lib MACD',
});
