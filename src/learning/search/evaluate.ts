// What one trial of a search is worth: a family with its options, fitted and tested on every split of the search.
import { CancelledError } from '../../native/errors.ts';
import { checkedOptions, familyOf } from '../families.ts';
import type { Family, FitControl, FitProgress, Fitted } from '../family.ts';
import type { Candidate } from '../validation/candidate.ts';
import { pathsOf, type Tested } from '../validation/cross-validate.ts';
import { takeInputs, takeRows, type ValidationData } from '../validation/data.ts';
import { assertClassesSeen, fitRows } from '../validation/held-out.ts';
import { type CheckedSplit, requireChecked } from '../validation/leak.ts';
import { predictServed } from '../validation/serve.ts';
import { shareDone, trialOptions, WATCHED, watchedUnit } from './base-options.ts';
import { lossOf, scoresOf } from './metric.ts';
import { columnsOf, type SearchTable, takeColumns } from './table.ts';

/** What a trial tries. */
export interface TrialCandidate {
  readonly family: string;
  /** Options of the family; those that are absent are of the search (`base-options.ts`), then of the family. */
  readonly options: Readonly<Record<string, unknown>>;
  /** Names of the groups of features that are on; all when absent. */
  readonly groups?: readonly string[];
}

/** What runs a trial. */
export interface TrialControl
  extends Pick<FitControl, 'seed' | 'threads' | 'signal' | 'ownProcess' | 'hardware'> {
  /**
   * Told the loss on watched rows, as {@link watchedUnit} has it, at steps from 1 to {@link reportSteps}; false ends the trial. Only fits with early
   * stopping have one.
   */
  readonly report?: (step: number, value: number) => boolean;
}

/** What a trial came to. */
export interface Evaluation {
  readonly state: 'complete' | 'pruned';
  /** What a sampler makes small: of the metric, or the last report of a trial that was ended. */
  readonly loss: number;
  /** All metrics of the target, null where one is not defined; nothing of a trial that was ended. */
  readonly scores: Readonly<Record<string, number | null>>;
  readonly seconds: number;
  /** Options as they were fitted, with every default. */
  readonly options: Readonly<Record<string, unknown>>;
  /** Mean number of rounds or epochs that the watched rows asked for; null of a family without early stopping. */
  readonly rounds: number | null;
  /** Forecasts of the tested rows, in the first path of the scheme; empty of a trial that was ended. */
  readonly forecasts: TrialForecasts;
}

/** Forecasts of rows of {@link SearchTable.data} that their fit has not seen. */
export interface TrialForecasts {
  /** Ascending. */
  readonly rows: Uint32Array;
  /** [rows, width]. */
  readonly predictions: Float64Array;
  readonly width: number;
}

/** Reports of one split at most. */
export const STEPS_PER_SPLIT = 20;

/** Returns the last step that a trial reports at: what a pruner by rungs has as its whole budget. */
export function reportSteps({ splits }: Pick<SearchTable, 'splits'>): number {
  return splits.length * STEPS_PER_SPLIT;
}

/**
 * Fits the candidate on every split and scores its forecasts of the tested rows through the graph that would serve. The same table, candidate,
 * seed and reports give the same bits. Throws InvalidOptionError (family, options, groups), CancelledError when the signal fires, DivergedError
 * when the metric is not defined, and what the family throws.
 */
export async function evaluate(
  candidate: TrialCandidate,
  table: SearchTable,
  control: TrialControl,
): Promise<Evaluation> {
  const start = performance.now();
  const { family, options } = checkedCandidate(candidate, table);
  const data = takeColumns(table.data, columnsOf(table, candidate.groups));
  const pruned = { last: null as number | null, finished: 0 };
  const tests: Tested[] = [];
  const rounds: number[] = [];
  const about = { options, seconds: 0, rounds: null, scores: {}, forecasts: NOTHING };
  for (const [place, split] of table.splits.entries()) {
    const fit = await fitSplit(
      { family, options, table, data, split, place, before: pruned.finished },
      control,
    );
    if (fit.ended !== null)
      return { ...about, state: 'pruned', loss: fit.ended, seconds: secondsSince(start) };
    pruned.finished += fit.watched;
    if (fit.rounds !== null) rounds.push(fit.rounds);
    const { output } = await predictServed(
      fit.fitted.model,
      takeInputs(data, split.test),
      data.columns,
      control.threads,
    );
    tests.push({ rows: split.test, predictions: output, baselines: {} });
  }
  const width = data.classes ?? 1;
  const paths = pathsOf(tests, data.rows, width);
  const { target, costBps, metric } = table.input;
  const each = paths.map(({ rows, predictions }) =>
    scoresOf({ width, rows, predictions }, data, { target, costBps }),
  );
  const scores = meanOf(each);
  return {
    ...about,
    state: 'complete',
    loss: lossOf(metric, scores),
    scores,
    seconds: secondsSince(start),
    rounds: rounds.length > 0 ? rounds.reduce((sum, one) => sum + one, 0) / rounds.length : null,
    forecasts: { rows: paths[0]!.rows, predictions: paths[0]!.predictions, width },
  };
}

