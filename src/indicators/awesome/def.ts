// Declaration of the awesome oscillator.
import { defineIndicator } from '../define.ts';

/** Distance of two plain means of the middle of the bar, in price units; NaN before `slow - 1`. */
export default defineIndicator({
  name: 'awesome',
  title: 'Awesome Oscillator',
  group: 'momentum',
  inputs: ['high', 'low'],
  options: {
    fast: { type: 'int', min: 1, max: 10000, default: 5, unit: 'bars' },
    slow: { type: 'int', min: 2, max: 10000, default: 34, unit: 'bars' },
  },
  rules: [{ option: 'slow', expected: 'an integer above fast', holds: ({ fast, slow }) => slow > fast }],
  outputs: { awesome: { unit: 'price' } },
  warmup: 'slow - 1',
  stability: 'epsilon',
  scale: 1,
  source: 'Williams 1998, New Trading Dimensions',
});
