// Matrix times vector, times its transpose, and many small products: agreement with gemm, laws, refusals.
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { InvalidOptionError, ShapeMismatchError } from '../../../core/errors.ts';
import { batchedGemm, gemm, gemv, syrk } from './products.ts';
import { expectClose, expectSymmetric, normal, product, transpose } from './test-matrices.ts';

const side = fc.integer({ min: 1, max: 20 });

describe('gemv', () => {
  test('is a product with one column, for both transposes', () => {
    fc.assert(
      fc.property(side, side, fc.boolean(), fc.nat(), (m, n, transA, seed) => {
        const a = normal(m * n, seed);
        const x = normal(n, seed + 1);
        const { out } = gemv({ m, n, a, x, transA, alpha: 2 });
        const expected = product(transA ? transpose(a, n, m) : a, x, m, 1, n).map((value) => value * 2);
        expectClose(out, expected, 1e-13);
      }),
    );
  });

  test('adds to what is there, and reads it only when beta is not 0', () => {
    const one = Float64Array.of(1, 1, 1, 1);
    const out = Float64Array.of(Number.NaN, Number.NaN);
    expect([...gemv({ m: 2, n: 2, a: one, x: one.subarray(0, 2), out }).out]).toEqual([2, 2]);
    expect([...gemv({ m: 2, n: 2, a: one, x: one.subarray(0, 2), out, beta: 10 }).out]).toEqual([22, 22]);
    expect([...gemv({ m: 2, n: 0, a: new Float64Array(0), x: new Float64Array(0), out }).out]).toEqual([
      0, 0,
    ]);
  });
});

describe('syrk', () => {
  test('equals gemm with the transpose, symmetric bit for bit', () => {
    fc.assert(
      fc.property(side, side, fc.boolean(), fc.nat(), (n, k, transA, seed) => {
        const a = normal(n * k, seed);
        const { out } = syrk({ n, k, a, transA, alpha: -0.5 });
        const full = new Float64Array(n * n);
        gemm({ m: n, n, k, a, b: a, out: full, transA, transB: !transA, alpha: -0.5 });
        expectClose(out, full, 1e-13);
        expectSymmetric(out, n);
      }),
    );
  });
});

describe('batchedGemm', () => {
  test('gives every product that single calls give, for all transposes and both element types', () => {
    fc.assert(
      fc.property(
        fc.record({
          batch: fc.integer({ min: 0, max: 5 }),
          m: side,
          n: side,
          k: fc.integer({ min: 0, max: 20 }),
        }),
        fc.boolean(),
        fc.boolean(),
        fc.nat(),
        (size, transA, transB, seed) => {
          const { batch, m, n, k } = size;
          const a = normal(batch * m * k, seed);
          const b = normal(batch * k * n, seed + 1);
          const { out } = batchedGemm({ ...size, a, b, transA, transB });
          for (let i = 0; i < batch; i++) {
            const [left, right] = [
              a.subarray(i * m * k, (i + 1) * m * k),
              b.subarray(i * k * n, (i + 1) * k * n),
            ];
            const expected = gemm({ m, n, k, a: left, b: right, transA, transB }).out;
            expectClose(out.subarray(i * m * n, (i + 1) * m * n), expected, 1e-13);
          }
          const single = batchedGemm({
            ...size,
            a: Float32Array.from(a),
            b: Float32Array.from(b),
            transA,
            transB,
          }).out;
          expectClose(single, out, 1e-4);
        },
      ),
    );
  });

  test('refuses sizes whose elements cannot be counted or held', () => {
    const none = new Float64Array(0);
    const huge = 2 ** 31 - 1;
    expect(() => batchedGemm({ batch: huge, m: huge, n: huge, k: 0, a: none, b: none })).toThrow(
      InvalidOptionError,
    );
    expect(() =>
      batchedGemm({ batch: huge, m: huge, n: huge, k: huge, a: none, b: none, out: none }),
    ).toThrow(ShapeMismatchError);
  });
});
