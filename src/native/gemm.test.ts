// The matrix product: published values, laws, edges and refusals.
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { InvalidOptionError, ShapeMismatchError } from '../core/errors.ts';
import golden from './golden.json';
import { type FloatArray, gemm, type KernelOptions } from './index.ts';

type GemmOptions<A extends FloatArray = Float64Array> = KernelOptions<typeof gemm.def, A>;

/** The textbook triple loop in f64; also returns the sums of absolute products that rounding scales with. */
function plainGemm(options: GemmOptions<FloatArray> & { out: FloatArray }): {
  product: Float64Array;
  scale: Float64Array;
} {
  const { m, n, k, a, b, out, transA, transB, alpha = 1, beta = 0 } = options;
  const product = new Float64Array(m * n);
  const scale = new Float64Array(m * n);
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) {
      let sum = 0;
      let size = 0;
      for (let p = 0; p < k; p++) {
        const term = a[transA ? p * m + i : i * k + p]! * b[transB ? j * k + p : p * n + j]!;
        sum += term;
        size += Math.abs(term);
      }
      const kept = beta === 0 ? 0 : beta * out[i * n + j]!;
      product[i * n + j] = alpha * sum + kept;
      scale[i * n + j] = Math.abs(alpha) * size + Math.abs(kept) + 1;
    }
  }
  return { product, scale };
}

/** Deterministic values in -1..1. */
function values<A extends FloatArray>(into: A, seed: number): A {
  for (let i = 0; i < into.length; i++) into[i] = Math.sin(seed * 12.9898 + i * 78.233);
  return into;
}

function expectClose(
  actual: FloatArray,
  expected: FloatArray,
  scale: FloatArray | null,
  tolerance: number,
): void {
  expect(actual.length).toBe(expected.length);
  let worst = 0;
  for (let i = 0; i < actual.length; i++) {
    worst = Math.max(worst, Math.abs(actual[i]! - expected[i]!) / (scale?.[i] ?? 1));
  }
  expect(worst).toBeLessThanOrEqual(tolerance);
}

