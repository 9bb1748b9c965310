// Covariance and correlation: outside values, laws, missing values and refusals.
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { NonFiniteInputError, ShapeMismatchError } from '../../../core/errors.ts';
import golden from './golden.json';
import { correlation, covariance } from './moments.ts';
import { expectClose, expectSymmetric, normal } from './test-matrices.ts';

const { observations, assets } = golden.panel;
const values = Float64Array.from(golden.panel.values as number[]);
const holes = Float64Array.from(golden.panel.holes, (value) => value ?? Number.NaN);
const shapes = { observations: fc.integer({ min: 2, max: 40 }), assets: fc.integer({ min: 1, max: 12 }) };

describe('covariance', () => {
  test('equals numpy, with either divisor', () => {
    // Values of 1e-4 from sums of 40 products: a few units of 2^-53.
    const expected = golden.covariance;
    expectClose(covariance({ observations, assets, values }).out, expected.ddof1, 1e-18);
    expectClose(covariance({ observations, assets, values, ddof: 0 }).out, expected.ddof0, 1e-18);
  });

  test('equals pandas where values are missing, with a least number of common observations', () => {
    const { out } = covariance({ observations, assets, values: holes, minPairs: 4 });
    expectClose(out, golden.covariance.holes, 1e-17);
    expect([...out].some(Number.isNaN)).toBe(true);
    expectSymmetric(out, assets);
  });

  test('equals numpy in f32 to its own precision', () => {
    const { out } = covariance({ observations, assets, values: Float32Array.from(values) });
    expect(out).toBeInstanceOf(Float32Array);
    expectClose(out, golden.covariance.ddof1, 1e-9);
  });

  test('is symmetric, does not change when columns move and grows with the square of their scale', () => {
    fc.assert(
      fc.property(fc.record({ ...shapes, seed: fc.nat() }), ({ seed, ...size }) => {
        const panel = normal(size.observations * size.assets, seed);
        const { out } = covariance({ ...size, values: panel });
        expectSymmetric(out, size.assets);
        const moved = covariance({ ...size, values: panel.map((value) => value + 100) }).out;
        // The inputs are rounded to 100 * 2^-53.
        expectClose(moved, out, 1e-12);
        const scaled = covariance({ ...size, values: panel.map((value) => value * 4) }).out;
        expectClose(
          scaled,
          out.map((value) => value * 16),
          1e-13,
        );
      }),
    );
  });

  test('gives a column order back in the same order', () => {
    const panel = normal(60, 5);
    const turned = Float64Array.from(panel, (_, at) => panel[at - (at % 3) + 2 - (at % 3)]!);
    const one = covariance({ observations: 20, assets: 3, values: panel }).out;
    const other = covariance({ observations: 20, assets: 3, values: turned }).out;
    expectClose(other, [...one].reverse(), 1e-15);
  });

  test('makes NaN of all that a missing value touches when it is told to', () => {
    const panel = Float64Array.of(1, 2, 3, 4, Number.NaN, 6, 7, 8, 1);
    const { out } = covariance({ observations: 3, assets: 3, values: panel, missing: 'propagate' });
    expect([...out].map(Number.isNaN)).toEqual([false, true, false, true, true, true, false, true, false]);
  });

  test('refuses infinity by its index and too few observations', () => {
    const bad = values.slice();
    bad[7] = Number.NEGATIVE_INFINITY;
    expect(() => covariance({ observations, assets, values: bad })).toThrow(NonFiniteInputError);
    expect(() => covariance({ observations, assets, values: bad })).toThrow('element 7');
    expect(() => covariance({ observations: 1, assets: 2, values: Float64Array.of(1, 2) })).toThrow(
      ShapeMismatchError,
    );
    expect(covariance({ observations: 0, assets: 0, values: new Float64Array(0) }).out.length).toBe(0);
  });
});

describe('correlation', () => {
  test('equals numpy and, where values are missing, pandas', () => {
    expectClose(correlation({ observations, assets, values }).out, golden.correlation.full, 1e-14);
    const { out } = correlation({ observations, assets, values: holes, minPairs: 4 });
    // pandas updates its sums one observation at a time.
    expectClose(out, golden.correlation.holes, 1e-13);
  });

  test('lies between -1 and 1, has a diagonal of 1 and does not change with scale', () => {
    fc.assert(
      fc.property(
        fc.record({ ...shapes, seed: fc.nat(), missing: fc.boolean() }),
        ({ seed, missing, ...size }) => {
          const panel = normal(size.observations * size.assets, seed);
          if (missing) for (let i = 0; i < panel.length; i += 7) panel[i] = Number.NaN;
          const { out } = correlation({ ...size, values: panel });
          expectSymmetric(out, size.assets);
          for (let i = 0; i < out.length; i++) {
            if (Number.isNaN(out[i]!)) continue;
            expect(Math.abs(out[i]!)).toBeLessThanOrEqual(1);
            if (i % (size.assets + 1) === 0) expect(out[i]).toBe(1);
          }
          const scaled = panel.map((value, at) => value * (1 + (at % size.assets)));
          expectClose(correlation({ ...size, values: scaled }).out, out, 1e-12);
        },
      ),
    );
  });

  test('is unknown for a column that does not vary', () => {
    const panel = Float64Array.of(1, 0.1, 2, 0.1, 4, 0.1);
    const { out } = correlation({ observations: 3, assets: 2, values: panel });
    expect([...out]).toEqual([1, Number.NaN, Number.NaN, Number.NaN]);
  });
});
