// What experiments say about themselves on /metrics.
import { Counter, Gauge, type Registry } from '../../../src/http/prom.ts';
import type { State } from './schemas.ts';

/** The instruments of experiments. */
export class ExperimentMetrics {
  readonly #requests: Counter<'model_id' | 'arm' | 'outcome'>;
  readonly #outcomes: Counter<'result'>;
  readonly #states: Counter<'state'>;

  constructor(registry: Registry, running: () => number) {
    const registers = [registry];
    this.#requests = new Counter({
      name: 'nautilus_ml_experiment_requests_total',
      help: 'Runs of arms by how they ended: value, fault, or a fault after which the control answered',
      labelNames: ['model_id', 'arm', 'outcome'],
      registers,
    });
    this.#outcomes = new Counter({
      name: 'nautilus_ml_experiment_outcomes_total',
      help: 'Posted outcomes by what came of them',
      labelNames: ['result'],
      registers,
    });
    this.#states = new Counter({
      name: 'nautilus_ml_experiment_changes_total',
      help: 'Changes of the state of experiments, by the new state',
      labelNames: ['state'],
      registers,
    });
    new Gauge({
      name: 'nautilus_ml_experiments',
      help: 'Experiments that have not ended',
      registers,
      collect() {
        this.set(running());
      },
    });
  }

  answered(model_id: string, arm: string, outcome: 'value' | 'fault' | 'fallback'): void {
    this.#requests.inc({ model_id, arm, outcome });
  }

  settled({
    state: _,
    ...counts
  }: { readonly state: State } & Readonly<Record<string, number | State>>): void {
    for (const [result, count] of Object.entries(counts)) this.#outcomes.inc({ result }, Number(count));
  }

  became(state: State): void {
    this.#states.inc({ state });
  }
}
