// Declaration of Chaikin money flow.
import { defineIndicator } from '../define.ts';

/** Share of the volume of the last `period` bars by where in their ranges they closed, -1 to 1; 0 without volume; NaN before `period - 1`. */
export default defineIndicator({
  name: 'cmf',
  title: 'Chaikin Money Flow',
  group: 'volume',
  inputs: ['high', 'low', 'close', 'volume'],
  options: { period: { type: 'int', min: 2, max: 10000, default: 20, unit: 'bars' } },
  outputs: { cmf: { unit: 'share of the volume', range: [-1, 1] } },
  warmup: 'period - 1',
  stability: 'epsilon',
  scale: 0,
  source: 'Chaikin, as in Achelis 2000, Technical Analysis from A to Z',
});
