// Declaration of the volume-weighted average price.
import { defineIndicator } from '../define.ts';

/** Mean price of what was traded in the last `period` bars, in price units; NaN before `period - 1`. */
export default defineIndicator({
  name: 'vwap',
  title: 'Volume-Weighted Average Price',
  group: 'volume',
  inputs: ['high', 'low', 'close', 'volume'],
  options: { period: { type: 'int', min: 1, max: 10000, default: 20, unit: 'bars' } },
  outputs: { vwap: { unit: 'price' } },
  warmup: 'period - 1',
  stability: 'epsilon',
  scale: 1,
  source:
    'Berkowitz, Logue and Noser 1988, The Total Cost of Transactions on the NYSE, Journal of Finance 43:1; over a rolling window',
});
