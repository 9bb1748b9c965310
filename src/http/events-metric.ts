// Metrics of an engine's durable events: what waits for the log, what was consumed, what was set aside.
import type { Registry } from 'prom-client';
import type { EngineEvents } from '../events/engine-events.ts';
import { Counter, Gauge } from './prom.ts';

/** Adds `nautilus_events_waiting`, `nautilus_events_consumed_total` and `nautilus_dead_letters` to `registry`. */
export function registerEvents(registry: Registry, events: EngineEvents): void {
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
    help: 'Durable events by what became of them since the start; lost: the log had forgotten them before they were read',
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
      this.set(await events.deadLetters.count());
    },
  });
}
