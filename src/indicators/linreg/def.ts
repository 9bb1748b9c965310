// Declaration of the linear regression.
import { defineIndicator } from '../define.ts';

/** Line of least squares through the last `period` closes: its newest point, in price units, and its slope, per bar; NaN before `period - 1`. */
export default defineIndicator({
  name: 'linreg',
  title: 'Linear Regression',
  group: 'trend',
  inputs: ['close'],
  options: { period: { type: 'int', min: 2, max: 1000, default: 14, unit: 'bars' } },
  outputs: { value: { unit: 'price' }, slope: { unit: 'price per bar' } },
  warmup: 'period - 1',
  stability: 'exact',
  scale: 1,
  source:
    'Draper and Smith 1998, Applied Regression Analysis, chapter 1; as in TA-Lib LINEARREG and LINEARREG_SLOPE',
});
