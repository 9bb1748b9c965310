// Rolling sums, extremes and moments of panels.
import { defineKernel } from '../../kernel.ts';
import { DDOF, MISSING, ONE_PANEL, PANEL, ROLLING } from './panel.ts';

const COMMON = {
  family: 'statistics',
  dtypes: ['f64', 'f32'],
  cpu: 'hwy',
  sizes: PANEL,
  options: ROLLING,
  arrays: ONE_PANEL,
  complexity: 'O(bars series), whatever the window',
  example: { bars: 40, series: 3, window: 5 },
} as const;

const SUMS = {
  f64: 1e-12,
  f32: 1e-6,
  why: 'sums of a window in another order, relative to the sum of magnitudes; f32 is computed in f64 and rounded once',
} as const;
const MOMENTS = {
  f64: 1e-9,
  f32: 1e-6,
  why: 'moments about the mean, merged from two parts of the window; nothing is ever subtracted back, so values that left the window leave no error; f32 is computed in f64 and rounded once',
} as const;
const EXACT = { f64: 0, f32: 0, why: 'values are picked, not computed' } as const;
const BLOCKS = 'van Herk 1992 (blocks of a window); Pebay 2008, SAND2008-6212 (merging moments)';

/** Sum of the last `window` values of each series. */
export const rollingSum = defineKernel({
  ...COMMON,
  id: 'rolling_sum',
  title: 'Rolling sum',
  about: `Sum of the last \`window\` values of each series. ${MISSING}`,
  tolerance: SUMS,
  flops: 'bars * series * 6',
  source: 'pandas Rolling.sum',
});

/** Mean of the last `window` values of each series. */
export const rollingMean = defineKernel({
  ...COMMON,
  id: 'rolling_mean',
  title: 'Rolling mean',
  about: `Mean of the last \`window\` values of each series. ${MISSING}`,
  tolerance: SUMS,
  flops: 'bars * series * 7',
  source: 'pandas Rolling.mean',
});

/** Smallest of the last `window` values of each series. */
export const rollingMin = defineKernel({
  ...COMMON,
  id: 'rolling_min',
  title: 'Rolling minimum',
  about: `Smallest of the last \`window\` values of each series. ${MISSING}`,
  tolerance: EXACT,
  flops: 'bars * series * 6',
  source: 'van Herk 1992, A fast algorithm for local minimum and maximum filters; pandas Rolling.min',
});

/** Largest of the last `window` values of each series. */
export const rollingMax = defineKernel({
  ...COMMON,
  id: 'rolling_max',
  title: 'Rolling maximum',
  about: `Largest of the last \`window\` values of each series. ${MISSING}`,
  tolerance: EXACT,
  flops: 'bars * series * 6',
  source: 'van Herk 1992, A fast algorithm for local minimum and maximum filters; pandas Rolling.max',
});

/** Variance of the last `window` values of each series. */
export const rollingVar = defineKernel({
  ...COMMON,
  id: 'rolling_var',
  title: 'Rolling variance',
  about: `Variance of the last \`window\` values of each series; NaN unless there are more than \`ddof\` values. ${MISSING}`,
  options: { ...ROLLING, ddof: DDOF },
  tolerance: MOMENTS,
  flops: 'bars * series * 30',
  source: BLOCKS,
});

/** Standard deviation of the last `window` values of each series. */
export const rollingStd = defineKernel({
  ...COMMON,
  id: 'rolling_std',
  title: 'Rolling standard deviation',
  about: `Standard deviation of the last \`window\` values of each series; NaN unless there are more than \`ddof\` values. ${MISSING}`,
  options: { ...ROLLING, ddof: DDOF },
  tolerance: MOMENTS,
  flops: 'bars * series * 32',
  source: BLOCKS,
});

/** Skew of the last `window` values of each series. */
export const rollingSkew = defineKernel({
  ...COMMON,
  id: 'rolling_skew',
  title: 'Rolling skew',
  about: `Skew of the last \`window\` values of each series, adjusted for bias (Fisher-Pearson G1). NaN for fewer than three values and where nothing moves (pandas says 0 there). ${MISSING}`,
  tolerance: MOMENTS,
  flops: 'bars * series * 50',
  source: `${BLOCKS}; Joanes and Gill 1998, Comparing measures of sample skewness and kurtosis`,
});

/** Excess kurtosis of the last `window` values of each series. */
export const rollingKurtosis = defineKernel({
  ...COMMON,
  id: 'rolling_kurtosis',
  title: 'Rolling kurtosis',
  about: `Excess kurtosis of the last \`window\` values of each series, adjusted for bias (G2). NaN for fewer than four values and where nothing moves (pandas says -3 there). ${MISSING}`,
  tolerance: MOMENTS,
  flops: 'bars * series * 80',
  source: `${BLOCKS}; Joanes and Gill 1998, Comparing measures of sample skewness and kurtosis`,
});
