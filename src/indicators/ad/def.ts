// Declaration of the accumulation/distribution line.
import { defineIndicator } from '../define.ts';

/** Running total of the volume, each bar weighted by where in its range it closed, in units of volume. */
export default defineIndicator({
  name: 'ad',
  title: 'Accumulation/Distribution Line',
  group: 'volume',
  inputs: ['high', 'low', 'close', 'volume'],
  options: {},
  outputs: { ad: { unit: 'volume' } },
  warmup: '0',
  stability: 'pathDependent',
  scale: 1,
  source: 'Chaikin, as in Achelis 2000, Technical Analysis from A to Z',
});
