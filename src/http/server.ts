// The server that every engine shares: runs a definition on a bus and a port.

import { Elysia } from 'elysia';
import { EngineStream } from '../bus/stream.ts';
import { topics } from '../bus/topics.ts';
import { PlainUnits } from '../bus/unit.ts';
import { ALL_WORK } from '../bus/work-share.ts';
import { monotonicSeconds } from '../core/clock.ts';
import { InvariantError } from '../core/errors.ts';
import { VERSION } from '../core/version.ts';
import { eventRoutes } from '../events/routes.ts';
import type { Database } from '../store/database.ts';
import { buildApp, type Health } from './app.ts';
import { Guard } from './auth.ts';
import { type Durable, openDurable } from './durable.ts';
import type { EngineContext, EngineDefinition, EngineHost, EngineParts } from './engine.ts';
import { registerEvents } from './events-metric.ts';
import { HardwareMonitor } from './hardware-monitor.ts';
import { HardwareRouting } from './hardware-routing.ts';
import { refuseOpenHost } from './key-ring.ts';
import { Listener } from './listener.ts';
import { nativeInfo, poolStats } from './native-info.ts';
import { registerRouting } from './routing-metric.ts';
import { routingRoutes } from './routing-routes.ts';
import { registerService, ServiceWatch } from './service-watch.ts';

const PRESENCE_MS = 1000;
const POLITE_STOP_MS = 250;
/** Messages that cannot be stored are tried for so long, and for the time that it takes to end a process that hangs. */
const KEEP_MS = 60_000;

/** A running engine. */
export interface RunningEngine {
  readonly name: string;
  readonly port: number;
  /** Port of this replica alone, on loopback; null in an engine with a single process. */
  readonly privatePort: number | null;
  health(): Health;
  /** Drains: finishes what is under way within `graceMs`, says goodbye on the bus, closes. */
  stop(graceMs: number): Promise<void>;
}

/**
 * Starts one engine on `port` (0 = any free one). Resolves when it is ready to answer. Throws
 * DependencyUnavailableError when the port is taken, naming it and what to do, and what {@link refuseOpenHost} throws.
 */
export async function startEngine(
  definition: EngineDefinition,
  host: EngineHost,
  port: number,
): Promise<RunningEngine> {
  refuseOpenHost(host.config);
  const engine = new Engine(definition, await prepareEngine(definition, host));
  await engine.start(port);
  return engine;
}

/** An engine that is made but does not run. */
export interface PreparedEngine {
  readonly context: EngineContext;
  /** With the routes of its durable events. */
  readonly parts: EngineParts;
  readonly durable: Durable | undefined;
}

/** Opens an engine's database and makes the engine. */
export async function prepareEngine(definition: EngineDefinition, host: EngineHost): Promise<PreparedEngine> {
  const durable = await openDurable(definition, host);
  const { bus, config, log, metrics } = host;
  const routing = new HardwareRouting({ engine: definition.name, bus, config, log });
  const context: EngineContext = {
    ...host,
    routing,
    get database(): Database {
      if (!durable) throw new InvariantError(`engine ${definition.name} has no migrations`);
      return durable.database;
    },
    units: durable?.events.units ?? new PlainUnits(host.bus),
    work: durable?.work ?? ALL_WORK,
  };
  const parts = await definition.create(context);
  const routes = new Elysia().use(routingRoutes(definition.name, routing));
  if (durable) {
    if (metrics.enabled) registerEvents(metrics.registry, durable.events);
    routes.use(eventRoutes(durable.events));
  }
  return { context, parts: { ...parts, routes: routes.use(parts.routes) }, durable };
}

class Engine implements RunningEngine {
  readonly name: string;
  readonly #startedS = monotonicSeconds();
  readonly #stream: EngineStream | undefined;
  readonly #guard: Guard;
  readonly #hardware: HardwareMonitor;
  readonly #service: ServiceWatch;
  #listener: Listener | undefined;
  #presence: ReturnType<typeof setInterval> | undefined;
  #ready = false;
  #stopping = false;

  readonly context: EngineContext;
  readonly parts: EngineParts;
  readonly durable: Durable | undefined;

