// Eigenvectors, singular values, least squares: outside values, laws and refusals.
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { InvalidOptionError, NonFiniteInputError, ShapeMismatchError } from '../../../core/errors.ts';
import { eigenSymmetric, eigenvaluesSymmetric, leastSquares, svd } from './decompositions.ts';
import golden from './golden.json';
import { diagonal, expectClose, normal, product, symmetric, transpose } from './test-matrices.ts';

const side = fc.integer({ min: 1, max: 18 });
const identity = (n: number) => diagonal(new Float64Array(n).fill(1));

/** Expects the component that is largest in size to be positive in each row; near ties may fall either way. */
function expectSigns(vectors: Float64Array, count: number, length: number): void {
  for (let i = 0; i < count; i++) {
    const row = [...vectors.subarray(i * length, (i + 1) * length)];
    const size = Math.max(...row.map(Math.abs));
    expect(Math.max(...row)).toBeGreaterThanOrEqual(size);
  }
}

describe('eigenSymmetric', () => {
  test('equals numpy, vectors in rows and signs fixed', () => {
    const a = Float64Array.from(golden.spd.a as number[]);
    const { values, vectors } = eigenSymmetric({ n: 5, a });
    expectClose(values, golden.eigen.values, 1e-14);
    // Values lie 0.1 or more apart, which magnifies rounding of 2^-53 that much.
    expectClose(vectors, golden.eigen.vectors, 1e-13);
  });

  test("gives orthonormal vectors with a = v' diag(values) v, values ascending", () => {
    fc.assert(
      fc.property(side, fc.nat(), (n, seed) => {
        const a = symmetric(n, seed);
        const { values, vectors } = eigenSymmetric({ n, a });
        const columns = transpose(vectors, n, n);
        expectClose(product(product(columns, diagonal(values), n, n, n), vectors, n, n, n), a, 1e-12);
        expectClose(product(vectors, columns, n, n, n), identity(n), 1e-13);
        for (let i = 1; i < n; i++) expect(values[i]!).toBeGreaterThanOrEqual(values[i - 1]!);
        expectSigns(vectors, n, n);
        expectClose(eigenvaluesSymmetric({ n, a }).values, values, 1e-12);
      }),
    );
  });

  test('refuses what is not finite by its index, and orders beyond the workspace', () => {
    const bad = Float64Array.of(1, 5, Number.POSITIVE_INFINITY, 1);
    expect(() => eigenSymmetric({ n: 2, a: bad })).toThrow(NonFiniteInputError);
    expect(() => eigenvaluesSymmetric({ n: 2, a: bad })).toThrow('element 2');
    expect(() => eigenSymmetric({ n: 32_001, a: bad })).toThrow(InvalidOptionError);
    expect(eigenSymmetric({ n: 0, a: new Float64Array(0) }).values.length).toBe(0);
  });
});

describe('svd', () => {
  test('equals numpy, signs fixed', () => {
    const { rows, columns } = golden.svd;
    const a = Float64Array.from(golden.svd.a as number[]);
    const { u, values, vt } = svd({ rows, columns, components: columns, a });
    expectClose(values, golden.svd.values, 1e-14);
    expectClose(u, golden.svd.u, 1e-13);
    expectClose(vt, golden.svd.vt, 1e-13);
  });

  test('makes the matrix again from orthonormal vectors, tall or wide', () => {
    fc.assert(
      fc.property(side, side, fc.nat(), (rows, columns, seed) => {
        const components = Math.min(rows, columns);
        const a = normal(rows * columns, seed);
        const { u, values, vt } = svd({ rows, columns, components, a });
        const scaled = product(u, diagonal(values), rows, components, components);
        expectClose(product(scaled, vt, rows, columns, components), a, 1e-12);
        expectClose(
          product(transpose(u, rows, components), u, components, components, rows),
          identity(components),
          1e-13,
        );
        expectClose(
          product(vt, transpose(vt, components, columns), components, components, columns),
          identity(components),
          1e-13,
        );
        for (let i = 1; i < components; i++) expect(values[i]!).toBeLessThanOrEqual(values[i - 1]!);
        expectSigns(vt, components, columns);
      }),
    );
  });

  test('with fewer components gives the first ones', () => {
    const a = normal(60, 4);
    const whole = svd({ rows: 10, columns: 6, components: 6, a });
    const part = svd({ rows: 10, columns: 6, components: 2, a });
    expect([...part.values]).toEqual([...whole.values.subarray(0, 2)]);
    expect([...part.vt]).toEqual([...whole.vt.subarray(0, 12)]);
    for (let i = 0; i < 10; i++) expect(part.u[i * 2 + 1]).toBe(whole.u[i * 6 + 1]!);
  });

  test('refuses more components than the shorter side, and NaN', () => {
    const a = normal(6, 1);
    expect(() => svd({ rows: 3, columns: 2, components: 3, a })).toThrow(ShapeMismatchError);
    expect(() => svd({ rows: 3, columns: 2, components: 3, a })).toThrow('which is 2');
    a[5] = Number.NaN;
    expect(() => svd({ rows: 3, columns: 2, components: 1, a })).toThrow('element 5');
  });
});

describe('leastSquares', () => {
  const { b: listed, nrhs } = golden.least_squares;
  const a = Float64Array.from(golden.svd.a as number[]);
  const b = Float64Array.from(listed as number[]);

  test('equals numpy: full rank, dependent columns, more unknowns than observations', () => {
    const full = leastSquares({ rows: 7, columns: 4, nrhs, a, b });
    expectClose(full.x, golden.least_squares.x, 1e-13);
    expectClose(full.residuals, golden.least_squares.residuals, 1e-13);
    expectClose(full.values, golden.svd.values, 1e-13);
    expect(full.rank[0]).toBe(golden.least_squares.rank);
    const { dependent, wide } = golden.least_squares;
    const short = leastSquares({
      rows: 7,
      columns: 4,
      nrhs,
      a: Float64Array.from(dependent.a as number[]),
      b,
      cutoff: 1e-10,
    });
    expectClose(short.x, dependent.x, 1e-13);
    expect(short.rank[0]).toBe(dependent.rank);
    const broad = leastSquares({ rows: 4, columns: 7, nrhs, a: transpose(a, 7, 4), b: b.slice(0, 8) });
    expectClose(broad.x, wide.x, 1e-13);
    expect(broad.rank[0]).toBe(wide.rank);
    expectClose(broad.residuals, [0, 0], 1e-25);
  });

  test('leaves residuals that are orthogonal to the columns of a', () => {
    fc.assert(
      fc.property(side, side, fc.nat(), (rows, columns, seed) => {
        const left = normal(rows * columns, seed);
        const right = normal(rows, seed + 1);
        const { x, residuals, rank } = leastSquares({ rows, columns, nrhs: 1, a: left, b: right });
        const made = product(left, x, rows, 1, columns);
        const rest = right.map((value, at) => value - made[at]!);
        const size = 1 + Math.max(...x.map(Math.abs));
        expectClose(
          product(transpose(left, rows, columns), rest, columns, 1, rows),
          new Float64Array(columns),
          1e-11 * size,
        );
        expectClose(residuals, [rest.reduce((sum, value) => sum + value * value, 0)], 1e-12 * size);
        expect(rank[0]).toBeLessThanOrEqual(Math.min(rows, columns));
      }),
    );
  });

  test('refuses what is not finite', () => {
    expect(() => leastSquares({ rows: 7, columns: 4, nrhs, a, b: b.map(() => Number.NaN) })).toThrow(
      NonFiniteInputError,
    );
  });
});
