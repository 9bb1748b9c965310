// Where a return came from.
import { input, output } from '../../define.ts';
import { defineKernel } from '../../kernel.ts';

const tolerance = {
  f64: 1e-13,
  f32: 1e-6,
  why: 'sums in another order, relative to the largest weights times returns; f32 is summed in f64 (on Metal in pairs of floats) and rounded once',
} as const;

/** Active return by groups: allocation, selection, interaction. */
export const brinsonAttribution = defineKernel({
  id: 'brinson_attribution',
  family: 'portfolio',
  title: 'Brinson-Fachler attribution',
  about:
    "The return above a benchmark, in each period, by groups (sectors, countries, managers): allocation `(w - b) (r_b - R_b)`, selection `b (r - r_b)` and interaction `(w - b) (r - r_b)`, for the weights `w`, `b` and returns `r`, `r_b` of a group in the portfolio and the benchmark, and the benchmark's return `R_b`, the sum of `b r_b`. Where both weights of a period add up to the same, its effects add up to `active`, the portfolio's return less `R_b`. A group that one side does not hold may lack a return there: that of the other side stands in, so that what is held outside of the benchmark is allocation, and one that neither holds has no effect. Any other NaN or infinity is missing and leaves all of its period NaN.",
  dtypes: ['f64', 'f32'],
  cpu: 'hwy',
  sizes: { periods: { about: 'rows' }, groups: { about: 'columns' } },
  options: {},
  arrays: {
    portfolioWeights: input(['periods', 'groups'], {
      values: 'probability',
      about: 'at the start of a period',
    }),
    benchmarkWeights: input(['periods', 'groups'], { values: 'probability' }),
    portfolioReturns: input(['periods', 'groups'], { about: 'over the period: 0.01 is one percent' }),
    benchmarkReturns: input(['periods', 'groups']),
    allocation: output(['periods', 'groups']),
    selection: output(['periods', 'groups']),
    interaction: output(['periods', 'groups']),
    active: output(['periods']),
  },
  tolerance,
  flops: '12 * periods * groups',
  complexity: 'O(periods groups)',
  source:
    'Brinson and Fachler 1985, Measuring non-US equity portfolio performance; Bacon 2008, Practical Portfolio Performance Measurement and Attribution, chapter 5',
  example: { periods: 4, groups: 3 },
});

/** Return by factors, and what they leave. */
export const factorAttribution = defineKernel({
  id: 'factor_attribution',
  family: 'portfolio',
  title: 'Factor attribution',
  about:
    "What each factor gave to a portfolio's return in each period, its exposure times the factor's return, and the specific return that is left; they add up to the return. An exposure of 0 gives 0 and does not look at its factor. NaN and infinity elsewhere are missing: the contribution of that factor and the specific return of that period are NaN.",
  dtypes: ['f64', 'f32'],
  cpu: 'hwy',
  sizes: { periods: { about: 'rows' }, factors: { about: 'columns' } },
  options: {},
  arrays: {
    exposures: input(['periods', 'factors'], { about: 'at the start of a period' }),
    factorReturns: input(['periods', 'factors']),
    returns: input(['periods'], { about: 'of the portfolio' }),
    contributions: output(['periods', 'factors']),
    specific: output(['periods']),
  },
  tolerance,
  flops: '2 * periods * factors',
  complexity: 'O(periods factors)',
  source: 'Grinold and Kahn 2000, Active Portfolio Management, chapter 17',
  example: { periods: 4, factors: 3 },
});
