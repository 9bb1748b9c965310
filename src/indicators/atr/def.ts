// Declaration of the average true range.
import { defineIndicator } from '../define.ts';

/** Average true range in price units, zero or more; NaN before `period`. */
export default defineIndicator({
  name: 'atr',
  title: 'Average True Range',
  group: 'volatility',
  inputs: ['high', 'low', 'close'],
  options: { period: { type: 'int', min: 1, max: 100_000, default: 14, unit: 'bars' } },
  outputs: { atr: { unit: 'price', range: [0, Number.POSITIVE_INFINITY] } },
  warmup: 'period',
  stability: 'converging',
  scale: 1,
  source: 'Wilder 1978, New Concepts in Technical Trading Systems',
});
