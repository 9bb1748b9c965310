// Scores of a fitted model without a target, on rows that come after those of its fit.
import { InsufficientHistoryError, InvalidOptionError } from '../../../core/errors.ts';
import type { Family, FitControl, Fitted, Task } from '../../family.ts';
import { takeInputs, takeRows, type ValidationData } from '../data.ts';
import { type ScoreGroup, type ScoringOptions, scoreGroup } from '../score-group.ts';
import { predictServed } from '../serve.ts';
import { clusteringGroup } from './clustering.ts';
import { generationGroup, type MomentPair, momentsOf, uniformsOf } from './generation.ts';
import { type Anomaly, anomalyOf, reconstructionGroup } from './reconstruction.ts';
import { blockRowsOf, bySeries, type Parts } from './rows.ts';

/** What is fitted without a target. */
export const UNLABELLED_TASKS = ['clustering', 'reconstruction', 'generation'] as const;
export type UnlabelledTask = (typeof UNLABELLED_TASKS)[number];

/** Whether a task has no target. */
export function isUnlabelled(task: Task): task is UnlabelledTask {
  return (UNLABELLED_TASKS as readonly Task[]).includes(task);
}

/** What is fitted: a family with its options and a task that has no target. */
export interface UnlabelledCandidate {
  readonly family: Family;
  readonly task: UnlabelledTask;
  readonly options: unknown;
}

/** What a model without a target is worth on its test rows. */
export interface UnlabelledScores {
  readonly groups: Readonly<Record<string, ScoreGroup>>;
  /** Of a reconstruction with calibration rows. */
  readonly anomaly: Anomaly | null;
  /** Of a generation. */
  readonly moments: Readonly<Record<string, MomentPair>> | null;
  readonly interval_method: string;
}

/** Fewest test rows: a bootstrap of blocks needs some. */
const FEWEST_TESTED = 16;

/** Throws InsufficientHistoryError below 16 test rows. */
export function checkTested({ length }: Uint32Array): void {
  if (length >= FEWEST_TESTED) return;
  throw new InsufficientHistoryError(
    `Expected at least ${FEWEST_TESTED} test rows, was ${length}`,
    FEWEST_TESTED,
    length,
  );
}

/** Fits a candidate on rows, series after series, so that each follows the one before it. Throws what the family throws. */
export function fitUnlabelled(
  { family, task, options }: UnlabelledCandidate,
  data: ValidationData,
  rows: Uint32Array,
  control: FitControl,
  watched: Uint32Array | null = null,
): Promise<Fitted> {
  const training = takeRows(data, bySeries(data, rows));
  const validation = watched && { validation: takeRows(data, watched) };
  return family.fit(task, { ...training, ...validation }, options, control);
}

/**
 * Scores a model on the test rows of `parts` through the graph that serves. Groups are fitted once more, on the later half of the fit,
 * for their stability. Throws InsufficientHistoryError for too few calibration rows, CancelledError.
 */
export async function scoreUnlabelled(
  candidate: UnlabelledCandidate,
  { model, noise }: Fitted,
  parts: Parts,
  level: number,
  scoring: ScoringOptions,
  control: FitControl,
): Promise<UnlabelledScores> {
  const { data, fit, calibration, test } = parts;
  const { columns } = data;
  const served = (graph: Fitted['model'], inputs: Float32Array) =>
    predictServed(graph, inputs, columns, control.threads);
  const of = (rows: Uint32Array) => served(model, takeInputs(data, rows));
  const interval_method = `circular block bootstrap, ${scoring.resamples} resamples of blocks of ${blockRowsOf(parts)} rows, percentiles, level ${scoring.level}`;
  const nothing = { anomaly: null, moments: null, interval_method };
  switch (candidate.task) {
    case 'clustering': {
      const later = await fitAgain(candidate, data, fit, control);
      const again = later && (await served(later.model, takeInputs(data, test)));
      const group = clusteringGroup(parts, {
        ...{ fit: await of(fit), test: await of(test), again, noise: noise ?? null },
      });
      return { ...nothing, groups: { clustering: await scoreGroup(group, scoring) } };
    }
    case 'reconstruction': {
      const again = (await of(test)).output;
      const latent = (candidate.options as { readonly latent?: number }).latent ?? null;
      const group = await reconstructionGroup(parts, again, latent, control.signal);
      const anomaly =
        calibration && anomalyOf(parts, { calibration: (await of(calibration)).output, test: again }, level);
      return { ...nothing, anomaly, groups: { reconstruction: await scoreGroup(group, scoring) } };
    }
    case 'generation': {
      const made = (await served(model, uniformsOf(test.length, columns, control.seed))).output;
      const group = generationGroup(parts, made, control.seed);
      return {
        ...nothing,
        groups: { generation: await scoreGroup(group, scoring) },
        moments: await momentsOf(parts, made, scoring),
      };
    }
  }
}

/** The model of the later half of the rows; null where that half alone can't be grouped. */
async function fitAgain(
  candidate: UnlabelledCandidate,
  data: ValidationData,
  fit: Uint32Array,
  control: FitControl,
): Promise<Fitted | null> {
  const { progress: _, ...quiet } = control;
  try {
    return await fitUnlabelled(candidate, data, fit.subarray(fit.length >> 1), quiet);
  } catch (error) {
    if (error instanceof InvalidOptionError || error instanceof InsufficientHistoryError) return null;
    throw error;
  }
}
