// What serving says about itself on /metrics.
import { Counter, Gauge, Histogram, type Registry } from '../../../src/http/prom.ts';
import type { Loss } from './errors.ts';

/** Where a model ran. */
export type Where = 'in_process' | 'child_process';

/** What the gauges look at. */
export interface ServingState {
  readonly waiting: number;
  readonly processes: number;
  readonly cacheBytes: number;
}

const SECONDS = [1e-5, 5e-5, 1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 1e-2, 5e-2, 0.1, 0.5, 1, 5, 30];
const COUNTS = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1000, 10_000, 100_000];

/** The instruments of serving. */
export class ServingMetrics {
  readonly #seconds: Histogram<'model_id' | 'where'>;
  readonly #rows: Histogram<'model_id'>;
  readonly #requests: Histogram<'model_id'>;
  readonly #losses: Counter<'reason'>;
  readonly #retries: Counter;

  constructor(registry: Registry, state: () => ServingState) {
    const registers = [registry];
    this.#seconds = new Histogram({
      name: 'nautilus_ml_predict_seconds',
      help: 'Seconds from rows to outputs, waiting included, by model and by where it ran',
      labelNames: ['model_id', 'where'],
      buckets: SECONDS,
      registers,
    });
    this.#rows = new Histogram({
      name: 'nautilus_ml_batch_rows',
      help: 'Rows of one run in a child process',
      labelNames: ['model_id'],
      buckets: COUNTS,
      registers,
    });
    this.#requests = new Histogram({
      name: 'nautilus_ml_batch_requests',
      help: 'Requests that shared one run in a child process',
      labelNames: ['model_id'],
      buckets: COUNTS,
      registers,
    });
    this.#losses = new Counter({
      name: 'nautilus_ml_process_losses_total',
      help: 'Child processes that were lost with work under way: died, or ended for their time or memory',
      labelNames: ['reason'],
      registers,
    });
    this.#retries = new Counter({
      name: 'nautilus_ml_prediction_retries_total',
      help: 'Requests that ran again since their process was lost',
      registers,
    });
    const gauge = (name: string, help: string, value: (now: ServingState) => number) =>
      new Gauge({
        name,
        help,
        registers,
        collect() {
          this.set(value(state()));
        },
      });
    gauge('nautilus_ml_waiting_requests', 'Requests that wait for a child process', (now) => now.waiting);
    gauge('nautilus_ml_processes', 'Child processes that run models', (now) => now.processes);
    gauge('nautilus_ml_cache_bytes', 'Bytes of the artefacts of open models', (now) => now.cacheBytes);
  }

  predicted(model_id: string, where: Where, seconds: number): void {
    this.#seconds.observe({ model_id, where }, seconds);
  }

  ran(model_id: string, requests: number, rows: number): void {
    this.#rows.observe({ model_id }, rows);
    this.#requests.observe({ model_id }, requests);
  }

  lost(reason: Loss): void {
    this.#losses.inc({ reason });
  }

  retried(): void {
    this.#retries.inc();
  }
}
