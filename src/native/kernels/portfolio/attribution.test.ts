// Attributions: numpy's values, a published example, laws.
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { uniform } from '../../example-call.ts';
import { brinsonAttribution, factorAttribution } from './attribution.ts';
import golden from './golden.json';

function expectNear(found: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number) {
  expect(found.length).toBe(expected.length);
  for (let i = 0; i < expected.length; i++)
    expect(Math.abs(found[i]! - expected[i]!)).toBeLessThanOrEqual(tolerance);
}

const total = (values: Iterable<number>) => Array.from(values).reduce((a, b) => a + b, 0);
const draws = (count: number, seed: number) => Float64Array.from({ length: count }, uniform(seed));

/** Weights that add up to one in each row. */
function shares(periods: number, groups: number, seed: number) {
  const weights = draws(periods * groups, seed);
  for (let at = 0; at < periods * groups; at += groups) {
    const sum = total(weights.subarray(at, at + groups));
    for (let i = at; i < at + groups; i++) weights[i]! /= sum;
  }
  return weights;
}

const shape = fc.record({
  periods: fc.integer({ min: 1, max: 6 }),
  groups: fc.integer({ min: 1, max: 20 }),
});

describe('brinsonAttribution', () => {
  const { periods, groups, allocation, selection, interaction, active, ...arrays } =
    golden.brinson_attribution;

  test('answers what numpy does', () => {
    for (const [Class, tolerance] of [
      [Float64Array, 1e-16],
      // Inputs are rounded to 2^-24 of weights of 0.5 and returns of 0.1.
      [Float32Array, 1e-8],
    ] as const) {
      const found = brinsonAttribution<Float64Array | Float32Array>({
        ...{ periods, groups },
        portfolioWeights: Class.from(arrays.portfolioWeights),
        benchmarkWeights: Class.from(arrays.benchmarkWeights),
        portfolioReturns: Class.from(arrays.portfolioReturns),
        benchmarkReturns: Class.from(arrays.benchmarkReturns),
      });
      expectNear(found.allocation, allocation, tolerance);
      expectNear(found.selection, selection, tolerance);
      expectNear(found.interaction, interaction, tolerance);
      expectNear(found.active, active, tolerance);
    }
  });

  // https://www.finfacts.io/calculations/brinson-fachler-asi, which rounds to a tenth of a basis point.
  test('answers what a published example does', () => {
    const found = brinsonAttribution({
      ...{ periods: 1, groups: 5 },
      portfolioWeights: Float64Array.of(0.35, 0.3, 0.15, 0.1, 0.1),
      portfolioReturns: Float64Array.of(0.021, 0.045, 0.032, 0.065, 0.005),
      benchmarkWeights: Float64Array.of(0.4, 0.25, 0.2, 0.05, 0.1),
      benchmarkReturns: Float64Array.of(0.018, 0.038, 0.03, 0.05, 0.004),
    });
    const points = (values: Float64Array) => values.map((value) => value * 1e4);
    expectNear(points(found.allocation), [3.8, 6.2, -2.2, 12.2, 0], 0.051);
    expectNear(points(found.selection), [12, 17.5, 4, 7.5, 1], 1e-9);
    expectNear(points(found.interaction), [-1.5, 3.5, -1, 7.5, 0], 1e-9);
  });

  test('adds up to the active return where weights add up to the same', () => {
    fc.assert(
      fc.property(shape, fc.nat(), (size, seed) => {
        const { periods, groups } = size;
        const call = {
          ...size,
          portfolioWeights: shares(periods, groups, seed),
          benchmarkWeights: shares(periods, groups, seed + 1),
          portfolioReturns: draws(periods * groups, seed + 2),
          benchmarkReturns: draws(periods * groups, seed + 3),
        };
        const found = brinsonAttribution(call);
        for (let period = 0; period < periods; period++) {
          const row = (values: Float64Array) =>
            total(values.subarray(period * groups, (period + 1) * groups));
          const effects = row(found.allocation) + row(found.selection) + row(found.interaction);
          expect(Math.abs(effects - found.active[period]!)).toBeLessThan(1e-14);
        }
      }),
    );
  });

  test('has no effect where the portfolio is its benchmark', () => {
    fc.assert(
      fc.property(shape, fc.nat(), (size, seed) => {
        const weights = shares(size.periods, size.groups, seed);
        const returns = draws(size.periods * size.groups, seed + 1);
        const found = brinsonAttribution({
          ...size,
          ...{ portfolioWeights: weights, benchmarkWeights: weights },
          ...{ portfolioReturns: returns, benchmarkReturns: returns },
        });
        const all = [found.allocation, found.selection, found.interaction, found.active];
        for (const values of all) expect(values.every((value) => value === 0)).toBe(true);
      }),
    );
  });

  test('calls what is held outside of the benchmark allocation, and misses no return of what nobody holds', () => {
    const found = brinsonAttribution({
      ...{ periods: 1, groups: 3 },
      portfolioWeights: Float64Array.of(0.5, 0.5, 0),
      benchmarkWeights: Float64Array.of(1, 0, 0),
      portfolioReturns: Float64Array.of(0.02, 0.1, Number.NaN),
      benchmarkReturns: Float64Array.of(0.02, Number.NaN, Number.NaN),
    });
    expectNear(found.allocation, [0, 0.5 * (0.1 - 0.02), 0], 1e-16);
    expectNear([...found.selection, ...found.interaction], [0, 0, 0, 0, 0, 0], 0);
    expectNear(found.active, [0.04], 1e-16);
  });

  test('leaves a period without effects where a return that counts is missing', () => {
    const found = brinsonAttribution({
      ...{ periods: 2, groups: 2 },
      portfolioWeights: Float64Array.of(0.5, 0.5, 0.5, 0.5),
      benchmarkWeights: Float64Array.of(0.5, 0.5, 0.5, 0.5),
      portfolioReturns: Float64Array.of(0.1, Number.NaN, 0.1, 0.1),
      benchmarkReturns: Float64Array.of(0.1, 0.1, 0.1, 0.1),
    });
    expect([...found.active]).toEqual([Number.NaN, 0]);
    expect([...found.selection]).toEqual([Number.NaN, Number.NaN, 0, 0]);
  });
});

describe('factorAttribution', () => {
  const { periods, factors, contributions, specific, ...arrays } = golden.factor_attribution;

  test('answers what numpy does, and adds up to the return', () => {
    const returns = Float64Array.from(arrays.returns);
    const found = factorAttribution({
      ...{ periods, factors, returns },
      exposures: Float64Array.from(arrays.exposures),
      factorReturns: Float64Array.from(arrays.factorReturns),
    });
    expectNear(found.contributions, contributions, 1e-17);
    expectNear(found.specific, specific, 1e-16);
    for (let period = 0; period < periods; period++) {
      const own = total(found.contributions.subarray(period * factors, (period + 1) * factors));
      expect(Math.abs(own + found.specific[period]! - returns[period]!)).toBeLessThan(1e-15);
    }
  });

  test('does not look at factors that nobody is exposed to', () => {
    const found = factorAttribution({
      ...{ periods: 2, factors: 2 },
      exposures: Float64Array.of(1, 0, 0.5, 1),
      factorReturns: Float64Array.of(0.25, Number.NaN, 0.25, Number.NaN),
      returns: Float64Array.of(0.5, 0.5),
    });
    expect([...found.contributions]).toEqual([0.25, 0, 0.125, Number.NaN]);
    expect([...found.specific]).toEqual([0.25, Number.NaN]);
  });
});
