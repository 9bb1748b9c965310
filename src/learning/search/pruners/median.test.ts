import { describe, expect, test } from 'bun:test';
import type { Observation } from '../types.ts';
import { prunerOf, prunerSchema } from './index.ts';

const curve = (values: readonly number[]) => values.map((value, at) => ({ step: at + 1, value }));
const trial = (
  number: number,
  values: readonly number[],
  state: Observation['state'] = 'complete',
): Observation => ({
  number,
  point: {},
  state,
  loss: values.at(-1) ?? null,
  reports: curve(values),
});
const history = [1, 2, 3, 4, 5].map((loss, number) => trial(number, [loss + 2, loss + 1, loss]));

describe('the median rule', () => {
  const median = prunerOf('median');
  test('ends a trial whose best report is above the median of that step', () => {
    expect(median.ends(5, curve([5.1]), history)).toBe(true);
    expect(median.ends(5, curve([5]), history)).toBe(false);
    // 9 is bad, but 4 was as good as the median at step 2.
    expect(median.ends(5, curve([4, 9]), history)).toBe(false);
  });

  test('waits for trials that are complete, and asks no others', () => {
    expect(median.ends(4, curve([99]), history.slice(0, 4))).toBe(false);
    const pruned = [...history.slice(0, 4), trial(4, [7], 'pruned'), trial(5, [7], 'failed')];
    expect(median.ends(6, curve([99]), pruned)).toBe(false);
    expect(median.ends(6, curve([99]), [...pruned, trial(6, [7])])).toBe(true);
  });

  test('leaves a step alone that no other trial has reported, and one without reports', () => {
    expect(median.ends(5, [{ step: 7, value: 99 }], history)).toBe(false);
    expect(median.ends(5, [], history)).toBe(false);
  });

  test('waits for the steps of warm-up and checks once in an interval', () => {
    const patient = prunerOf({ kind: 'median', warmup_steps: 2, interval_steps: 2 });
    const long = [1, 2, 3, 4, 5].map((loss, number) =>
      trial(
        number,
        Array.from({ length: 6 }, () => loss),
      ),
    );
    const bad = curve([9, 9, 9, 9, 9, 9]);
    expect(bad.map((_, at) => patient.ends(5, bad.slice(0, at + 1), long))).toEqual([
      false,
      true,
      false,
      true,
      false,
      true,
    ]);
  });

  test('ends a trial that never was a finite number', () => {
    expect(median.ends(5, curve([Number.NaN]), history)).toBe(true);
    expect(median.ends(5, curve([Number.POSITIVE_INFINITY, Number.NaN]), history)).toBe(true);
    expect(median.ends(5, curve([Number.NaN, 1]), history)).toBe(false);
  });
});

test('no pruner ends nothing', () => {
  expect(prunerOf('none').ends(9, curve([1e9]), history)).toBe(false);
});

test('options are refused out of range and where they are not known', () => {
  expect(prunerSchema.safeParse('median').success).toBe(true);
  expect(prunerSchema.safeParse({ kind: 'median', startup_trials: -1 }).success).toBe(false);
  expect(prunerSchema.safeParse({ kind: 'median', patience: 3 }).success).toBe(false);
  expect(prunerSchema.safeParse('best').success).toBe(false);
});
