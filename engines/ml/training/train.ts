// From a table to a registered version: features, fit, calibration, test.
import { familyOf } from '../../../src/learning/families.ts';
import type { FitProgress } from '../../../src/learning/family.ts';
import type { Frame } from '../../../src/learning/tables/frame.ts';
import { trainingSet } from '../../../src/learning/tables/training-set.ts';
import { validationReport } from '../../../src/learning/validation/report.ts';
import { trainAndTest } from '../../../src/learning/validation/train-and-test.ts';
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
 * Trains what `input` describes on a table. Throws InvalidOptionError (columns, options), InsufficientHistoryError, DivergedError,
 * CancelledError.
 */
export async function train(input: TrainInput, frame: Frame, control: TrainControl): Promise<Trained> {
  const family = familyOf(input.family);
  const task = taskOf(input);
  const { seed } = input;
  const { missing, steps } = input;
  const set = trainingSet(frame, input.features, input.target, { missing, steps });
  const calibrate =
    task === 'classification' && input.calibration !== 'none' && input.calibration_fraction > 0;
  const model = await trainAndTest(
    {
      family,
      task,
      options: input.options,
      ...(calibrate && {
        calibration: { kind: input.calibration as 'sigmoid', held_out_fraction: input.calibration_fraction },
      }),
    },
    set.data,
    { test: input.test_fraction, calibration: input.calibration_fraction, stopping: input.stopping_fraction },
    input.interval_level,
    { seed, ...control },
  );
  const { fitted, result, interval, calibrator } = model;
  const settings = { resamples: input.resamples, level: 0.95, seed, signal: control.signal };
  const { paths, interval_method } = await validationReport(result, set.data, settings);
  const [path] = result.paths;
  const [fold] = result.folds;
  const { columns, inputs } = set.data;
  const importance = fitted.importance;
  return {
    bytes: encodeModel(fitted.model),
    probe: Array.from(path!.rows.subarray(0, PROBE_ROWS), (row) => [
      ...inputs.subarray(row * columns, (row + 1) * columns),
    ]),
    report: {
      model_id: input.model_id,
      family: input.family,
      task,
      inputs: [...set.inputs],
      rows: { ...model.rows, ...set.leftOut },
      facts: { ...fitted.facts },
      calibration: calibrator && { kind: calibrator.kind, rows: calibrator.rows, ...calibrator.facts },
      interval: interval && {
        level: interval.level,
        margin: interval.margin,
        rows: interval.rows,
        test_coverage: model.coverage!,
      },
      importance: importance ? Object.fromEntries(set.inputs.map((name, i) => [name, importance[i]!])) : null,
      groups: paths[0]!.groups as TrainReply['groups'],
      interval_method,
      test_from_us: fold!.test_from_us,
      test_to_us: fold!.test_to_us,
    },
  };
}
