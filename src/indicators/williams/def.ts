// Declaration of Williams %R.
import { defineIndicator } from '../define.ts';

/** How far below the highest high of the last `period` bars the close stands, -100 to 0; -50 without a range; NaN before `period - 1`. */
export default defineIndicator({
  name: 'williams',
  title: 'Williams %R',
  group: 'oscillator',
  inputs: ['high', 'low', 'close'],
  options: { period: { type: 'int', min: 1, max: 10000, default: 14, unit: 'bars' } },
  outputs: { williams: { unit: 'index points', range: [-100, 0] } },
  warmup: 'period - 1',
  stability: 'exact',
  scale: 0,
  source: 'Williams 1973, How I Made One Million Dollars Last Year Trading Commodities',
});
