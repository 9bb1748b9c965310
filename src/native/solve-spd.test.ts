// Positive-definite systems: published values on a real covariance, the residual law, refusals.
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { InvalidOptionError, NonFiniteInputError, ShapeMismatchError } from '../core/errors.ts';
import golden from './golden.json';
import { NotPositiveDefiniteError, solveSpd } from './index.ts';

describe('solveSpd', () => {
  test('equals numpy on the covariance of five stocks, and leaves its inputs unchanged', () => {
    const a = Float64Array.from(golden.solve_spd.a);
    const b = Float64Array.from(golden.solve_spd.b);
    const { x, backend } = solveSpd({ n: 5, nrhs: 1, a, b });
    // Condition number 14 times a few units of 2^-53, on values below 10; numpy solves by LU, so bits may differ.
    golden.solve_spd.x.forEach((expected, i) => {
      expect(Math.abs(x[i]! - expected)).toBeLessThanOrEqual(1e-12);
    });
    expect(backend).toBe('cpu');
    expect([...a]).toEqual(golden.solve_spd.a);
    expect([...b]).toEqual(golden.solve_spd.b);
  });

  test('returns x with a x = b for several right-hand sides', () => {
    const order = fc.integer({ min: 1, max: 15 });
    fc.assert(
      fc.property(
        order,
        fc.integer({ min: 1, max: 4 }),
        fc.integer({ min: 0, max: 999 }),
        (n, nrhs, seed) => {
          const a = new Float64Array(n * n);
          for (let i = 0; i < n; i++) {
            for (let j = 0; j < n; j++) a[i * n + j] = Math.cos(seed + i * j) / n;
          }
          // Symmetric, with a diagonal above the sum of its row: positive definite.
          for (let i = 0; i < n; i++) a[i * n + i] = 3;
          const b = Float64Array.from({ length: n * nrhs }, (_, at) => Math.sin(seed + at));
          const { x } = solveSpd({ n, nrhs, a, b });
          for (let i = 0; i < n; i++) {
            for (let column = 0; column < nrhs; column++) {
              let sum = 0;
              for (let j = 0; j < n; j++) sum += a[i * n + j]! * x[j * nrhs + column]!;
              // Backward stable: a few n * 2^-53 on values of order one.
              expect(Math.abs(sum - b[i * nrhs + column]!)).toBeLessThanOrEqual(1e-13);
            }
          }
        },
      ),
    );
  });

  test('reads the lower triangle only', () => {
    const a = Float64Array.of(4, Number.NaN, 0, 4);
    expect([...solveSpd({ n: 2, nrhs: 1, a, b: Float64Array.of(4, 4) }).x]).toEqual([1, 1]);
  });

  test('gives the same bits off-thread, and accepts sizes of 0', async () => {
    const system = { n: 2, nrhs: 1, a: Float64Array.of(3, 1, 1, 2), b: Float64Array.of(1, 2) };
    expect(await solveSpd.async(system)).toEqual(solveSpd(system));
    expect(solveSpd({ n: 0, nrhs: 0, a: new Float64Array(0), b: new Float64Array(0) }).x.length).toBe(0);
  });

  test('throws NotPositiveDefiniteError, an invalid option, for dependent assets', async () => {
    const system = { n: 2, nrhs: 1, a: Float64Array.of(1, 2, 2, 4), b: Float64Array.of(1, 1) };
    expect(() => solveSpd(system)).toThrow(NotPositiveDefiniteError);
    expect(() => solveSpd(system)).toThrow(InvalidOptionError);
    expect(() => solveSpd(system)).toThrow('leading minor of order 2');
    await expect(solveSpd.async(system)).rejects.toBeInstanceOf(NotPositiveDefiniteError);
  });

  test('refuses non-finite numbers, wrong lengths and f32', () => {
    const a = Float64Array.of(2, 0, 0, 2);
    const b = Float64Array.of(1, 1);
    const nan = Float64Array.of(2, 0, Number.NaN, 2);
    expect(() => solveSpd({ n: 2, nrhs: 1, a: nan, b })).toThrow(NonFiniteInputError);
    expect(() => solveSpd({ n: 2, nrhs: 1, a, b: Float64Array.of(1, Number.POSITIVE_INFINITY) })).toThrow(
      NonFiniteInputError,
    );
    expect(() => solveSpd({ n: 2, nrhs: 2, a, b })).toThrow(ShapeMismatchError);
    const single = new Float32Array(4) as unknown as Float64Array;
    expect(() => solveSpd({ n: 2, nrhs: 1, a: single, b })).toThrow(InvalidOptionError);
  });
});
