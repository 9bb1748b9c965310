// Groups of rows that are near each other.
import { input, int, number, optional, output, seed, wanted } from '../../define.ts';
import { defineKernel } from '../../kernel.ts';

const sizes = {
  rows: { about: 'rows of data' },
  columns: { about: 'columns of data', max: 65_536 },
} as const;

/** K-means by Lloyd's rounds from k-means++. */
export const kmeans = defineKernel({
  id: 'kmeans',
  family: 'learning',
  title: 'K-means',
  about:
    'Centres that lower the sum of the squared distances of the rows to their nearest one, by rounds of Lloyd: each row goes to the nearest centre (of equally near ones to the first), each centre to the weighted mean of its rows; one without rows goes to the row farthest from its own. Begins at `start`, or at rows that greedy k-means++ draws by `seed`. Ends when no label changes, when the centres together move by at most `tolerance` of the mean variance of a column (squared), or after `maxIterations` rounds; labels are of the final centres. NaN and infinity are refused.',
  dtypes: ['f64', 'f32'],
  cpu: 'hwy',
  sizes,
  options: {
    clusters: int({ min: 1, max: 4096, default: 8, unit: 'clusters', about: 'at most as many as rows' }),
    seed: seed(),
    maxIterations: int({ min: 1, max: 10_000, default: 300, unit: 'rounds' }),
    tolerance: number({ min: 0, max: 1, default: 1e-4, unit: 'share of the mean variance' }),
  },
  arrays: {
    values: input(['rows', 'columns']),
    weights: optional(['rows'], { values: 'positive', about: 'at least 0; 1 each otherwise' }),
    start: optional(['clusters', 'columns'], { about: 'first centres' }),
    centres: output(['clusters', 'columns']),
    labels: output(['rows'], 'i32', 'from 0'),
    inertia: output([1], 'f64', 'weighted sum of the squared distances'),
    iterations: output([1], 'i32', 'rounds that were made'),
    path: wanted(['maxIterations'], 'f64', 'the inertia that each round began with; NaN beyond the last'),
  },
  tolerance: {
    f64: 1e-12,
    f32: 1e-5,
    why: 'centres of the same labels: sums in another order, relative to the largest value; squared distances may round to another side where two centres are as near',
  },
  flops: '60 * rows * columns * clusters',
  bytes: '20 * rows * columns * 8',
  complexity: 'O(rounds rows columns clusters)',
  source:
    'Lloyd 1982, Least squares quantization in PCM; Arthur and Vassilvitskii 2007, k-means++: the advantages of careful seeding',
  errors: {
    kNonFinite: 'finite values, weights and start, was not at element {detail}',
    kInvalidOption:
      'weights of at least 0 and at least as many rows of a weight above 0 as clusters, was not: row {detail}',
  },
  example: { rows: 30, columns: 2, clusters: 3 },
});

/** DBSCAN by a grid or a k-d tree. */
export const dbscan = defineKernel({
  id: 'dbscan',
  family: 'learning',
  title: 'Density-based clusters',
  about:
    'A row is core when the weights of the rows within `eps` of it, its own included, sum to at least `minPoints`. Core rows within `eps` of each other are in one cluster; clusters are counted in the order of their first core row. Another row is in the first of the clusters that have a core row within `eps` of it, else it is noise, -1. So labels do not depend on the order of rows but for their numbers, and for rows between two clusters. Distances are Euclidean, in f64, and count up to and with `eps`. Up to three columns go through a grid, more through a k-d tree. NaN and infinity are refused.',
  dtypes: ['f64', 'f32'],
  cpu: 'hwy',
  sizes,
  options: {
    eps: number({ min: 0, default: 0.5, unit: 'distance' }),
    minPoints: int({ min: 1, max: 1_000_000, default: 5, unit: 'rows' }),
  },
  arrays: {
    values: input(['rows', 'columns']),
    weights: optional(['rows'], { values: 'positive', about: 'at least 0; 1 each otherwise' }),
    labels: output(['rows'], 'i32', 'from 0; -1 is noise'),
    core: output(['rows'], 'u8', '1 for core rows'),
    clusters: output([1], 'i32', 'number of clusters'),
  },
  tolerance: { f64: 0, f32: 0, why: 'the same comparisons of the same distances' },
  flops: '400 * rows * columns',
  complexity: 'O(rows log rows + rows neighbours columns); O(rows^2 columns) in many columns',
  source:
    'Ester, Kriegel, Sander, Xu 1996, A density-based algorithm for discovering clusters; grid: Gan and Tao 2015, DBSCAN revisited',
  errors: {
    kNonFinite: 'finite values and weights, was not at element {detail}',
    kInvalidOption: 'weights of at least 0, was not at row {detail}',
  },
  example: { rows: 30, columns: 2 },
});
