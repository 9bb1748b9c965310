// Hidden Markov models with normal observations.
import { choice, input, int, number, output, wanted } from '../../define.ts';
import { defineKernel } from '../../kernel.ts';

const source =
  'Rabiner 1989, A tutorial on hidden Markov models and selected applications in speech recognition; Baum et al. 1970';

/** Baum-Welch from given means. */
export const hmmFit = defineKernel({
  id: 'hmm_fit',
  family: 'learning',
  title: 'Fit of a hidden Markov model',
  about:
    'Rounds of Baum-Welch (expectation and maximisation) over rows in time order, from the means `start`, equal first probabilities, 0.9 for staying in a state and the covariance of all rows. Densities enter as logarithms, so that a row far off all states does no harm. Each round raises the likelihood, until the mean log-likelihood of a row gains less than `tolerance`, or after `maxIterations` rounds. Covariances are of the rows that a state has, and their diagonals at least `floor`. States are sorted by the sum of their variances: 0 is the calmest. NaN and infinity are refused.',
  dtypes: ['f64'],
  cpu: 'hwy',
  sizes: {
    rows: { about: 'rows in time order', min: 1 },
    columns: { about: 'observed columns', min: 1, max: 256 },
  },
  options: {
    states: int({ min: 1, max: 64, default: 2, unit: 'states' }),
    covariance: choice(['diagonal', 'full'], 'diagonal', 'whether columns are independent within a state'),
    maxIterations: int({ min: 1, max: 10_000, default: 200, unit: 'rounds' }),
    tolerance: number({ min: 0, default: 1e-7, unit: 'nats a row' }),
    floor: number({ min: 1e-12, default: 1e-6, unit: 'variance' }),
  },
  arrays: {
    values: input(['rows', 'columns']),
    start: input(['states', 'columns'], { about: 'first means' }),
    initial: output(['states'], 'float', 'probability of the first row'),
    transitions: output(['states', 'states'], 'float', 'from row to column; rows sum to 1'),
    means: output(['states', 'columns']),
    covariances: output(['states', 'columns', 'columns']),
    likelihood: output([1], 'float', 'logarithm, of all rows, before the last round'),
    iterations: output([1], 'i32', 'rounds that were made'),
    path: wanted(
      ['maxIterations'],
      'float',
      'the log-likelihood that each round began with; NaN beyond the last',
    ),
  },
  tolerance: {
    f64: 1e-9,
    f32: 0,
    why: 'the same sums with probabilities as products of scaled numbers, relative to the largest parameter',
  },
  flops: '50 * rows * states * (4 * states + columns * columns)',
  bytes: '200 * rows * (columns + 4 * states)',
  complexity: 'O(rounds rows states (states + columns^2))',
  source,
  errors: {
    kNonFinite: 'finite values and start, was not at element {detail}',
    kNotPositiveDefinite: 'columns that are not collinear within a state, was not in state {detail}',
  },
  example: { rows: 40, columns: 2, states: 2, maxIterations: 5 },
});

/** Probabilities and paths of states. */
export const hmmStates = defineKernel({
  id: 'hmm_states',
  family: 'learning',
  title: 'States of a hidden Markov model',
  about:
    '`filtered`: the probability of each state given the rows up to and with this one, which no later row changes. `path`: the states that are together most likely given all rows (Viterbi). `smoothed`: the probability given all rows: it looks ahead, and is for describing the past only. `initial` and the rows of `transitions` are divided by their sums. NaN and infinity are refused.',
  dtypes: ['f64'],
  cpu: 'hwy',
  sizes: {
    rows: { about: 'rows in time order' },
    columns: { about: 'observed columns', min: 1, max: 256 },
    states: { about: 'states', min: 1, max: 64 },
  },
  options: {},
  arrays: {
    values: input(['rows', 'columns']),
    initial: input(['states'], { values: 'probability' }),
    transitions: input(['states', 'states'], { values: 'probability' }),
    means: input(['states', 'columns']),
    covariances: input(['states', 'columns', 'columns'], {
      values: 'spd',
      about: 'lower triangles are read',
    }),
    filtered: output(['rows', 'states']),
    path: output(['rows'], 'i32'),
    likelihood: output([1], 'float', 'logarithm, of all rows'),
    smoothed: wanted(['rows', 'states']),
  },
  tolerance: {
    f64: 1e-9,
    f32: 0,
    why: 'the same sums with probabilities as products of scaled numbers',
  },
  flops: 'rows * states * (30 + 2 * states + columns * columns)',
  complexity: 'O(rows states (states + columns^2))',
  source,
  errors: {
    kNonFinite: 'finite numbers, was not at element {detail} of its array',
    kInvalidOption: 'probabilities of at least 0 with a sum above 0, was not in row {detail}',
    kNotPositiveDefinite: 'positive-definite covariances, was not in state {detail}',
  },
  example: { rows: 30, columns: 2, states: 3 },
});
