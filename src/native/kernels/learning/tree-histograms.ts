// What growing trees reads of its rows.
import { input, int, output } from '../../define.ts';
import { defineKernel } from '../../kernel.ts';

/** Sums of gradients, hessians and rows by node, feature and bin. */
export const treeHistograms = defineKernel({
  id: 'tree_histograms',
  family: 'learning',
  title: 'Histograms of gradient-boosted trees',
  about:
    'For each node, feature and bin the sums of the gradients and hessians of the rows there, and how many they are: what the best split of a node is looked up in. A row is in the node that `node` names, in none when that is negative. A bin that is not below `bins` is a missing value and counts nowhere: the sums of a node less those of a feature are its rows without one. In f32 the sums are taken in fixed point of 64 bits, of which the largest gradient (and hessian) times the rows fills 62: they are the same bits on each backend, for any number of threads and any order of rows. In f64 they go in a fixed order. NaN and infinity are refused.',
  dtypes: ['f32', 'f64'],
  cpu: 'hwy',
  sizes: {
    rows: { about: 'rows of data' },
    features: { about: 'columns of data' },
    nodes: { about: 'nodes of the tree that grow now', max: 65536 },
  },
  options: {
    binCount: int({ min: 1, max: 256, default: 256, unit: 'bins', about: 'bins of each feature' }),
  },
  arrays: {
    bins: input(['rows', 'features'], { type: 'u8', about: 'the bin of each value' }),
    gradients: input(['rows']),
    hessians: input(['rows'], { values: 'positive' }),
    node: input(['rows'], { type: 'i32', about: 'the node of each row' }),
    sums: output(['nodes', 'features', 'binCount', 2], 'float', 'of gradients, then of hessians'),
    counts: output(['nodes', 'features', 'binCount'], 'u32', 'rows'),
  },
  tolerance: {
    f64: 1e-14,
    f32: 1e-7,
    why: 'relative to the rows of the bin times the largest gradient (or hessian) of all; in f64 sums in another order, in f32 one rounding of the sum',
  },
  flops: '3 * rows * features',
  bytes: 'rows * features + 12 * rows + 12 * nodes * features * binCount',
  complexity: 'O(rows features + nodes features bins)',
  source:
    'Ke et al. 2017, LightGBM: a highly efficient gradient boosting decision tree, algorithm 1; Chen and Guestrin 2016, XGBoost',
  errors: {
    kNonFinite: 'finite gradients and hessians, was not at row {detail}',
    kInvalidOption: 'nodes below the number of nodes, was not at row {detail}',
  },
  example: { rows: 30, features: 2, nodes: 3, binCount: 4 },
});
