// Boosted trees and forests: formulas by hand, laws, refusals.
import { describe, expect, test } from 'bun:test';
import { InvalidOptionError, NonFiniteInputError, ShapeMismatchError } from '../../core/errors.ts';
import { CancelledError, predictTrees } from '../../native/index.ts';
import { DivergedError } from '../errors.ts';
import { randomForest } from './index.ts';
import { control, grow, treeData } from './test-data.ts';

const column = (...values: number[]) => ({
  inputs: Float32Array.from(values),
  rows: values.length,
  columns: 1,
});

describe('gradientBoosting', () => {
  test('grows the tree of the formulas', async () => {
    // Mean 4; gradients 3, 3, -2, -4 (sum of the right pair -6); hessians 1.
    const data = { ...column(1, 2, 3, 4), targets: Float32Array.of(1, 1, 6, 8) };
    const { trees } = await grow(data, { rounds: 1, learning_rate: 0.5, max_leaves: 2, min_rows: 1, l2: 1 });
    expect([...trees.base]).toEqual([4]);
    expect([...trees.feature]).toEqual([0, -1, -1]);
    expect(trees.threshold[0]).toBe(2.5);
    // Chen and Guestrin 2016, equation 7 without the half: 36/3 + 36/3 - 0/5.
    expect(trees.gain[0]).toBeCloseTo(24, 12);
    // Equation 5: -6 / (2 + 1) and 6 / (2 + 1), times 0.5. The unit of the values is 2^-22 or less.
    expect(trees.value[1]).toBeCloseTo(-1, 6);
    expect(trees.value[2]).toBeCloseTo(1, 6);
    expect([...trees.cover]).toEqual([4, 2, 2]);
  });

  test('shrinks by l1 and refuses gains that are too small', async () => {
    const data = { ...column(1, 2, 3, 4), targets: Float32Array.of(1, 1, 6, 8) };
    const options = { rounds: 1, learning_rate: 1, max_leaves: 2, min_rows: 1, l2: 1, l1: 3 };
    const { trees } = await grow(data, options);
    expect(trees.value[1]).toBeCloseTo(-1, 6);
    expect(trees.gain[0]).toBeCloseTo(6, 12);
    const none = await grow(data, { ...options, min_gain: 6.01 });
    expect(none.facts.leaves).toBe(1);
  });

  test('sends missing values where they gain most', async () => {
    const nan = Number.NaN;
    for (const [targets, left] of [
      [[0, 0, 9, 9, 0, 0], 1],
      [[0, 0, 9, 9, 9, 9], 0],
    ] as const) {
      const data = { ...column(1, 2, 3, 4, nan, nan), targets: Float32Array.from(targets) };
      const { trees } = await grow(data, { rounds: 1, max_leaves: 2, min_rows: 1 });
      expect(trees.threshold[0]).toBe(2.5);
      expect(trees.missingLeft[0]).toBe(left);
    }
  });

  test('names the categories that go left', async () => {
    const codes = [7, 7, 3, 3, 200, 200, 5, 5];
    const data = { ...column(...codes), targets: Float32Array.of(1, 1, 9, 9, 1, 1, 9, 9) };
    const { trees } = await grow(data, {
      ...{ rounds: 1, max_leaves: 2, min_rows: 1, categories: [0], category_rows: 1, category_l2: 0 },
      ...{ category_smooth: 0, learning_rate: 1 },
    });
    expect([...(await predictTrees(trees, Float32Array.of(7, 200, 3, 5)))]).toEqual([1, 1, 9, 9]);
    // A code that no training row has, a gap and no code at all go with those that are not named.
    const [unseen, gap, broken] = await predictTrees(trees, Float32Array.of(9, Number.NaN, 7.5));
    expect(new Set([unseen, gap, broken]).size).toBe(1);
  });

  test('has the same bits for any number of threads', async () => {
    const data = treeData({ rows: 40_000, columns: 20, gaps: 0.05, classes: 3 }, 11);
    const options = { rounds: 4, row_share: 0.7, column_share: 0.8, split_share: 0.5 };
    const [one, ...others] = await Promise.all(
      [1, 2, 5].map((threads) => grow(data, options, { seed: 3, threads })),
    );
    for (const other of others) expect(other.trees).toEqual(one!.trees);
    const elsewhere = await grow(data, options, { seed: 4, threads: 1 });
    expect(elsewhere.trees.threshold).not.toEqual(one!.trees.threshold);
  });

  test('is what it would be with each row as often as its weight', async () => {
    const data = treeData({ rows: 60, columns: 3 }, 5);
    const weights = Float32Array.from({ length: 60 }, (_, row) => row % 3);
    const often = [...weights.keys()].flatMap((row) => Array.from({ length: weights[row]! }, () => row));
    const repeated = {
      ...{ rows: often.length, columns: 3 },
      inputs: Float32Array.from(often.flatMap((row) => [...data.inputs.slice(row * 3, row * 3 + 3)])),
      targets: Float32Array.from(often, (row) => data.targets[row]!),
    };
    // Few enough values that both see the same bins.
    const options = { rounds: 5, min_rows: 1, min_hessian: 4 };
    const [one, other] = await Promise.all([grow({ ...data, weights }, options), grow(repeated, options)]);
    const a = await predictTrees(one.trees, repeated.inputs);
    const b = await predictTrees(other.trees, repeated.inputs);
    // A hessian of weights has 2^-40 of rounding, a leaf 2^-22 of the largest.
    a.forEach((value, i) => {
      expect(value).toBeCloseTo(b[i]!, 4);
    });
  });

  test.each(['leaf', 'oblivious'])('keeps to monotone columns: %s', async (growth) => {
    const data = treeData({ rows: 2_000, columns: 2 }, 8);
    const options = { growth, rounds: 40, increasing: [0], decreasing: [1], max_leaves: 16, max_depth: 4 };
    const { trees } = await grow(data, options);
    expect(Math.max(...(await predictTrees(trees, data.inputs)))).toBeGreaterThan(trees.base[0]!);
    const steps = Array.from({ length: 201 }, (_, i) => i / 200 - 0.5);
    for (const fixed of [-0.4, 0, 0.4]) {
      const up = await predictTrees(trees, Float32Array.from(steps.flatMap((x) => [x, fixed])));
      const down = await predictTrees(trees, Float32Array.from(steps.flatMap((x) => [fixed, x])));
      for (let i = 1; i < steps.length; i++) {
        expect(up[i]!).toBeGreaterThanOrEqual(up[i - 1]!);
        expect(down[i]!).toBeLessThanOrEqual(down[i - 1]!);
      }
    }
  });

  test('asks one question for each depth when oblivious', async () => {
    const data = treeData({ rows: 500, columns: 4 }, 2);
    const { trees } = await grow(data, { growth: 'oblivious', rounds: 3, max_depth: 4, min_rows: 1 });
    for (const root of trees.roots) {
      let level = [root];
      while (trees.feature[level[0]!]! >= 0) {
        expect(new Set(level.map((node) => `${trees.feature[node]} ${trees.threshold[node]}`)).size).toBe(1);
        level = level.flatMap((node) => [trees.left[node]!, trees.right[node]!]);
      }
      expect(level.every((node) => trees.feature[node]! < 0)).toBe(true);
    }
  });

  test('hits the share of a quantile', async () => {
    const data = treeData({ rows: 2_000, columns: 3 }, 21);
    for (const alpha of [0.1, 0.9]) {
      const { trees } = await grow(data, { loss: 'quantile', alpha, rounds: 30, max_leaves: 8 });
      const predicted = await predictTrees(trees, data.inputs);
      const below = data.targets.filter((target, row) => target <= predicted[row]!).length / data.rows;
      expect(Math.abs(below - alpha)).toBeLessThan(0.03);
    }
  });

  test('stops early, with the rounds up to the best', async () => {
    const data = treeData({ rows: 300, columns: 3 }, 1);
    const noise = treeData({ rows: 300, columns: 3 }, 2);
    const validation = { ...noise, targets: data.targets };
    const { facts, trees } = await grow({ ...data, validation }, { rounds: 500, patience: 5 });
    expect(facts.stopped_early).toBe(true);
    expect(trees.roots.length).toBe(facts.rounds as number);
    expect(facts.rounds).toBeLessThan(100);
  });

  test('stops at a cancelled signal and says how far it is', async () => {
    const data = treeData({ rows: 20_000, columns: 10 }, 1);
    const stop = new AbortController();
    const steps: number[] = [];
    const cancelled = grow(
      data,
      { rounds: 10_000 },
      {
        ...control,
        signal: stop.signal,
        progress: ({ step }) => {
          steps.push(step);
          stop.abort();
        },
      },
    );
    await expect(cancelled).rejects.toThrow(CancelledError);
    expect(steps).toEqual([200]);
  });

  test('refuses what it cannot learn from, naming the field', async () => {
    const data = treeData({ rows: 50, columns: 2 }, 1);
    const broken = Float32Array.from(data.targets);
    broken[3] = Number.NaN;
    await expect(grow({ ...data, targets: broken }, {})).rejects.toThrow(NonFiniteInputError);
    await expect(grow({ ...data, targets: broken }, {})).rejects.toThrow(/row 3/);
    await expect(grow({ ...data, inputs: data.inputs.slice(1) }, {})).rejects.toThrow(ShapeMismatchError);
    await expect(grow(data, { patience: 3 })).rejects.toThrow(/validation/);
    await expect(grow(data, { categories: [2] })).rejects.toThrow(InvalidOptionError);
    await expect(grow(data, { categories: [1] })).rejects.toThrow(/codes from 0 to 254 in column 1/);
    await expect(grow(data, { categories: [0], growth: 'oblivious' })).rejects.toThrow(/categories/);
    await expect(grow(data, { increasing: [0], loss: 'quantile' })).rejects.toThrow(/loss/);
    await expect(grow({ ...data, classes: 2 }, {})).rejects.toThrow(/classes from 0 to 1/);
  });

  test('says that a loss that is no number any more diverged', async () => {
    // The mean is 1.5e38, and the distance from it beyond what f32 holds.
    const data = { ...column(1, 2, 3, 4), targets: Float32Array.of(3e38, -3e38, 3e38, 3e38) };
    await expect(grow(data, { rounds: 5, min_rows: 1 })).rejects.toThrow(DivergedError);
    await expect(grow(data, { loss: 'poisson' })).rejects.toThrow(/poisson/);
  });
});

describe('randomForest', () => {
  test('averages means of bootstrap samples', async () => {
    const data = treeData({ rows: 3_000, columns: 4 }, 4);
    const forest = await randomForest.fit(
      'regression',
      data,
      randomForest.options.parse({ trees: 60 }),
      control,
    );
    const mean = data.targets.reduce((sum, target) => sum + target, 0) / data.rows;
    const spread = data.targets.reduce((sum, target) => sum + (target - mean) ** 2, 0) / data.rows / 2;
    // By trees that have not seen the row.
    expect(forest.history.at(-1)!.loss).toBeLessThan(spread * 0.2);
    expect(forest.trees?.roots.length).toBe(60);
    expect(forest.importance.reduce((sum, part) => sum + part, 0)).toBeCloseTo(1, 5);
  });
});
