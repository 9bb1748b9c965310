// Positions under scenarios.
import { input, optional, output, wanted } from '../../define.ts';
import { defineKernel } from '../../kernel.ts';

/** Profit and loss of positions in every scenario. */
export const scenarioPnl = defineKernel({
  id: 'scenario_pnl',
  family: 'portfolio',
  title: 'Profit and loss of scenarios',
  about:
    "What positions earn in each scenario: the sum of `delta move + gamma move^2 / 2`, where the move of a position is that of the factor `factorOf` names (its own column of `moves` without it). A share is `delta` = quantity times price over relative moves; an option adds its delta and gamma of the underlying's move; a position of several factors is one for each. The positions of a factor are added up first, so the cost of `pnl` is that of reading `moves` once. NaN and infinity are missing: a scenario with a missing move of a factor whose net delta or gamma is not 0 has no P&L, NaN; a missing delta or gamma leaves no scenario one.",
  dtypes: ['f64', 'f32'],
  cpu: 'hwy',
  sizes: {
    scenarios: { about: 'rows of moves' },
    positions: { about: 'positions' },
    factors: { about: 'columns of moves' },
  },
  options: {},
  arrays: {
    moves: input(['scenarios', 'factors'], {
      about: 'what each factor moves, in the unit that delta is per',
    }),
    delta: input(['positions'], { about: 'money per unit of move' }),
    gamma: optional(['positions'], { about: 'money per unit of move squared; 0 without it' }),
    factorOf: optional(['positions'], { type: 'i32', about: 'the factor of each position' }),
    pnl: output(['scenarios']),
    byPosition: wanted(['scenarios', 'positions']),
  },
  tolerance: {
    f64: 1e-12,
    f32: 1e-6,
    why: 'sums in another order, relative to the sum of absolute terms; f32 is summed in f64 (on Metal in pairs of floats) and rounded once',
  },
  flops: '4 * scenarios * factors',
  bytes: '8 * scenarios * factors + 24 * positions + 8 * scenarios',
  complexity: 'O(scenarios factors), with byPosition O(scenarios positions) more',
  source: 'Delta-gamma approximation: Jorion 2006, Value at Risk, chapter 10; J.P. Morgan 1996, RiskMetrics',
  errors: {
    kShape: 'as many factors as positions where factorOf is not given, was {detail}',
    kInvalidOption: 'places below the number of factors for factorOf; element {detail} was not',
  },
  example: { scenarios: 20, positions: 3, factors: 3 },
});