  constructor(
    readonly definition: EngineDefinition,
    { context, parts, durable }: PreparedEngine,
  ) {
    this.context = context;
    this.parts = parts;
    this.durable = durable;
    this.name = definition.name;
    // A file of this host does not tell what was changed on the others, with which it may share a Postgres.
    const shared = context.config.postgres ? durable?.database : undefined;
    this.#guard = new Guard(definition.name, context, shared);
    const { metrics, config } = context;
    this.#service = new ServiceWatch({
      replies: () => metrics.replies(),
      intervalMs: config.monitoring.intervalS * 1000,
      nowMs: () => monotonicSeconds() * 1000,
    });
    if (metrics.enabled) registerService(metrics.registry, this.#service);
    this.#hardware = new HardwareMonitor(this.name, context, {
      service: this.#service,
      onTold: (told) => parts.onHardware?.(told),
    });
    const { participant } = parts;
    if (!participant) return;
    const options = {
      units: context.units,
      durable: durable !== undefined,
      divided: durable?.divided,
      replica: context.config.replica?.index,
      keepMs: KEEP_MS + context.config.hangS * 1000,
    };
    this.#stream = new EngineStream(context.bus, definition.name, participant, options);
    durable?.events.connect(this.#stream, participant, async () => parts.reload?.());
  }

  get port(): number {
    return this.#listener?.port ?? 0;
  }

  get privatePort(): number | null {
    return this.#listener?.privatePort ?? null;
  }

  async start(port: number): Promise<void> {
    this.#listen(port);
    await this.#stream?.start();
    await this.durable?.events.startSending();
    await this.durable?.work?.start();
    await this.parts.start?.();
    await this.durable?.events.startConsuming();
    this.#ready = true;
    this.#listener?.join();
    this.#announce();
    this.#presence = setInterval(() => this.#tick(), PRESENCE_MS);
    await this.#hardware.start();
    // After all else, so that it delays nothing.
    const { routing, metrics } = this.context;
    if (metrics.enabled) registerRouting(metrics.registry, routing);
    void routing.start({
      neuralEngine: async () => (await this.hardware()).neural_engine.present,
      readings: async () => this.#hardware.readings,
    });
  }

  hardware = () => this.#hardware.hardware();
  utilization = () => this.#hardware.utilization();

  health(): Health {
    const missing = this.missing();
    return {
      status: missing.length === 0 ? 'healthy' : 'degraded',
      engine: this.name,
      version: VERSION,
      uptime_s: Math.round((monotonicSeconds() - this.#startedS) * 1000) / 1000,
      messagebus_connected: this.context.bus.connected,
      messagebus: this.context.bus.kind,
      native: nativeInfo(),
      missing,
    };
  }

  missing(): string[] {
    const missing = [...(this.durable?.events.missing() ?? []), ...(this.parts.missing?.() ?? [])];
    if (this.#stream?.postponed.waiting && !missing.includes('database')) missing.unshift('database');
    return this.context.bus.connected ? missing : ['messagebus', ...missing];
  }

  notReady(): string | null {
    if (this.#stopping) return 'stopping';
    if (!this.#ready) return 'starting';
    return this.context.bus.connected ? null : 'messagebus is away';
  }

  systemStatus(): Record<string, unknown> {
    return {
      ...this.health(),
      pid: process.pid,
      port: this.port,
      replica: this.context.config.replica?.index ?? null,
      ...(this.durable?.work && { partitions: this.durable.work.held() }),
      memory_rss_bytes: process.memoryUsage.rss(),
      native_pool: poolStats(),
      accelerators: this.context.routing.summary(),
      placement: this.context.placement ?? null,
      replay: this.#stream?.session?.session ?? null,
      bus: this.context.bus.stats(),
      postponed: this.#stream?.postponed ?? null,
      events: this.durable?.events.status() ?? null,
      activity: this.context.metrics.activity(),
      system: this.#service.read(),
      ...this.parts.status?.(),
    };
  }

  async stop(graceMs: number): Promise<void> {
    if (this.#stopping) return;
    this.#stopping = true;
    const endMs = performance.now() + graceMs;
    clearInterval(this.#presence);
    this.#hardware.stop();
    this.context.routing.stop();
    this.#announce();
    // Intake ends first, so that nothing reaches an engine that has closed its files. An open WebSocket keeps a polite
    // stop waiting for ever, which is why both waits have an end.
    await Promise.race([this.#listener?.stop(), Bun.sleep(Math.min(graceMs, POLITE_STOP_MS))]);
    await this.#listener?.stop(true);
    await Promise.race([this.#stream?.stop(), Bun.sleep(graceMs)]);
    await Promise.race([this.durable?.work?.stop(), Bun.sleep(graceMs)]);
    await this.durable?.events.stop(graceMs);
    await this.parts.stop?.();
    await this.durable?.database.close();
    await this.context.eventLog.close();
    await this.context.bus.close();
    await this.context.telemetry?.stop(endMs - performance.now());
    this.#guard.close();
  }

  // Open sockets send no more requests that would notice that their key has ended.
  #tick(): void {
    this.#announce();
    if (this.#guard.keysChanged())
      this.parts.socket?.revalidate((data) => this.#guard.stillAllows(data.keyId));
  }

  #announce(): void {
    this.#service.note(this.notReady() === null);
    const missing = this.missing();
    this.context.bus.publish(topics.presence, {
      engine: this.name,
      port: this.port,
      pid: process.pid,
      ...replicaOf(this.context),
      status: this.#stopping ? 'stopping' : missing.length === 0 ? 'healthy' : 'degraded',
      missing,
      version: VERSION,
      uptime_s: Math.round(monotonicSeconds() - this.#startedS),
      rss_bytes: process.memoryUsage.rss(),
      lockstep: this.#stream !== undefined,
    });
  }

  #listen(port: number): void {
    const app = buildApp(this.definition, this.context, this.parts, this, this.#guard);
    const answers = { engine: this.name, app, socket: this.parts.socket, guard: this.#guard };
    this.#listener = new Listener(answers, this.context, port);
  }
}

function replicaOf({ config }: EngineContext): { replica?: number } {
  return config.replica ? { replica: config.replica.index } : {};
}
