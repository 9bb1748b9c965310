// What monitoring says about itself on /metrics.
import { Counter, Gauge, type Registry } from '../../../src/http/prom.ts';
import type { RaisedAlarm } from './records.ts';
import type { WindowReport } from './schemas.ts';

/** The instruments of monitoring. */
export class MonitorMetrics {
  readonly #psi: Gauge<'model_id' | 'of'>;
  readonly #score: Gauge<'model_id' | 'score'>;
  readonly #latency: Gauge<'model_id'>;
  readonly #alarms: Counter<'model_id' | 'reason'>;
  readonly #retrainings: Counter<'model_id' | 'outcome'>;

  constructor(registry: Registry, skipped: () => number) {
    const registers = [registry];
    this.#psi = new Gauge({
      name: 'nautilus_ml_drift_psi_max',
      help: 'Largest population stability index of the last window, of inputs and of predictions',
      labelNames: ['model_id', 'of'],
      registers,
    });
    this.#score = new Gauge({
      name: 'nautilus_ml_monitored_score',
      help: 'Accuracy, or mean absolute error of a regression, of the last verdict on outcomes',
      labelNames: ['model_id', 'score'],
      registers,
    });
    this.#latency = new Gauge({
      name: 'nautilus_ml_monitored_latency_seconds',
      help: 'Median latency of the last window',
      labelNames: ['model_id'],
      registers,
    });
    this.#alarms = new Counter({
      name: 'nautilus_ml_drift_alarms_total',
      help: 'Alarms of monitors that were raised',
      labelNames: ['model_id', 'reason'],
      registers,
    });
    this.#retrainings = new Counter({
      name: 'nautilus_ml_retrainings_total',
      help: 'Retrainings that a monitor began, by how they ended',
      labelNames: ['model_id', 'outcome'],
      registers,
    });
    new Gauge({
      name: 'nautilus_ml_monitor_skipped_rows',
      help: 'Rows of open windows that were not looked at, since more came than could be',
      registers,
      collect() {
        this.set(skipped());
      },
    });
  }

  judged({ model_id, inputs, predictions, accuracy, latency }: WindowReport): void {
    if (inputs?.psi_max != null) this.#psi.set({ model_id, of: 'inputs' }, inputs.psi_max);
    if (predictions?.psi_max != null) this.#psi.set({ model_id, of: 'predictions' }, predictions.psi_max);
    if (accuracy.current !== null) this.#score.set({ model_id, score: accuracy.score }, accuracy.current);
    if (latency.current_ms !== null) this.#latency.set({ model_id }, latency.current_ms / 1000);
  }

  raised(model_id: string, alarms: readonly RaisedAlarm[]): void {
    for (const { reason } of alarms) this.#alarms.inc({ model_id, reason });
  }

  retrained(model_id: string, outcome: string): void {
    this.#retrainings.inc({ model_id, outcome });
  }

  /** Forgets the gauges of a model that is not watched any more. */
  forget(model_id: string): void {
    for (const of of ['inputs', 'predictions']) this.#psi.remove({ model_id, of });
    for (const score of ['accuracy', 'mean_absolute_error']) this.#score.remove({ model_id, score });
    this.#latency.remove({ model_id });
  }
}
