// A fit that leaves the latest of its rows out, and what the served graph says of those: for calibration and conformal intervals.
import { InsufficientHistoryError, InvalidOptionError } from '../../core/errors.ts';
import { UnseenClassError } from '../errors.ts';
import type { FitControl, Fitted } from '../family.ts';
import { type Calibration, type Calibrator, fitCalibration } from './calibration/calibrate.ts';
import type { Candidate } from './candidate.ts';
import { takeInputs, takeRows, type ValidationData } from './data.ts';
import { assertNoLeak, type CheckedSplit, requireChecked } from './leak.ts';
import { predictServed } from './serve.ts';
import type { LabelSpans } from './spans.ts';

/** A fit, and its forecasts of rows that it has not seen. */
export interface HeldOutFit {
  readonly fitted: Fitted;
  /** Held-out rows, ascending. */
  readonly rows: Uint32Array;
  /** [rows, width], as the served graph gives them. */
  readonly forecasts: Float32Array;
  readonly width: number;
}

/**
 * Returns the last `fraction` of `rows` (ascending) as held-out rows, whole times only, and as training rows those whose labels end
 * before the first of them begins. Throws InsufficientHistoryError when either is empty, InvalidOptionError for a fraction out of range.
 */
export function holdOutLast(rows: Uint32Array, fraction: number, spans: LabelSpans): CheckedSplit {
  if (!(fraction > 0 && fraction < 1)) {
    throw new InvalidOptionError('Expected a held-out share between 0 and 1');
  }
  let edge = Math.floor(rows.length * (1 - fraction));
  while (edge > 0 && edge < rows.length && spans.startUs[rows[edge]!] === spans.startUs[rows[edge - 1]!])
    edge++;
  const test = rows.subarray(edge);
  const begins = spans.startUs[test[0] ?? 0]!;
  const train = rows.subarray(0, edge).filter((row) => spans.endUs[row]! < begins);
  if (train.length === 0 || test.length === 0) {
    throw new InsufficientHistoryError('Expected rows on both sides of the held-out part', 2, rows.length);
  }
  const split = { train, test, embargoUs: 0, pastOnly: true };
  assertNoLeak(split, spans);
  return split;
}

/** Throws UnseenClassError when a class of the labels does not happen among `rows`. */
export function assertClassesSeen({ targets, classes }: ValidationData, rows: Uint32Array): void {
  if (classes === undefined) return;
  const seen = new Set(Array.from(rows, (row) => targets![row]!));
  for (let one = 0; one < classes; one++) {
    if (!seen.has(one)) throw new UnseenClassError(one, classes, rows.length);
  }
}

/**
 * Fits the candidate on `rows` (ascending), of which the latest `watchFraction` are the rows that early stopping watches.
 * Throws UnseenClassError, and what `holdOutLast` and the family throw.
 */
export async function fitRows<Options>(
  { family, task, options, watchFraction }: Candidate<Options>,
  data: ValidationData,
  rows: Uint32Array,
  control: FitControl,
): Promise<Fitted> {
  if (watchFraction === undefined) {
    assertClassesSeen(data, rows);
    return family.fit(task, takeRows(data, rows), options, control);
  }
  const { train, test } = holdOutLast(rows, watchFraction, data.spans);
  assertClassesSeen(data, train);
  const training = { ...takeRows(data, train), validation: takeRows(data, test) };
  return family.fit(task, training, options, control);
}

/** Fits on the training rows of `split` and predicts its test rows. Throws what the family throws. */
export async function fitHeldOut<Options>(
  candidate: Candidate<Options>,
  data: ValidationData,
  split: CheckedSplit,
  control: FitControl,
): Promise<HeldOutFit> {
  requireChecked(split);
  const fitted = await fitRows(candidate, data, split.train, control);
  const inputs = takeInputs(data, split.test);
  const { output, width } = await predictServed(fitted.model, inputs, data.columns, control.threads);
  return { fitted, rows: split.test, forecasts: output, width };
}

/**
 * Fits a classifier on the earlier part of `rows` and calibrates it on the later part, which the fit has not seen. The model that comes
 * back ends with the calibration. Throws what `holdOutLast`, the family and `fitCalibration` throw.
 */
export async function fitCalibrated<Options>(
  candidate: Candidate<Options>,
  data: ValidationData,
  rows: Uint32Array,
  calibration: Calibration,
  control: FitControl,
): Promise<{ readonly fitted: Fitted; readonly calibrator: Calibrator }> {
  const split = holdOutLast(rows, calibration.held_out_fraction, data.spans);
  const { fitted, forecasts, width } = await fitHeldOut(candidate, data, split, control);
  const labels = Uint32Array.from(split.test, (row) => data.targets![row]!);
  const calibrator = fitCalibration(calibration.kind, { probabilities: forecasts, labels, classes: width });
  return { fitted: { ...fitted, model: calibrator.apply(fitted.model) }, calibrator };
}
