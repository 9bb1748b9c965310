import { describe, expect, test } from 'bun:test';
import { InvalidOptionError } from '../../core/errors.ts';
import { CancelledError } from '../../native/errors.ts';
import { familyOf } from '../families.ts';
import { targetSchema } from '../tables/target.ts';
import { crossValidate } from '../validation/cross-validate.ts';
import { schemeSchema } from '../validation/schemes.ts';
import { evaluate, reportSteps, STEPS_PER_SPLIT } from './evaluate.ts';
import { columnsOf, searchTable, takeColumns } from './table.ts';
import { testInput, testSet } from './test-table.ts';

const control = { seed: 3, threads: 1, ownProcess: true };
const BOOSTED = { family: 'gradient_boosting', options: { rounds: 200, min_rows: 5 } };
const set = testSet(600);
const table = searchTable(set, testInput());

describe('a trial', () => {
  test('scores what the same fit says of the rows after its own, the held-out rows untouched', async () => {
    const done = await evaluate({ family: 'ridge', options: { alpha: 2 } }, table, control);
    const ridge = familyOf('ridge');
    const options = ridge.options.parse({ alpha: 2 });
    const other = await crossValidate(
      { family: ridge, task: 'regression', options },
      table.data,
      table.input.scheme,
      control,
    );
    expect(done.state).toBe('complete');
    expect(done.forecasts.predictions).toEqual(other.paths[0]!.predictions);
    const errors = Array.from(
      other.paths[0]!.rows,
      (row, i) => table.data.targets![row]! - other.paths[0]!.predictions[i]!,
    );
    const rmse = Math.sqrt(errors.reduce((sum, error) => sum + error * error, 0) / errors.length);
    expect(done.loss).toBeCloseTo(rmse, 12);
    expect(done.loss).toBe(done.scores.rmse!);
    expect(table.data.rows + table.outer.test.length).toBeLessThanOrEqual(set.data.rows);
    expect(table.data.spans.endUs.at(-1)!).toBeLessThan(set.data.spans.startUs[table.outer.test[0]!]!);
  });

  test('is the same for the same seed, and stops before all rounds where watched rows say so', async () => {
    const [one, two] = [await evaluate(BOOSTED, table, control), await evaluate(BOOSTED, table, control)];
    expect({ ...one, seconds: 0 }).toEqual({ ...two, seconds: 0 });
    expect(one.rounds!).toBeGreaterThan(0);
    expect(one.rounds!).toBeLessThan(200);
    expect(one.options.patience).toBe(30);
  });

  test('tells a loss that families share, and ends where the answer is no', async () => {
    for (const candidate of [BOOSTED, { family: 'mlp', options: { epochs: 40, hidden: [8] } }]) {
      const told: [number, number][] = [];
      const whole = await evaluate(candidate, table, {
        ...control,
        report: (step, value) => told.push([step, value]) > 0,
      });
      expect(whole.state).toBe('complete');
      expect(told.length).toBeGreaterThan(2);
      expect(told.map(([step]) => step)).toEqual(told.map(([step]) => step).toSorted((a, b) => a - b));
      expect(told.at(-1)![0]).toBeLessThanOrEqual(reportSteps(table));
      // The variance that no model of this noise is left with lies between these, in shares of all.
      expect(told.at(-1)![1]).toBeGreaterThan(0.1);
      expect(told.at(-1)![1]).toBeLessThan(1.1);
      const some: number[] = [];
      const ended = await evaluate(candidate, table, {
        ...control,
        report: (step) => some.push(step) < 2,
      });
      expect(ended.state).toBe('pruned');
      expect(some).toEqual(told.slice(0, 2).map(([step]) => step));
      expect(ended.loss).toBe(told[1]![1]);
      expect(ended.forecasts.rows.length).toBe(0);
    }
  });

  test('is compared with others that are as far: after fewer rounds where it learns faster', async () => {
    const firstReport = async (learning_rate: number) => {
      const told: [number, number][] = [];
      const options = { ...BOOSTED.options, learning_rate, rounds: 400 };
      await evaluate({ ...BOOSTED, options }, table, {
        ...control,
        report: (step, value) => told.push([step, value]) < 1,
      });
      return told[0]!;
    };
    const [fast, slow] = [await firstReport(0.2), await firstReport(0.02)];
    expect([fast[0], slow[0]]).toEqual([1, 1]);
    // After as many rounds the slow one is a third behind.
    expect(Math.abs(slow[1] / fast[1] - 1)).toBeLessThan(0.1);
  });

  test('goes on counting its steps over the splits of a scheme, and tests each row once', async () => {
    const folds = searchTable(
      set,
      testInput({ scheme: schemeSchema.parse({ kind: 'purged_k_fold', folds: 3 }) }),
    );
    const steps: number[] = [];
    const done = await evaluate(BOOSTED, folds, { ...control, report: (step) => steps.push(step) > 0 });
    expect(done.forecasts.rows.length).toBe(folds.data.rows);
    for (const place of [0, 1, 2])
      expect(steps.filter((step) => Math.ceil(step / STEPS_PER_SPLIT) === place + 1).length).toBeGreaterThan(
        0,
      );
    expect(Math.max(...steps)).toBeLessThanOrEqual(reportSteps(folds));
  });

  test('sees the columns of its groups alone', async () => {
    const price = await evaluate({ ...BOOSTED, groups: ['price'] }, table, control);
    const volume = await evaluate({ ...BOOSTED, groups: ['volume'] }, table, control);
    expect(price.loss).toBeLessThan(volume.loss);
    expect([...columnsOf(table, ['volume'])]).toEqual([3, 4]);
    expect([...columnsOf({ input: { ...table.input, steps: 2 } }, ['volume'])]).toEqual([3, 4, 8, 9]);
    expect([...takeColumns(table.data, columnsOf(table, ['volume'])).inputs.subarray(0, 4)]).toEqual(
      [3, 4, 8, 9].map((at) => table.data.inputs[at]!),
    );
    expect(() => columnsOf(table, ['sentiment'])).toThrow(InvalidOptionError);
    expect(() => columnsOf(table, [])).toThrow(InvalidOptionError);
  });

  test('learns classes by any of their metrics', async () => {
    const target = targetSchema.parse({ kind: 'direction' });
    const classes = searchTable(testSet(600, 'direction'), testInput({ target, metric: 'auc' }));
    const done = await evaluate({ family: 'logistic', options: {} }, classes, control);
    expect(done.loss).toBe(-done.scores.auc!);
    expect(done.scores.auc!).toBeGreaterThan(0.6);
    expect(Object.values(done.scores)).not.toContain(null);
  });

  test('is refused for options that do not hold and families that do not learn the task, and stops when asked', async () => {
    const refused = async (family: string, options: Record<string, unknown>) =>
      evaluate({ family, options }, table, control).then(
        () => null,
        (error) => error,
      );
    expect(await refused('ridge', { alpha: -1 })).toBeInstanceOf(InvalidOptionError);
    expect(await refused('logistic', {})).toBeInstanceOf(InvalidOptionError);
    expect(await refused('oracle', {})).toBeInstanceOf(InvalidOptionError);
    const stop = new AbortController();
    const report = () => {
      stop.abort();
      return true;
    };
    const stopped = evaluate(BOOSTED, table, { ...control, signal: stop.signal, report });
    expect(await stopped.catch((error) => error)).toBeInstanceOf(CancelledError);
  });
});
