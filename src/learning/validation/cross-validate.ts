// Fits a family on every split of a scheme and predicts the test rows through the graph that would serve.
import { InvalidOptionError, InvariantError } from '../../core/errors.ts';
import { CancelledError } from '../../native/errors.ts';
import type { ModelSpec } from '../../onnx/graph.ts';
import type { FitControl, Fitted, Task } from '../family.ts';
import { type Baselines, naiveForecasts } from './baselines.ts';
import type { Candidate } from './candidate.ts';
import { checkValidationData, takeInputs, type ValidationData } from './data.ts';
import { fitCalibrated, fitRows } from './held-out.ts';
import { assertNoLeak, type CheckedSplit, requireChecked } from './leak.ts';
import { planSplits, type Scheme, splitRows } from './schemes.ts';
import { predictServed } from './serve.ts';

/** One fit and its test. */
export interface Fold {
  readonly train_rows: number;
  readonly test_rows: number;
  /** Rows that are neither: purged, embargoed, or outside the window. */
  readonly left_out_rows: number;
  /** Times of the first and the last test row. */
  readonly test_from_us: number;
  readonly test_to_us: number;
  /** What the family says of its fit. */
  readonly facts: Fitted['facts'];
}

/** Forecasts of rows that were each tested once, in time order. */
export interface Path {
  readonly rows: Uint32Array;
  /** [rows, width] */
  readonly predictions: Float64Array;
  readonly baselines: Baselines;
}

/** All forecasts of one cross-validation. */
export interface CrossValidation {
  readonly task: Task;
  readonly scheme: Scheme;
  /** Numbers for each row: 1, or the number of classes. */
  readonly width: number;
  readonly folds: readonly Fold[];
  /** One; C(groups - 1, test_groups - 1) with combinatorial splits. */
  readonly paths: readonly Path[];
}

/** Most numbers that the paths of one cross-validation hold. */
const MAX_FORECASTS = 100_000_000;

/**
 * Fits the candidate on every split and returns its forecasts of all test rows beside the naive ones. A row that is tested for the
 * p-th time goes to path p, so that combinatorial splits give whole paths (Lopez de Prado 2018, 12.4). Every split passes
 * `assertNoLeak`. Progress counts splits; cancelling stops the running fit. Each fit has the same seed.
 * Throws what `planSplits`, `assertNoLeak` and the family throw, InvalidOptionError for a task without targets, CancelledError.
 */
export async function crossValidate<Options>(
  candidate: Candidate<Options>,
  data: ValidationData,
  scheme: Scheme,
  control: FitControl,
): Promise<CrossValidation> {
  checkCandidate(candidate, data);
  const plans = planSplits(scheme, data.spans);
  const width = data.classes ?? 1;
  const tested = plans.reduce(
    (sum, { tests }) => sum + tests.reduce((rows, t) => rows + t.to - t.from, 0),
    0,
  );
  if (tested * width > MAX_FORECASTS) {
    throw new InvalidOptionError(`Expected a scheme of at most ${MAX_FORECASTS} forecasts over all paths`);
  }
  const folds: Fold[] = [];
  const tests: Tested[] = [];
  for (const plan of plans) {
    if (control.signal?.aborted) throw new CancelledError('The cross-validation was cancelled');
    const split = splitRows(plan, data.spans);
    assertNoLeak(split, data.spans);
    const part = { done: folds.length, of: plans.length };
    const { fold, ...forecasts } = await runFold(candidate, data, split, inPart(control, part));
    folds.push(fold);
    tests.push(forecasts);
  }
  const result = { task: candidate.task, scheme, width, folds, paths: pathsOf(tests, data.rows, width) };
  made.add(result);
  return result;
}

const made = new WeakSet<CrossValidation>();

/** Throws InvariantError for forecasts that were not made here: nobody knows whether their splits leaked. */
export function requireMade(result: CrossValidation): void {
  if (!made.has(result))
    throw new InvariantError('forecasts were scored whose splits nobody checked for leaks');
}

/** Forecasts of the test rows of one split. */
export interface Tested {
  readonly rows: Uint32Array;
  readonly predictions: Float32Array;
  readonly baselines: Baselines;
}

async function runFold<Options>(
  candidate: Candidate<Options>,
  data: ValidationData,
  split: CheckedSplit,
  control: FitControl,
): Promise<Tested & { readonly fold: Fold }> {
  requireChecked(split);
  const { fitted, facts } = await fitOn(candidate, data, split.train, control);
  return testOn(fitted.model, facts, data, split, control.threads);
}

