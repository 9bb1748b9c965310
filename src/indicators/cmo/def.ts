// Declaration of the Chande momentum oscillator.
import { defineIndicator } from '../define.ts';

/** Gains less losses over their sum, -100 to 100, 0 when prices never moved; NaN before `period`. */
export default defineIndicator({
  name: 'cmo',
  title: 'Chande Momentum Oscillator',
  group: 'oscillator',
  inputs: ['close'],
  options: { period: { type: 'int', min: 2, max: 100000, default: 14, unit: 'bars' } },
  outputs: { cmo: { unit: 'index points', range: [-100, 100] } },
  warmup: 'period',
  stability: 'converging',
  scale: 0,
  source: 'Chande and Kroll 1994, The New Technical Trader; averages after Wilder as in TA-Lib CMO',
});
