// Declaration of the true range.
import { defineIndicator } from '../define.ts';

/** How far the price travelled in a bar, the gap before it included, in price units; NaN at the first bar. */
export default defineIndicator({
  name: 'truerange',
  title: 'True Range',
  group: 'volatility',
  inputs: ['high', 'low', 'close'],
  options: {},
  outputs: { range: { unit: 'price', range: [0, Number.POSITIVE_INFINITY] } },
  warmup: '1',
  stability: 'exact',
  scale: 1,
  source: 'Wilder 1978, New Concepts in Technical Trading Systems',
});
