// How far series are below their highest values.
import { flag, output, wanted } from '../../define.ts';
import { defineKernel } from '../../kernel.ts';
import { ONE_PANEL, PANEL } from './panel.ts';

const COMMON = {
  family: 'statistics',
  dtypes: ['f64', 'f32'],
  cpu: 'hwy',
  sizes: PANEL,
  options: { relative: flag(true, 'x / peak - 1, else x - peak') },
  tolerance: { f64: 0, f32: 0, why: 'comparisons and one division' },
  complexity: 'O(bars series)',
  example: { bars: 30, series: 3 },
} as const;
const RULE =
  'NaN and infinity are missing: skipped. Where the peak is not positive a relative drawdown is NaN.';

/** Distance of each value to the highest value before it. */
export const drawdown = defineKernel({
  ...COMMON,
  id: 'drawdown',
  title: 'Drawdown',
  about: `How far each value is below the highest one up to its bar: 0 or less. ${RULE}`,
  arrays: ONE_PANEL,
  flops: 'bars * series * 4',
  source: 'Magdon-Ismail and Atiya 2004, Maximum drawdown; pandas x / x.cummax() - 1',
});

/** The deepest drawdown of each series. */
export const maxDrawdown = defineKernel({
  ...COMMON,
  id: 'max_drawdown',
  title: 'Maximum drawdown',
  about: `The deepest drawdown of each series (0 or less; the first of equal ones), the bar of the peak it began at, of its trough, and the first bar after it that is back at that peak. Bars that do not exist are \`bars\`: no value, or no recovery yet. ${RULE}`,
  arrays: {
    values: ONE_PANEL.values,
    depth: output(['series']),
    start: wanted(['series'], 'u32'),
    trough: wanted(['series'], 'u32'),
    recovery: wanted(['series'], 'u32'),
  },
  flops: 'bars * series * 10',
  source: 'Magdon-Ismail and Atiya 2004, Maximum drawdown',
});
