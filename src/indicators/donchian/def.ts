// Declaration of Donchian channels.
import { defineIndicator } from '../define.ts';

/** Highest high and lowest low of the last `period` bars and their middle, in price units; NaN before `period - 1`. */
export default defineIndicator({
  name: 'donchian',
  title: 'Donchian Channels',
  group: 'volatility',
  inputs: ['high', 'low'],
  options: { period: { type: 'int', min: 1, max: 10000, default: 20, unit: 'bars' } },
  outputs: { upper: { unit: 'price' }, middle: { unit: 'price' }, lower: { unit: 'price' } },
  warmup: 'period - 1',
  stability: 'exact',
  scale: 1,
  source: 'Donchian 1960, High Finance in Copper, Financial Analysts Journal 16:6',
});
