import { describe, expect, test } from 'bun:test';
import { normals } from '../../../onnx/training/test-job.ts';
import { hmm, kmeans } from '../../classic/index.ts';
import { gan } from '../../deep/families/gan.ts';
import type { Family } from '../../family.ts';
import { targetSchema } from '../../tables/target.ts';
import { trainingSet } from '../../tables/training-set.ts';
import type { ValidationData } from '../data.ts';
import { schemeSchema } from '../schemes.ts';
import { scoreGroup } from '../score-group.ts';
import { randIndex, silhouettesOf } from './clustering.ts';
import { generationGroup, momentsOf, uniformsOf } from './generation.ts';
import golden from './golden.json';
import { anomalyOf, reconstructionGroup } from './reconstruction.ts';
import { bySeries, type Parts, placeBefore } from './rows.ts';
import { trainUnlabelled, validateUnlabelled } from './train.ts';

const MINUTE = 60e6;
const scoring = { resamples: 100, level: 0.95, seed: 1 };
const control = { seed: 1, threads: 1 };

function dataOf(inputs: ArrayLike<number>, columns: number): ValidationData {
  const rows = inputs.length / columns;
  const startUs = Float64Array.from({ length: rows }, (_, i) => i * MINUTE);
  return { inputs: Float32Array.from(inputs), rows, columns, spans: { startUs, endUs: startUs } };
}

const range = (from: number, to: number) => Uint32Array.from({ length: to - from }, (_, i) => from + i);

function partsOf(data: ValidationData, fitted: number, calibrated = 0, steps = 1): Parts {
  const calibration = calibrated > 0 ? range(fitted, fitted + calibrated) : null;
  return { data, fit: range(0, fitted), calibration, test: range(fitted + calibrated, data.rows), steps };
}

/** A calm and a wild state that last; `lasting` false shuffles who is when. */
function regimes(rows: number, lasting = true): Float32Array {
  const drawn = normals(rows * 2, 3);
  return Float32Array.from({ length: rows }, (_, i) => {
    const wild = lasting ? Math.floor(i / 50) % 2 === 1 : drawn[rows + i]! > 0;
    return drawn[i]! * (wild ? 0.05 : 0.01);
  });
}

