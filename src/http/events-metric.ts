// Metrics of an engine's durable events: what waits for the log, what was consumed, what was set aside.
import type { DeadLetters } from '../events/dead-letters.ts';
import type { EngineEvents } from '../events/engine-events.ts';
import { Counter, Gauge, type Registry } from './prom.ts';

// A database that does not answer must not keep the other metrics from being read.
const DATABASE_MS = 500;

/** What is asked of an engine's durable events. */
export type MeasuredEvents = Pick<EngineEvents, 'status'> & {
  readonly deadLetters: Pick<DeadLetters, 'count'>;
};

/**
 * Adds `nautilus_events_waiting`, `nautilus_events_consumed_total` and `nautilus_dead_letters` to `registry`. The last one has no
 * sample while the database does not answer.
 */
export function registerEvents(registry: Registry, events: MeasuredEvents): void {
  const registers = [registry];
  new Gauge({
    name: 'nautilus_events_waiting',
    help: 'Durable events that are stored here and not known to be in the log',
    registers,
    collect() {
      this.set(events.status().waiting);
    },
  });
  new Counter({
    name: 'nautilus_events_consumed_total',
    help: 'Durable events of other engines by what became of them here since the start',
    labelNames: ['outcome'],
    registers,
    collect() {
      this.reset();
      for (const [outcome, count] of Object.entries(events.status().counts)) this.inc({ outcome }, count);
    },
  });
  new Gauge({
    name: 'nautilus_dead_letters',
    help: 'Durable events that were set aside and wait for somebody',
    registers,
    async collect() {
      const late = Bun.sleep(DATABASE_MS).then(() => undefined);
      const count = await Promise.race([events.deadLetters.count().catch(() => undefined), late]);
      if (count === undefined) this.remove();
      else this.set(count);
    },
  });
}
