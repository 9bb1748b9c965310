// Summaries of the columns of a table: what sketches of wide tables are made of.
import { flag, input, int, output } from '../../define.ts';
import { defineKernel } from '../../kernel.ts';

/** Counts, moments, points of the distribution and distinct values of each column. */
export const columnSummaries = defineKernel({
  id: 'column_summaries',
  family: 'statistics',
  title: 'Summaries of columns',
  about:
    'Of each column of a table: how many values are numbers, NaN and infinite; least, largest, mean and sum of squared deviations of the numbers (NaN without any); `points` numbers of them in order, of which each stands for an equal share, so that no share of numbers at or below a value is off by more than 1 / (2 points); all numbers, then NaN, when there are no more than `points`; and HyperLogLog registers of the different ones. NaN and infinity are counted only; both zeros are one number. `columnMajor` says that the values of a column, not of a row, stand beside each other.',
  dtypes: ['f32', 'f64'],
  cpu: 'hwy',
  sizes: { rows: { about: 'rows of the table' }, columns: { about: 'columns of the table' } },
  options: {
    summaryPoints: int({ min: 1, max: 65_536, default: 1024, unit: 'points' }),
    columnMajor: flag(false, 'whether `values` holds one column after the other'),
  },
  arrays: {
    values: input(['rows', 'columns'], { about: 'row after row, unless `columnMajor`' }),
    counts: output(['columns', 3], 'u32', 'numbers, NaN, infinite'),
    moments: output(['columns', 4], 'f64', 'least, largest, mean, sum of squared deviations'),
    points: output(['columns', 'summaryPoints'], 'float', 'rising'),
    registers: output(['columns', 1024], 'u8', 'of HyperLogLog'),
  },
  tolerance: { f64: 1e-10, f32: 1e-10, why: 'sums in f64, in another order; everything else the same bits' },
  flops: 'rows * columns * (log2(rows + 1) + 8)',
  complexity: 'O(rows columns log(rows))',
  source:
    'Munro and Paterson 1980, Selection and sorting with limited storage; Chan, Golub and LeVeque 1983; Flajolet, Fusy, Gandouet and Meunier 2007, HyperLogLog',
  example: { rows: 40, columns: 3, summaryPoints: 8 },
});
