// The statistics kernels against pandas, numpy and scipy; scripts/golden/statistics.py writes the values.
import { describe, expect, test } from 'bun:test';
import { InvalidOptionError } from '../../../core/errors.ts';
import golden from './golden.json';
import * as kernels from './index.ts';

type Call = Record<string, unknown>;
type Run = (call: Call) => Record<string, Float64Array | Uint32Array>;

const numbers = (values: readonly (number | null)[]) =>
  Float64Array.from(values, (value) => value ?? Number.NaN);
const byId = new Map<string, Run>(
  kernels.statisticsKernels.map((kernel) => [kernel.def.id, kernel as unknown as Run]),
);
const run = (id: string, call: Call) => byId.get(id)!(call);

/** NaN where NaN is expected, and each value within `tolerance`, relative above 1. */
function expectClose(found: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number, what = '') {
  expect(found.length).toBe(expected.length);
  for (let i = 0; i < expected.length; i++) {
    const [one, other] = [found[i]!, expected[i]!];
    const far = Math.abs(one - other) / Math.max(1, Math.abs(other));
    if (Number.isNaN(one) && Number.isNaN(other)) continue;
    if (!(far <= tolerance)) throw new Error(`Expected ${other} for ${what}[${i}], was ${one}`);
  }
}

const { bars, series, window } = golden;
const x = numbers(golden.x);
const y = numbers(golden.y);
const PAIRS = ['rolling_covariance', 'rolling_correlation', 'ewm_covariance', 'ewm_correlation'];
const panels = (id: string) => (PAIRS.includes(id) ? { x, y } : { values: x });
// pandas takes values back out of its sums: about 1e-11 of the squares of prices of 100. What is small against them loses
// most there, in the third and fourth moments above all.
const loose = (id: string) => (id === 'rolling_skew' || id === 'rolling_kurtosis' ? 1e-7 : 1e-9);

describe('rolling statistics equal pandas', () => {
  for (const [name, minPeriods] of [
    ['full', 0],
    ['least', golden.minPeriods],
  ] as const) {
    for (const [id, expected] of Object.entries(golden.rolling[name])) {
      test(`${id} with ${minPeriods === 0 ? 'whole windows' : `at least ${minPeriods} values`}`, () => {
        const options = id === 'rolling_quantile' ? { probability: 0.3 } : {};
        const call = { bars, series, window, minPeriods, ...options, ...panels(id) };
        expectClose(run(id, call).out!, numbers(expected), loose(id), id);
      });
    }
  }

  test('in f32, to its precision', () => {
    const values = Float32Array.from(x);
    const { out } = run('rolling_std', { bars, series, window, minPeriods: golden.minPeriods, values });
    expect(out).toBeInstanceOf(Float32Array);
    // The inputs are rounded to 100 * 2^-24, the spread is about 1.
    expectClose(out!, numbers(golden.rolling.least.rolling_std), 1e-5, 'rolling_std');
  });
});

describe('a rolling line equals scipy.stats.linregress', () => {
  for (const [name, over] of [
    ['regression', { x }],
    ['trend', {}],
  ] as const) {
    test(name, () => {
      const wanted = Object.fromEntries(
        ['intercept', 'r2', 'residual'].map((key) => [key, new Float64Array(bars * series)]),
      );
      const call = { bars, series, window, minPeriods: golden.minPeriods, y, ...over, ...wanted };
      const result = run('rolling_regression', call);
      for (const [key, expected] of Object.entries(golden[name])) {
        expectClose(result[key]!, numbers(expected), 1e-9, key);
      }
    });
  }
});

describe('exponentially weighted statistics equal pandas', () => {
  for (const { options, bias, ...answers } of golden.ewm) {
    for (const [id, expected] of Object.entries(answers)) {
      test(`${id} with ${JSON.stringify(options)}`, () => {
        const more = ['ewm_mean', 'ewm_correlation'].includes(id) ? {} : { bias };
        const { out } = run(id, { bars, series, ...options, ...more, ...panels(id) });
        expectClose(out!, numbers(expected), 1e-9, id);
      });
    }
  }
});

