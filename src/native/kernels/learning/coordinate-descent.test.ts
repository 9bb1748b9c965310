// Coordinate descent: bounds of the gap, starts, refusals. Values of scikit-learn are tested with the families that use it.
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { NonFiniteInputError } from '../../../core/errors.ts';
import { uniform } from '../../example-call.ts';
import { NotPositiveDefiniteError } from '../../index.ts';
import { coordinateDescent } from './coordinate-descent.ts';

/** X'X / n, X'y / n and y'y / n of random rows. */
function problem(seed: number, rows: number, columns: number) {
  const random = uniform(seed);
  const x = Float64Array.from({ length: rows * columns }, () => 2 * random() - 1);
  const y = Float64Array.from({ length: rows }, () => 2 * random() - 1);
  const gram = new Float64Array(columns * columns);
  const products = new Float64Array(columns);
  for (let i = 0; i < rows; i++)
    for (let j = 0; j < columns; j++) {
      products[j]! += (x[i * columns + j]! * y[i]!) / rows;
      for (let k = 0; k < columns; k++)
        gram[j * columns + k]! += (x[i * columns + j]! * x[i * columns + k]!) / rows;
    }
  const square = Float64Array.of(y.reduce((sum, value) => sum + value * value, 0) / rows);
  return { columns, gram, products, square };
}

type Problem = ReturnType<typeof problem>;

function objective({ columns, gram, products, square }: Problem, w: Float64Array, l1: number, l2: number) {
  let sum = square[0]! / 2;
  for (let j = 0; j < columns; j++) {
    sum += l1 * Math.abs(w[j]!) + ((l2 * w[j]!) / 2) * w[j]! - products[j]! * w[j]!;
    for (let k = 0; k < columns; k++) sum += (w[j]! * gram[j * columns + k]! * w[k]!) / 2;
  }
  return sum;
}

describe('coordinateDescent', () => {
  test('is nowhere farther above the minimum than its gap says', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 30 }),
        fc.integer({ min: 1, max: 10 }),
        fc.constantFrom(1e-3, 0.05, 0.3),
        fc.constantFrom(0, 0.1),
        fc.nat(),
        (rows, columns, l1, l2, seed) => {
          const given = problem(seed, rows, columns);
          const rough = coordinateDescent({ ...given, l1, l2, maxIterations: 1 });
          // Columns that depend on each other may need thousands of rounds: that is what maxIterations is for.
          const maxIterations = 20_000;
          const exact = coordinateDescent({ ...given, l1, l2, tolerance: 1e-13, maxIterations });
          const above =
            objective(given, rough.coefficients, l1, l2) - objective(given, exact.coefficients, l1, l2);
          expect(above).toBeLessThanOrEqual(rough.gap[0]! + 1e-12);
          const reached = exact.gap[0]! <= 1e-13 * given.square[0]!;
          expect(reached || exact.iterations[0]! >= maxIterations).toBe(true);
          if (!reached) return;
          const again = coordinateDescent({ ...given, l1, l2, tolerance: 1e-13, start: exact.coefficients });
          expect(again.iterations[0]).toBe(0);
        },
      ),
      { numRuns: 60 },
    );
  });

  test('leaves columns of zeros at 0', () => {
    const given = problem(1, 20, 3);
    for (let k = 0; k < 3; k++) given.gram[3 + k] = given.gram[k * 3 + 1] = 0;
    given.products[1] = 0;
    const { coefficients, gap } = coordinateDescent({ ...given, l1: 1e-3, start: Float64Array.of(1, 1, 1) });
    expect([coefficients[1], gap[0]! < 1e-8]).toEqual([0, true]);
  });

  test('refuses NaN and matrices that are not positive semi-definite', () => {
    const given = problem(2, 20, 3);
    const broken = { ...given, products: given.products.with(2, Number.NaN) };
    expect(() => coordinateDescent(broken)).toThrow(NonFiniteInputError);
    expect(() => coordinateDescent(broken)).toThrow('column 2');
    const negative = { ...given, gram: given.gram.with(4, -1) };
    expect(() => coordinateDescent(negative)).toThrow(NotPositiveDefiniteError);
    expect(() => coordinateDescent(negative)).toThrow('column 1');
    const wild = Float64Array.of(1, 5, 5, 5, 1, 5, 5, 5, 1);
    expect(() => coordinateDescent({ ...given, gram: wild, l1: 1e-6, tolerance: 0 })).toThrow(
      NotPositiveDefiniteError,
    );
  });
});