describe('gemm', () => {
  test('equals numpy for a rectangular product with alpha and beta', () => {
    const { m, n, k, alpha, beta, expected } = golden.gemm;
    const [a, b, out] = [golden.gemm.a, golden.gemm.b, golden.gemm.out].map((list) =>
      Float64Array.from(list),
    );
    const result = gemm({ m, n, k, a: a!, b: b!, out: out!, alpha, beta });
    // Five products of numbers below 3 and one sum: a few units of 2^-53 times 30.
    expectClose(out!, Float64Array.from(expected), null, 1e-14);
    expect(result.out).toBe(out!);
    expect(result.backend).toBe('cpu');
    expect(result.target).not.toBe('');
  });

  for (const [name, make, tolerance] of [
    // Rounding of a sum of up to 70 terms, relative to the sum of their sizes: 70 * 2^-53 and 70 * 2^-24.
    ['f64', (length: number): FloatArray => new Float64Array(length), 1e-14],
    ['f32', (length: number): FloatArray => new Float32Array(length), 5e-6],
  ] as const) {
    test(`agrees with the textbook loop in ${name} for every transpose and odd sizes`, () => {
      for (const [m, n, k] of [
        [1, 1, 1],
        [3, 5, 7],
        [17, 1, 33],
        [64, 65, 70],
      ] as const) {
        for (const transA of [false, true]) {
          for (const transB of [false, true]) {
            const a = values(make(m * k), 1);
            const b = values(make(k * n), 2);
            const out = values(make(m * n), 3);
            const options = { m, n, k, a, b, out, transA, transB, alpha: -1.5, beta: 0.25 };
            const { product, scale } = plainGemm(options);
            gemm(options);
            expectClose(out, product, scale, tolerance);
          }
        }
      }
    });
  }

  test('accepts sizes of 0 and scales out by beta when the inner size is 0', () => {
    const none = new Float64Array(0);
    expect(gemm({ m: 0, n: 3, k: 2, a: none, b: new Float64Array(6), out: none }).out.length).toBe(0);
    const out = Float64Array.of(2, 4);
    expect([...gemm({ m: 1, n: 2, k: 0, a: none, b: none, out, beta: 0.5 }).out]).toEqual([1, 2]);
    expect([...gemm({ m: 1, n: 2, k: 0, a: none, b: none, out }).out]).toEqual([0, 0]);
  });

  test('writes through a subarray and leaves its neighbours alone', () => {
    const memory = new Float64Array(6).fill(-7);
    gemm({
      m: 2,
      n: 2,
      k: 1,
      a: Float64Array.of(1, 2),
      b: Float64Array.of(3, 4),
      out: memory.subarray(1, 5),
    });
    expect([...memory]).toEqual([-7, 3, 4, 6, 8, -7]);
  });

  test('keeps a matrix unchanged when multiplied by the identity', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 12 }),
        fc.integer({ min: 1, max: 12 }),
        fc.integer(),
        (m, n, seed) => {
          const a = values(new Float64Array(m * n), seed % 1000);
          const identity = new Float64Array(n * n);
          for (let i = 0; i < n; i++) identity[i * n + i] = 1;
          const { out } = gemm({ m, n, k: n, a, b: identity, out: new Float64Array(m * n) });
          expect([...out]).toEqual([...a]);
        },
      ),
    );
  });

  test('transposes a product into the swapped product of the transposes', () => {
    const size = fc.integer({ min: 1, max: 12 });
    fc.assert(
      fc.property(size, size, size, (m, n, k) => {
        const a = values(new Float64Array(m * k), 5);
        const b = values(new Float64Array(k * n), 6);
        const ab = gemm({ m, n, k, a, b, out: new Float64Array(m * n) }).out;
        const swapped = { m: n, n: m, k, a: b, b: a, transA: true, transB: true };
        const transposed = gemm({ ...swapped, out: new Float64Array(n * m) }).out;
        // At most 12 terms below 1, summed in two orders: 12 * 2^-53 with room to spare.
        for (let i = 0; i < m; i++) {
          for (let j = 0; j < n; j++) {
            expect(Math.abs(ab[i * n + j]! - transposed[j * m + i]!)).toBeLessThanOrEqual(1e-14);
          }
        }
      }),
    );
  });

  test('gives the same bits off-thread', async () => {
    const [m, n, k] = [40, 30, 50];
    const a = values(new Float64Array(m * k), 1);
    const b = values(new Float64Array(k * n), 2);
    const now = gemm({ m, n, k, a, b, out: new Float64Array(m * n) });
    const later = await gemm.async({ m, n, k, a, b, out: new Float64Array(m * n) });
    expect(later).toEqual(now);
  });

  test('refuses wrong options and shapes by class, at once and as a rejection', async () => {
    const four = () => new Float64Array(4);
    const good = { m: 2, n: 2, k: 2, a: four(), b: four(), out: four() };
    const shared = new Float64Array(8);
    const bad: [object, new (detail: string) => Error][] = [
      [{ m: 1.5 }, InvalidOptionError],
      [{ n: -1 }, InvalidOptionError],
      [{ k: Number.NaN }, InvalidOptionError],
      [{ m: 2 ** 31 }, InvalidOptionError],
      [{ alpha: Number.POSITIVE_INFINITY }, InvalidOptionError],
      [{ beta: '1' }, InvalidOptionError],
      [{ backend: 'gpu' }, InvalidOptionError],
      [{ backend: 'toString' }, InvalidOptionError],
      [{ a: [1, 2, 3, 4] }, InvalidOptionError],
      [{ b: new Float32Array(4) }, InvalidOptionError],
      [{ out: new Int32Array(4) }, InvalidOptionError],
      [{ a: shared.subarray(0, 4), out: shared.subarray(3, 7) }, InvalidOptionError],
      [{ b: shared.subarray(0, 4), out: shared.subarray(0, 4) }, InvalidOptionError],
      [{ a: new Float64Array(new ArrayBuffer(32, { maxByteLength: 64 })) }, InvalidOptionError],
      [{ a: new Float64Array(3) }, ShapeMismatchError],
      [{ out: new Float64Array(5) }, ShapeMismatchError],
    ];
    for (const [change, expected] of bad) {
      const options = { ...good, ...change } as GemmOptions;
      expect(() => gemm(options)).toThrow(expected);
      await expect(gemm.async(options)).rejects.toBeInstanceOf(expected);
    }
    const detached = four();
    structuredClone(detached, { transfer: [detached.buffer] });
    expect(() => gemm({ ...good, a: detached })).toThrow(InvalidOptionError);
  });
});
