// Exponentially weighted statistics of panels.
import { flag, int, number, output } from '../../define.ts';
import { defineKernel } from '../../kernel.ts';
import { ONE_PANEL, PANEL, TWO_PANELS } from './panel.ts';

const OPTIONS = {
  alpha: number({
    min: 0,
    max: 1,
    unit: '',
    about: 'smoothing: 1 / (1 + com), 2 / (span + 1) or 1 - exp(-ln 2 / half life)',
  }),
  adjust: flag(
    true,
    'weights (1 - alpha)^i, divided by their sum; else the recursion y = (1 - alpha) y + alpha x',
  ),
  ignoreNa: flag(false, 'weights fade with values seen, else with bars'),
  minPeriods: int({
    min: 0,
    max: 2 ** 31 - 1,
    default: 0,
    unit: 'values',
    about: 'values before the first answer, at least 1',
  }),
} as const;
const BIAS = flag(false, 'true: divides by the sum of weights as if the mean were known');

const RULE =
  'NaN and infinity are missing: the bar repeats the answer before it, as in pandas `ewm` with the same `adjust` and `ignore_na`; NaN until `minPeriods` values were seen.';

const COMMON = {
  family: 'statistics',
  dtypes: ['f64', 'f32'],
  cpu: 'hwy',
  sizes: PANEL,
  tolerance: {
    f64: 1e-10,
    f32: 1e-6,
    why: 'the same recursion with fused operations; rounding fades with the weights; f32 is computed in f64 and rounded once',
  },
  complexity: 'O(bars series)',
  source: 'pandas ExponentialMovingWindow; West 1979, Updating mean and variance estimates',
  example: { bars: 40, series: 3, alpha: 0.1 },
} as const;

/** Exponentially weighted mean of each series. */
export const ewmMean = defineKernel({
  ...COMMON,
  id: 'ewm_mean',
  title: 'Exponentially weighted mean',
  about: `Exponentially weighted mean of each series up to each bar. ${RULE}`,
  options: OPTIONS,
  arrays: ONE_PANEL,
  flops: 'bars * series * 12',
});

/** Exponentially weighted variance of each series. */
export const ewmVar = defineKernel({
  ...COMMON,
  id: 'ewm_var',
  title: 'Exponentially weighted variance',
  about: `Exponentially weighted variance of each series up to each bar; NaN for one value unless \`bias\`. ${RULE}`,
  options: { ...OPTIONS, bias: BIAS },
  arrays: ONE_PANEL,
  flops: 'bars * series * 30',
});

/** Exponentially weighted standard deviation of each series. */
export const ewmStd = defineKernel({
  ...COMMON,
  id: 'ewm_std',
  title: 'Exponentially weighted standard deviation',
  about: `Square root of the exponentially weighted variance of each series; NaN for one value unless \`bias\`. ${RULE}`,
  options: { ...OPTIONS, bias: BIAS },
  arrays: ONE_PANEL,
  flops: 'bars * series * 32',
});

/** Exponentially weighted covariance of each series of one panel with the same series of another. */
export const ewmCovariance = defineKernel({
  ...COMMON,
  id: 'ewm_covariance',
  title: 'Exponentially weighted covariance',
  about: `Exponentially weighted covariance of each series of \`x\` with the same series of \`y\`; NaN for one pair unless \`bias\`. A pair with a missing side is missing. ${RULE}`,
  options: { ...OPTIONS, bias: BIAS },
  arrays: { ...TWO_PANELS, out: output(['bars', 'series']) },
  flops: 'bars * series * 40',
});

/** Exponentially weighted correlation of each series of one panel with the same series of another. */
export const ewmCorrelation = defineKernel({
  ...COMMON,
  id: 'ewm_correlation',
  title: 'Exponentially weighted correlation',
  about: `Exponentially weighted correlation, from -1 to 1, of each series of \`x\` with the same series of \`y\`; NaN where one side never moved. A pair with a missing side is missing. ${RULE}`,
  options: OPTIONS,
  arrays: { ...TWO_PANELS, out: output(['bars', 'series']) },
  flops: 'bars * series * 50',
});