describe('scores of groups', () => {
  const { values, columns, labels, other, silhouettes, rand_index } = golden.groups;
  const rows = labels.length;

  test('silhouettes and the adjusted Rand index are those of scikit-learn', () => {
    const points = { rows, columns, values: Float64Array.from(values) };
    const found = silhouettesOf(points, Uint32Array.from(labels), 4, null);
    // golden.json says why.
    for (const [i, value] of silhouettes.entries()) expect(Math.abs(found[i]! - value)).toBeLessThan(1e-9);
    const ones = new Float64Array(rows).fill(1);
    const index = randIndex(Uint32Array.from(labels), 4, Uint32Array.from(other), 4, ones);
    expect(index).toBeCloseTo(rand_index, 9);
    expect(randIndex(Uint32Array.from(labels), 4, Uint32Array.from(labels), 4, ones)).toBe(1);
  });

  test('noise and one group alone have no silhouette', () => {
    const points = { rows, columns, values: Float64Array.from(values) };
    const without = silhouettesOf(points, Uint32Array.from(labels), 4, 0);
    expect(without.subarray(0, 30).every(Number.isNaN)).toBe(true);
    expect(without.subarray(30).every(Number.isFinite)).toBe(true);
    expect(silhouettesOf(points, new Uint32Array(rows), 1, null).every(Number.isNaN)).toBe(true);
  });

  const trained = (inputs: Float32Array) =>
    trainUnlabelled(
      {
        family: hmm as unknown as Family,
        task: 'clustering',
        options: hmm.options.parse({ steps: 1, starts: 2 }),
      },
      dataOf(inputs, 1),
      { shares: { test: 0.4, calibration: 0.2, stopping: 0 }, level: 0.9, steps: 1, scoring },
      control,
    );

  test('states that last tell of the next row, and states that do not beat nothing', async () => {
    const lasting = await trained(regimes(1200));
    const { scores, baselines } = lasting.scores.groups.clustering!;
    expect(lasting.rows).toMatchObject({ fit: 720, calibration: 0, test: 480 });
    expect(baselines.one_group!.advantage.next_log_likelihood!.beats).toBe(true);
    expect(baselines.without_memory!.advantage.next_log_likelihood!.beats).toBe(true);
    expect(baselines.without_memory!.advantage.persistence!.beats).toBe(true);
    expect(scores.stability!.value).toBeGreaterThan(0.5);
    const shuffled = (await trained(regimes(1200, false))).scores.groups.clustering!;
    expect(shuffled.baselines.without_memory!.advantage.next_log_likelihood!.beats).toBe(false);
    expect(shuffled.baselines.without_memory!.advantage.persistence!.beats).toBe(false);
  });

  test('a validation scores each fold by its own model, on rows that share no data with its fit', async () => {
    const candidate = {
      family: kmeans as unknown as Family,
      task: 'clustering' as const,
      options: kmeans.options.parse({ clusters: 2, starts: 1 }),
    };
    const data = dataOf(regimes(400), 1);
    const folds = await validateUnlabelled(
      candidate,
      data,
      schemeSchema.parse({ kind: 'purged_k_fold', folds: 4 }),
      { steps: 1, scoring },
      control,
    );
    expect(folds.map(({ test_rows }) => test_rows)).toEqual([100, 100, 100, 100]);
    for (const { groups } of folds) expect(groups.clustering!.scores.silhouette!.value).toBeGreaterThan(0.4);
    const combined = schemeSchema.parse({ kind: 'combinatorial_purged', groups: 4, test_groups: 2 });
    await expect(
      validateUnlabelled(candidate, data, combined, { steps: 1, scoring }, control),
    ).rejects.toMatchObject({ extras: { errors: [{ pointer: '/scheme/kind' }] } });
  });

  test('where half of the fit has too few rows to be grouped again, only the stability is not known', async () => {
    const candidate = {
      family: kmeans as unknown as Family,
      task: 'clustering' as const,
      options: kmeans.options.parse({ clusters: 20, starts: 1 }),
    };
    const settings = { shares: { test: 0.4, calibration: 0, stopping: 0 }, level: 0.9, steps: 1, scoring };
    const { rows, scores } = await trainUnlabelled(candidate, dataOf(regimes(60), 1), settings, control);
    expect(rows).toMatchObject({ fit: 36, test: 24 });
    expect(scores.groups.clustering!.scores.stability!.value).toBeNull();
    expect(scores.groups.clustering!.scores.silhouette!.value).toBeFinite();
  });

  test('too few test rows are refused before anything is fitted', async () => {
    const family = { ...kmeans, fit: () => Promise.reject(new Error('fitted')) } as unknown as Family;
    const candidate = { family, task: 'clustering' as const, options: {} };
    const data = dataOf(regimes(45), 1);
    const refused = { slug: 'insufficient-history', extras: { needed: 16, received: 15 } };
    const settings = { steps: 1, scoring };
    await expect(
      trainUnlabelled(
        candidate,
        data,
        { ...settings, shares: { test: 1 / 3, calibration: 0, stopping: 0 }, level: 0.9 },
        control,
      ),
    ).rejects.toMatchObject(refused);
    const scheme = schemeSchema.parse({ kind: 'purged_k_fold', folds: 3 });
    await expect(validateUnlabelled(candidate, data, scheme, settings, control)).rejects.toMatchObject(
      refused,
    );
  });

  test('groups of millions of rows have a silhouette', () => {
    const many = 2_000_000;
    const values = new Float64Array(many).fill(1, many / 2);
    const points = { rows: many, columns: 1, values };
    const found = silhouettesOf(points, Uint32Array.from(values), 2, null);
    expect(found.filter((value) => value === 1)).toHaveLength(1000);
  });

  test('rows of a panel follow each other within their series', () => {
    const data = { ...dataOf(new Float32Array(6), 1), series: Uint32Array.of(0, 1, 0, 1, 1, 0) };
    expect([...bySeries(data, range(0, 6))]).toEqual([0, 2, 5, 1, 3, 4]);
    expect([...placeBefore(data, range(1, 6))]).toEqual([-1, -1, 0, 2, 1]);
  });
});

describe('scores of reconstructions', () => {
  const { columns, latent, fit, test: tested, error, error_of_mean } = golden.components;

  test('the naive ones are the mean and the principal components of scikit-learn', async () => {
    const data = dataOf([...fit, ...tested], columns);
    const parts = partsOf(data, fit.length / columns);
    const group = await scoreGroup(await reconstructionGroup(parts, tested, latent), scoring);
    expect(group.scores.reconstruction_error!.value).toBeCloseTo(0, 9);
    expect(group.baselines.train_mean!.scores.reconstruction_error!.value).toBeCloseTo(error_of_mean, 9);
    const { scores, advantage } = group.baselines.principal_components!;
    expect(scores.reconstruction_error!.value).toBeCloseTo(error, 9);
    expect(scores.variance_explained!.value).toBeCloseTo(1 - error / error_of_mean, 9);
    expect(advantage.reconstruction_error!.beats).toBe(true);
  });

  test('the threshold is the error that the level of calibration rows stays below', () => {
    const inputs = normals(300, 5);
    // The last hundred rows are ten times as far out.
    for (let i = 200; i < 300; i++) inputs[i]! *= 10;
    const parts = partsOf(dataOf(inputs, 1), 100, 100);
    const zeros = new Float32Array(100);
    const { level, threshold, rows, test_share } = anomalyOf(parts, { calibration: zeros, test: zeros }, 0.9);
    expect([level, rows]).toEqual([0.9, 100]);
    const fitted = [...inputs.subarray(0, 100)];
    const mean = fitted.reduce((a, b) => a + b, 0) / 100;
    const variance = fitted.reduce((a, b) => a + (b - mean) ** 2, 0) / 100;
    const errors = [...inputs.subarray(100, 200)].map((x) => x ** 2 / variance).sort((a, b) => a - b);
    // ceil(101 x 0.9) = 91 rows stay at or below it.
    expect(threshold).toBeCloseTo(errors[90]!, 9);
    expect(test_share).toBeGreaterThan(0.7);
  });
});

