// Principal components, shrunk covariance and repaired correlation: estimates built on the decompositions.
import { choice, flag, input, int, number, output, wanted } from '../../define.ts';
import { defineKernel } from '../../kernel.ts';

/** The directions along which the columns of a panel vary most. */
export const pca = defineKernel({
  id: 'pca',
  family: 'matrix',
  title: 'Principal components',
  about:
    'The first `components` axes along which the centred columns vary most, one unit vector in each row of `axes`, by descending variance. Of each axis the component that is largest in size is positive (of equal ones the first). `share` is the part of the whole variance. `scores`, when given, is the panel along the axes. NaN and infinity are refused. Small variances are known to epsilon times the largest one, as they come from the covariance (with fewer observations than assets: from singular values).',
  dtypes: ['f64', 'f32'],
  cpu: 'blas',
  sizes: {
    observations: { about: 'rows, one per observation' },
    assets: { about: 'columns', max: 16_000 },
    components: { about: 'axes to return, at most min(observations, assets)' },
  },
  options: {
    ddof: int({ min: 0, max: 1, default: 1, unit: '', about: 'what the count is reduced by' }),
    scale: flag(
      false,
      'whether columns are divided by their deviation first; one that does not vary stays 0',
    ),
  },
  arrays: {
    values: input(['observations', 'assets']),
    axes: output(['components', 'assets']),
    variance: output(['components'], 'float', 'variance along each axis'),
    share: output(['components'], 'float', 'its part of the whole, 0 to 1'),
    mean: output(['assets'], 'float', 'mean of each column'),
    scores: wanted(['observations', 'components'], 'float', 'the centred (and scaled) panel along the axes'),
  },
  tolerance: {
    f64: 1e-11,
    f32: 1e-3,
    why: 'variances to n epsilon of the largest; axes that much more as their variances lie closer',
  },
  flops:
    'observations * assets * assets + 9 * assets * assets * assets + 2 * observations * assets * components',
  complexity: 'O(observations assets^2 + assets^3)',
  source: 'Jolliffe, Principal Component Analysis, 2nd edition, 3.1',
  errors: {
    kNonFinite:
      'finite numbers for values, was NaN or infinity (or squares beyond the range) at element {detail}',
    kShape:
      'more observations than ddof, and at most min(observations, assets) components, which is {detail}',
  },
  example: { observations: 12, assets: 4, components: 2 },
});

/** The covariance of a panel, shrunk towards a target so that it is well conditioned. */
export const ledoitWolf = defineKernel({
  id: 'ledoit_wolf',
  family: 'matrix',
  title: 'Shrunk covariance',
  about:
    '`shrinkage * target + (1 - shrinkage) * covariance`, the covariance with the divisor `observations`, the intensity from 0 to 1 of least expected distance. Towards `constant_variance`: the mean variance for every asset and no covariance; `constant_correlation`: the variances as they are and one correlation, the mean of all pairs; a column that does not vary is refused there, and fewer than three assets are their own target (intensity 0). NaN and infinity are refused.',
  dtypes: ['f64', 'f32'],
  cpu: 'blas',
  sizes: { observations: { about: 'rows, one per observation; at least 2' }, assets: { about: 'columns' } },
  options: { towards: choice(['constant_variance', 'constant_correlation'], 'constant_variance') },
  arrays: {
    values: input(['observations', 'assets']),
    out: output(['assets', 'assets']),
    shrinkage: output([1], 'f64', 'share of the target'),
  },
  tolerance: {
    f64: 1e-11,
    f32: 1e-4,
    why: 'sums in another order, relative to the largest variance; the intensity is a quotient of two differences',
  },
  flops: 'observations * assets * assets + 12 * observations * assets',
  complexity: 'O(observations assets^2)',
  source:
    'Ledoit and Wolf 2004: "A well-conditioned estimator for large-dimensional covariance matrices"; "Honey, I shrunk the sample covariance matrix"',
  errors: {
    kNonFinite:
      'finite numbers for values, was NaN or infinity (or squares beyond the range) at element {detail}',
    kNotPositiveDefinite: 'columns that vary, was constant: asset {detail}',
    kShape: 'at least two observations, was {detail}',
  },
  example: { observations: 20, assets: 4 },
});

/** The positive semidefinite matrix nearest to a symmetric one. */
export const nearestPsd = defineKernel({
  id: 'nearest_psd',
  family: 'matrix',
  title: 'Nearest positive semidefinite matrix',
  about:
    'Nearest in the sum of squared differences. Form `correlation`: with a diagonal of 1, by alternating projections; `covariance`: the variances stay, the correlations are repaired; `symmetric`: nothing is kept, eigenvalues are cut off once. Only the lower triangle of `a` is read. No eigenvalue is below `minEigenvalue` (of the correlation, save rounding). When `iterations` reaches `maxIterations` the matrix is still positive semidefinite with that diagonal, but not the nearest: `change` is what the last step moved. Computed in float64 for both element types. NaN and infinity are refused.',
  dtypes: ['f64', 'f32'],
  cpu: 'blas',
  sizes: { n: { about: 'order of the matrix', max: 32_000 } },
  options: {
    form: choice(['correlation', 'covariance', 'symmetric'], 'correlation'),
    minEigenvalue: number({ min: 0, max: 1, default: 0, unit: '', about: 'smallest eigenvalue allowed' }),
    maxIterations: int({ min: 1, max: 100_000, default: 1000, unit: 'projections' }),
    precision: number({
      min: 0,
      max: 1,
      default: 1e-9,
      unit: '',
      about: 'ends when no element moves more than this',
    }),
  },
  arrays: {
    a: input(['n', 'n'], { values: 'spd' }),
    out: output(['n', 'n']),
    iterations: output([1], 'i32', 'projections done'),
    change: output([1], 'f64', 'largest move of an element in the last one'),
  },
  tolerance: {
    f64: 1e-8,
    f32: 1e-5,
    why: 'both stop within `precision` of the limit; f32 rounds the result',
  },
  flops: '300 * n * n * n',
  complexity: 'O(iterations n^3)',
  source:
    'Higham 2002, Computing the nearest correlation matrix: a problem from finance, algorithm 3.3; Higham 1988 for `symmetric`',
  errors: {
    kNonFinite: 'finite numbers for a, was NaN or infinity at element {detail}',
    kNotPositiveDefinite: 'positive variances on the diagonal of a, was not: row {detail}',
  },
  example: { n: 4 },
});
