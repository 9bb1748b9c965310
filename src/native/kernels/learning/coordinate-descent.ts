// Least squares with a penalty on absolute sizes.
import { input, int, number, optional, output } from '../../define.ts';
import { defineKernel } from '../../kernel.ts';

/** The lasso and the elastic net, over a Gram matrix. */
export const coordinateDescent = defineKernel({
  id: 'coordinate_descent',
  family: 'learning',
  title: 'Lasso and elastic net',
  about:
    "The coefficients `w` that minimise `w' gram w / 2 - products' w + square / 2 + l1 sum |w| + l2 / 2 sum w^2`: with `gram` = X'X / n, `products` = X'y / n and `square` = y'y / n the lasso (`l2` 0) and the elastic net. Rounds go over the coefficients that are not 0 until these stand still, then over all, and end when the duality gap is at most `tolerance` of `square`, or after `maxIterations` rounds. A column of zeros gets 0. NaN and infinity are refused.",
  dtypes: ['f64'],
  cpu: 'hwy',
  sizes: { columns: { about: 'coefficients', max: 32_000 } },
  options: {
    l1: number({ min: 0, default: 0.01, unit: '', about: 'penalty on absolute sizes' }),
    l2: number({ min: 0, default: 0, unit: '', about: 'penalty on squares' }),
    tolerance: number({ min: 0, max: 1, default: 1e-8, unit: 'share of square' }),
    maxIterations: int({ min: 1, max: 1_000_000, default: 10_000, unit: 'rounds' }),
  },
  arrays: {
    gram: input(['columns', 'columns'], { values: 'spd', about: 'both triangles; positive semi-definite' }),
    products: input(['columns']),
    square: input([1], { values: 'positive', about: 'at least 0' }),
    start: optional(['columns'], { about: 'where to begin; 0 otherwise' }),
    coefficients: output(['columns']),
    gap: output([1], 'float', 'how far the objective is above its minimum, at most'),
    iterations: output([1], 'i32', 'rounds that were made'),
  },
  tolerance: {
    f64: 1e-6,
    f32: 0,
    why: 'both end at a duality gap of 1e-12 of the square; the coefficients are as near as its root, relative to the largest',
  },
  flops: '20 * columns * columns',
  bytes: '8 * columns * columns',
  complexity: 'O(rounds columns^2), less where few coefficients are not 0',
  source:
    'Friedman, Hastie, Tibshirani 2010, Regularization paths for generalized linear models via coordinate descent, 2.2; duality gap: Kim et al. 2007, An interior-point method for large-scale l1-regularized least squares',
  errors: {
    kNonFinite: 'finite numbers, was not at column {detail}',
    kNotPositiveDefinite: 'a positive semi-definite matrix for gram, was not: column {detail}',
  },
  example: { columns: 4 },
});
