// Declaration of on-balance volume.
import { defineIndicator } from '../define.ts';

/** Running total of the volume of rising bars less that of falling ones, in units of volume; it begins with the first volume. */
export default defineIndicator({
  name: 'obv',
  title: 'On-Balance Volume',
  group: 'volume',
  inputs: ['close', 'volume'],
  options: {},
  outputs: { obv: { unit: 'volume' } },
  warmup: '0',
  stability: 'pathDependent',
  scale: 1,
  source: 'Granville 1963, New Key to Stock Market Profits',
});
