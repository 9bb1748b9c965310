// Prometheus metrics of one engine: requests, bus, process. Values are read when they are scraped.
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Counter, Gauge, Registry } from 'prom-client';
import type { Bus, BusStats } from '../bus/client.ts';
import { RequestTimes } from './request-times.ts';

/** Metrics of one engine. Engines add their own to `registry`. */
export class EngineMetrics {
  readonly registry = new Registry();
  readonly #requests: RequestTimes;

  constructor(engine: string, bus: Bus) {
    this.registry.setDefaultLabels({ engine });
    const registers = [this.registry];
    this.#requests = new RequestTimes(this.registry);
    new Gauge({
      name: 'nautilus_resident_memory_bytes',
      help: 'Resident memory of the process',
      registers,
      collect() {
        this.set(process.memoryUsage.rss());
      },
    });
    new Gauge({
      name: 'nautilus_bus_connected',
      help: '1 while the bus is connected',
      registers,
      collect() {
        this.set(bus.connected ? 1 : 0);
      },
    });
    const delay = monitorEventLoopDelay({ resolution: 20 });
    delay.enable();
    new Gauge({
      name: 'nautilus_event_loop_delay_seconds',
      help: 'Delay of the event loop since the last scrape: mean and maximum',
      labelNames: ['stat'],
      registers,
      collect() {
        this.set({ stat: 'mean' }, Number.isFinite(delay.mean) ? delay.mean / 1e9 : 0);
        this.set({ stat: 'max' }, delay.max / 1e9);
        delay.reset();
      },
    });
    new Counter({
      name: 'nautilus_bus_messages_total',
      help: 'Messages of the bus by what became of them',
      labelNames: ['outcome'],
      registers,
      collect() {
        this.reset();
        for (const [outcome, n] of Object.entries(bus.stats()) as [keyof BusStats, number][]) {
          this.inc({ outcome }, n);
        }
      },
    });
  }

  /** Records one answered request. `route` is the pattern, never the path, so that labels stay few. */
  observe(method: string, route: string, status: number, seconds: number): void {
    this.#requests.observe(method, route, status, seconds);
  }
}
