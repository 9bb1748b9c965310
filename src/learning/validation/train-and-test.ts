// One version of a model: fitted on the past, calibrated on what came next, tested on what came last.
import { InvalidOptionError } from '../../core/errors.ts';
import type { FitControl, Fitted } from '../family.ts';
import { type Calibrator, fitCalibration } from './calibration/calibrate.ts';
import type { Candidate } from './candidate.ts';
import { type ConformalInterval, splitConformal } from './conformal.ts';
import { type CrossValidation, testOnce } from './cross-validate.ts';
import { checkValidationData, takeInputs, takeRows, type ValidationData } from './data.ts';
import { assertClassesSeen, holdOutLast } from './held-out.ts';
import { predictServed } from './serve.ts';

/** Shares of the rows, each taken from the end of what is left by the one before; 0 leaves a part out. */
export interface Shares {
  /** Of all rows: the scores are theirs. */
  readonly test: number;
  /** Of the rest: what probabilities are calibrated, and intervals measured, on. */
  readonly calibration: number;
  /** Of the rest of that: what early stopping watches. */
  readonly stopping: number;
}

/** A version that is ready to be registered. */
export interface TrainedModel {
  readonly fitted: Fitted;
  /** The test, as `crossValidate` would return it. */
  readonly result: CrossValidation;
  /** Rows of each part; what is missing from their sum has a label that reaches into a later part. */
  readonly rows: {
    readonly fit: number;
    readonly stopping: number;
    readonly calibration: number;
    readonly test: number;
  };
  readonly calibrator: Calibrator | null;
  /** Intervals of a regression. */
  readonly interval: ConformalInterval | null;
  /** Share of the test rows within their interval; null without one. */
  readonly coverage: number | null;
}

/**
 * Fits a candidate and tests it through the graph that will serve. The parts follow each other in time and no label reaches into a later
 * part. A classifier ends with its calibration (`candidate.calibration`, whose share is `shares.calibration`); a regression gets split
 * conformal intervals of `level`. Throws UnseenClassError, and what `holdOutLast`, the family, `fitCalibration` and `splitConformal` throw.
 */
export async function trainAndTest<Options>(
  { family, task, options, calibration }: Candidate<Options>,
  data: ValidationData,
  shares: Shares,
  level: number,
  control: FitControl,
): Promise<TrainedModel> {
  checkValidationData(data);
  if (task !== 'regression' && task !== 'classification') {
    throw new InvalidOptionError('Expected regression or classification: what has no target has no test');
  }
  const { spans } = data;
  const outer = holdOutLast(
    Uint32Array.from({ length: data.rows }, (_, row) => row),
    shares.test,
    spans,
  );
  const { train, test } = outer;
  const held = shares.calibration > 0 ? holdOutLast(train, shares.calibration, spans) : null;
  const watch = shares.stopping > 0 ? holdOutLast(held?.train ?? train, shares.stopping, spans) : null;
  const fit = watch?.train ?? held?.train ?? train;
  assertClassesSeen(data, fit);
  const watched = watch && { validation: takeRows(data, watch.test) };
  let fitted = await family.fit(task, { ...takeRows(data, fit), ...watched }, options, control);
  const predict = (rows: Uint32Array) =>
    predictServed(fitted.model, takeInputs(data, rows), data.columns, control.threads);
  const targetsOf = (rows: Uint32Array) => Float64Array.from(rows, (row) => data.targets![row]!);
  let calibrator: Calibrator | null = null;
  let interval: ConformalInterval | null = null;
  if (held) {
    const { output } = await predict(held.test);
    const targets = targetsOf(held.test);
    if (task === 'regression') interval = splitConformal(output, targets, level);
    else if (calibration) {
      calibrator = fitCalibration(calibration.kind, {
        probabilities: output,
        labels: targets,
        classes: data.classes!,
      });
      fitted = { ...fitted, model: calibrator.apply(fitted.model) };
    }
  }
  const result = await testOnce(
    { task, model: fitted.model, facts: fitted.facts },
    data,
    outer,
    control.threads,
  );
  return {
    fitted,
    result,
    rows: {
      fit: fit.length,
      stopping: watch?.test.length ?? 0,
      calibration: held?.test.length ?? 0,
      test: test.length,
    },
    calibrator,
    interval,
    coverage: interval && within(interval.margin, result.paths[0]!.predictions, targetsOf(test)),
  };
}

function within(margin: number, forecasts: Float64Array, targets: Float64Array): number {
  let inside = 0;
  for (const [i, target] of targets.entries()) if (Math.abs(target - forecasts[i]!) <= margin) inside++;
  return inside / targets.length;
}
