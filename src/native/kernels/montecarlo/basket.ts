// The price of an option on several underlyings, by simulation.
import { choice, flag, input, int, number, optional, output, seed, wanted } from '../../define.ts';
import { defineKernel } from '../../kernel.ts';

/** Price and deltas of an option on several correlated underlyings, with standard errors. */
export const mcBasket = defineKernel({
  id: 'mc_basket',
  family: 'montecarlo',
  title: 'Option on a basket',
  about:
    'Discounted mean payoff over paths of correlated geometric Brownian motions, with its standard error. The level is the weighted sum ' +
    '(basket), the sum of weights times the weighted geometric mean (geometric), or the greatest or least of weight times price. ' +
    'Deltas are pathwise derivatives, one for each asset. Memory does not grow with the number of paths.',
  dtypes: ['f32', 'f64'],
  cpu: 'hwy',
  sizes: { assets: { about: 'underlyings', min: 1, max: 1024 } },
  options: {
    payoff: choice(['basket', 'geometric', 'best_of', 'worst_of'], 'basket', 'what the level is'),
    side: choice(['call', 'put'], 'call'),
    average: flag(false, 'the mean of the level over the steps in place of its end'),
    generator: choice(['philox10', 'philox7', 'sobol'], 'philox10'),
    control: choice(
      ['none', 'geometric'],
      'none',
      'control variate: the geometric basket, for a basket without mean',
    ),
    antithetic: flag(false, 'each sample is the mean of a path and its mirror image'),
    paths: int({ min: 2, max: 2 ** 31 - 1, unit: 'paths' }),
    steps: int({ min: 1, max: 65_536, default: 1, unit: 'steps' }),
    seed: seed(),
    strike: number({ min: -1e30, max: 1e30, default: 0, unit: 'currency' }),
    rate: number({ min: -10, max: 10, default: 0, unit: 'a year, continuous' }),
    maturity: number({ min: 1e-9, max: 1000, default: 1, unit: 'years' }),
  },
  arrays: {
    spots: input(['assets'], { type: 'f64', values: 'price', about: 'above 0' }),
    weights: input(['assets'], { type: 'f64', values: 'positive' }),
    volatilities: input(['assets'], {
      type: 'f64',
      values: 'probability',
      about: 'a square root of a year, not negative',
    }),
    dividends: optional(['assets'], { type: 'f64', values: 'probability', about: 'a year, continuous' }),
    correlations: input(['assets', 'assets'], {
      type: 'f64',
      values: 'spd',
      about: 'positive semidefinite; scaled to a diagonal of 1; the lower triangle is read',
    }),
    value: output([2], 'f64', 'price and its standard error'),
    deltas: wanted([2, 'assets'], 'f64', 'deltas and their standard errors'),
  },
  tolerance: { f64: 1e-9, f32: 1e-4, why: 'paths of another rounding, relative to the level' },
  flops: 'paths * steps * assets * (25 + assets)',
  bytes: '100 * assets',
  complexity: 'O(paths steps assets^2)',
  source: 'Glasserman 2003, Monte Carlo Methods in Financial Engineering, 3.2.3 and 7.2; Kemna, Vorst 1990',
  errors: {
    kInvalidOption:
      'options that fit together, was against rule {detail} (1: sobol has 1,024 dimensions; 3: the geometric control needs a basket without mean and positive weights; 4: at most 2^42 normals; 7: at most 65,536 normals a path; 8: sobol needs 64 paths; 9: the geometric level needs positive weights)',
    kNonFinite: 'finite numbers, spots above 0 and volatilities not below, was asset {detail}',
    kNotPositiveDefinite: 'positive semidefinite correlations, was not: leading minor of order {detail}',
  },
  example: { assets: 3, paths: 4096, steps: 2, strike: 100, rate: 0.02 },
});
