// Limits of portfolios under scenarios.
import { input, output } from '../../define.ts';
import { defineKernel } from '../../kernel.ts';

/** Which limits break in which scenario. */
export const limitUsage = defineKernel({
  id: 'limit_usage',
  family: 'portfolio',
  title: 'Usage of limits in scenarios',
  about:
    'How much of each limit is used in each scenario, and the scenario that uses most of it. A limit bounds one amount of money: gross, the sum of the sizes of `weight (exposure + pnl)`; net, the size of their sum; or loss, what the sum of `weight pnl` is below 0. Usage is that amount over the bound, so a limit breaks above 1; with a bound of 0 it is infinite as soon as there is anything, and a bound of infinity is never used. `pnl` is what `scenario_pnl` gives as `byPosition`; zeros there are the book as it stands. A position of weight 0 is not looked at. NaN and infinity elsewhere are missing: the usage is unknown, NaN, in every scenario where a limit depends on one; such scenarios are counted, and neither break a limit nor are its worst. Without a known scenario `worst` is NaN and `worstScenario` -1.',
  dtypes: ['f64', 'f32'],
  cpu: 'blas',
  sizes: {
    scenarios: { about: 'rows of pnl' },
    positions: { about: 'positions' },
    limits: { about: 'limits' },
  },
  options: {},
  arrays: {
    pnl: input(['scenarios', 'positions'], { about: 'what each position earns' }),
    exposures: input(['positions'], { about: 'money in each position, negative when short' }),
    weights: input(['limits', 'positions'], {
      about: 'how much of a position a limit counts: 1 in its group, 0 outside, or a beta',
    }),
    kinds: input(['limits'], { type: 'i32', about: '0 gross, 1 net, 2 loss' }),
    bounds: input(['limits'], { values: 'positive', about: 'money, 0 or more' }),
    usage: output(['scenarios', 'limits']),
    worst: output(['limits'], 'float', 'largest usage'),
    worstScenario: output(['limits'], 'i32', 'the first scenario with that usage'),
    breaches: output(['limits'], 'u32', 'scenarios with a usage above 1'),
    unknown: output(['limits'], 'u32', 'scenarios without a usage'),
  },
  tolerance: {
    f64: 1e-12,
    f32: 1e-6,
    why: 'sums in another order, relative to the sum of absolute terms over the bound; f32 is summed in f64 (on Metal in pairs of floats) and rounded once',
  },
  flops: '2 * scenarios * positions * limits',
  complexity: 'O(scenarios positions limits)',
  source:
    'Gross and net exposure and loss limits: Jorion 2006, Value at Risk, chapter 16; sums by BLAS level 3',
  errors: {
    kInvalidOption: 'kinds from 0 to 2 and bounds of 0 or more; at limit {detail} one was not',
  },
  example: { scenarios: 6, positions: 5, limits: 3 },
});
