// Covariance and its root.
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { InsufficientHistoryError } from '../core/errors.ts';
import { momentsOf, pivotedCholesky } from './covariance.ts';
import { plainGemm } from './plain-gemm.ts';

describe('moments', () => {
  test('of two short columns are those worked out by hand', () => {
    const { mean, covariance } = momentsOf(Float64Array.of(1, 4, 2, 2, 3, 0), 3, 2, plainGemm);
    expect([...mean]).toEqual([2, 2]);
    expect([...covariance]).toEqual([1, -2, -2, 4]);
  });
  test('need two bars', () => {
    expect(() => momentsOf(Float64Array.of(1), 1, 1, plainGemm)).toThrow(InsufficientHistoryError);
  });
});

/** A root times its transpose. */
function squared(root: Float64Array, n: number): Float64Array {
  const transposed = Float64Array.from(root, (_, i) => root[(i % n) * n + Math.floor(i / n)]!);
  const out = new Float64Array(n * n);
  plainGemm(n, n, n, root, transposed, out);
  return out;
}

describe('the root', () => {
  test('of a textbook matrix squares back to it', () => {
    const matrix = Float64Array.of(4, 12, -16, 12, 37, -43, -16, -43, 98);
    const { root, rank } = pivotedCholesky(matrix, 3);
    expect(rank).toBe(3);
    // The correlation of the first two is 0.986: three digits of the fifteen go, as in any factorisation.
    squared(root, 3).forEach((x, i) => {
      expect(x).toBeCloseTo(matrix[i]!, 11);
    });
  });
  test('keeps an asset of tiny variance beside a large one', () => {
    const { root, rank } = pivotedCholesky(Float64Array.of(1e20, 0, 0, 1e-20), 2);
    expect(rank).toBe(2);
    expect([...squared(root, 2)]).toEqual([1e20, 0, 0, expect.closeTo(1e-20, 30)]);
  });
  test('of twin assets has rank one and still squares to the matrix', () => {
    const twins = Float64Array.of(0.25, 0.25, 0.25, 0.25);
    const { root, rank } = pivotedCholesky(twins, 2);
    expect(rank).toBe(1);
    expect([...squared(root, 2)]).toEqual([...twins]);
  });
  test('of a zero matrix is zero', () => {
    expect(pivotedCholesky(new Float64Array(9), 3)).toEqual({ root: new Float64Array(9), rank: 0 });
  });
  test('squares to the covariance of any sample, also with fewer bars than assets', () => {
    const value = fc.integer({ min: -100_000, max: 100_000 }).map((n) => n / 1e6);
    const sample = fc
      .tuple(fc.integer({ min: 2, max: 8 }), fc.integer({ min: 1, max: 6 }))
      .chain(([bars, assets]) =>
        fc.tuple(
          fc.constant(bars),
          fc.constant(assets),
          fc.array(value, { minLength: bars * assets, maxLength: bars * assets }),
        ),
      );
    fc.assert(
      fc.property(sample, ([bars, assets, values]) => {
        const { covariance } = momentsOf(Float64Array.from(values), bars, assets, plainGemm);
        const { root, rank } = pivotedCholesky(covariance, assets);
        expect(rank).toBeLessThanOrEqual(Math.min(assets, bars - 1));
        const again = squared(root, assets);
        // What is dropped is below 8 n epsilon = 1e-14 of the variances, and the sums of n products round as much again.
        const tolerance = 1e-13 * Math.max(...covariance, 1e-300);
        for (let i = 0; i < again.length; i++) {
          expect(Math.abs(again[i]! - covariance[i]!)).toBeLessThanOrEqual(tolerance);
        }
      }),
    );
  });
});
