// Lasso and elastic net: scikit-learn's coefficients, the conditions of a minimum, the limits of the penalty.
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { NonFiniteInputError } from '../../core/errors.ts';
import { CancelledError } from '../../native/index.ts';
import type { TrainingData } from '../family.ts';
import golden from './golden.json';
import { ridge } from './ridge.ts';
import { elasticNet, lasso } from './sparse.ts';
import { apart, constantOf, control, dataOf, linearData, served } from './test-data.ts';

const fit = (data: TrainingData, given: object = {}, more: object = {}) =>
  elasticNet.fit('regression', data, elasticNet.options.parse(given), { ...control, ...more });

for (const [family, cases] of [
  [lasso, golden.lasso],
  [elasticNet, golden.elastic_net],
] as const) {
  describe(family.name, () => {
    for (const { name, options, data, coefficients, fresh, predictions } of cases) {
      test(`answers what scikit-learn does: ${name}`, async () => {
        const given = family.options.parse({ ...options, tolerance: 1e-13 }) as never;
        const { model, facts } = await family.fit('regression', dataOf(data), given, control);
        expect(facts.converged).toBe(true);
        const own = constantOf(model, 'coefficients');
        expect(apart(own, coefficients)).toBeLessThan(golden.tolerance);
        if (name !== 'collinear columns')
          expect(own.map((value) => value === 0)).toEqual(coefficients.map((value) => value === 0));
        const found = await served(model, Float32Array.from(fresh), predictions.length);
        expect(apart(found, predictions)).toBeLessThan(golden.tolerance);
      });
    }
  });
}

describe('the minimum', () => {
  test('has the gradient that the penalty allows, in every column', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 4, max: 50 }),
        fc.integer({ min: 1, max: 12 }),
        fc.constantFrom(0.01, 0.1, 1),
        fc.constantFrom(0.1, 0.5, 1),
        fc.nat(),
        async (rows, columns, alpha, ratio, seed) => {
          const weights = Array.from({ length: columns }, (_, j) => (j % 3 === 0 ? 1.5 : 0));
          const data = linearData(seed, rows, weights);
          const options = { alpha, l1_ratio: ratio, tolerance: 1e-13, standardise: false, intercept: false };
          const { model, facts } = await fit(data, options);
          expect(facts.converged).toBe(true);
          const w = constantOf(model, 'coefficients');
          for (let j = 0; j < columns; j++) {
            let gradient = -alpha * (1 - ratio) * w[j]!;
            for (let i = 0; i < rows; i++) {
              const x = data.inputs.subarray(i * columns, (i + 1) * columns);
              const error = w.reduce((sum, value, k) => sum - value * x[k]!, data.targets![i]!);
              gradient += (x[j]! * error) / rows;
            }
            const l1 = alpha * ratio;
            // The root of the gap of 1e-13, times sizes of up to ten, and coefficients of 24 bits.
            const near = w[j] === 0 ? Math.abs(gradient) - l1 : Math.abs(gradient - l1 * Math.sign(w[j]!));
            expect(near).toBeLessThan(3e-5);
          }
        },
      ),
      { numRuns: 40 },
    );
  });

  test('is all zeros from the largest product on, and ridge where all of the penalty is on squares', async () => {
    const data = linearData(3, 100, [1, -2, 0]);
    const none = await fit(data, { alpha: 1e6 });
    expect(none.facts.nonzero_coefficients).toBe(0);
    const squares = await fit(data, { alpha: 0.2, l1_ratio: 0, tolerance: 1e-13 });
    expect(squares.facts.converged).toBe(true);
    const same = await ridge.fit('regression', data, ridge.options.parse({ alpha: 20 }), control);
    expect(
      apart(constantOf(squares.model, 'coefficients'), constantOf(same.model, 'coefficients')),
    ).toBeLessThan(1e-5);
  });

  test('says when it has not converged', async () => {
    const data = linearData(4, 60, new Array(30).fill(1));
    const { facts } = await fit(data, { alpha: 1e-6, max_iterations: 1, tolerance: 1e-14 });
    expect([facts.converged, Number(facts.iterations) >= 1]).toEqual([false, true]);
  });

  test('refuses NaN and stops when it is cancelled', async () => {
    const data = linearData(5, 20, [1]);
    const broken = { ...data, inputs: data.inputs.with(11, Number.NaN) };
    await expect(fit(broken)).rejects.toThrow(NonFiniteInputError);
    await expect(fit(broken)).rejects.toThrow('row 11');
    await expect(fit(data, {}, { signal: AbortSignal.abort() })).rejects.toThrow(CancelledError);
  });
});
