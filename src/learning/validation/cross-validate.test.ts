import { describe, expect, test } from 'bun:test';
import { sharedData } from '../../../test/shared-data.ts';
import { InvalidOptionError, InvariantError } from '../../core/errors.ts';
import { CancelledError } from '../../native/errors.ts';
import { logistic, ridge } from '../classic/index.ts';
import type { FitProgress } from '../family.ts';
import { crossValidate } from './cross-validate.ts';
import type { ValidationData } from './data.ts';
import { validationReport } from './report.ts';
import { type Scheme, schemeSchema } from './schemes.ts';
import { linearFamily } from './test-family.ts';
import { barRows, dailySpans, stockPanel } from './test-panels.ts';

const options = linearFamily.options.parse({});
const panelFile = sharedData('sp500-20-stocks-daily-close-1990-2022.csv.gz');
const barsFile = sharedData('btc-perp-1min-ohlcv-2022-01.csv.gz');
const control = { seed: 1, threads: 1 };
const report = { resamples: 60, level: 0.95, seed: 1 };
const kFold: Scheme = { kind: 'purged_k_fold', folds: 4, embargo_us: 0 };

/** y = 2 x0 - x1 + 0.5 with a deterministic wobble that no input explains. */
function line(rows: number, wobble = 0): ValidationData {
  const inputs = Float32Array.from({ length: rows * 2 }, (_, i) => Math.sin(i * (i % 2 ? 0.7 : 1.9)));
  const targets = Float32Array.from(
    { length: rows },
    (_, i) => 2 * inputs[2 * i]! - inputs[2 * i + 1]! + 0.5 + wobble * Math.sin(i * i),
  );
  return { inputs, rows, columns: 2, targets, spans: dailySpans(rows, 2) };
}
const regression = { family: linearFamily, task: 'regression' as const, options };

