// Declaration of the average directional index.
import { defineIndicator } from '../define.ts';

/** Strength of a trend, 0 to 100, with both directional indicators and the index before averaging; NaN before `2 * period - 1`. */
export default defineIndicator({
  name: 'adx',
  title: 'Average Directional Index',
  group: 'trend',
  inputs: ['high', 'low', 'close'],
  options: { period: { type: 'int', min: 2, max: 100000, default: 14, unit: 'bars' } },
  outputs: {
    adx: { unit: 'index points', range: [0, 100] },
    plus: { unit: 'index points', range: [0, 100] },
    minus: { unit: 'index points', range: [0, 100] },
    dx: { unit: 'index points', range: [0, 100] },
  },
  warmup: '2 * period - 1',
  stability: 'converging',
  scale: 0,
  source: 'Wilder 1978, New Concepts in Technical Trading Systems',
});
