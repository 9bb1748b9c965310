// Ridge regression: scikit-learn's coefficients and predictions, the normal equations, what is refused.
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import {
  InsufficientHistoryError,
  InvalidOptionError,
  NonFiniteInputError,
  ShapeMismatchError,
} from '../../core/errors.ts';
import { CancelledError } from '../../native/index.ts';
import golden from './golden.json';
import { ridge } from './ridge.ts';
import { apart, constantOf, control, dataOf, linearData, served } from './test-data.ts';

const fit = (data: Parameters<typeof ridge.fit>[1], given: object = {}, more: object = {}) =>
  ridge.fit('regression', data, ridge.options.parse(given), { ...control, ...more });

describe('ridge', () => {
  for (const { name, options, data, coefficients, fresh, predictions } of golden.ridge) {
    test(`answers what scikit-learn does: ${name}`, async () => {
      const { model } = await fit(dataOf(data), options);
      expect(apart(constantOf(model, 'coefficients'), coefficients)).toBeLessThan(golden.tolerance);
      const found = await served(model, Float32Array.from(fresh), predictions.length);
      expect(apart(found, predictions)).toBeLessThan(golden.tolerance);
    });
  }

  test('leaves a gradient of zero', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 2, max: 40 }),
        fc.integer({ min: 1, max: 12 }),
        fc.constantFrom(1e-3, 1, 100),
        fc.nat(),
        async (rows, columns, alpha, seed) => {
          const data = linearData(seed, rows, new Array(columns).fill(0.5));
          const { model } = await fit(data, { alpha, standardise: false, intercept: false });
          const w = constantOf(model, 'coefficients');
          for (let j = 0; j < columns; j++) {
            let gradient = alpha * w[j]!;
            let scale = Math.abs(gradient) + 1;
            for (let i = 0; i < rows; i++) {
              const x = data.inputs.subarray(i * columns, (i + 1) * columns);
              const error = w.reduce((sum, value, k) => sum + value * x[k]!, -data.targets![i]!);
              gradient += x[j]! * error;
              scale += Math.abs(x[j]!) * (Math.abs(data.targets![i]!) + 1);
            }
            // The coefficients are rounded to 24 bits; 1e-5 of the terms of the sum is 100 such roundings.
            expect(Math.abs(gradient) / scale).toBeLessThan(1e-5 * Math.max(1, alpha));
          }
        },
      ),
      { numRuns: 25 },
    );
  });

  test('is least squares of least norm without a penalty, also for collinear columns', async () => {
    const base = linearData(3, 50, [1, -2]);
    const inputs = Float32Array.from(
      { length: 150 },
      (_, i) => base.inputs[Math.floor(i / 3) * 2 + (i % 3 === 1 ? 1 : 0)]!,
    );
    const twice = { ...base, inputs, columns: 3 };
    const plain = await fit(base, { alpha: 0, standardise: false });
    const { model, facts } = await fit(twice, { alpha: 0, standardise: false });
    const [a, b] = constantOf(plain.model, 'coefficients');
    const [first, middle, last] = constantOf(model, 'coefficients');
    expect(facts.solver).toBe('least_squares');
    expect(apart([first!, middle!, last!], [a! / 2, b!, a! / 2])).toBeLessThan(1e-6);
  });

  test('gives a row of weight 2 what two rows have', async () => {
    const data = linearData(5, 30, [1, 2, 3]);
    const weights = new Float32Array(30).fill(1);
    weights[4] = 2;
    const doubled = {
      ...data,
      rows: 31,
      inputs: Float32Array.of(...data.inputs, ...data.inputs.subarray(12, 15)),
      targets: Float32Array.of(...data.targets!, data.targets![4]!),
    };
    const [one, other] = [await fit({ ...data, weights }), await fit(doubled)];
    expect(
      apart(constantOf(one.model, 'coefficients'), constantOf(other.model, 'coefficients')),
    ).toBeLessThan(1e-6);
  });

  test('tells losses, importance and progress', async () => {
    const data = linearData(7, 200, [3, 0.001]);
    const seen: unknown[] = [];
    const { history, importance, facts } = await fit(
      { ...data, validation: linearData(8, 50, [3, 0.001]) },
      { alpha: 1e-6 },
      { progress: (entry: unknown) => seen.push(entry) },
    );
    expect(seen).toEqual([...history]);
    expect(history[0]!.loss).toBeCloseTo(0.09, 1);
    expect(history[0]!.validation_loss).toBeCloseTo(0.09, 1);
    expect(importance![0]! + importance![1]!).toBeCloseTo(1, 6);
    expect(importance![0]!).toBeGreaterThan(0.9);
    expect(facts.nonzero_coefficients).toBe(2);
  });

  test('refuses bad data and names where', async () => {
    const data = linearData(9, 20, [1, 1]);
    const at = (row: number) => data.inputs.map((value, i) => (i === row * 2 + 1 ? Number.NaN : value));
    await expect(fit({ ...data, inputs: at(7) })).rejects.toThrow('row 7, column 1');
    await expect(fit({ ...data, inputs: at(7) })).rejects.toThrow(NonFiniteInputError);
    await expect(fit({ ...data, targets: data.targets!.with(3, Number.NaN) })).rejects.toThrow('row 3');
    await expect(fit({ ...data, targets: new Float32Array(3) })).rejects.toThrow(ShapeMismatchError);
    await expect(fit({ ...data, weights: new Float32Array(20) })).rejects.toThrow(InvalidOptionError);
    await expect(fit({ ...data, weights: new Float32Array(20).fill(-1) })).rejects.toThrow('row 0');
    await expect(fit({ ...linearData(1, 1, [1]) })).rejects.toThrow(InsufficientHistoryError);
    const { targets: _, ...without } = data;
    await expect(fit(without)).rejects.toThrow('targets');
    await expect(ridge.fit('classification', data, ridge.options.parse({}), control)).rejects.toThrow(
      'regression',
    );
    expect(() => ridge.options.parse({ alpha: -1 })).toThrow();
    expect(() => ridge.options.parse({ lambda: 1 })).toThrow();
  });

  test('stops when it is cancelled', async () => {
    const signal = AbortSignal.abort();
    await expect(fit(linearData(1, 20, [1]), {}, { signal })).rejects.toThrow(CancelledError);
  });
});
