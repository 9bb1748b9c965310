// Declaration of the money flow index.
import { defineIndicator } from '../define.ts';

/** Share of the money that changed hands in rising bars, 0 to 100; 50 when none did; NaN before `period`. */
export default defineIndicator({
  name: 'mfi',
  title: 'Money Flow Index',
  group: 'volume',
  inputs: ['high', 'low', 'close', 'volume'],
  options: { period: { type: 'int', min: 2, max: 10000, default: 14, unit: 'bars' } },
  outputs: { mfi: { unit: 'index points', range: [0, 100] } },
  warmup: 'period',
  stability: 'epsilon',
  scale: 0,
  source:
    'Quong and Soudack 1989, Volume-Weighted RSI: Money Flow, Technical Analysis of Stocks and Commodities 7:3',
});
