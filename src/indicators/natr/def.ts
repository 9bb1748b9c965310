// Declaration of the normalized average true range.
import { defineIndicator } from '../define.ts';

/** Average true range in percent of the close; NaN before `period`. */
export default defineIndicator({
  name: 'natr',
  title: 'Normalized Average True Range',
  group: 'volatility',
  inputs: ['high', 'low', 'close'],
  options: { period: { type: 'int', min: 1, max: 100000, default: 14, unit: 'bars' } },
  outputs: { natr: { unit: 'percent' } },
  warmup: 'period',
  stability: 'converging',
  scale: 0,
  source:
    'Forman 2006, Cross-Market Evaluations with Normalized Average True Range, Technical Analysis of Stocks and Commodities 24:5',
});
