// What monitoring says on the bus.
import { topics } from '../../../src/bus/topics.ts';
import type { Unit } from '../../../src/bus/unit.ts';
import type { RaisedAlarm, StoredRetraining } from './records.ts';
import type { MonitorConfig, WindowReport } from './schemas.ts';

/** Says what a verdict found; of alarms that ask for it, also that the model has to be trained again. */
export function tellVerdict(
  unit: Unit,
  report: WindowReport,
  raised: readonly RaisedAlarm[],
  { retrain }: Pick<MonitorConfig, 'retrain'>,
  nowUs: number,
): void {
  const { model_id, version: model_version, inputs, predictions, accuracy, latency } = report;
  const timestamp = nowUs / 1e6;
  unit.publish(topics.driftUpdates, {
    ...{ model_id, model_version, window: report.seq, rows: report.rows },
    input_psi_max: inputs?.psi_max ?? null,
    drifted_inputs: inputs?.columns.flatMap(({ column, drifted }) => (drifted ? [column] : [])) ?? [],
    prediction_psi_max: predictions?.psi_max ?? null,
    score: accuracy.score,
    score_now: accuracy.current,
    score_before: accuracy.baseline,
    latency_ms: latency.current_ms,
    latency_before_ms: latency.baseline_ms,
    alarms: report.alarms,
    raised: raised.map(({ reason }) => reason),
    texts: report.texts,
    retraining: null,
    timestamp,
  });
  for (const { reason, text: detail } of raised) {
    const asks = reason === 'performance_drift' || (retrain?.on as readonly string[])?.includes(reason);
    if (asks) unit.publish(topics.retrainingRequired, { model_id, reason, timestamp, model_version, detail });
  }
}

/** Says how a retraining goes. */
export function tellRetraining(unit: Unit, retraining: StoredRetraining, nowUs: number): void {
  const { model_id, from_version, retraining_id, state, report } = retraining;
  const { new_version, deployed, error } = report;
  unit.publish(topics.driftUpdates, {
    ...{ model_id, model_version: from_version, window: null, rows: 0, input_psi_max: null },
    ...{ drifted_inputs: [], prediction_psi_max: null, score: null, score_now: null, score_before: null },
    ...{ latency_ms: null, latency_before_ms: null, alarms: [], raised: [], texts: [] },
    retraining: { retraining_id, state, new_version, deployed, error },
    timestamp: nowUs / 1e6,
  });
}
