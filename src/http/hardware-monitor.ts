// The machine as an engine tells of it: what it is, what it is doing, and the same on the bus from time to time.
import { hostname } from 'node:os';
import { topics } from '../bus/topics.ts';
import { systemClock } from '../core/clock.ts';
import {
  detectHardware,
  type Hardware,
  type MachinePart,
  Monitor,
  type Reader,
  readingsOf,
  type ServiceLevel,
  samplerOf,
  type Utilization,
} from '../hardware/index.ts';
import { type Readings, UNTOLD } from '../hardware/readings.ts';
import type { EngineHost } from './engine.ts';
import { registerHardware } from './hardware-metric.ts';
import { gpuSeconds, metalFacts } from './native-info.ts';
import type { ServiceWatch } from './service-watch.ts';

export interface HardwareOptions {
  /** How the engine serves. */
  readonly service?: Pick<ServiceWatch, 'read' | 'look'> | undefined;
  /** Hears what was told on the bus. */
  readonly onTold?: ((told: Utilization) => void) | undefined;
  /** Takes over what another engine of this machine read. Where reading costs processes, one engine does it for all. */
  readonly share?: boolean;
  /** For tests: another machine. */
  readonly reader?: Reader;
}

/** Looks at the machine for one engine. */
export class HardwareMonitor {
  readonly #engine: string;
  readonly #host: EngineHost;
  readonly #options: HardwareOptions;
  readonly #share: boolean;
  readonly #machine = hostname();
  readonly #monitor: Monitor;
  #hardware: Promise<Hardware> | undefined;
  #heard: MachinePart | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #busy = false;
  #stopped = false;

  constructor(engine: string, host: EngineHost, options: HardwareOptions = {}) {
    this.#engine = engine;
    this.#host = host;
    this.#options = options;
    this.#share = options.share ?? process.platform === 'darwin';
    const nowUs = () => systemClock.nowUs();
    this.#monitor = new Monitor({
      sampler: async () => samplerOf(await this.hardware(), gpuSeconds, nowUs, options.reader),
      intervalMs: this.#intervalMs,
      nowUs,
      shared: () => this.#heard,
    });
    const { metrics, config } = host;
    if (metrics.enabled && config.monitoring.on) registerHardware(metrics.registry, () => this.#monitor.last);
  }

  get #intervalMs(): number {
    return this.#host.config.monitoring.intervalS * 1000;
  }

  /** What the machine is; read once. */
  hardware(): Promise<Hardware> {
    this.#hardware ??= detectHardware(metalFacts());
    return this.#hardware;
  }

  /** How hot the machine is and what powers it, at the last look; unknown before the first, and without HARDWARE_MONITORING. */
  get readings(): Readings {
    const { last } = this.#monitor;
    return last && this.#host.config.monitoring.on ? readingsOf(last) : UNTOLD;
  }

  /** What the machine is doing: the last sample, or a new one when that is older than MONITORING_INTERVAL. */
  async utilization(): Promise<Utilization> {
    return this.#told(await this.#monitor.read(), this.#options.service?.read());
  }

  /** Begins to publish, where HARDWARE_MONITORING is on. */
  async start(): Promise<void> {
    const { bus, config } = this.#host;
    if (!config.monitoring.on) return;
    if (this.#share)
      await bus.subscribe(topics.hardwareMetrics, (batch) => {
        for (const { body } of batch) this.#hear(body as Utilization);
      });
    // Nine engines that start together do not look together.
    this.#timer = setTimeout(() => {
      this.#timer = setInterval(() => void this.#tick(), this.#intervalMs);
      void this.#tick();
    }, Math.random() * this.#intervalMs);
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  async #tick(): Promise<void> {
    const { bus, log } = this.#host;
    if (this.#busy || !bus.connected) return;
    this.#busy = true;
    try {
      const sample = await this.#monitor.take();
      // A timer is early or late by a little: who asks for what is younger than the interval gets the same figures twice.
      const told = this.#told(sample, this.#options.service?.look());
      if (this.#stopped || !bus.connected) return;
      bus.publish(topics.hardwareMetrics, told);
      this.#options.onTold?.(told);
    } catch (err) {
      log.warn({ err }, 'looking at the machine failed');
    } finally {
      this.#busy = false;
    }
  }

  #told(sample: Awaited<ReturnType<Monitor['read']>>, system: ServiceLevel | undefined): Utilization {
    const { replica } = this.#host.config;
    return {
      engine: this.#engine,
      ...(replica && { replica: replica.index }),
      host: this.#machine,
      ...sample,
      ...(system && { system }),
    };
  }

  #hear(body: Utilization): void {
    if (body.host === this.#machine && body.read_at_us > (this.#heard?.read_at_us ?? 0)) this.#heard = body;
  }
}
