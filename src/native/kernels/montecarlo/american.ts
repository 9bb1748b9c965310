// The price of an option that may be exercised early, by simulation.
import { choice, flag, int, output, seed } from '../../define.ts';
import { defineKernel } from '../../kernel.ts';
import { gridSizes, localVolatility, underlying } from './underlying.ts';

/** Price of an American option on one underlying by the method of Longstaff and Schwartz. */
export const mcAmerican = defineKernel({
  id: 'mc_american',
  family: 'montecarlo',
  title: 'American option',
  about:
    'Price of an option that may be exercised at every step, and its standard error. Continuation values are regressed on powers of the ' +
    'spot over paths of their own (at most 65,536, and at most 2^24 stored values); the price comes from other paths that follow the rule ' +
    'so found, hence it is a lower bound in expectation. Exercise at once is allowed. Memory does not grow with the number of paths.',
  dtypes: ['f32', 'f64'],
  cpu: 'hwy',
  sizes: gridSizes,
  options: {
    side: choice(['call', 'put'], 'put'),
    generator: choice(['philox10', 'philox7', 'sobol'], 'philox10', 'of the pricing paths'),
    antithetic: flag(false, 'each sample is the mean of a path and its mirror image'),
    degree: int({ min: 1, max: 8, default: 4, unit: 'highest power of the spot' }),
    paths: int({ min: 2, max: 2 ** 31 - 1, unit: 'paths' }),
    steps: int({ min: 1, max: 4096, default: 50, unit: 'dates of exercise' }),
    seed: seed(),
    ...underlying,
  },
  arrays: {
    localVolatility,
    value: output([2], 'f64', 'price and its standard error'),
  },
  tolerance: {
    f64: 1e-9,
    f32: 1e-3,
    why: 'paths of another rounding, relative to the spot; a path near the boundary is exercised at another date',
  },
  flops: '(paths + min(paths, 65536)) * steps * 50',
  bytes: 'min(paths, 65536) * steps * 8',
  complexity: 'O(paths steps)',
  source: 'Longstaff, Schwartz 2001, Valuing American options by simulation: a simple least-squares approach',
  errors: {
    kInvalidOption:
      'options that fit together, was against rule {detail} (1: sobol has 1,024 dimensions; 4: at most 2^42 normals; 5: local_vol needs a grid of two spots at least, gridHigh above gridLow; 6: at most 2^24 cells in steps times grid columns; 7: at most 65,536 normals a path; 8: sobol needs 64 paths; 10: at most 200 jumps a step on average)',
    kNonFinite: 'volatilities of the grid that are finite and not negative, was that at {detail}',
  },
  example: { paths: 4096, steps: 10, spot: 100, strike: 100, rate: 0.03 },
});
