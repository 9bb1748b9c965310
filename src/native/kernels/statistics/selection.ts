// Quantiles, order statistics and sorting.
import { choice, flag, input, int, output } from '../../define.ts';
import { defineKernel } from '../../kernel.ts';
import { PANEL } from './panel.ts';

const MAX = 2 ** 31 - 1;

/** Quantiles of each series. */
export const quantiles = defineKernel({
  id: 'quantiles',
  family: 'statistics',
  title: 'Quantiles',
  about:
    'Quantiles of each series over all bars. Between two values `method` decides: linear interpolation, the lower, the higher, the nearest (halves go to the even place) or the midpoint. NaN and infinity are missing and skipped; NaN for a series without values.',
  dtypes: ['f64', 'f32'],
  cpu: 'hwy',
  sizes: { ...PANEL, probabilities: { about: 'quantiles of each series', max: 65536 } },
  options: { method: choice(['linear', 'lower', 'higher', 'nearest', 'midpoint'], 'linear') },
  arrays: {
    values: input(['bars', 'series']),
    at: input(['probabilities'], { type: 'f64', values: 'probability', about: 'from 0 to 1' }),
    out: output(['probabilities', 'series']),
  },
  tolerance: { f64: 0, f32: 0, why: 'values are picked; the interpolation is the same two operations' },
  flops: 'bars * series * 4 * min(probabilities, 16)',
  complexity: 'O(bars series probabilities) up to 8 of them by narrowing, then O(bars series log bars)',
  source: 'Hyndman and Fan 1996, type 7; Floyd and Rivest 1975; numpy.nanquantile',
  errors: { kInvalidOption: 'probabilities from 0 to 1 for at, element {detail} was not' },
  example: { bars: 30, series: 3, probabilities: 2 },
});

/** The n-th smallest value of each series. */
export const nthSmallest = defineKernel({
  id: 'nth_smallest',
  family: 'statistics',
  title: 'N-th smallest value',
  about:
    'The value of each series that has `nth` values below it: 0 is the smallest. NaN and infinity are missing and skipped; NaN for a series with no more than `nth` values.',
  dtypes: ['f64', 'f32'],
  cpu: 'hwy',
  sizes: PANEL,
  options: { nth: int({ min: 0, max: MAX, unit: '' }) },
  arrays: { values: input(['bars', 'series']), out: output(['series']) },
  tolerance: { f64: 0, f32: 0, why: 'values are picked' },
  flops: 'bars * series * 4',
  complexity: 'O(bars series)',
  source: 'Floyd and Rivest 1975, Algorithm 489; numpy.partition',
  example: { bars: 30, series: 3, nth: 4 },
});

/** The order of the values of each row. */
export const argsort = defineKernel({
  id: 'argsort',
  family: 'statistics',
  title: 'Argsort',
  about:
    'The indices that put each row in order, upwards or `descending`. Equal values keep their order, both zeros are equal, NaN comes last either way.',
  dtypes: ['f64', 'f32'],
  cpu: 'hwy',
  sizes: { rows: { about: 'rows, each sorted alone' }, count: { about: 'values in a row' } },
  options: { descending: flag(false) },
  arrays: { values: input(['rows', 'count']), out: output(['rows', 'count'], 'u32') },
  tolerance: { f64: 0, f32: 0, why: 'indices' },
  flops: 'rows * count * 4 * log2(count)',
  complexity: 'O(rows count log count)',
  source:
    'Blacher et al. 2022, Vectorized and performance-portable quicksort (Highway vqsort); numpy.argsort(stable)',
  example: { rows: 2, count: 20 },
});
