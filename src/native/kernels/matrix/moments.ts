// Covariance and correlation of the columns of a panel.
import { choice, input, int, output } from '../../define.ts';
import { defineKernel } from '../../kernel.ts';

const sizes = {
  observations: { about: 'rows, one per observation' },
  assets: { about: 'columns' },
} as const;

const missing = choice(
  ['pairwise', 'propagate'],
  'pairwise',
  'what NaN means: a missing value, left out of the pairs of its own column, or a NaN of all of them',
);
const minPairs = int({
  min: 1,
  max: 2 ** 31 - 1,
  default: 1,
  unit: 'observations',
  about: 'a pair with fewer common observations is NaN; only with `missing` pairwise',
});
const missingRule =
  'With `missing` pairwise (the default) a NaN is a missing value: each pair of columns uses the rows where both are present, and the result need not be positive semidefinite (see `nearest_psd`). With propagate a NaN makes the row and the column of its asset NaN. Infinity is refused.';
const errors = {
  kNonFinite: 'finite numbers or NaN for values, was infinity at element {detail}',
  kShape: 'more observations than ddof, was {detail}',
};

/** Covariance [assets, assets] of the columns of `values` [observations, assets]. */
export const covariance = defineKernel({
  id: 'covariance',
  family: 'matrix',
  title: 'Covariance',
  about: `Sum of the products of the differences from the means, divided by the observations less \`ddof\`; symmetric bit for bit, and exactly 0 for a constant column. Means and their differences are taken in float64 for both element types. ${missingRule}`,
  dtypes: ['f64', 'f32'],
  cpu: 'blas',
  sizes,
  options: {
    ddof: int({ min: 0, max: 1, default: 1, unit: '', about: 'what the count is reduced by' }),
    missing,
    minPairs,
  },
  arrays: {
    values: input(['observations', 'assets']),
    out: output(['assets', 'assets']),
  },
  tolerance: {
    f64: 1e-12,
    f32: 1e-5,
    why: 'sums in another order, relative to the product of two deviations',
  },
  flops: 'observations * assets * assets + 4 * observations * assets',
  complexity: 'O(observations assets^2)',
  source: 'Two-pass algorithm: Chan, Golub and LeVeque 1983; BLAS syrk',
  errors,
  example: { observations: 12, assets: 3 },
});

/** Correlation [assets, assets] of the columns of `values` [observations, assets]. */
export const correlation = defineKernel({
  id: 'correlation',
  family: 'matrix',
  title: 'Correlation',
  about: `Pearson's correlation, from -1 to 1, the diagonal exactly 1; symmetric bit for bit. A column that does not vary has no correlation: NaN, on the diagonal too. ${missingRule}`,
  dtypes: ['f64', 'f32'],
  cpu: 'blas',
  sizes,
  options: { missing, minPairs },
  arrays: {
    values: input(['observations', 'assets']),
    out: output(['assets', 'assets']),
  },
  tolerance: { f64: 1e-12, f32: 1e-5, why: 'sums in another order; values are at most 1' },
  flops: 'observations * assets * assets + 4 * observations * assets',
  complexity: 'O(observations assets^2)',
  source: 'Pearson 1895; pairwise-complete form as pandas DataFrame.corr',
  errors: { ...errors, kShape: 'at least one observation, was {detail}' },
  example: { observations: 12, assets: 3 },
});
