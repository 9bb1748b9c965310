// The rows of one search: features computed once, what no trial sees held back, and the splits that every trial is tested on.
import { InvalidOptionError } from '../../core/errors.ts';
import type { Task } from '../family.ts';
import { featureNames } from '../tables/features.ts';
import type { Frame } from '../tables/frame.ts';
import type { TargetSpec } from '../tables/target.ts';
import { type TrainingSet, trainingSet } from '../tables/training-set.ts';
import { takeRows, type ValidationData } from '../validation/data.ts';
import { holdOutLast } from '../validation/held-out.ts';
import { assertNoLeak, type CheckedSplit } from '../validation/leak.ts';
import { planSplits, type Scheme, splitRows } from '../validation/schemes.ts';
import { takeSpans } from '../validation/spans.ts';
import type { FeatureGroup } from './feature-groups.ts';
import { checkMetric, type MetricName } from './metric.ts';

/** What a search is about, the same for all of its trials. */
export interface SearchInput {
  readonly groups: readonly FeatureGroup[];
  readonly target: TargetSpec;
  /** Rows of a series that one input holds; 1 by default. */
  readonly steps?: number;
  readonly missing?: 'drop' | 'keep';
  readonly scheme: Scheme;
  readonly metric: MetricName;
  /** Cost of trading one unit of equity, basis points. */
  readonly costBps: number;
  /** Share of the rows, the last ones, that no trial sees. */
  readonly testFraction: number;
  /**
   * Share of the training rows, the last ones, that early stopping watches where a scheme has several splits, and where a network is fitted again at the
   * end. With one split it watches the tested rows.
   */
  readonly watchFraction: number;
}

/** The rows of one search, kept for all of its trials. */
export interface SearchTable {
  readonly input: SearchInput;
  readonly task: Task;
  readonly set: TrainingSet;
  /** All rows of the table: what trials see, and what they do not; purged. */
  readonly outer: CheckedSplit;
  /** The rows that trials see, in order; places in `splits` are places in it. */
  readonly data: ValidationData;
  readonly splits: readonly CheckedSplit[];
}

/** Share of the rows that early stopping watches when nothing else is said. */
export const WATCH_FRACTION = 0.15;
/** Part of the rows before the held-out ones that trials of a search without a scheme are fitted on. */
export const TRAIN_FRACTION = 0.75;

/**
 * Returns the rows of a search. Throws InvalidOptionError (columns, metric, scheme, no target), InsufficientHistoryError, LeakError.
 */
export function prepareSearch(frame: Frame, input: SearchInput): SearchTable {
  const { target, metric, steps = 1, missing = 'drop' } = input;
  checkMetric(metric, target);
  const features = input.groups.flatMap((group) => group.features);
  const set = trainingSet(frame, features, target, { missing, steps });
  return searchTable(set, input);
}

/** Returns the rows of a search over a set that is made already; see {@link prepareSearch}. */
export function searchTable(set: TrainingSet, input: SearchInput): SearchTable {
  const { data: all } = set;
  const every = Uint32Array.from({ length: all.rows }, (_, row) => row);
  const outer = holdOutLast(every, input.testFraction, all.spans);
  const data = takeValidation(all, outer.train);
  const splits = planSplits(input.scheme, data.spans).map((plan) => {
    const split = splitRows(plan, data.spans);
    assertNoLeak(split, data.spans);
    return split as CheckedSplit;
  });
  return {
    input,
    task: all.classes === undefined ? 'regression' : 'classification',
    set,
    outer,
    data,
    splits,
  };
}

/** Returns the rows at `rows` with their times, returns and series. */
export function takeValidation(data: ValidationData, rows: Uint32Array): ValidationData {
  const { returns, series } = data;
  return {
    ...takeRows(data, rows),
    spans: takeSpans(data.spans, rows),
    ...(returns && { returns: Float64Array.from(rows, (row) => returns[row]!) }),
    ...(series && { series: Uint32Array.from(rows, (row) => series[row]!) }),
  };
}

/**
 * Returns the columns of the groups, ascending; all of them where `groups` is absent. Throws InvalidOptionError for a group that the search
 * has not, and for none.
 */
export function columnsOf({ input }: Pick<SearchTable, 'input'>, groups?: readonly string[]): Uint32Array {
  const { steps = 1 } = input;
  const wanted = new Set(groups ?? input.groups.map(({ name }) => name));
  const known = new Set(input.groups.map(({ name }) => name));
  if (wanted.size === 0 || [...wanted].some((name) => !known.has(name))) {
    const expected = `one or more of ${[...known].join(', ')}`;
    throw new InvalidOptionError(`Expected ${expected} for groups, was another`, [
      { pointer: '/groups', expected },
    ]);
  }
  const on = input.groups.flatMap(({ name, features }) => featureNames(features).map(() => wanted.has(name)));
  const columns: number[] = [];
  for (let column = 0; column < on.length * steps; column++) if (on[column % on.length]) columns.push(column);
  return Uint32Array.from(columns);
}

/** Returns the data with some of its columns alone; the same object where they are all. */
export function takeColumns(data: ValidationData, columns: Uint32Array): ValidationData {
  if (columns.length === data.columns) return data;
  const inputs = new Float32Array(data.rows * columns.length);
  for (let row = 0, at = 0; row < data.rows; row++) {
    const first = row * data.columns;
    for (const column of columns) inputs[at++] = data.inputs[first + column]!;
  }
  return { ...data, inputs, columns: columns.length };
}
