// Monte-Carlo VaR: against the closed form, reproducibility, scaling, conventions, refusals.
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import {
  InsufficientHistoryError,
  InvalidOptionError,
  NonFiniteInputError,
  ShapeMismatchError,
} from '../core/errors.ts';
import { Philox } from '../core/philox.ts';
import type { Gemm } from './covariance.ts';
import golden from './golden.json';
import { plainGemm } from './plain-gemm.ts';
import { monteCarloVar, tailOf, type VarInput } from './var.ts';

const { cases } = golden.normal_var;
const base: VarInput = {
  values: Float64Array.from(golden.normal_var.values),
  returns: Float64Array.from(golden.normal_var.returns.flat()),
  horizonBars: 1,
  confidence: 0.99,
  paths: 50_000,
  seed: 20_240_101,
};
const run = (change: Partial<VarInput> = {}) => monteCarloVar({ ...base, ...change }, plainGemm);

describe('on real returns of five funds', () => {
  for (const { horizon_bars, confidence, var: exactVar, cvar: exactCvar, mean } of cases) {
    test(`VaR and CVaR over ${horizon_bars} bars at ${confidence} are within four standard errors of scipy's normal`, () => {
      const result = run({ horizonBars: horizon_bars, confidence });
      expect(Math.abs(result.var - exactVar)).toBeLessThan(4 * result.var_standard_error);
      expect(Math.abs(result.cvar - exactCvar)).toBeLessThan(4 * result.cvar_standard_error);
      // The drift is no simulation: equal but for the order of its sum.
      expect(Math.abs(result.expected_pnl / mean - 1)).toBeLessThan(1e-10);
      expect(result.rank).toBe(5);
    });
  }
  test('the stated standard errors are those that many seeds show', () => {
    const runs = Array.from({ length: 60 }, (_, seed) => run({ seed, paths: 5000, confidence: 0.95 }));
    for (const [figure, error] of [
      ['var', 'var_standard_error'],
      ['cvar', 'cvar_standard_error'],
    ] as const) {
      const values = runs.map((r) => r[figure]);
      const mean = values.reduce((a, b) => a + b) / values.length;
      const shown = Math.sqrt(values.reduce((a, x) => a + (x - mean) ** 2, 0) / (values.length - 1));
      const stated = runs.reduce((a, r) => a + r[error], 0) / runs.length;
      // A deviation from 60 runs is itself known to 1 / sqrt(2 x 59) = 9 percent; four of those.
      expect(Math.abs(stated / shown - 1)).toBeLessThan(0.37);
    }
  });
});

describe('the simulation', () => {
  test('gives the same bits for the same seed and others for another', () => {
    expect(run()).toEqual(run());
    expect(run({ seed: 2 }).var).not.toBe(run().var);
  });
  test('draws the same normals however the paths are cut into blocks', () => {
    // 300 assets make blocks of 1746 paths, so 2001 paths take two.
    const assets = 300;
    const values = new Float64Array(assets).fill(100);
    const returns = Float64Array.from({ length: 3 * assets }, (_, i) => Math.sin(i) / 100);
    const drawn: number[] = [];
    const blocks: number[] = [];
    const recording: Gemm = (m, n, k, a, b, out) => {
      plainGemm(m, n, k, a, b, out);
      if (n !== 1) return;
      blocks.push(m);
      for (const z of a) drawn.push(z);
    };
    const result = monteCarloVar({ ...base, values, returns, paths: 2001, seed: 5 }, recording);
    expect(blocks).toEqual([1746, 255]);
    expect(Float64Array.from(drawn)).toEqual(new Philox(5).fillNormal(new Float64Array(2001 * assets)));
    expect(result.rank).toBe(2);
  });
  test('scales with the size of the book', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: -8, max: 8 }),
        fc.double({ min: 0.1, max: 10, noNaN: true }),
        (power, factor) => {
          const one = run({ paths: 2000 });
          const scaled = (by: number) => run({ paths: 2000, values: base.values.map((x) => x * by) });
          expect(scaled(2 ** power).var).toBe(one.var * 2 ** power);
          expect(Math.abs(scaled(factor).cvar / (one.cvar * factor) - 1)).toBeLessThan(1e-11);
        },
      ),
      { numRuns: 20 },
    );
  });
  test('turns losses into gains when the book is turned round and has no drift', () => {
    const returns = Float64Array.of(0.01, -0.01, 0.02, -0.02);
    const flat = { returns, values: Float64Array.of(1000), confidence: 0.5, paths: 20_001 };
    const a = run(flat);
    expect(run({ ...flat, values: Float64Array.of(-1000) }).var).toBeCloseTo(-a.var, 12);
  });
  test('of an empty book or of assets that never move has no loss', () => {
    expect(run({ values: new Float64Array(5) })).toMatchObject({ var: -0, var_standard_error: 0 });
    const still = run({ returns: new Float64Array(10) });
    expect(still.rank).toBe(0);
    expect(Math.abs(still.cvar)).toBe(0);
  });
  test('states its convention', () => {
    expect(run().convention).toEqual({
      method: 'monte-carlo-normal',
      sign: 'loss positive',
      confidence: 0.99,
      horizon_bars: 1,
      paths: 50_000,
      seed: '20240101',
      generator: 'philox10',
    });
  });
});

describe('the tail', () => {
  const hundred = Float64Array.from({ length: 100 }, (_, i) => i + 1);
  test('of 1 to 100 at 0.95 starts at 95 and averages the five worst', () => {
    expect(tailOf(hundred, 0.95).var).toBe(95);
    expect(tailOf(hundred, 0.95).cvar).toBeCloseTo(98, 10);
  });
  test('counts the quantile by the part of it that lies beyond', () => {
    // The worst 4.5 of 100: 100 + 99 + 98 + 97 + half of 96.
    expect(tailOf(hundred, 0.955).var).toBe(96);
    expect(tailOf(hundred, 0.955).cvar).toBeCloseTo(442 / 4.5, 10);
  });
});

test('broken input is refused by name', () => {
  expect(() => run({ values: new Float64Array(4) })).toThrow(ShapeMismatchError);
  expect(() => run({ values: new Float64Array(0) })).toThrow(ShapeMismatchError);
  expect(() => run({ returns: new Float64Array(5) })).toThrow(InsufficientHistoryError);
  expect(() => run({ returns: new Float64Array(10).fill(Number.NaN) })).toThrow(NonFiniteInputError);
  expect(() => run({ values: new Float64Array(5).fill(Infinity) })).toThrow(NonFiniteInputError);
  for (const bad of [
    { confidence: 1 },
    { confidence: 0.4 },
    { paths: 999 },
    { horizonBars: 0 },
    { horizonBars: 1.5 },
  ]) {
    expect(() => run(bad)).toThrow(InvalidOptionError);
  }
  expect(run({ paths: 1000 }).convention.paths).toBe(1000);
});
