// Declaration of the relative strength index.
import { defineIndicator } from '../define.ts';

/** Relative strength index of the close, 0 to 100, 50 when prices never moved; NaN before `period`. */
export default defineIndicator({
  name: 'rsi',
  title: 'Relative Strength Index',
  group: 'oscillator',
  inputs: ['close'],
  options: { period: { type: 'int', min: 2, max: 100_000, default: 14, unit: 'bars' } },
  outputs: { rsi: { unit: 'index points', range: [0, 100] } },
  warmup: 'period',
  stability: 'converging',
  scale: 0,
  source: 'Wilder 1978, New Concepts in Technical Trading Systems',
});
