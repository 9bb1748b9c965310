// Positive-definite matrices: outside values, laws and refusals of factor, solution and inverse.
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { NonFiniteInputError } from '../../../core/errors.ts';
import { NotPositiveDefiniteError } from '../../errors.ts';
import { cholesky, choleskySolve, inverseSpd, solveSpd } from './cholesky.ts';
import golden from './golden.json';
import {
  diagonal,
  expectClose,
  expectSymmetric,
  normal,
  positiveDefinite,
  product,
  transpose,
} from './test-matrices.ts';

const { n, a: listed, l, inverse } = golden.spd;
const a = Float64Array.from(listed as number[]);
const order = fc.integer({ min: 1, max: 24 });

describe('cholesky and inverseSpd', () => {
  test('equal numpy on the covariance of five assets', () => {
    // Condition 40: a few units of 2^-53 times that.
    expectClose(cholesky({ n, a }).l, l, 1e-14);
    expectClose(inverseSpd({ n, a }).out, inverse, 1e-14);
  });

  test('make the matrix again, and the identity', () => {
    fc.assert(
      fc.property(order, fc.nat(), (size, seed) => {
        const spd = positiveDefinite(size, seed);
        const factor = cholesky({ n: size, a: spd }).l;
        expectClose(product(factor, transpose(factor, size, size), size, size, size), spd, 1e-13);
        for (let i = 0; i < size; i++) {
          expect(factor[i * (size + 1)]).toBeGreaterThan(0);
          for (let j = i + 1; j < size; j++) expect(factor[i * size + j]).toBe(0);
        }
        const { out } = inverseSpd({ n: size, a: spd });
        expectSymmetric(out, size);
        expectClose(product(spd, out, size, size, size), diagonal(new Float64Array(size).fill(1)), 1e-12);
      }),
    );
  });

  test('read the lower triangle only', () => {
    const lower = Float64Array.of(4, Number.NaN, 2, 5);
    expect([...cholesky({ n: 2, a: lower }).l]).toEqual([2, 0, 1, 2]);
    expectClose(inverseSpd({ n: 2, a: lower }).out, [0.3125, -0.125, -0.125, 0.25], 1e-16);
  });

  test('name the pivot of a matrix that is not positive definite, and the element that is not finite', () => {
    const bad = Float64Array.of(1, 0, 0, 0, 1, 0, 0, 0, -1);
    expect(() => cholesky({ n: 3, a: bad })).toThrow(NotPositiveDefiniteError);
    expect(() => inverseSpd({ n: 3, a: bad })).toThrow('leading minor of order 3');
    bad[6] = Number.NaN;
    expect(() => cholesky({ n: 3, a: bad })).toThrow(NonFiniteInputError);
    expect(() => inverseSpd({ n: 3, a: bad })).toThrow('element 6');
  });
});

describe('choleskySolve', () => {
  test('gives what solveSpd gives, from the factor', () => {
    fc.assert(
      fc.property(order, fc.integer({ min: 0, max: 4 }), fc.nat(), (size, nrhs, seed) => {
        const spd = positiveDefinite(size, seed);
        const b = normal(size * nrhs, seed + 1);
        const factor = cholesky({ n: size, a: spd }).l;
        const { x } = choleskySolve({ n: size, nrhs, l: factor, b });
        expectClose(x, solveSpd({ n: size, nrhs, a: spd, b }).x, 1e-13);
        expectClose(product(spd, x, size, nrhs, size), b, 1e-12);
      }),
    );
  });

  test('refuses a factor without a positive diagonal', () => {
    const zero = Float64Array.of(1, 0, 1, 0);
    expect(() => choleskySolve({ n: 2, nrhs: 1, l: zero, b: Float64Array.of(1, 1) })).toThrow(
      NotPositiveDefiniteError,
    );
  });
});
