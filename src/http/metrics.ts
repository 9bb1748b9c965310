// Prometheus metrics of one engine: requests, hops, bus, process. Values are read when they are scraped.

import type { Bus, BusStats } from '../bus/client.ts';
import { type HopSummary, HopTimes } from '../bus/hop-times.ts';
import { registerHops } from './hop-metric.ts';
import { LoopDelay } from './loop-delay.ts';
import { registerMetalKernels } from './metal-kernels-metric.ts';
import { registerMetal, registerPool } from './native-info.ts';
import { Counter, Gauge, Registry } from './prom.ts';
import { RequestTimes } from './request-times.ts';
import type { Replies } from './service-watch.ts';

/** What `/system/status` says of the engine's activity; null where metrics are off. */
export interface Activity {
  /** Processor time of the process since its start, in seconds. */
  readonly cpu_seconds: number;
  /** Answered requests since the start, and those among them that were answered with 500 or above. */
  readonly http: { readonly requests: number; readonly errors: number } | null;
  readonly event_loop_delay_ms: { readonly mean: number; readonly max: number } | null;
  /** Hops of the last minute. */
  readonly hops: HopSummary[] | null;
}

/** Metrics of one engine. Engines add their own to `registry`. Nothing is measured when `enabled` is false. */
export class EngineMetrics {
  readonly registry = new Registry();
  readonly enabled: boolean;
  readonly #bus: Bus;
  readonly #measured: { requests: RequestTimes; hops: HopTimes; delay: LoopDelay } | undefined;

  constructor(engine: string, bus: Bus, enabled = true) {
    this.enabled = enabled;
    this.#bus = bus;
    this.registry.setDefaultLabels({ engine });
    if (!enabled) return;
    const measured = {
      requests: new RequestTimes(this.registry),
      hops: new HopTimes(),
      delay: new LoopDelay(),
    };
    this.#measured = measured;
    bus.measureHops(measured.hops);
    registerHops(this.registry, measured.hops);
    this.#registerProcess(measured.delay);
    this.#registerBus();
    registerPool(this.registry);
    registerMetal(this.registry);
    registerMetalKernels(this.registry);
  }

  /** Records one answered request. `route` is the pattern, never the path, so that labels stay few. */
  observe(method: string, route: string, status: number, seconds: number): void {
    this.#measured?.requests.observe(method, route, status, seconds);
  }

  /** Replies since the start; null where they are not counted. */
  replies(): Replies | null {
    return this.#measured?.requests.totals() ?? null;
  }

  activity(): Activity {
    const measured = this.#measured;
    const cpu_seconds = cpuSeconds();
    if (!measured) return { cpu_seconds, http: null, event_loop_delay_ms: null, hops: null };
    const { mean, max } = measured.delay.read();
    return {
      cpu_seconds,
      http: countsOf(measured.requests.totals()),
      event_loop_delay_ms: { mean: Math.round(mean * 1e6) / 1e3, max: Math.round(max * 1e6) / 1e3 },
      hops: measured.hops.lastMinute(this.#bus.nowUs()),
    };
  }

  #registerProcess(delay: LoopDelay): void {
    const registers = [this.registry];
    new Counter({
      name: 'nautilus_cpu_seconds_total',
      help: 'Processor time of the process, user and system',
      registers,
      collect() {
        this.reset();
        this.inc(cpuSeconds());
      },
    });
    new Gauge({
      name: 'nautilus_resident_memory_bytes',
      help: 'Resident memory of the process',
      registers,
      collect() {
        this.set(process.memoryUsage.rss());
      },
    });
    new Gauge({
      name: 'nautilus_event_loop_delay_seconds',
      help: 'Delay of the event loop since the last look (of a second or more): mean and maximum',
      labelNames: ['stat'],
      registers,
      collect() {
        const { mean, max } = delay.read();
        this.set({ stat: 'mean' }, mean);
        this.set({ stat: 'max' }, max);
      },
    });
  }

  #registerBus(): void {
    const registers = [this.registry];
    const bus = this.#bus;
    new Gauge({
      name: 'nautilus_bus_connected',
      help: '1 while the bus is connected',
      registers,
      collect() {
        this.set(bus.connected ? 1 : 0);
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
}

function countsOf({ requests, errors }: Replies): { requests: number; errors: number } {
  return { requests, errors };
}

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}
