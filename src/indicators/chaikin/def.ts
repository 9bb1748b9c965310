// Declaration of the Chaikin oscillator.
import { defineIndicator } from '../define.ts';

/** Distance of two exponential averages of the accumulation/distribution line, in units of volume; NaN before `slow - 1`. */
export default defineIndicator({
  name: 'chaikin',
  title: 'Chaikin Oscillator',
  group: 'volume',
  inputs: ['high', 'low', 'close', 'volume'],
  options: {
    fast: { type: 'int', min: 2, max: 100000, default: 3, unit: 'bars' },
    slow: { type: 'int', min: 3, max: 100000, default: 10, unit: 'bars' },
  },
  rules: [{ option: 'slow', expected: 'an integer above fast', holds: ({ fast, slow }) => slow > fast }],
  outputs: { chaikin: { unit: 'volume' } },
  warmup: 'slow - 1',
  stability: 'converging',
  scale: 1,
  source: 'Chaikin, as in Achelis 2000, Technical Analysis from A to Z; seeds as in TA-Lib ADOSC',
});
