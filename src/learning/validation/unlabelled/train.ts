// One version of a model without a target: fitted on the past, its threshold from what came next, scored on what came last.
import { InvalidOptionError } from '../../../core/errors.ts';
import { CancelledError } from '../../../native/errors.ts';
import type { FitControl, Fitted } from '../../family.ts';
import { checkSpannedData, type ValidationData } from '../data.ts';
import { holdOutLast } from '../held-out.ts';
import { assertNoLeak } from '../leak.ts';
import { planSplits, type Scheme, splitRows } from '../schemes.ts';
import type { ScoringOptions } from '../score-group.ts';
import type { Shares } from '../train-and-test.ts';
import {
  checkTested,
  fitUnlabelled,
  scoreUnlabelled,
  type UnlabelledCandidate,
  type UnlabelledScores,
} from './score.ts';

/** A version that is ready to be registered. */
export interface UnlabelledModel {
  readonly fitted: Fitted;
  readonly scores: UnlabelledScores;
  /** Rows of each part; what is missing from their sum reads data of a later part. */
  readonly rows: {
    readonly fit: number;
    readonly stopping: number;
    readonly calibration: number;
    readonly test: number;
  };
  /** Test rows, ascending. */
  readonly test: Uint32Array;
}

/** How rows are cut and scored. */
export interface UnlabelledSettings {
  readonly shares: Shares;
  /** Share of usual rows below the threshold of a reconstruction. */
  readonly level: number;
  /** Steps in one row. */
  readonly steps: number;
  readonly scoring: ScoringOptions;
}

/**
 * Fits a candidate and scores it on later rows. The parts follow each other in time, and no row reads data of a later part. Only a
 * reconstruction has calibration rows. Throws what `holdOutLast`, `checkTested`, the family and `scoreUnlabelled` throw.
 */
export async function trainUnlabelled(
  candidate: UnlabelledCandidate,
  data: ValidationData,
  { shares, level, steps, scoring }: UnlabelledSettings,
  control: FitControl,
): Promise<UnlabelledModel> {
  checkSpannedData(data);
  const { spans } = data;
  const all = Uint32Array.from({ length: data.rows }, (_, row) => row);
  const { train, test } = holdOutLast(all, shares.test, spans);
  checkTested(test);
  const calibrates = candidate.task === 'reconstruction' && shares.calibration > 0;
  const held = calibrates ? holdOutLast(train, shares.calibration, spans) : null;
  const watch = shares.stopping > 0 ? holdOutLast(held?.train ?? train, shares.stopping, spans) : null;
  const fit = watch?.train ?? held?.train ?? train;
  const fitted = await fitUnlabelled(candidate, data, fit, control, watch?.test);
  const calibration = held?.test ?? null;
  const parts = { data, fit, calibration, test, steps };
  const scores = await scoreUnlabelled(candidate, fitted, parts, level, scoring, control);
  const rows = {
    fit: fit.length,
    stopping: watch?.test.length ?? 0,
    calibration: calibration?.length ?? 0,
    test: test.length,
  };
  return { fitted, scores, rows, test };
}

/** Throws InvalidOptionError for a scheme whose folds are put together into paths. */
export function checkUnlabelledScheme({ kind }: Scheme): void {
  if (kind !== 'combinatorial_purged') return;
  const expected = 'purged_k_fold, walk_forward or holdout: without a target folds give no paths';
  throw new InvalidOptionError(`Expected ${expected}`, [{ pointer: '/scheme/kind', expected }]);
}

/** One fit of a validation and its scores. */
export interface UnlabelledFold extends UnlabelledScores {
  readonly train_rows: number;
  readonly test_rows: number;
  readonly left_out_rows: number;
  readonly test_from_us: number;
  readonly test_to_us: number;
}

/**
 * Fits a candidate on every split of a scheme and scores each on its own test rows: what is measured of groups and made rows belongs to
 * one model, so that folds are not put together. Progress counts splits. Throws what `planSplits`, `assertNoLeak`, `checkTested` and the
 * family throw.
 */
export async function validateUnlabelled(
  candidate: UnlabelledCandidate,
  data: ValidationData,
  scheme: Scheme,
  { steps, scoring }: Pick<UnlabelledSettings, 'steps' | 'scoring'>,
  control: FitControl,
): Promise<UnlabelledFold[]> {
  checkSpannedData(data);
  checkUnlabelledScheme(scheme);
  const plans = planSplits(scheme, data.spans);
  const folds: UnlabelledFold[] = [];
  for (const plan of plans) {
    if (control.signal?.aborted) throw new CancelledError('The validation was cancelled');
    const split = splitRows(plan, data.spans);
    assertNoLeak(split, data.spans);
    const { train, test } = split;
    checkTested(test);
    const done = folds.length;
    const inPart = {
      ...control,
      ...(control.progress && {
        progress: (one: Parameters<NonNullable<FitControl['progress']>>[0]) =>
          control.progress!({ ...one, fraction: (done + one.fraction) / plans.length }),
      }),
    };
    const fitted = await fitUnlabelled(candidate, data, train, inPart);
    const parts = { data, fit: train, calibration: null, test, steps };
    const { progress: _, ...quiet } = control;
    const scores = await scoreUnlabelled(candidate, fitted, parts, 0.99, scoring, quiet);
    folds.push({
      ...scores,
      train_rows: train.length,
      test_rows: test.length,
      left_out_rows: data.rows - train.length - test.length,
      test_from_us: data.spans.startUs[test[0]!]!,
      test_to_us: data.spans.startUs[test.at(-1)!]!,
    });
  }
  return folds;
}
