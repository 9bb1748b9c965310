// Relative strength index over a panel of series.
import { input, int, output } from '../../define.ts';
import { defineKernel } from '../../kernel.ts';

/** Wilder's relative strength index of every series of a panel. */
export const rsi = defineKernel({
  id: 'rsi',
  family: 'indicators',
  title: 'Relative strength index',
  about:
    'Index points from 0 to 100 of each series; 50 when the price never moved, where TA-Lib gives 0. The rows before `period` are NaN; a NaN or infinite close makes its series NaN from there on.',
  dtypes: ['f64', 'f32'],
  cpu: 'hwy',
  sizes: { bars: { about: 'rows, oldest first' }, series: { about: 'columns' } },
  options: { period: int({ min: 1, max: 2 ** 31 - 1, unit: 'bars' }) },
  arrays: { close: input(['bars', 'series'], { values: 'price' }), out: output(['bars', 'series']) },
  tolerance: { f64: 0, f32: 0, why: 'the same operations in the same order' },
  flops: 'bars * series * 10',
  complexity: 'O(bars series)',
  source: 'Wilder 1978, New Concepts in Technical Trading Systems, as in TA-Lib',
  example: { bars: 30, series: 3, period: 14 },
});
