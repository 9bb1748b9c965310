// What a trade adds to value at risk: known values, alignment by time, and that more is never less.
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import golden from './portfolio-risk-golden.json';
import { addedVar, jointMoments, NORMAL_95, scoreOf } from './trade-risk.ts';

const finite = (min: number, max: number) => fc.double({ min, max, noNaN: true });
const series = (returns: readonly number[], from = 0) => ({
  times: Float64Array.from(returns, (_, i) => from + i),
  returns: Float64Array.from(returns),
});

describe('joint moments', () => {
  test('are those of the times that both have', () => {
    const portfolio = { times: Float64Array.of(1, 2, 4, 6), returns: Float64Array.of(1, 2, 4, 6) };
    const symbol = { times: Float64Array.of(2, 3, 4, 6, 7), returns: Float64Array.of(-2, 9, -4, -6, 9) };
    expect(jointMoments(portfolio, symbol)).toEqual({
      portfolioVariance: 4,
      covariance: -4,
      symbolVariance: 4,
      observations: 3,
    });
  });

  test('of nothing held are those of the symbol, and of one bar nothing', () => {
    expect(jointMoments(null, series([1, 3]))).toEqual({
      portfolioVariance: 0,
      covariance: 0,
      symbolVariance: 2,
      observations: 2,
    });
    expect(jointMoments(series([1]), series([1])).observations).toBe(1);
  });
});

describe('added value at risk', () => {
  const [first, second] = [0, 1].map((j) => {
    const closes = golden.closes.map((row) => row[j]!);
    return series(closes.slice(1).map((close, i) => close / closes[i]! - 1));
  }) as [ReturnType<typeof series>, ReturnType<typeof series>];

  test('of real closes is the difference of the deviations of the whole series', () => {
    // The deviation of the sums, computed without moments: cancels about 1e-13 of it.
    const deviation = (weight: number) => {
      const returns = first.returns.map((r, i) => r + weight * second.returns[i]!);
      const mean = returns.reduce((a, b) => a + b, 0) / returns.length;
      return Math.sqrt(returns.reduce((sum, r) => sum + (r - mean) ** 2, 0) / (returns.length - 1));
    };
    const moments = jointMoments(first, second);
    for (const weight of [0.05, 0.3, 2]) {
      const expected = NORMAL_95 * Math.sqrt(10) * (deviation(weight) - deviation(0));
      expect(addedVar(moments, weight, 10)).toBeCloseTo(Math.max(0, expected), 12);
    }
  });

  test('of a first position is its own, and of a hedge nothing', () => {
    const moments = jointMoments(null, first);
    const own = NORMAL_95 * 0.1 * Math.sqrt(moments.symbolVariance);
    expect(addedVar(moments, 0.1, 1)).toBeCloseTo(own, 15);
    expect(addedVar(moments, -0.1, 1)).toBeCloseTo(own, 15);
    expect(addedVar(jointMoments(first, first), -0.5, 1)).toBe(0);
  });

  test('never falls as a trade grows', () => {
    const returns = fc.array(fc.tuple(finite(-0.5, 0.5), finite(-0.5, 0.5)), { minLength: 2, maxLength: 20 });
    fc.assert(
      fc.property(returns, finite(0, 10), finite(0, 10), fc.constantFrom(1, -1), (pairs, a, b, direction) => {
        const moments = jointMoments(series(pairs.map(([x]) => x)), series(pairs.map(([, y]) => y)));
        const [small, large] = [Math.min(a, b), Math.max(a, b)].map((w) =>
          addedVar(moments, direction * w, 1),
        );
        // Rounding of the moments, whose sizes are at most 0.25 times 20 bars.
        expect(large!).toBeGreaterThanOrEqual(small! - 1e-9);
      }),
    );
  });
});

test('a score falls in a line from 1 to 0 at its threshold', () => {
  expect([0, 0.5, 1, 2, Number.MAX_VALUE].map((x) => scoreOf(x, 1))).toEqual([1, 0.5, 0, 0, 0]);
});