async function testOn(
  model: ModelSpec,
  facts: Fitted['facts'],
  data: ValidationData,
  split: CheckedSplit,
  threads: number,
): Promise<Tested & { readonly fold: Fold }> {
  requireChecked(split);
  const { train, test } = split;
  const { output, width } = await predictServed(model, takeInputs(data, test), data.columns, threads);
  if (width !== (data.classes ?? 1)) {
    throw new InvalidOptionError(`Expected a model with ${data.classes ?? 1} outputs a row, was ${width}`);
  }
  const { startUs } = data.spans;
  return {
    rows: test,
    predictions: output,
    baselines: naiveForecasts(data, train, test),
    fold: {
      train_rows: train.length,
      test_rows: test.length,
      left_out_rows: data.rows - train.length - test.length,
      test_from_us: startUs[test[0]!]!,
      test_to_us: startUs[test.at(-1)!]!,
      facts,
    },
  };
}

/**
 * Returns the forecasts of one model on the test rows of `split`, on whose training rows it was made, as a cross-validation of one fold.
 * Throws what `predictServed` throws, and InvariantError for a split that nobody checked.
 */
export async function testOnce(
  { task, model, facts }: { readonly task: Task; readonly model: ModelSpec; readonly facts: Fitted['facts'] },
  data: ValidationData,
  split: CheckedSplit,
  threads: number,
): Promise<CrossValidation> {
  const { fold, ...forecasts } = await testOn(model, facts, data, split, threads);
  const scheme = { kind: 'holdout', train_fraction: 1 - split.test.length / data.rows, gap_us: 0 } as const;
  const paths = pathsOf([forecasts], data.rows, data.classes ?? 1);
  const result = { task, scheme, width: data.classes ?? 1, folds: [fold], paths };
  made.add(result);
  return result;
}

async function fitOn<Options>(
  candidate: Candidate<Options>,
  data: ValidationData,
  rows: Uint32Array,
  control: FitControl,
): Promise<{ fitted: Fitted; facts: Fitted['facts'] }> {
  const { calibration } = candidate;
  if (!calibration) {
    const fitted = await fitRows(candidate, data, rows, control);
    return { fitted, facts: fitted.facts };
  }
  const { fitted, calibrator } = await fitCalibrated(candidate, data, rows, calibration, control);
  const calibrated = { calibration: calibrator.kind, calibration_rows: calibrator.rows, ...calibrator.facts };
  return { fitted, facts: { ...fitted.facts, ...calibrated } };
}

/** Sorts the tests of `total` rows into paths: the p-th test of a row belongs to path p. */
export function pathsOf(tests: readonly Tested[], total: number, width: number): Path[] {
  const times = new Uint16Array(total);
  // Of each path and row the test, counted from 1, and the row's place in it; 0 where the path has not that row.
  const places: { test: Uint32Array; place: Uint32Array }[] = [];
  for (let test = 0; test < tests.length; test++) {
    const { rows } = tests[test]!;
    for (let place = 0; place < rows.length; place++) {
      const at = times[rows[place]!]!++;
      places[at] ??= { test: new Uint32Array(total), place: new Uint32Array(total) };
      const path = places[at];
      path.test[rows[place]!] = test + 1;
      path.place[rows[place]!] = place;
    }
  }
  return places.map(({ test, place }) => {
    const path = new Uint32Array(total);
    let count = 0;
    for (let row = 0; row < total; row++) if (test[row]! > 0) path[count++] = row;
    const gather = (of: (test: Tested) => ArrayLike<number>) => {
      const sources = tests.map(of);
      const all = new Float64Array(count * width);
      for (let i = 0; i < count; i++) {
        const from = sources[test[path[i]!]! - 1]!;
        const first = place[path[i]!]! * width;
        for (let j = 0; j < width; j++) all[i * width + j] = from[first + j]!;
      }
      return all;
    };
    const names = Object.keys(tests[0]!.baselines);
    return {
      rows: path.slice(0, count),
      predictions: gather((test) => test.predictions),
      baselines: Object.fromEntries(names.map((name) => [name, gather((test) => test.baselines[name]!)])),
    };
  });
}

function inPart(control: FitControl, { done, of }: { done: number; of: number }): FitControl {
  const { progress } = control;
  if (!progress) return control;
  return {
    ...control,
    progress: (one) => progress({ ...one, fraction: (done + one.fraction) / of }),
  };
}

function checkCandidate<Options>(candidate: Candidate<Options>, data: ValidationData): void {
  const { family, task, calibration } = candidate;
  if (calibration && task !== 'classification') {
    throw new InvalidOptionError('Expected calibration for classification only');
  }
  if (task !== 'regression' && task !== 'classification') {
    throw new InvalidOptionError(
      'Expected task regression or classification: others have no targets to score by',
    );
  }
  if (!family.tasks.includes(task)) {
    throw new InvalidOptionError(`Expected a task of ${family.name}: ${family.tasks.join(', ')}`);
  }
  if ((task === 'classification') !== (data.classes !== undefined)) {
    throw new InvalidOptionError('Expected classes for classification, and none for regression');
  }
  checkValidationData(data);
}
