// Windows as the history keeps them.
import type { WindowReport, WindowSummary } from './schemas.ts';

/** Returns what the history keeps of a window. */
export function summaryOf({ inputs, predictions, ...report }: WindowReport): WindowSummary {
  const { seq, version, opened_us, closed_us, rows, accuracy, latency, alarms } = report;
  return {
    ...{ seq, version, opened_us, closed_us, rows, accuracy, latency, alarms },
    input_psi_max: inputs?.psi_max ?? null,
    drifted_inputs: inputs?.drifted ?? 0,
    prediction_psi_max: predictions?.psi_max ?? null,
    drifted_predictions: predictions?.drifted ?? 0,
  };
}