describe('crossValidate', () => {
  test('predicts every row once, from fits that did not see it, in time order', async () => {
    const data = line(80);
    const { folds, paths, width } = await crossValidate(regression, data, kFold, control);
    expect(width).toBe(1);
    expect([...paths[0]!.rows]).toEqual([...data.targets!.keys()]);
    // Gradient descent of 300 steps leaves less than 1e-3 of a line.
    for (const row of paths[0]!.rows) {
      expect(Math.abs(paths[0]!.predictions[row]! - data.targets![row]!)).toBeLessThan(1e-3);
    }
    // Labels look 2 rows ahead: 2 rows are purged on each inner side of a fold of 20.
    expect(folds.map((fold) => [fold.train_rows, fold.test_rows, fold.left_out_rows])).toEqual([
      [58, 20, 2],
      [56, 20, 4],
      [56, 20, 4],
      [58, 20, 2],
    ]);
    expect(folds.map((fold) => fold.facts.rows)).toEqual([58, 56, 56, 58]);
  });

  test('does not see the targets of the tested rows: changing them changes no prediction of theirs', async () => {
    const data = line(80, 0.3);
    const first = await crossValidate(regression, data, { ...kFold, folds: 2 }, control);
    const changed = data.targets!.map((target, row) => (row < 40 ? -target : target));
    const second = await crossValidate(
      regression,
      { ...data, targets: changed },
      { ...kFold, folds: 2 },
      control,
    );
    expect(second.paths[0]!.predictions.subarray(0, 40)).toEqual(first.paths[0]!.predictions.subarray(0, 40));
    expect(second.paths[0]!.predictions.subarray(40)).not.toEqual(first.paths[0]!.predictions.subarray(40));
  });

  test('makes whole paths of combinatorial splits, each from other fits', async () => {
    const data = line(60, 0.3);
    const scheme: Scheme = { kind: 'combinatorial_purged', groups: 4, test_groups: 2, embargo_us: 0 };
    const { folds, paths } = await crossValidate(regression, data, scheme, control);
    expect(folds).toHaveLength(6);
    expect(paths).toHaveLength(3);
    for (const path of paths) expect(path.rows).toHaveLength(60);
    expect(paths[0]!.predictions).not.toEqual(paths[1]!.predictions);
    // Group 0 is tested first in the split of groups 0 and 1, in which group 1 has its first test too.
    const alone = await crossValidate(regression, data, scheme, control);
    expect(alone.paths[2]!.predictions).toEqual(paths[2]!.predictions);
  });

  test('gives the naive forecasts of the training rows and of what was known', async () => {
    const data = line(40);
    const scheme: Scheme = {
      kind: 'walk_forward',
      window: 'expanding',
      train_rows: 20,
      test_rows: 10,
      gap_us: 0,
    };
    const [path] = (await crossValidate(regression, data, scheme, control)).paths;
    const mean = (rows: number) => data.targets!.slice(0, rows).reduce((sum, value) => sum + value, 0) / rows;
    expect(path!.rows[0]).toBe(20);
    expect(path!.baselines.train_mean![0]).toBeCloseTo(mean(18), 12);
    expect(path!.baselines.train_mean![10]).toBeCloseTo(mean(28), 12);
    // A label is known two days after its row.
    expect(path!.baselines.last_value![0]).toBe(data.targets![18]!);
    expect(path!.baselines.last_value![15]).toBe(data.targets![33]!);
  });

  test('tells its progress over all splits and stops when it is cancelled', async () => {
    const told: FitProgress[] = [];
    await crossValidate(regression, line(80), kFold, { ...control, progress: (one) => told.push(one) });
    expect(told.map((one) => one.fraction)).toEqual([0.25, 0.5, 0.75, 1]);
    const stop = new AbortController();
    const run = crossValidate(regression, line(80), kFold, {
      ...control,
      signal: stop.signal,
      progress: () => stop.abort(),
    });
    await expect(run).rejects.toThrow(CancelledError);
  });

  test('calibrates a classifier on the latest training rows, which fit nothing, and serves it with the calibration', async () => {
    const data = line(240, 1.5);
    const labelled = { ...data, classes: 2, targets: data.targets!.map((value) => (value > 0.5 ? 1 : 0)) };
    const calibration = { kind: 'sigmoid' as const, held_out_fraction: 0.5 };
    const candidate = { family: linearFamily, task: 'classification' as const, options };
    const plain = await crossValidate(candidate, labelled, kFold, control);
    const calibrated = await crossValidate({ ...candidate, calibration }, labelled, kFold, control);
    for (const { facts, train_rows } of calibrated.folds) {
      expect(facts.calibration).toBe('sigmoid');
      expect(facts.calibration_rows).toBe(train_rows / 2);
      // Two rows are purged between the halves.
      expect(facts.rows).toBe(train_rows / 2 - 2);
    }
    expect(calibrated.paths[0]!.predictions).not.toEqual(plain.paths[0]!.predictions);
    await expect(crossValidate({ ...regression, calibration }, data, kFold, control)).rejects.toThrow(
      InvalidOptionError,
    );
  });

  test('gives early stopping the latest training rows to watch, purged, and fits on the others', async () => {
    const data = line(80);
    const seen: (number | undefined)[][] = [];
    const family: typeof linearFamily = {
      ...linearFamily,
      fit(task, training, asked, run) {
        seen.push([training.rows, training.validation?.rows]);
        return linearFamily.fit(task, training, asked, run);
      },
    };
    await crossValidate(
      { ...regression, family, watchFraction: 0.25 },
      data,
      { ...kFold, folds: 2 },
      control,
    );
    // 38 rows remain of each half; 10 are watched, and 2 before them look into them.
    expect(seen).toEqual([
      [26, 10],
      [26, 10],
    ]);
    const bad = crossValidate({ ...regression, watchFraction: 1 }, data, kFold, control);
    await expect(bad).rejects.toThrow(InvalidOptionError);
  });

  const families =
    'fits and scores the ridge and logistic families on a panel and on bars (needs the shared data)';
  test.skipIf(!panelFile || !barsFile)(families, async () => {
    const panel = await stockPanel(panelFile!, 1500, 20);
    const ridged = { family: ridge, task: 'regression' as const, options: ridge.options.parse({}) };
    const walk = schemeSchema.parse({ kind: 'walk_forward', train_rows: 500, test_rows: 250 });
    const { groups } = (
      await validationReport(await crossValidate(ridged, panel, walk, control), panel, report)
    ).paths[0]!;
    // Twenty days of a stock are next to unpredictable from past returns: no better than the mean, far better than the last value.
    expect(groups.regression!.baselines.last_value!.advantage.rmse!.beats).toBe(true);
    expect(Math.abs(groups.regression!.scores.r2!.value!)).toBeLessThan(0.2);
    const bars = await barRows(barsFile!, 2000, 15);
    const odds = { family: logistic, task: 'classification' as const, options: logistic.options.parse({}) };
    const calibration = { kind: 'sigmoid' as const, held_out_fraction: 0.25 };
    const scored = await crossValidate({ ...odds, calibration }, bars, kFold, control);
    const { classification } = (await validationReport(scored, bars, report)).paths[0]!.groups;
    expect(classification!.scores.log_loss!.value!).toBeLessThan(0.75);
    expect(classification!.scores.auc!.sample_size).toBe(2000);
  });

  test('refuses tasks and data that do not belong together', async () => {
    const data = line(40);
    const run = (candidate: object, rows: ValidationData) =>
      crossValidate({ ...regression, ...candidate }, rows, kFold, control);
    await expect(run({ task: 'clustering' }, data)).rejects.toThrow(InvalidOptionError);
    await expect(run({ task: 'classification' }, data)).rejects.toThrow(InvalidOptionError);
    await expect(run({}, { ...data, classes: 2 })).rejects.toThrow(InvalidOptionError);
    await expect(run({}, { ...data, rows: 39 })).rejects.toThrow('values of inputs');
  });
});

