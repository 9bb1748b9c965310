// From a table to a registered version: features, fit, calibration, test.
import { familyOf } from '../../../src/learning/families.ts';
import type { FitProgress, Fitted, Task } from '../../../src/learning/family.ts';
import type { Frame } from '../../../src/learning/tables/frame.ts';
import { classNames } from '../../../src/learning/tables/target.ts';
import { type TrainingSet, trainingSet } from '../../../src/learning/tables/training-set.ts';
import type { Candidate } from '../../../src/learning/validation/candidate.ts';
import { takeInputs } from '../../../src/learning/validation/data.ts';
import { validationReport } from '../../../src/learning/validation/report.ts';
import { trainAndTest } from '../../../src/learning/validation/train-and-test.ts';
import { uniformsOf } from '../../../src/learning/validation/unlabelled/generation.ts';
import { isUnlabelled, type UnlabelledCandidate } from '../../../src/learning/validation/unlabelled/score.ts';
import { trainUnlabelled } from '../../../src/learning/validation/unlabelled/train.ts';
import { encodeModel } from '../../../src/onnx/graph.ts';
import { type TrainInput, type TrainReply, taskOf } from './schemas.ts';

/** What runs a training. */
export interface TrainControl {
  readonly threads: number;
  readonly signal: AbortSignal;
  /** Told as often as the family tells. */
  readonly progress: (progress: FitProgress) => void;
}

/** A version before it is registered. */
export interface Trained {
  readonly bytes: Uint8Array;
  /** All of the reply but the number of the version. */
  readonly report: Omit<TrainReply, 'version'>;
  /** First rows of the test: what the registry tries the file with. */
  readonly probe: number[][];
}

const PROBE_ROWS = 8;

/**
 * Trains what `input` describes on a table. Throws InvalidOptionError (columns, options), InsufficientHistoryError, UnseenClassError,
 * DivergedError, CancelledError.
 */
export async function train(input: TrainInput, frame: Frame, control: TrainControl): Promise<Trained> {
  const family = familyOf(input.family);
  const task = taskOf(input.target, family.tasks);
  const { missing, steps } = input;
  const set = trainingSet(frame, input.features, input.target, { missing, steps });
  if (isUnlabelled(task))
    return trainWithoutTarget({ family, task, options: input.options }, input, set, control);
  return trainOnTarget({ family, task, options: input.options }, input, set, control);
}

async function trainOnTarget(
  candidate: Pick<Candidate<unknown>, 'family' | 'task' | 'options'>,
  input: TrainInput,
  set: TrainingSet,
  control: TrainControl,
): Promise<Trained> {
  const { seed } = input;
  const { classes = 0 } = set.data;
  const kind = input.calibration ?? (classes > 2 ? 'temperature' : 'sigmoid');
  const calibrate = candidate.task === 'classification' && kind !== 'none' && input.calibration_fraction > 0;
  const model = await trainAndTest(
    {
      ...candidate,
      ...(calibrate && { calibration: { kind, held_out_fraction: input.calibration_fraction } }),
    },
    set.data,
    sharesOf(input),
    input.interval_level,
    { seed, ...control },
  );
  const { fitted, result, interval, calibrator } = model;
  const { paths, interval_method } = await validationReport(result, set.data, scoringOf(input, control));
  const [path] = result.paths;
  return {
    ...versionOf(set, fitted, path!.rows),
    report: {
      ...reportOf(input, candidate.task, set, fitted, path!.rows),
      rows: { ...model.rows, ...set.leftOut },
      calibration: calibrator && { kind: calibrator.kind, rows: calibrator.rows, ...calibrator.facts },
      interval: interval && {
        level: interval.level,
        margin: interval.margin,
        rows: interval.rows,
        test_coverage: model.coverage!,
      },
      anomaly: null,
      moments: null,
      groups: paths[0]!.groups as TrainReply['groups'],
      interval_method,
    },
  };
}

async function trainWithoutTarget(
  candidate: UnlabelledCandidate,
  input: TrainInput,
  set: TrainingSet,
  control: TrainControl,
): Promise<Trained> {
  const { steps, seed, interval_level: level } = input;
  const { fitted, scores, rows, test } = await trainUnlabelled(
    candidate,
    set.data,
    { shares: sharesOf(input), level, steps, scoring: scoringOf(input, control) },
    { seed, ...control },
  );
  const { groups, anomaly, moments, interval_method } = scores;
  const version = versionOf(set, fitted, test);
  const report = reportOf(input, candidate.task, set, fitted, test);
  const made = candidate.task === 'generation';
  return {
    ...version,
    // What a generator takes is noise, whatever it was fitted on.
    ...(made && { probe: inRows(uniformsOf(PROBE_ROWS, set.data.columns, seed), set.data.columns) }),
    report: {
      ...report,
      ...(made && { inputs: report.inputs.map((name) => `uniform ${name}`) }),
      rows: { ...rows, ...set.leftOut },
      calibration: null,
      interval: null,
      anomaly,
      moments: moments as TrainReply['moments'],
      groups: groups as TrainReply['groups'],
      interval_method,
    },
  };
}

const sharesOf = ({ test_fraction, calibration_fraction, stopping_fraction }: TrainInput) => ({
  test: test_fraction,
  calibration: calibration_fraction,
  stopping: stopping_fraction,
});

const scoringOf = ({ resamples, seed }: TrainInput, { signal }: TrainControl) => ({
  resamples,
  level: 0.95,
  seed,
  signal,
});

function versionOf({ data }: TrainingSet, fitted: Fitted, tested: Uint32Array) {
  const first = takeInputs(data, tested.subarray(0, PROBE_ROWS));
  return { bytes: encodeModel(fitted.model), probe: inRows(first, data.columns) };
}

/** What every report has. */
function reportOf(
  input: TrainInput,
  task: Task,
  { inputs, data }: TrainingSet,
  { facts, importance }: Fitted,
  tested: Uint32Array,
) {
  const { startUs } = data.spans;
  return {
    model_id: input.model_id,
    family: input.family,
    task,
    classes: classNames(input.target)?.slice() ?? null,
    inputs: [...inputs],
    facts: { ...facts },
    importance: importance ? Object.fromEntries(inputs.map((name, i) => [name, importance[i]!])) : null,
    test_from_us: startUs[tested[0]!]!,
    test_to_us: startUs[tested.at(-1)!]!,
  };
}

function inRows(values: Float32Array, columns: number): number[][] {
  return Array.from({ length: values.length / columns }, (_, row) => [
    ...values.subarray(row * columns, (row + 1) * columns),
  ]);
}
