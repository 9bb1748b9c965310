// Declaration of the balance of power.
import { defineIndicator } from '../define.ts';

/** Change from open to close over the range of the bar, -1 to 1; 0 without a range. */
export default defineIndicator({
  name: 'bop',
  title: 'Balance of Power',
  group: 'oscillator',
  inputs: ['open', 'high', 'low', 'close'],
  options: {},
  outputs: { bop: { unit: 'share of the range', range: [-1, 1] } },
  warmup: '0',
  stability: 'exact',
  scale: 0,
  source: 'Livshin 2001, Balance of Market Power, Technical Analysis of Stocks and Commodities 19:8',
});
