// Rolling covariance, correlation and regression of two panels.
import { optional, output, wanted } from '../../define.ts';
import { defineKernel } from '../../kernel.ts';
import { DDOF, PANEL, ROLLING, TWO_PANELS } from './panel.ts';

const PAIRS =
  'A pair with a NaN or infinite side is missing and skipped, as in pandas; a window with fewer than `minPeriods` pairs answers NaN.';

const COMMON = {
  family: 'statistics',
  dtypes: ['f64', 'f32'],
  cpu: 'hwy',
  sizes: PANEL,
  tolerance: {
    f64: 1e-9,
    f32: 1e-6,
    why: 'moments about the means, merged from two parts of the window; relative to the spread of x and y; f32 is computed in f64 and rounded once',
  },
  complexity: 'O(bars series), whatever the window',
  source: 'van Herk 1992 (blocks of a window); Pebay 2008, SAND2008-6212 (merging moments)',
  example: { bars: 40, series: 3, window: 5 },
} as const;

/** Covariance of the last `window` pairs of each series. */
export const rollingCovariance = defineKernel({
  ...COMMON,
  id: 'rolling_covariance',
  title: 'Rolling covariance',
  about: `Covariance of the last \`window\` pairs of each series of \`x\` with the same series of \`y\`; NaN unless there are more than \`ddof\` pairs. ${PAIRS}`,
  options: { ...ROLLING, ddof: DDOF },
  arrays: { ...TWO_PANELS, out: output(['bars', 'series']) },
  flops: 'bars * series * 40',
});

/** Pearson correlation of the last `window` pairs of each series. */
export const rollingCorrelation = defineKernel({
  ...COMMON,
  id: 'rolling_correlation',
  title: 'Rolling correlation',
  about: `Pearson correlation, from -1 to 1, of the last \`window\` pairs of each series of \`x\` with the same series of \`y\`; NaN where one side never moves. ${PAIRS}`,
  options: ROLLING,
  arrays: { ...TWO_PANELS, out: output(['bars', 'series']) },
  flops: 'bars * series * 60',
});

/** Least-squares line of `y` over `x`, or over time, through the last `window` bars of each series. */
export const rollingRegression = defineKernel({
  ...COMMON,
  id: 'rolling_regression',
  title: 'Rolling regression',
  about: `Least-squares line \`y = intercept + slope x\` through the last \`window\` pairs of each series. Without \`x\` the line is over time: x counts bars from 0 at the oldest bar of the window. \`r2\` is the share of the variance of y that the line explains, from 0 to 1, NaN where y never moves; \`residual\` is y less the line at the newest bar. All NaN where x never moves. ${PAIRS}`,
  options: ROLLING,
  arrays: {
    y: TWO_PANELS.y,
    x: optional(['bars', 'series'], { about: 'default: time', values: 'price' }),
    slope: output(['bars', 'series']),
    intercept: wanted(['bars', 'series']),
    r2: wanted(['bars', 'series']),
    residual: wanted(['bars', 'series']),
  },
  flops: 'bars * series * 70',
});
