// What decisions say about themselves on /metrics.
import { Counter, Gauge, Histogram, type Registry } from '../../../src/http/prom.ts';
import type { Outcome } from './questions.ts';
import { type Decided, type DecisionReply, HOPS, type Hop } from './schemas.ts';

const SECONDS = [2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 1e-2, 1.5e-2, 3e-2, 0.1, 0.3, 1, 3, 10];

/** The instruments of decisions. */
export class DecisionMetrics {
  readonly #seconds: Histogram<'hop'>;
  readonly #decisions: Counter<'decision'>;
  readonly #questions: Counter<'outcome'>;

  constructor(registry: Registry, pending: () => number) {
    const registers = [registry];
    this.#seconds = new Histogram({
      name: 'nautilus_ml_decision_seconds',
      help: 'Seconds of one request for decisions, by part of its way',
      labelNames: ['hop'],
      buckets: SECONDS,
      registers,
    });
    this.#decisions = new Counter({
      name: 'nautilus_ml_decisions_total',
      help: 'Signals by what became of them',
      labelNames: ['decision'],
      registers,
    });
    this.#questions = new Counter({
      name: 'nautilus_ml_risk_questions_total',
      help: 'Questions to the risk engine by outcome; late: answers that nobody waited for',
      labelNames: ['outcome'],
      registers,
    });
    new Gauge({
      name: 'nautilus_ml_risk_questions_waiting',
      help: 'Questions to the risk engine that wait for their answer',
      registers,
      collect() {
        this.set(pending());
      },
    });
  }

  decided(decisions: readonly Decided[], hops: DecisionReply['hops_ms']): void {
    for (const { decision } of decisions) this.#decisions.inc({ decision });
    for (const hop of HOPS) this.#seconds.observe({ hop }, hops[hop satisfies Hop] / 1000);
  }

  asked(outcome: Outcome): void {
    this.#questions.inc({ outcome });
  }
}
