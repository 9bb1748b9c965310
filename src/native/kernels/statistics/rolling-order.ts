// Rolling quantile and rank of panels.
import { choice, flag, number } from '../../define.ts';
import { defineKernel } from '../../kernel.ts';
import { MISSING, ONE_PANEL, PANEL, ROLLING } from './panel.ts';

const COMMON = {
  family: 'statistics',
  dtypes: ['f64', 'f32'],
  cpu: 'hwy',
  sizes: PANEL,
  arrays: ONE_PANEL,
  flops: 'bars * series * 40 * log2(window)',
  complexity:
    'O(bars series log window): two neighbouring blocks of `window` bars are sorted once, then a set of ranks slides',
  example: { bars: 40, series: 3, window: 5 },
} as const;

/** A quantile of the last `window` values of each series. */
export const rollingQuantile = defineKernel({
  ...COMMON,
  id: 'rolling_quantile',
  title: 'Rolling quantile',
  about: `The quantile \`probability\` (0.5: the median) of the last \`window\` values of each series. Between two values \`method\` decides: linear interpolation, the lower, the higher, the nearest (halves go to the even place) or the midpoint. ${MISSING}`,
  options: {
    ...ROLLING,
    probability: number({ min: 0, max: 1, default: 0.5, unit: '' }),
    method: choice(['linear', 'lower', 'higher', 'nearest', 'midpoint'], 'linear'),
  },
  tolerance: { f64: 0, f32: 0, why: 'values are picked; the interpolation is the same two operations' },
  source: 'Hyndman and Fan 1996, Sample quantiles in statistical packages, type 7; pandas Rolling.quantile',
});

/** The rank of the newest value among the last `window` values of each series. */
export const rollingRank = defineKernel({
  ...COMMON,
  id: 'rolling_rank',
  title: 'Rolling rank',
  about: `The rank of the newest of the last \`window\` values of each series, 1 for the smallest; divided by their number when \`percent\`. Equal values share the average, the smallest or the largest of their ranks. NaN where the newest value is missing. ${MISSING}`,
  options: { ...ROLLING, ties: choice(['average', 'min', 'max'], 'average'), percent: flag(false) },
  tolerance: { f64: 0, f32: 0, why: 'counts, and one division' },
  source: 'pandas Rolling.rank',
});