describe('statistics along rows', () => {
  const { cross } = golden;
  const values = numbers(cross.values);
  const size = { bars: cross.bars, series: cross.series, values };

  test('rank like pandas', () => {
    for (const [ties, expected] of Object.entries(cross.cross_rank)) {
      expectClose(run('cross_rank', { ...size, ties }).out!, numbers(expected), 0, ties);
    }
    expectClose(run('cross_rank', { ...size, percent: true }).out!, numbers(cross.percent), 1e-15, 'percent');
  });

  test('score like scipy, clip like numpy, and leave what numpy.linalg.lstsq leaves', () => {
    expectClose(run('cross_zscore', size).out!, numbers(cross.cross_zscore), 1e-13, 'cross_zscore');
    const { out } = run('cross_winsorise', { ...size, lower: 0.1, upper: 0.8 });
    expectClose(out!, numbers(cross.cross_winsorise), 1e-14, 'cross_winsorise');
    const groups = Int32Array.from(cross.groups);
    const regressors = numbers(cross.regressors);
    const left = run('cross_neutralise', { ...size, factors: cross.factors, groups, regressors });
    expectClose(left.out!, numbers(cross.cross_neutralise), 1e-12, 'cross_neutralise');
  });

  test('refuse quantiles in the wrong order', () => {
    expect(() => run('cross_winsorise', { ...size, lower: 0.9, upper: 0.1 })).toThrow(InvalidOptionError);
  });
});

describe('samples', () => {
  const { samples } = golden;
  const sample = numbers(samples.sample);
  const count = sample.length;

  test('have the quantiles, order and histogram that numpy finds', () => {
    const at = Float64Array.from(samples.at);
    for (const [method, expected] of Object.entries(samples.quantiles)) {
      const call = { bars: count, series: 1, probabilities: at.length, method, values: sample, at };
      expectClose(run('quantiles', call).out!, numbers(expected), 1e-14, method);
    }
    const { out } = run('argsort', { rows: 1, count, values: sample });
    expect([...out!]).toEqual(samples.argsort);
    expect(run('nth_smallest', { bars: count, series: 1, nth: 20, values: sample }).out![0]!).toBe(
      sample[samples.argsort[20]!]!,
    );
    const bounds = new Float64Array(7);
    const { counts } = run('histogram', { count, bins: 6, values: sample, bounds });
    expect([...counts!]).toEqual(samples.counts);
    expectClose(bounds, numbers(samples.bounds), 1e-15, 'bounds');
  });

  test('are told apart like scipy.stats.ks_2samp and the sum over bins', () => {
    for (const [name, ks] of [
      ['other', samples.ks],
      ['far', samples.ks_far],
    ] as const) {
      const call = { n: count, m: 40, a: sample, b: numbers(samples[name]) };
      const { statistic, pValue } = run('ks_two_sample', call);
      expectClose(statistic!, [ks.statistic], 1e-15, 'statistic');
      // A p-value of 1e-20 keeps its digits: relative, not absolute.
      expectClose([pValue![0]! / ks.exact], [1], 1e-9, 'exact p-value');
      const limit = run('ks_two_sample', { ...call, method: 'asymptotic' }).pValue!;
      expectClose([limit[0]! / ks.asymptotic], [1], 1e-9, 'asymptotic p-value');
    }
    const call = { expected: count, actual: 40, bins: 5, expectedValues: sample };
    const { psi } = run('population_stability', { ...call, actualValues: numbers(samples.other) });
    expectClose(psi!, [samples.psi], 1e-13, 'psi');
  });

  test('fall below their highest value as pandas says', () => {
    const values = numbers(golden.filled);
    expectClose(run('drawdown', { bars, series, values }).out!, numbers(samples.drawdown), 1e-15, 'drawdown');
    const trough = new Uint32Array(series);
    const { depth } = run('max_drawdown', { bars, series, values, trough });
    expectClose(depth!, numbers(samples.max_drawdown), 1e-15, 'depth');
    expect([...trough]).toEqual(samples.trough);
  });
});