describe('validationReport', () => {
  test('says how far a model is ahead of the naive forecasts, with every sample size', async () => {
    const data = line(200, 0.3);
    const result = await crossValidate(regression, data, kFold, control);
    const { paths, folds } = await validationReport(result, data, report);
    const { scores, baselines } = paths[0]!.groups.regression!;
    expect(folds).toHaveLength(4);
    expect(scores.rmse!.sample_size).toBe(200);
    expect(scores.rmse!.value!).toBeLessThan(0.3);
    expect(scores.rmse!.interval.low!).toBeLessThan(scores.rmse!.value!);
    expect(scores.rmse!.interval.high!).toBeGreaterThan(scores.rmse!.value!);
    const ahead = baselines.train_mean!.advantage.rmse!;
    expect(ahead.beats).toBe(true);
    expect(ahead.value).toBeCloseTo(baselines.train_mean!.scores.rmse!.value! - scores.rmse!.value!, 12);
    await expect(validationReport({ ...result }, data, report)).rejects.toThrow(InvariantError);
    expect(await validationReport(result, data, report)).toEqual(
      await validationReport(result, data, report),
    );
  });

  test('says that a model of noise beats nothing', async () => {
    const data = line(200);
    const noise = { ...data, targets: data.targets!.map((_, i) => Math.sin(i * i * 1.7)) };
    const result = await crossValidate(regression, noise, kFold, control);
    const { baselines } = (await validationReport(result, noise, report)).paths[0]!.groups.regression!;
    expect(baselines.train_mean!.advantage.rmse!.beats).toBe(false);
  });

  test.skipIf(!barsFile)('scores a rise of real bars out of sample (needs the shared data)', async () => {
    const data = await barRows(barsFile!, 1500, 15);
    const candidate = {
      family: linearFamily,
      task: 'classification' as const,
      options: { ...options, steps: 30 },
    };
    const result = await crossValidate(candidate, data, { ...kFold, embargo_us: 15 * 60e6 }, control);
    const { groups, confusion } = (await validationReport(result, data, report)).paths[0]!;
    const [[fallsRight, fallsWrong], [risesWrong, risesRight]] = confusion as [
      [number, number],
      [number, number],
    ];
    expect(fallsRight + fallsWrong + risesWrong + risesRight).toBe(1500);
    expect((fallsRight + risesRight) / 1500).toBeCloseTo(groups.classification!.scores.accuracy!.value!, 12);
    const { auc, log_loss } = groups.classification!.scores;
    // What a linear model of three past returns can know of a quarter of an hour ahead is next to nothing: far from 0 and 1.
    expect(auc!.value!).toBeGreaterThan(0.3);
    expect(auc!.value!).toBeLessThan(0.7);
    expect(log_loss!.sample_size).toBe(1500);
    expect(Math.abs(groups.information!.scores.rank_ic!.value!)).toBeLessThan(0.3);
    expect(groups.information!.scores.icir!.value).toBeNull();
    expect(result.folds.map((fold) => fold.left_out_rows)).toEqual([30, 45, 45, 15]);
  });

  test.skipIf(!panelFile)('scores a panel of stocks by its times (needs the shared data)', async () => {
    const data = await stockPanel(panelFile!, 2000, 20);
    const result = await crossValidate(regression, data, kFold, control);
    const costs = { ...report, trading: { costBps: 5, periodsPerYear: 252 / 20 } };
    const { information, trading } = (await validationReport(result, data, costs)).paths[0]!.groups;
    expect(information!.scores.rank_ic!.sample_size).toBe(data.rows / 20);
    expect(Math.abs(information!.scores.ic!.value!)).toBeLessThan(0.5);
    expect(information!.scores.icir!.value).not.toBeNull();
    expect(trading!.scores.sharpe!.sample_size).toBe(data.rows / 20);
    expect(trading!.scores.sharpe!.convention).toContain('5 basis points');
    expect(trading!.whole!.max_drawdown!.value!).toBeGreaterThan(0);
    expect(Object.keys(trading!.baselines)).toEqual(['buy_and_hold']);
    // A month of a long book of 20 large stocks earned more than nothing in these years.
    expect(trading!.baselines.buy_and_hold!.scores.mean_gross_bps!.value!).toBeGreaterThan(0);
  });
});
