// What the definitions of panel kernels have in common.
import { input, int, output } from '../../define.ts';

/** Rows are bars, oldest first; columns are series. */
export const PANEL = { bars: { about: 'rows, oldest first' }, series: { about: 'columns' } } as const;

export const ROLLING = {
  window: int({ min: 1, max: 2 ** 31 - 1, unit: 'bars', about: 'bars that one answer looks at' }),
  minPeriods: int({
    min: 0,
    max: 2 ** 31 - 1,
    default: 0,
    unit: 'values',
    about: 'values that a window has to hold before it has an answer; 0: `window`',
  }),
} as const;

export const DDOF = int({ min: 0, max: 1, default: 1, unit: '', about: '0: divides by n, 1: by n - 1' });

export const ONE_PANEL = {
  values: input(['bars', 'series'], { values: 'price' }),
  out: output(['bars', 'series']),
} as const;

export const TWO_PANELS = {
  x: input(['bars', 'series'], { values: 'price' }),
  y: input(['bars', 'series'], { values: 'price' }),
} as const;

/** The rule for missing values of everything that rolls. */
export const MISSING =
  'NaN and infinity are missing: they are skipped, as in pandas, and a window with fewer than `minPeriods` values answers NaN.';
