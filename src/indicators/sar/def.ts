// Declaration of the parabolic stop and reverse.
import { defineIndicator } from '../define.ts';

/** Trailing stop that turns when the price meets it, in price units; NaN at the first bar. */
export default defineIndicator({
  name: 'sar',
  title: 'Parabolic SAR',
  group: 'trend',
  inputs: ['high', 'low'],
  options: {
    acceleration: { type: 'number', min: 0, max: 1, default: 0.02, unit: 'share of the distance per bar' },
    maximum: { type: 'number', min: 0, max: 1, default: 0.2, unit: 'share of the distance per bar' },
  },
  outputs: { sar: { unit: 'price' } },
  warmup: '1',
  stability: 'pathDependent',
  scale: 1,
  source: 'Wilder 1978, New Concepts in Technical Trading Systems',
});
