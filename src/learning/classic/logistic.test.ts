// Logistic regression: scikit-learn's probabilities, a gradient of zero, what is refused.
import { describe, expect, test } from 'bun:test';
import { InvalidOptionError, NonFiniteInputError } from '../../core/errors.ts';
import { CancelledError, setThreads } from '../../native/index.ts';
import type { TrainingData } from '../family.ts';
import golden from './golden.json';
import { LogLoss } from './log-loss.ts';
import { logistic } from './logistic.ts';
import { minimise } from './newton.ts';
import { apart, control, dataOf, linearData, served } from './test-data.ts';

const fit = (data: TrainingData, given: object = {}, more: object = {}) =>
  logistic.fit('classification', data, logistic.options.parse(given), { ...control, ...more });

/** Rows whose class is how many of `borders` their target is above. */
function classData(seed: number, rows: number, borders: readonly number[]): TrainingData {
  const data = linearData(seed, rows, [1, -1, 0.5], 1);
  const targets = data.targets!.map((value) => borders.filter((border) => value > border).length);
  return { ...data, targets, classes: borders.length + 1 };
}

describe('logistic', () => {
  for (const { name, options, data, fresh, probabilities } of golden.logistic) {
    test(`answers what scikit-learn does: ${name}`, async () => {
      const { model, facts } = await fit(dataOf(data), options);
      expect(facts.converged).toBe(true);
      const rows = probabilities.length / data.classes;
      const found = await served(model, Float32Array.from(fresh), rows);
      expect(apart(found, probabilities)).toBeLessThan(golden.tolerance);
      for (let i = 0; i < rows; i++) {
        const row = found.subarray(i * data.classes, (i + 1) * data.classes);
        expect(row.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 5);
      }
    });
  }

  test('never raises its loss, and ends where more steps change nothing', async () => {
    const data = classData(2, 500, [1, 2, 3]);
    const { history, facts } = await fit(data, { l2: 1e-4 });
    expect(facts.converged).toBe(true);
    const losses = history.map(({ loss }) => loss);
    for (let i = 1; i < losses.length; i++) expect(losses[i]!).toBeLessThanOrEqual(losses[i - 1]! + 1e-4);
    expect(losses.at(-1)!).toBeLessThan(losses[0]! / 1.5);
    const short = await fit(data, { l2: 1e-4, max_iterations: 1 });
    expect(short.facts.converged).toBe(false);
  });

  test('ends at the same minimum by conjugate gradients, with a Hessian and without', async () => {
    const data = classData(7, 400, [1, 2]);
    const width = 100; // of three classes 300 parameters, more than a Hessian is made for
    const rows = Float64Array.from({ length: data.rows * width }, (_, i) => {
      const column = i % width;
      return column < 3 ? data.inputs[Math.floor(i / width) * 3 + column]! : Math.sin(i * (i % 89));
    });
    const lossOf = (columns: number) =>
      new LogLoss({
        rows: rows.filter((_, i) => i % width < columns),
        ...{ count: data.rows, width: columns, targets: data.targets!, classes: 3, l2: 1 },
        weights: new Float64Array(data.rows).fill(1),
      });
    const options = { tolerance: 1e-7, maxIterations: 100, step: async () => {} };
    const small = lossOf(20);
    const steps = await minimise(small, options);
    const gradients = await minimise(
      {
        size: small.size,
        at: async (parameters: Float64Array) => ({ ...(await small.at(parameters)), step: async () => null }),
      },
      options,
    );
    expect([steps.converged, gradients.converged]).toEqual([true, true]);
    // Both gradients are below 1e-7, and no curvature is below that of the penalty.
    expect(apart(steps.at, gradients.at)).toBeLessThan(1e-6);
    const large = lossOf(width);
    const found = await minimise(large, options);
    expect(found.converged).toBe(true);
    const there = await large.at(found.at);
    const along = Float64Array.from(found.at, (_, i) => Math.cos(i));
    const bent = await there.curvature(along);
    const step = 1e-5;
    const beside = await large.at(found.at.map((value, i) => value + step * along[i]!));
    const slopes = beside.gradient.map((value, i) => (value - there.gradient[i]!) / step);
    // The third derivative of 400 rows times the step.
    expect(apart(slopes, bent)).toBeLessThan(1e-2);
  });

  test('stays finite where the classes can be separated', async () => {
    const inputs = Float32Array.from({ length: 40 }, (_, i) => i - 20.5);
    const targets = inputs.map((value) => Number(value > 0));
    const { model, facts } = await fit({ inputs, targets, rows: 40, columns: 1, classes: 2 }, { l2: 1e-8 });
    expect(facts.converged).toBe(true);
    const found = await served(model, Float32Array.of(-5, 5), 2);
    expect([found[1]! < 1e-3, found[3]! > 0.999]).toEqual([true, true]);
  });

  test('has the same bits for any number of threads', async () => {
    const data = classData(4, 30_000, [1, 2]);
    const threads = setThreads(1);
    const one = await fit(data);
    setThreads(3);
    const other = await fit(data);
    setThreads(threads);
    expect(one.model).toEqual(other.model);
  });

  test('refuses one class alone, classes without weight, what is no class, and NaN', async () => {
    const data = classData(5, 60, [2]);
    await expect(fit({ ...data, targets: new Float32Array(60) })).rejects.toThrow('none of class 1');
    await expect(fit({ ...data, classes: 3 })).rejects.toThrow('none of class 2');
    await expect(fit({ ...data, classes: 1 })).rejects.toThrow(InvalidOptionError);
    await expect(fit({ ...data, targets: data.targets!.with(8, 0.5) })).rejects.toThrow('row 8');
    await expect(fit({ ...data, inputs: data.inputs.with(30, Number.NaN) })).rejects.toThrow(
      NonFiniteInputError,
    );
    await expect(fit(data, { class_weight: [1, 2, 3] })).rejects.toThrow('2 weights');
    await expect(fit(data, { class_weight: [1, 0] })).rejects.toThrow('none of class 1');
    expect(() => logistic.options.parse({ l2: 0 })).toThrow();
  });

  test('stops when it is cancelled in the middle', async () => {
    const stop = new AbortController();
    const progress = () => stop.abort();
    await expect(fit(classData(6, 100, [2]), {}, { signal: stop.signal, progress })).rejects.toThrow(
      CancelledError,
    );
  });
});
