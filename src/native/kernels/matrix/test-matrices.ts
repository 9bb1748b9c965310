// Matrices and comparisons for the tests of the matrix kernels.
import { expect } from 'bun:test';
import { uniform } from '../../example-call.ts';

/** Returns `length` standard normal numbers, the same for the same seed. */
export function normal(length: number, seed: number): Float64Array {
  const random = uniform(seed);
  return Float64Array.from(
    { length },
    () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random()),
  );
}

/** Returns a symmetric matrix of normal numbers. */
export function symmetric(n: number, seed: number): Float64Array {
  const a = normal(n * n, seed);
  for (let i = 0; i < n; i++) for (let j = 0; j < i; j++) a[j * n + i] = a[i * n + j]!;
  return a;
}

/** Returns `g' g / n + I`, whose eigenvalues are about 1 to 5. */
export function positiveDefinite(n: number, seed: number): Float64Array {
  const g = normal(n * n, seed);
  const a = product(transpose(g, n, n), g, n, n, n).map((value) => value / Math.max(n, 1));
  for (let i = 0; i < n; i++) a[i * (n + 1)]! += 1;
  return a;
}

/** Returns the product of a [m, k] and b [k, n] by the textbook loop. */
export function product(a: ArrayLike<number>, b: ArrayLike<number>, m: number, n: number, k: number) {
  const out = new Float64Array(m * n);
  for (let i = 0; i < m; i++) {
    for (let p = 0; p < k; p++) {
      for (let j = 0; j < n; j++) out[i * n + j]! += a[i * k + p]! * b[p * n + j]!;
    }
  }
  return out;
}

/** Returns the transpose of a [rows, columns]. */
export function transpose(a: ArrayLike<number>, rows: number, columns: number): Float64Array {
  const out = new Float64Array(rows * columns);
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) out[j * rows + i] = a[i * columns + j]!;
  return out;
}

/** Returns the matrix with `values` on its diagonal. */
export function diagonal(values: ArrayLike<number>): Float64Array {
  const n = values.length;
  const out = new Float64Array(n * n);
  for (let i = 0; i < n; i++) out[i * (n + 1)] = values[i]!;
  return out;
}

/** Expects every element within `tolerance`, and NaN where `expected` has NaN or null. */
export function expectClose(
  actual: ArrayLike<number>,
  expected: ArrayLike<number | null>,
  tolerance: number,
): void {
  expect(actual.length).toBe(expected.length);
  let worst = 0;
  for (let i = 0; i < expected.length; i++) {
    const wanted = expected[i] ?? Number.NaN;
    if (Number.isNaN(wanted) && Number.isNaN(actual[i]!)) continue;
    const apart = Math.abs(actual[i]! - wanted);
    worst = Math.max(worst, Number.isNaN(apart) ? Number.POSITIVE_INFINITY : apart);
  }
  expect(worst).toBeLessThanOrEqual(tolerance);
}

/** Expects a [n, n] to be symmetric bit for bit. */
export function expectSymmetric(a: ArrayLike<number>, n: number): void {
  for (let i = 0; i < n; i++) for (let j = 0; j < i; j++) expect(a[i * n + j]).toBe(a[j * n + i]!);
}