/** Returns the family and all options of a candidate. Throws InvalidOptionError with a pointer to what does not hold. */
export function checkedCandidate(
  { family: name, options }: TrialCandidate,
  { task, input }: Pick<SearchTable, 'task' | 'input'>,
): { readonly family: Family; readonly options: Readonly<Record<string, unknown>> } {
  const family = familyOf(name);
  const checked = checkedOptions(family, task, trialOptions(name, options, input.steps));
  return { family, options: checked as Readonly<Record<string, unknown>> };
}

const NOTHING: TrialForecasts = { rows: new Uint32Array(), predictions: new Float64Array(), width: 1 };

interface SplitFit {
  readonly family: Family;
  readonly options: Readonly<Record<string, unknown>>;
  readonly table: SearchTable;
  readonly data: ValidationData;
  readonly split: CheckedSplit;
  /** From 0 on. */
  readonly place: number;
  /** Sum of the watched losses of the splits before. */
  readonly before: number;
}

type SplitResult =
  | { readonly ended: number }
  | {
      readonly ended: null;
      readonly fitted: Fitted;
      readonly watched: number;
      readonly rounds: number | null;
    };

/** Fits on the training rows of a split, tells of the watched loss (the mean of the splits so far), and ends where the answer is no. */
async function fitSplit(
  { family, options, table, data, split, place, before }: SplitFit,
  { report, signal, ...control }: TrialControl,
): Promise<SplitResult> {
  requireChecked(split);
  if (signal?.aborted) throw new CancelledError('The trial was cancelled');
  const watches = WATCHED[family.name] && options.patience !== 0;
  const unit = watches ? watchedUnit(family.name, table.task, options, varianceOf(data, split.train)) : null;
  const ended = new AbortController();
  let [told, last, ends] = [0, Number.NaN, null as number | null];
  const progress = ({ step: done, validation_loss }: FitProgress) => {
    if (unit === null || validation_loss === undefined || ends !== null) return;
    last = validation_loss * unit;
    // Of finished rounds or epochs: how often a fit tells of its progress in between may depend on the time that it takes.
    const step = Math.floor(shareDone(family.name, options, done) * STEPS_PER_SPLIT);
    if (step <= told || step > STEPS_PER_SPLIT) return;
    told = step;
    const value = (before + last) / (place + 1);
    if (report?.(place * STEPS_PER_SPLIT + step, value) !== false) return;
    ends = value;
    ended.abort();
  };
  try {
    const both = signal ? AbortSignal.any([signal, ended.signal]) : ended.signal;
    const about = { family, task: table.task, options };
    const run = { ...control, signal: both, progress };
    const fitted = !watches
      ? await fitRows(about, data, split.train, run)
      : table.splits.length > 1
        ? await fitRows({ ...about, watchFraction: table.input.watchFraction }, data, split.train, run)
        : await fitWatching(about, data, split, run);
    if (ends !== null) return { ended: ends };
    return { ended: null, fitted, watched: Number.isNaN(last) ? 0 : last, rounds: roundsOf(fitted, watches) };
  } catch (error) {
    if (ends !== null && !signal?.aborted && error instanceof CancelledError) return { ended: ends };
    throw error;
  }
}

/**
 * Fits on all training rows of the one split of a search, stopped by its tested rows: the number of rounds is one more setting that is chosen on them. Rows
 * of their own would be taken from those that the fit learns from, and say less of how many rounds are best.
 */
async function fitWatching(
  { family, task, options }: Candidate<unknown>,
  data: ValidationData,
  { train, test }: CheckedSplit,
  control: FitControl,
): Promise<Fitted> {
  assertClassesSeen(data, train);
  const training = { ...takeRows(data, train), validation: takeRows(data, test) };
  return family.fit(task, training, options, control);
}

function roundsOf({ facts }: Fitted, watches: unknown): number | null {
  const rounds = facts.rounds ?? facts.best_epoch;
  return watches && typeof rounds === 'number' ? rounds : null;
}

function varianceOf({ targets }: ValidationData, rows: Uint32Array): number {
  let [sum, squares] = [0, 0];
  for (const row of rows) sum += targets![row]!;
  const mean = sum / rows.length;
  for (const row of rows) squares += (targets![row]! - mean) ** 2;
  return squares / rows.length;
}

function meanOf(each: readonly Readonly<Record<string, number | null>>[]): Record<string, number | null> {
  return Object.fromEntries(
    Object.keys(each[0]!).map((name) => {
      const values = each.map((scores) => scores[name] ?? null);
      const defined = values.every((value): value is number => value !== null);
      return [name, defined ? values.reduce((sum, value) => sum + value, 0) / values.length : null];
    }),
  );
}

function secondsSince(start: number): number {
  return (performance.now() - start) / 1000;
}
