// Statistics along each row of a panel: all series at one bar.
import { choice, flag, input, number, optional, output } from '../../define.ts';
import { defineKernel } from '../../kernel.ts';
import { DDOF, PANEL } from './panel.ts';

const COMMON = {
  family: 'statistics',
  dtypes: ['f64', 'f32'],
  cpu: 'hwy',
  sizes: PANEL,
  arrays: { values: input(['bars', 'series']), out: output(['bars', 'series']) },
  example: { bars: 5, series: 12 },
} as const;

/** The rank of each value among the values of its row. */
export const crossRank = defineKernel({
  ...COMMON,
  id: 'cross_rank',
  title: 'Cross-sectional rank',
  about:
    'The rank of each value in its row, 1 for the smallest; divided by the number of values when `percent`. Equal values share the average, the smallest or the largest of their ranks, or keep their order with `first`. NaN is not ranked and stays NaN; infinities are ranked.',
  options: { ties: choice(['average', 'min', 'max', 'first'], 'average'), percent: flag(false) },
  tolerance: { f64: 0, f32: 0, why: 'counts, and one division' },
  flops: 'bars * series * 8 * log2(series)',
  complexity: 'O(bars series log series)',
  source: 'pandas DataFrame.rank(axis=1)',
});

/** Each value less the mean of its row, in standard deviations of its row. */
export const crossZscore = defineKernel({
  ...COMMON,
  id: 'cross_zscore',
  title: 'Cross-sectional z-score',
  about:
    'Each value less the mean of its row, in standard deviations of its row. NaN and infinity are missing: they do not count and answer NaN. A row whose values are all equal, or are no more than `ddof`, answers NaN.',
  options: { ddof: DDOF },
  tolerance: {
    f64: 1e-11,
    f32: 1e-6,
    why: 'sums of a row in another order, relative to 1; f32 is computed in f64 and rounded once',
  },
  flops: 'bars * series * 12',
  complexity: 'O(bars series)',
  source: 'scipy.stats.zscore along axis 1',
});

/** Each value, clipped at two quantiles of its row. */
export const crossWinsorise = defineKernel({
  ...COMMON,
  id: 'cross_winsorise',
  title: 'Cross-sectional winsorising',
  about:
    'Each value, clipped at the quantiles `lower` and `upper` of its row (linear interpolation). NaN and infinity are missing: they do not count and answer NaN.',
  options: {
    lower: number({ min: 0, max: 1, default: 0.01, unit: '' }),
    upper: number({ min: 0, max: 1, default: 0.99, unit: '' }),
  },
  tolerance: { f64: 0, f32: 0, why: 'values are picked; the interpolation is the same two operations' },
  flops: 'bars * series * 4 * log2(series)',
  complexity: 'O(bars series log series)',
  source: 'numpy.nanquantile and numpy.clip along axis 1',
  errors: { kInvalidOption: 'lower no larger than upper, was larger' },
});

/** What is left of each row after group means and regressors are taken out. */
export const crossNeutralise = defineKernel({
  ...COMMON,
  id: 'cross_neutralise',
  title: 'Cross-sectional neutralising',
  about:
    'What is left of each row after a least-squares fit on a constant (one per group when `groups` are given) and the `regressors` of the same bar. A series is missing at a bar when its value or one of its regressors there is NaN or infinite, or its group is negative: it does not count and answers NaN. A regressor that the others explain is left out.',
  sizes: { ...PANEL, factors: { about: 'regressors; 0 for none', max: 256 } },
  options: {},
  arrays: {
    values: input(['bars', 'series']),
    groups: optional(['series'], { type: 'i32', values: 'index', about: 'labels, any integers' }),
    regressors: optional(['factors', 'bars', 'series'], { about: 'one panel for each regressor' }),
    out: output(['bars', 'series']),
  },
  tolerance: {
    f64: 1e-9,
    f32: 1e-5,
    why: 'projections done twice, relative to the spread of the row; regressors are taken as well conditioned as 1e5',
  },
  flops: 'bars * series * (8 + 8 * factors * factors + 16 * factors)',
  complexity: 'O(bars series factors^2)',
  source: 'Frisch-Waugh-Lovell; Bjorck 1967, modified Gram-Schmidt with reorthogonalisation',
  example: { bars: 5, series: 12, factors: 2 },
});
