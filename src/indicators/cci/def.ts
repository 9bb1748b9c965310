// Declaration of the commodity channel index.
import { defineIndicator } from '../define.ts';

/** Distance of the typical price from its mean, in units of 0.015 mean deviations; 0 when prices never moved; NaN before `period - 1`. */
export default defineIndicator({
  name: 'cci',
  title: 'Commodity Channel Index',
  group: 'oscillator',
  inputs: ['high', 'low', 'close'],
  options: { period: { type: 'int', min: 2, max: 1000, default: 20, unit: 'bars' } },
  outputs: { cci: { unit: 'index points' } },
  warmup: 'period - 1',
  stability: 'exact',
  scale: 0,
  source: 'Lambert 1980, Commodity Channel Index, Commodities 9:10',
});
