// What a step of Newton on a logistic regression reads of its rows.
import { input, optional, output, wanted } from '../../define.ts';
import { defineKernel } from '../../kernel.ts';

/** The log-loss of a linear model with its derivatives. */
export const linearLogLoss = defineKernel({
  id: 'linear_log_loss',
  family: 'learning',
  title: 'Log-loss of a linear model',
  about:
    'With the scores `values parameters` of each row the sum of `weight (log sum_k exp(score_k) - score_target)`, its gradient and its Hessian in one pass over the rows. One score is the log-odds of class 1 of two, more are one for each class (softmax). A probability less 1 that is rounded to 0 gives the Hessian nothing. NaN and infinity are refused; a loss too large for a number is infinite.',
  dtypes: ['f64'],
  cpu: 'blas',
  sizes: {
    rows: { about: 'rows of data' },
    columns: { about: 'columns of data; one of ones is an intercept', min: 1, max: 32_000 },
    scores: { about: '1 for two classes, else the number of classes', min: 1, max: 1_000 },
  },
  options: {},
  arrays: {
    values: input(['rows', 'columns']),
    targets: input(['rows'], { type: 'i32', about: 'the class of each row' }),
    weights: optional(['rows'], { values: 'positive', about: 'at least 0; 1 otherwise' }),
    parameters: input(['columns', 'scores']),
    loss: output([1], 'float', 'in nats'),
    gradient: output(['columns', 'scores']),
    hessian: wanted(['columns', 'scores', 'columns', 'scores']),
    probabilities: wanted(['rows', 'scores'], 'float', 'of each class, or of class 1'),
  },
  tolerance: {
    f64: 1e-12,
    f32: 0,
    why: 'relative to the sum of the absolute values of what is added: sums in another order, exponentials of the same library',
  },
  flops: 'rows * columns * scores * (4 + columns * scores)',
  complexity: 'O(rows columns scores), with the Hessian O(rows columns^2 scores^2)',
  source: 'Hastie, Tibshirani, Friedman 2009, The Elements of Statistical Learning, 4.4.1',
  errors: {
    kNonFinite: 'finite values, weights and parameters, was not at row {detail}',
    kInvalidOption: 'targets that are classes and weights of at least 0, was not at row {detail}',
  },
  example: { rows: 30, columns: 2, scores: 3 },
});
