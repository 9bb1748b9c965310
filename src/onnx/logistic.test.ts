import { describe, expect, test } from 'bun:test';
import { InvalidOptionError, ShapeMismatchError } from '../core/errors.ts';
import { encodeLogistic, logisticProbability } from './logistic.ts';
import { openSession } from './session.ts';
import { logistic, logisticRows } from './test-models.ts';

describe('a logistic graph', () => {
  test('gives the float64 formula within 1e-6', async () => {
    const session = await openSession(encodeLogistic(logistic));
    const rows = 500;
    const inputs = logisticRows(rows);
    const output = await session.predict(inputs, rows);
    // Float32 keeps 24 bits (6e-8); three terms and the sigmoid's slope of at most 1/4 stay within 1e-6.
    for (let i = 0; i < rows; i++) {
      const expected = logisticProbability(logistic, inputs.subarray(i * 3, i * 3 + 3));
      expect(Math.abs(output[i]! - expected)).toBeLessThan(1e-6);
    }
    await session.close();
  });

  test('gives a half where every input is at its mean and the intercept is zero', async () => {
    const session = await openSession(encodeLogistic({ ...logistic, intercept: 0 }));
    expect([...(await session.predict(new Float32Array(logistic.mean), 1))]).toEqual([0.5]);
    await session.close();
  });

  test('refuses parameters that do not fit together', () => {
    expect(() => encodeLogistic({ ...logistic, mean: [1] })).toThrow(ShapeMismatchError);
    expect(() => encodeLogistic({ ...logistic, std: [1, 0, 1] })).toThrow(InvalidOptionError);
    expect(() => encodeLogistic({ ...logistic, std: [1, 1e-60, 1] })).toThrow(InvalidOptionError);
    expect(() => encodeLogistic({ ...logistic, intercept: Number.NaN })).toThrow(InvalidOptionError);
    expect(() => encodeLogistic({ ...logistic, coefficients: [1, 1e39, 1] })).toThrow(InvalidOptionError);
    expect(() =>
      encodeLogistic({ inputNames: [], mean: [], std: [], coefficients: [], intercept: 0 }),
    ).toThrow(InvalidOptionError);
  });
});
