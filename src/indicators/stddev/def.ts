// Declaration of the standard deviation.
import { defineIndicator } from '../define.ts';

/** Standard deviation of the last `period` closes as a population, in price units; NaN before `period - 1`. */
export default defineIndicator({
  name: 'stddev',
  title: 'Standard Deviation',
  group: 'volatility',
  inputs: ['close'],
  options: { period: { type: 'int', min: 2, max: 1000, default: 20, unit: 'bars' } },
  outputs: { stddev: { unit: 'price', range: [0, Number.POSITIVE_INFINITY] } },
  warmup: 'period - 1',
  stability: 'exact',
  scale: 1,
  source:
    'Chan, Golub and LeVeque 1983, Algorithms for Computing the Sample Variance (two passes); divisor as in TA-Lib STDDEV',
});
