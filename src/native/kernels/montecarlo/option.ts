// The price of an option on one underlying, by simulation.
import { choice, flag, int, number, output, seed } from '../../define.ts';
import { defineKernel } from '../../kernel.ts';
import { gridSizes, localVolatility, underlying } from './underlying.ts';

/** What `values` and `errors` of {@link mcOption} hold, in this order. */
export const OPTION_FIGURES = ['price', 'delta', 'gamma', 'vega', 'rho', 'theta'] as const;

/** Price and Greeks of one option with their standard errors; every step of every path is simulated. */
export const mcOption = defineKernel({
  id: 'mc_option',
  family: 'montecarlo',
  title: 'Option on one underlying',
  about:
    'Discounted mean payoff over simulated paths of one underlying, with its standard error. `values` and `errors` hold price, delta, ' +
    'gamma, vega (to the initial volatility), rho and theta (a year); the Greeks are central differences over the same random numbers, ' +
    'NaN unless asked for. Asian means leave out the spot of today, barriers and lookbacks include it. Paths are streamed in chunks, ' +
    'memory does not grow with their number. With sobol, 32 scrambled copies (Owen, by hashing) of paths / 32 points give the error.',
  dtypes: ['f32', 'f64'],
  cpu: 'hwy',
  sizes: gridSizes,
  options: {
    payoff: choice(
      ['european', 'digital', 'asian', 'asian_geometric', 'barrier', 'lookback_fixed', 'lookback_floating'],
      'european',
    ),
    side: choice(['call', 'put'], 'call'),
    barrierKind: choice(['up_out', 'down_out', 'up_in', 'down_in'], 'up_out'),
    monitoring: choice(
      ['discrete', 'continuous'],
      'discrete',
      'of the barrier: at each step, or between them too by the probability of a Brownian bridge (gbm, local_vol)',
    ),
    generator: choice(['philox10', 'philox7', 'sobol'], 'philox10'),
    control: choice(
      ['none', 'spot', 'geometric'],
      'none',
      'control variate: the final spot, or the geometric mean of an Asian under gbm',
    ),
    antithetic: flag(false, 'each sample is the mean of a path and its mirror image'),
    greeks: flag(false),
    paths: int({ min: 2, max: 2 ** 31 - 1, unit: 'paths' }),
    steps: int({ min: 1, max: 65_536, default: 1, unit: 'steps' }),
    seed: seed(),
    ...underlying,
    payout: number({ min: 0, max: 1e30, default: 1, unit: 'currency, of a digital' }),
    barrier: number({ min: 0, max: 1e30, default: 0, unit: 'currency' }),
    rebate: number({ min: 0, max: 1e30, default: 0, unit: 'currency, at maturity' }),
  },
  arrays: {
    localVolatility,
    values: output([6], 'f64', 'price, delta, gamma, vega, rho, theta'),
    errors: output([6], 'f64', 'their standard errors'),
  },
  tolerance: {
    f64: 1e-9,
    f32: 1e-4,
    why: 'paths of another rounding, relative to the spot; a payoff that jumps moves by whole paths',
  },
  flops: 'paths * steps * 25',
  bytes: '100',
  complexity: 'O(paths steps)',
  source:
    'Glasserman 2003, Monte Carlo Methods in Financial Engineering; Merton 1976; Andersen 2008 (QE with martingale correction)',
  errors: {
    kInvalidOption:
      'options that fit together, was against rule {detail} (1: sobol has 1,024 dimensions; 2: continuous monitoring needs gbm or local_vol; 3: the geometric control needs an asian under gbm; 4: at most 2^42 normals; 5: local_vol needs a grid of two spots at least, gridHigh above gridLow; 6: at most 2^24 cells in steps times grid columns; 7: at most 65,536 normals a path; 8: sobol needs 64 paths; 10: at most 200 jumps a step on average; 9: a barrier above 0)',
    kNonFinite: 'volatilities of the grid that are finite and not negative, was that at {detail}',
  },
  example: { paths: 4096, steps: 12, spot: 100, strike: 100, rate: 0.03 },
});