describe('scores of made rows', () => {
  const STEPS = 4;
  /** Rows of an autoregression of memory 0.8. */
  const series = (rows: number, seed: number) => {
    const shocks = normals(rows * STEPS, seed);
    const values = new Float32Array(rows * STEPS);
    for (let i = 0; i < values.length; i++)
      values[i] = i % STEPS === 0 ? shocks[i]! : 0.8 * values[i - 1]! + 0.6 * shocks[i]!;
    return values;
  };
  const parts = partsOf(dataOf([...series(400, 1), ...series(200, 2)], STEPS), 400, 0, STEPS);

  test('rows of the same law beat columns that are drawn alone, and have the moments of real ones', async () => {
    const made = series(200, 3);
    const { baselines } = await scoreGroup(generationGroup(parts, made, 1), scoring);
    expect(baselines.independent_columns!.advantage.correlation_distance!.beats).toBe(true);
    expect(baselines.normal!.advantage.correlation_distance!.beats).toBe(true);
    const moments = await momentsOf(parts, made, scoring);
    const { autocorrelation_1, kurtosis } = moments;
    // Stationary from the first step on: the correlation of neighbours is the memory. 600 pairs have a deviation of 0.03.
    expect(Math.abs(autocorrelation_1!.real! - 0.8)).toBeLessThan(0.1);
    expect(Math.abs(autocorrelation_1!.made! - 0.8)).toBeLessThan(0.1);
    expect(autocorrelation_1!.difference_interval.low!).toBeLessThan(0);
    expect(autocorrelation_1!.difference_interval.high!).toBeGreaterThan(0);
    // 800 normal numbers in rows that depend: three deviations of their kurtosis are about 0.8.
    expect(Math.abs(kurtosis!.real! - 3)).toBeLessThan(0.8);
  });

  test('noise without memory does not, and its autocorrelation is told apart', async () => {
    const made = normals(200 * STEPS, 4);
    const { baselines } = await scoreGroup(generationGroup(parts, made, 1), scoring);
    expect(baselines.independent_columns!.advantage.correlation_distance!.beats).toBe(false);
    expect((await momentsOf(parts, made, scoring)).autocorrelation_1!.difference_interval.high!).toBeLessThan(
      0,
    );
  });

  test('a generator is scored by rows that it makes of noise, the same for the same seed', async () => {
    const candidate = {
      family: gan as unknown as Family,
      task: 'generation' as const,
      options: gan.options.parse({ epochs: 1, hidden: 4 }),
    };
    const shares = { test: 0.3, calibration: 0.2, stopping: 0 };
    const settings = { shares, level: 0.9, steps: STEPS, scoring };
    const { scores, rows } = await trainUnlabelled(candidate, parts.data, settings, control);
    expect(rows).toEqual({ fit: 420, stopping: 0, calibration: 0, test: 180 });
    expect(Object.keys(scores.moments!)).toContain('squared_autocorrelation_1');
    expect(scores.groups.generation!.scores.mean_distance!.value).toBeGreaterThan(0);
    expect(uniformsOf(3, 2, 7)).toEqual(uniformsOf(3, 2, 7));
    expect(uniformsOf(100, 2, 7).every((x) => x >= 0 && x < 1)).toBe(true);
  });
});

test('rows without a target reach as far as others read them', () => {
  const frame = {
    rows: 40,
    tsUs: Float64Array.from({ length: 40 }, (_, i) => i * MINUTE),
    series: [''],
    seriesOf: new Uint32Array(40),
    columns: new Map([['close', Float64Array.from({ length: 40 }, (_, i) => 100 + Math.sin(i))]]),
  };
  const features = [{ kind: 'log_return', column: 'close', periods: 2 }] as const;
  const { data, leftOut } = trainingSet(frame, features, targetSchema.parse({ kind: 'none' }), { steps: 3 });
  expect(data.targets).toBeUndefined();
  expect(leftOut).toEqual({ without_label: 0, without_features: 4 });
  // Two rows back of a return and two more of three steps.
  expect(data.spans.endUs[0]! - data.spans.startUs[0]!).toBe(4 * MINUTE);
  expect(data.spans.endUs.at(-1)).toBe(data.spans.startUs.at(-1)!);
});
