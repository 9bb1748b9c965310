import { describe, expect, test } from 'bun:test';
import { InvalidOptionError } from '../../../src/core/errors.ts';
import golden from './golden.json' with { type: 'json' };
import { fitLogistic, predictLogistic, scaleOf } from './logistic-regression.ts';
import { slice } from './test-slice.ts';

/** Two columns, labels by a fixed pattern. */
function tiny(rows: number, label: (i: number) => number) {
  return {
    inputs: Float64Array.from({ length: rows * 2 }, (_, i) => Math.sin(i * i)),
    labels: Uint8Array.from({ length: rows }, (_, i) => label(i)),
    returns: new Float64Array(rows),
    tsUs: new Float64Array(rows),
    columns: 2,
    rows,
  };
}

describe('fitLogistic', () => {
  test.each(golden.fits)('gives the coefficients of scikit-learn with l2 = $l2', (expected) => {
    const fit = fitLogistic(slice, expected.l2);
    // Both minimise the same convex objective to a step of 1e-12 and less; the Hessian's condition number of some 1e3
    // turns the last bits of the gradient into about 1e-11 of a coefficient.
    const near = (a: number, b: number) => expect(Math.abs(a - b)).toBeLessThan(1e-9);
    near(fit.intercept, expected.intercept);
    expect(fit.coefficients).toHaveLength(expected.coefficients.length);
    for (const [j, value] of expected.coefficients.entries()) near(fit.coefficients[j]!, value);
    const probabilities = predictLogistic(slice, fit);
    for (const [i, value] of expected.probabilities.entries()) near(probabilities[i]!, value);
  });

  test('scales inputs by mean and population deviation', () => {
    const { mean, std } = scaleOf(slice);
    for (const [j, value] of golden.mean.entries()) expect(mean[j]!).toBeCloseTo(value, 14);
    // Two-pass sums of 448 numbers: some units in the last place.
    for (const [j, value] of golden.std.entries()) expect(Math.abs(std[j]! / value - 1)).toBeLessThan(1e-13);
  });

  test('leaves the gradient of its objective at zero', () => {
    const l2 = 2;
    const { coefficients, intercept, mean, std } = fitLogistic(slice, l2);
    const probabilities = predictLogistic(slice, { coefficients, intercept, mean, std });
    for (let j = -1; j < slice.columns; j++) {
      let gradient = j < 0 ? 0 : l2 * coefficients[j]!;
      for (let i = 0; i < slice.rows; i++) {
        const value = j < 0 ? 1 : (slice.inputs[i * slice.columns + j]! - mean[j]!) / std[j]!;
        gradient += (probabilities[i]! - slice.labels[i]!) * value;
      }
      // 448 terms of order one, each with 1e-16 of rounding.
      expect(Math.abs(gradient)).toBeLessThan(1e-10);
    }
  });

  test('gives equal bits for equal data', () => {
    expect(fitLogistic(slice, 1)).toEqual(fitLogistic(slice, 1));
  });

  test('stays finite where one input tells the labels apart, thanks to the penalty', () => {
    const apart = tiny(40, (i) => (Math.sin(4 * i * i) > 0 ? 1 : 0));
    const { coefficients, intercept } = fitLogistic(apart, 1e-6);
    for (const value of [...coefficients, intercept]) expect(Number.isFinite(value)).toBe(true);
    expect(coefficients[0]!).toBeGreaterThan(10);
  });

  test('refuses a penalty of zero and an input that never changes', () => {
    expect(() => fitLogistic(slice, 0)).toThrow(InvalidOptionError);
    expect(() => fitLogistic(slice, Number.NaN)).toThrow(InvalidOptionError);
    const flat = { ...tiny(4, (i) => i % 2), inputs: Float64Array.of(1, 2, 1, 3, 1, 4, 1, 5) };
    expect(() => fitLogistic(flat, 1)).toThrow('inputs that change');
  });
});
