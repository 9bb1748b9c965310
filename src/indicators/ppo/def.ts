// Declaration of the percentage price oscillator.
import { defineIndicator } from '../define.ts';

/** Distance of two averages in percent of the slow one, its signal line and their difference; NaN before the signal line exists. */
export default defineIndicator({
  name: 'ppo',
  title: 'Percentage Price Oscillator',
  group: 'momentum',
  inputs: ['close'],
  options: {
    fast: { type: 'int', min: 2, max: 100000, default: 12, unit: 'bars' },
    slow: { type: 'int', min: 3, max: 100000, default: 26, unit: 'bars' },
    signal: { type: 'int', min: 2, max: 100000, default: 9, unit: 'bars' },
  },
  rules: [{ option: 'slow', expected: 'an integer above fast', holds: ({ fast, slow }) => slow > fast }],
  outputs: { ppo: { unit: 'percent' }, signal: { unit: 'percent' }, histogram: { unit: 'percent' } },
  warmup: 'slow + signal - 2',
  stability: 'converging',
  scale: 0,
  source: 'Appel 2005, Technical Analysis: Power Tools for Active Investors; seeds as in TA-Lib PPO',
});
