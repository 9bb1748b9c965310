// From a window and the losses of a model to verdicts: what drifted, by how much, and which alarms follow.

import type { TableSketch } from '../../../src/learning/drift/index.ts';
import { compareSketches } from '../../../src/learning/drift/index.ts';
import type { DriftOptions, DriftReport } from '../../../src/learning/drift/types.ts';
import type { Latencies } from './latency.ts';
import { type LossBaseline, type LossTally, majorityP, worseP } from './losses.ts';
import type { AccuracyVerdict, Alarm, LatencyVerdict, MonitorConfig } from './schemas.ts';

/** Fewest outcomes, and fewest requests, with a verdict. */
export const MIN_ROWS = 30;

type Thresholds = MonitorConfig['thresholds'];

/** Returns how columns differ from those of a reference; null where a side is absent or holds other columns. */
export function compare(
  reference: TableSketch | null,
  current: TableSketch | null,
  options: MonitorConfig['drift'],
): DriftReport | null {
  return reference && current && compareSketches(reference, current, optionsOf(options));
}

/** Returns the options of a comparison as they are posted. */
export function optionsOf({
  alpha,
  measure,
  threshold,
  bins,
  min_rows,
}: MonitorConfig['drift']): DriftOptions {
  const thresholds = threshold === undefined ? {} : { thresholds: { [measure]: threshold } };
  return { alpha, measure, bins, minRows: min_rows, ...thresholds };
}

/** Returns whether a model got worse on what happened. `isShare`: its losses are 0 and 1, and 1 less their mean is the accuracy. */
export function judgeLosses(
  baseline: (LossBaseline & { readonly from: NonNullable<AccuracyVerdict['baseline_from']> }) | null,
  current: LossTally,
  isShare: boolean,
  { accuracy_drift, significance }: Pick<Thresholds, 'accuracy_drift' | 'significance'>,
): AccuracyVerdict {
  const shown = (mean: number) => (isShare ? 1 - mean : mean);
  const about = {
    score: isShare ? ('accuracy' as const) : ('mean_absolute_error' as const),
    baseline: baseline && shown(baseline.mean),
    baseline_from: baseline?.from ?? null,
    current: current.rows === 0 ? null : shown(current.mean),
    rows: current.rows,
  };
  const none = { ...about, drift: null, p: null, drifted: false };
  if (current.rows < MIN_ROWS) return { ...none, reason: 'too_few_rows' };
  if (!baseline || (!isShare && baseline.mean === 0)) return { ...none, reason: 'no_baseline' };
  const drift = isShare ? current.mean - baseline.mean : current.mean / baseline.mean - 1;
  const p = worseP(baseline, current, isShare);
  const reason = reasonOf(drift > accuracy_drift, p <= significance);
  return { ...about, drift, p, drifted: reason === 'drifted', reason };
}

/** Returns whether the median latency rose. */
export function judgeLatency(
  baselineMs: number | null,
  current: Latencies,
  { latency_drift, significance }: Pick<Thresholds, 'latency_drift' | 'significance'>,
): LatencyVerdict {
  const { medianMs, requests } = current;
  const none = {
    baseline_ms: baselineMs,
    current_ms: medianMs,
    requests,
    drift_ms: null,
    p: null,
    drifted: false,
  };
  if (medianMs === null || requests < MIN_ROWS) return { ...none, reason: 'too_few_rows' };
  if (baselineMs === null) return { ...none, reason: 'no_baseline' };
  const drift_ms = medianMs - baselineMs;
  const p = majorityP(current.above(baselineMs), requests);
  const reason = reasonOf(drift_ms > latency_drift, p <= significance);
  return { ...none, drift_ms, p, drifted: reason === 'drifted', reason };
}

function reasonOf(isLarge: boolean, isSignificant: boolean) {
  if (!isLarge) return 'below_threshold';
  return isSignificant ? 'drifted' : 'not_significant';
}

/** What was judged. */
export interface Judged {
  readonly inputs: DriftReport | null;
  readonly predictions: DriftReport | null;
  readonly accuracy: AccuracyVerdict;
  readonly latency: LatencyVerdict;
  /** Detectors on the stream of losses that raised an alarm. */
  readonly detected: readonly string[];
}

/** Returns the alarms that verdicts give, each in words. */
export function alarmsOf({ inputs, predictions, accuracy, latency, detected }: Judged): Map<Alarm, string> {
  const alarms = new Map<Alarm, string>();
  const { score } = accuracy;
  if (accuracy.drifted)
    alarms.set(
      'performance_drift',
      score === 'accuracy'
        ? `accuracy ${three(accuracy.current)} of ${accuracy.rows} outcomes, was ${three(accuracy.baseline)}`
        : `mean absolute error ${three(accuracy.current)} of ${accuracy.rows} outcomes, was ${three(accuracy.baseline)}`,
    );
  else if (detected.length > 0) alarms.set('performance_drift', `losses changed: ${detected.join(', ')}`);
  if ((inputs?.drifted ?? 0) > 0) alarms.set('data_drift', `inputs drifted: ${namesOf(inputs!)}`);
  if ((predictions?.drifted ?? 0) > 0)
    alarms.set('prediction_drift', `predictions drifted: ${namesOf(predictions!)}`);
  if (latency.drifted)
    alarms.set(
      'latency_drift',
      `median latency ${three(latency.current_ms)} ms, was ${three(latency.baseline_ms)} ms: consider a smaller variant (int8), other hardware, or more processes`,
    );
  return alarms;
}

const three = (value: number | null) => (value === null ? 'unknown' : value.toPrecision(3));

function namesOf({ columns }: DriftReport): string {
  const drifted = columns.filter((column) => column.drifted);
  const some = drifted.slice(0, 5).map(({ column, text }) => `${column} (${text})`);
  return drifted.length > 5 ? `${some.join(', ')} and ${drifted.length - 5} more` : some.join(', ');
}

/** Returns why there is no verdict where there is none, in words. */
export function gapsOf({ inputs, accuracy, latency }: Judged, rows: number): string[] {
  const gaps: string[] = [];
  if (!inputs) gaps.push('inputs: nothing to compare with yet');
  else if (inputs.judged === 0)
    gaps.push(`inputs: no column has a verdict, too few rows or no values (${rows} rows)`);
  if (accuracy.reason === 'too_few_rows')
    gaps.push(`accuracy: too few rows (${accuracy.rows} outcomes of ${MIN_ROWS})`);
  if (accuracy.reason === 'no_baseline') gaps.push('accuracy: no baseline yet');
  if (latency.reason === 'too_few_rows')
    gaps.push(`latency: too few rows (${latency.requests} requests of ${MIN_ROWS})`);
  if (latency.reason === 'no_baseline') gaps.push('latency: no baseline yet');
  return gaps;
}
