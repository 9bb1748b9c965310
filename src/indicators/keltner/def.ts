// Declaration of Keltner channels.
import { defineIndicator } from '../define.ts';

/** Exponential average of the close with bands at a multiple of the average true range, in price units; NaN before both exist. */
export default defineIndicator({
  name: 'keltner',
  title: 'Keltner Channels',
  group: 'volatility',
  inputs: ['high', 'low', 'close'],
  options: {
    period: { type: 'int', min: 2, max: 100000, default: 20, unit: 'bars' },
    atr: { type: 'int', min: 1, max: 100000, default: 10, unit: 'bars' },
    multiple: { type: 'number', min: 0.1, max: 10, default: 2, unit: 'average true ranges' },
  },
  outputs: { upper: { unit: 'price' }, middle: { unit: 'price' }, lower: { unit: 'price' } },
  warmup: 'max(period - 1, atr)',
  stability: 'converging',
  scale: 1,
  source:
    'Keltner 1960, How to Make Money in Commodities; with exponential average of the close and true range after Raschke',
});
