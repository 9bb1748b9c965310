// The end of a search, in the process of its trials: a choice fitted on all rows that trials saw, and tested once on those that none did.
import { deflatedSharpeOf } from '../../../src/learning/search/deflated-sharpe.ts';
import { evaluate, type TrialCandidate, type TrialControl } from '../../../src/learning/search/evaluate.ts';
import { fitFinal, stackMembers } from '../../../src/learning/search/final.ts';
import { holdingsOf } from '../../../src/learning/search/metric.ts';
import type { SearchTable } from '../../../src/learning/search/table.ts';
import type { FeatureSpec } from '../../../src/learning/tables/features.ts';
import type { Frame } from '../../../src/learning/tables/frame.ts';
import { classNames } from '../../../src/learning/tables/target.ts';
import { trainingSet } from '../../../src/learning/tables/training-set.ts';
import { takeInputs } from '../../../src/learning/validation/data.ts';
import { validationReport } from '../../../src/learning/validation/report.ts';
import { encodeModel } from '../../../src/onnx/graph.ts';
import type { TrainReply } from '../training/schemas.ts';
import { candidateOf } from './candidate.ts';
import type { Deflated, Finish, Finished } from './messages.ts';
import type { Settings } from './records.ts';

/** Resamples behind each interval of a score of the test. */
const RESAMPLES = 1000;
const PROBE_ROWS = 8;

/** What a process of trials has. */
export interface FinishParts {
  readonly frame: Frame;
  readonly table: SearchTable;
  readonly threads: number;
}

/** Fits and tests a choice. Throws what `stackMembers`, `fitFinal` and `validationReport` throw. */
export async function finishSearch(
  { choice, sharpes }: Finish,
  settings: Settings,
  { frame, table, threads }: FinishParts,
): Promise<Finished> {
  const { seed, groups, target, missing, steps } = settings;
  const trials = choice.kind === 'stack' ? choice.trials : [choice.trial];
  const candidates = trials.map(({ point }) => candidateOf(point, settings));
  const control = { seed, threads, ownProcess: true };
  const members =
    choice.kind === 'stack'
      ? (await stackMembers(candidates, table, control)).members
      : [{ candidate: candidates[0]!, rounds: trials[0]!.outcome!.rounds, weight: 1, place: 0 }];
  const { fitted, inputs, data, result } = await fitFinal(members, table, control);
  const scoring = { resamples: RESAMPLES, level: 0.95, seed, signal: new AbortController().signal };
  const { paths, interval_method } = await validationReport(result, data, scoring);
  const tested = result.paths[0]!.rows;
  const on = new Set(members.flatMap(({ candidate }) => candidate.groups ?? []));
  const features = groups.filter(({ name }) => on.has(name)).flatMap((group) => group.features);
  const { startUs } = data.spans;
  return {
    bytes: encodeModel(fitted.model),
    probe: rowsOf(takeInputs(data, tested.subarray(0, PROBE_ROWS)), data.columns),
    features,
    test_fraction: shareFrom(startUs[tested[0]!]!, { features, target, missing, steps }, frame),
    deflated_sharpe: sharpes && (await deflated(candidates[0]!, sharpes, table, control)),
    weights: members.map(({ place, weight }) => ({ trial: trials[place]!.number, weight })),
    report: {
      model_id: '',
      family: members.length === 1 ? members[0]!.candidate.family : 'stack',
      task: table.task,
      classes: classNames(target)?.slice() ?? null,
      inputs: [...inputs],
      rows: {
        fit: table.outer.train.length,
        stopping: 0,
        calibration: 0,
        test: tested.length,
        ...table.set.leftOut,
      },
      facts: { ...fitted.facts },
      calibration: null,
      interval: null,
      anomaly: null,
      moments: null,
      importance: fitted.importance
        ? Object.fromEntries(inputs.map((name, i) => [name, fitted.importance![i]!]))
        : null,
      groups: paths[0]!.groups as TrainReply['groups'],
      interval_method,
      test_from_us: startUs[tested[0]!]!,
      test_to_us: startUs[tested.at(-1)!]!,
    },
  };
}

/** Runs the best trial again, to the same forecasts, and deflates its Sharpe ratio; null where its holdings tell nothing. */
async function deflated(
  candidate: TrialCandidate,
  sharpes: readonly number[],
  table: SearchTable,
  control: TrialControl,
): Promise<Deflated | null> {
  const { forecasts } = await evaluate(candidate, table, control);
  const held = holdingsOf(forecasts, table.data, table.input.costBps);
  const found = held && deflatedSharpeOf(held.net, sharpes, held.periodsPerYear);
  return found && { ...found, trials: sharpes.length };
}

/**
 * Returns the share of the rows of a training that begin at `fromUs` or later: with half a row less, so that the floor of what is left of all
 * rows is exact.
 */
export function shareFrom(
  fromUs: number,
  how: Pick<Settings, 'missing' | 'steps' | 'target'> & { readonly features: readonly FeatureSpec[] },
  frame: Frame,
): number {
  const { data } = trainingSet(frame, how.features, how.target, how);
  let before = 0;
  while (before < data.rows && data.spans.startUs[before]! < fromUs) before++;
  return (data.rows - before - 0.5) / data.rows;
}

function rowsOf(values: Float32Array, columns: number): number[][] {
  return Array.from({ length: values.length / columns }, (_, row) => [
    ...values.subarray(row * columns, (row + 1) * columns),
  ]);
}
