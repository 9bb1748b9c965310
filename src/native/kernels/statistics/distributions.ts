// Histograms and distances between samples.
import { choice, input, int, number, optional, output, wanted } from '../../define.ts';
import { defineKernel } from '../../kernel.ts';

/** Counts of values in bins. */
export const histogram = defineKernel({
  id: 'histogram',
  family: 'statistics',
  title: 'Histogram',
  about:
    'Counts of values in bins: equal ones over [`low`, `high`], or over the range of the data when both are equal, or between the given `edges`. A bin holds its lower edge, the last one both. Values outside, NaN included, are not counted; `bounds` are the edges used.',
  dtypes: ['f64', 'f32'],
  cpu: 'hwy',
  sizes: { count: { about: 'values' } },
  options: {
    bins: int({ min: 1, max: 1_000_000, unit: '' }),
    low: number({ default: 0, unit: 'of values' }),
    high: number({ default: 0, unit: 'of values' }),
  },
  arrays: {
    values: input(['count']),
    edges: optional(['bins+1'], { type: 'f64', values: 'index', about: 'in any order' }),
    counts: output(['bins'], 'u32'),
    bounds: wanted(['bins+1'], 'f64'),
  },
  tolerance: { f64: 0, f32: 0, why: 'counts' },
  flops: 'count * 10',
  complexity: 'O(count), O(count log bins) with edges',
  source: 'numpy.histogram',
  errors: {
    kInvalidOption: 'low no larger than high, and finite edges; element {detail} of edges was not (-1: low)',
  },
  example: { count: 50, bins: 5 },
});

/** Two-sample Kolmogorov-Smirnov test. */
export const ksTwoSample = defineKernel({
  id: 'ks_two_sample',
  family: 'statistics',
  title: 'Two-sample Kolmogorov-Smirnov test',
  about:
    'The largest distance between the empirical distributions of two samples, and the two-sided probability of at least that distance when both are from one continuous distribution: exact with `auto` when n m is at most a million, else the limiting distribution. NaN and infinity are missing and skipped; NaN when a sample is empty. Ties make the p-value cautious.',
  dtypes: ['f64', 'f32'],
  cpu: 'hwy',
  sizes: { n: { about: 'values of a' }, m: { about: 'values of b' } },
  options: { method: choice(['auto', 'asymptotic'], 'auto') },
  arrays: {
    a: input(['n']),
    b: input(['m']),
    statistic: output([1], 'f64'),
    pValue: output([1], 'f64'),
  },
  tolerance: {
    f64: 1e-10,
    f32: 1e-10,
    why: 'the statistic is a ratio of integers; the p-value adds up to a million products',
  },
  flops: '(n + m) * 4 * log2(n + m) + min(n * m, 1e6) * 6',
  complexity: 'O((n + m) log(n + m) + min(n m, 10^6))',
  source:
    'Hodges 1958, The significance probability of the Smirnov two-sample test; Marsaglia, Tsang and Wang 2003',
  example: { n: 20, m: 30 },
});

/** Population stability index. */
export const populationStability = defineKernel({
  id: 'population_stability',
  family: 'statistics',
  title: 'Population stability index',
  about:
    'Sum over bins of (actual - expected) ln(actual / expected), with the shares of two samples. Inner edges are quantiles of the expected values (or cut their range evenly with `width`); a bin holds its upper edge. Shares below `floor` count as `floor`. NaN and infinity are missing and skipped; NaN when a sample is empty.',
  dtypes: ['f64', 'f32'],
  cpu: 'hwy',
  sizes: {
    expected: { about: 'values that shares are compared with' },
    actual: { about: 'values that are compared' },
  },
  options: {
    bins: int({ min: 1, max: 100_000, default: 10, unit: '' }),
    cuts: choice(['quantile', 'width'], 'quantile'),
    floor: number({ min: 1e-12, max: 1, default: 1e-4, unit: 'share' }),
  },
  arrays: {
    expectedValues: input(['expected']),
    actualValues: input(['actual']),
    psi: output([1], 'f64'),
    edges: wanted(['bins-1'], 'f64'),
    expectedShares: wanted(['bins'], 'f64'),
    actualShares: wanted(['bins'], 'f64'),
  },
  tolerance: { f64: 1e-12, f32: 1e-12, why: 'the same counts and operations' },
  flops: '(expected + actual) * 4 * log2(expected + actual)',
  complexity: 'O((expected + actual) log(expected + actual))',
  source: 'Siddiqi 2006, Credit Risk Scorecards, chapter 9',
  example: { expected: 60, actual: 40, bins: 5 },
});
