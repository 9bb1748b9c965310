// K-means as a family: what is served is what was fitted; scikit-learn's values are tested with the kernel.
import { describe, expect, test } from 'bun:test';
import { InsufficientHistoryError, NonFiniteInputError } from '../../core/errors.ts';
import { CancelledError } from '../../native/index.ts';
import type { TrainingData } from '../family.ts';
import { kmeans, seedOf } from './kmeans.ts';
import { control, groupData, served } from './test-data.ts';

const fit = (data: TrainingData, given: object = {}, more: object = {}) =>
  kmeans.fit('clustering', data, kmeans.options.parse(given), { ...control, ...more });

describe('kmeans', () => {
  test('serves one cluster for the rows of each group, as fitted and with a large mean', async () => {
    for (const offset of [0, 60_000]) {
      const data = groupData(1, 300, 4, 3, offset);
      const { model, facts, history } = await fit(data, { clusters: 3, starts: 4 });
      const found = await served(model, data.inputs, data.rows);
      const names = new Map<number, number>();
      for (let i = 0; i < data.rows; i++) {
        const row = [...found.subarray(i * 3, (i + 1) * 3)];
        expect(row.toSorted()).toEqual([0, 0, 1]);
        const label = row.indexOf(1);
        expect(names.set(i % 3, names.get(i % 3) ?? label).get(i % 3)).toBe(label);
      }
      expect(new Set(names.values()).size).toBe(3);
      expect(history.map(({ step }) => step)).toEqual([1, 2, 3, 4]);
      for (let i = 1; i < 4; i++) expect(history[i]!.loss).toBeLessThanOrEqual(history[i - 1]!.loss);
      expect(Number(facts.inertia) / data.rows).toBeCloseTo(history[3]!.loss, 9);
    }
  });

  test('serves probabilities that fall with the distance', async () => {
    const data = groupData(2, 200, 2, 2);
    const { model } = await fit(data, { clusters: 2, probabilities: 'soft' });
    const [a, b] = [data.inputs.subarray(0, 2), data.inputs.subarray(2, 4)];
    const middle = a.map((value, j) => (value + b[j]!) / 2);
    const found = await served(model, Float32Array.of(...a, ...b, ...middle), 3);
    for (const i of [0, 1, 2]) expect(found[2 * i]! + found[2 * i + 1]!).toBeCloseTo(1, 6);
    expect(Math.abs(found[0]! - found[2]!)).toBeGreaterThan(0.99);
    expect(Math.abs(found[4]! - 0.5)).toBeLessThan(0.5);
  });

  test('lets rows without weight move nothing', async () => {
    const data = groupData(3, 120, 2, 2);
    const weights = Float32Array.from({ length: 120 }, (_, i) => Number(i < 100));
    const one = await fit({ ...data, weights }, { clusters: 2 });
    const inputs = data.inputs.map((value, i) => (i < 200 ? value : 1e3));
    const other = await fit({ ...data, inputs, weights }, { clusters: 2 });
    expect(other.facts.inertia).toBe(one.facts.inertia!);
  });

  test('has a seed of its own for each start, within the range of seeds', () => {
    const seeds = Array.from({ length: 200 }, (_, start) => seedOf(2 ** 53 - 1, start));
    expect(new Set(seeds).size).toBe(200);
    expect(seeds.every((seed) => Number.isInteger(seed) && seed >= 0 && seed < 2 ** 53)).toBe(true);
    expect(seedOf(7, 0)).toBe(7);
  });

  test('refuses fewer rows than clusters and NaN, and stops when it is cancelled in the middle', async () => {
    const data = groupData(4, 20, 2, 2);
    await expect(fit(data, { clusters: 21 })).rejects.toThrow(InsufficientHistoryError);
    await expect(fit({ ...data, inputs: data.inputs.with(5, Number.NaN) })).rejects.toThrow(
      NonFiniteInputError,
    );
    const stop = new AbortController();
    const progress = () => stop.abort();
    await expect(fit(data, { clusters: 2 }, { signal: stop.signal, progress })).rejects.toThrow(
      CancelledError,
    );
  });
});
