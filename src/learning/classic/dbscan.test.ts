// DBSCAN as a family: served labels are those that were found; scikit-learn's are tested with the kernel.
import { describe, expect, test } from 'bun:test';
import { InvalidOptionError } from '../../core/errors.ts';
import { dbscan as kernel } from '../../native/index.ts';
import type { TrainingData } from '../family.ts';
import { dbscan } from './dbscan.ts';
import { control, groupData, served } from './test-data.ts';

const fit = (data: TrainingData, given: object = {}) =>
  dbscan.fit('clustering', data, dbscan.options.parse(given), control);

/** The class of each row. */
const classes = (found: Float32Array, rows: number) =>
  Array.from({ length: rows }, (_, i) => {
    const width = found.length / rows;
    const row = found.subarray(i * width, (i + 1) * width);
    expect(row.reduce((a, b) => a + b, 0)).toBe(1);
    return row.indexOf(1);
  });

describe('dbscan', () => {
  test('serves core rows and noise as they were found', async () => {
    const data = groupData(1, 400, 2, 3);
    for (let i = 0; i < 20; i++) data.inputs[i * 2] = 100 + 10 * i;
    const given = { eps: 0.6, min_points: 5, standardise: false };
    const { model, facts } = await fit(data, given);
    expect(facts.clusters).toBe(3);
    expect(Number(facts.noise_rows)).toBeGreaterThanOrEqual(20);
    const found = classes(await served(model, data.inputs, data.rows), data.rows);
    const { labels, core } = kernel({
      ...{ rows: 400, columns: 2, eps: 0.6, minPoints: 5 },
      values: Float64Array.from(data.inputs),
    });
    let same = 0;
    for (let i = 0; i < 400; i++) {
      const label = labels[i]! < 0 ? 3 : labels[i]!;
      if (core[i] || labels[i]! < 0) expect(found[i]).toBe(label);
      if (found[i] === label) same++;
    }
    expect(same / 400).toBeCloseTo(Number(facts.served_agreement), 9);
    expect(Number(facts.served_points)).toBeLessThanOrEqual(Number(facts.core_rows));
  });

  test('is served for many core rows by a few of them', async () => {
    const data = groupData(2, 5000, 3, 3);
    const { model, facts } = await fit(data, { eps: 0.3, min_points: 5 });
    expect(Number(facts.core_rows)).toBeGreaterThan(4000);
    expect(Number(facts.served_points)).toBeLessThanOrEqual(1024);
    expect(Number(facts.served_agreement)).toBeGreaterThan(0.99);
    const found = classes(await served(model, data.inputs, data.rows), data.rows);
    expect(new Set(found.filter((label) => label < Number(facts.clusters))).size).toBe(
      Number(facts.clusters),
    );
  });

  test('says what to change where nothing is dense, or too much is for the served model', async () => {
    const data = groupData(3, 100, 2, 2);
    await expect(fit(data, { eps: 1e-6 })).rejects.toThrow(InvalidOptionError);
    await expect(fit(data, { eps: 1e-6 })).rejects.toThrow('larger eps');
    await expect(fit(data, { eps: 0.5, min_points: 3, max_served_points: 1 })).rejects.toThrow(
      'max_served_points',
    );
  });

  test('counts a row by its weight', async () => {
    const data = groupData(4, 60, 2, 2);
    const { facts } = await fit(data, { eps: 0.3, min_points: 5 });
    const weights = new Float32Array(60).fill(5);
    const heavy = await fit({ ...data, weights }, { eps: 0.3, min_points: 5 });
    expect(heavy.facts.noise_rows).toBe(0);
    expect(heavy.facts.core_rows).toBe(60);
    expect(Number(facts.core_rows)).toBeLessThan(60);
  });
});
