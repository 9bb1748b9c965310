// The risk of a portfolio, by simulation.
import { choice, flag, input, int, number, optional, output, seed } from '../../define.ts';
import { defineKernel } from '../../kernel.ts';

/** What `risk` of {@link mcPortfolio} holds, in this order. */
export const RISK_FIGURES = [
  'valueAtRisk',
  'expectedShortfall',
  'valueAtRiskError',
  'expectedShortfallError',
  'mean',
  'deviation',
] as const;

/** Profit and loss of a portfolio over simulated returns, its value at risk and its expected shortfall. */
export const mcPortfolio = defineKernel({
  id: 'mc_portfolio',
  family: 'montecarlo',
  title: 'Risk of a portfolio',
  about:
    'Profit and loss of positions over simulated correlated returns, the loss that is passed with probability 1 - confidence, and the mean ' +
    'loss beyond it, with standard errors. Copula and marginals are normal or Student t of `degrees`; returns keep the given covariances ' +
    'scale by scale (variances exactly, correlations when copula and marginals are alike). `risk` holds valueAtRisk, expectedShortfall, ' +
    'valueAtRiskError, expectedShortfallError, mean, deviation.',
  dtypes: ['f32', 'f64'],
  cpu: 'hwy',
  sizes: { assets: { about: 'positions', min: 1, max: 4096 } },
  options: {
    copula: choice(['normal', 'student'], 'normal', 'how returns move together'),
    marginals: choice(['normal', 'student'], 'normal', 'how each return is distributed'),
    degrees: number({ min: 2.01, max: 1000, default: 5, unit: 'degrees of freedom of Student t' }),
    generator: choice(['philox10', 'philox7'], 'philox10'),
    logReturns: flag(false, 'whether returns are logarithmic'),
    confidence: number({ min: 0.5, max: 0.99999, default: 0.99, unit: 'probability' }),
    horizon: number({ min: 1e-9, max: 1e6, default: 1, unit: 'periods of means and covariance' }),
    paths: int({ min: 2, max: 2 ** 28, unit: 'paths' }),
    seed: seed(),
  },
  arrays: {
    values: input(['assets'], {
      type: 'f64',
      values: 'price',
      about: 'money in each position, below 0 for a short one',
    }),
    means: optional(['assets'], { type: 'f64', values: 'probability', about: 'mean returns of one period' }),
    covariance: input(['assets', 'assets'], {
      type: 'f64',
      values: 'spd',
      about: 'of the returns of one period; positive semidefinite; the lower triangle is read',
    }),
    pnl: output(['paths'], 'float', 'profit of each path'),
    risk: output([6], 'f64'),
  },
  tolerance: {
    f64: 1e-9,
    f32: 1e-4,
    why: 'sums of another rounding, relative to the sum of absolute values',
  },
  flops: 'paths * assets * (30 + assets)',
  complexity: 'O(paths assets^2)',
  source:
    'McNeil, Frey, Embrechts 2015, Quantitative Risk Management, 6 and 7; Acerbi, Tasche 2002; Marsaglia, Tsang 2000 (gamma variates)',
  errors: {
    kNonFinite: 'finite values and means, was asset {detail}',
    kNotPositiveDefinite: 'a positive semidefinite covariance, was not: leading minor of order {detail}',
  },
  example: { assets: 3, paths: 4096 },
});
