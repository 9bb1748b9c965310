// Starts one engine in this process on a given bus: what engine processes and the in-process cluster have in common.
import { Bus } from '../bus/client.ts';
import type { EventLog } from '../bus/event-log.ts';
import type { Transport } from '../bus/transport.ts';
import { systemClock } from '../core/clock.ts';
import type { Config } from '../core/config.ts';
import { DependencyUnavailableError, InvariantError } from '../core/errors.ts';
import { createLog, type Log } from '../core/log.ts';
import type { Placement, Urgency } from '../hardware/index.ts';
import type { EngineHost } from '../http/engine.ts';
import { EngineMetrics } from '../http/metrics.ts';
import { startTelemetry } from '../http/otel-start.ts';
import { type RunningEngine, startEngine } from '../http/server.ts';
import { loadEngine, portOf } from './engines.ts';

const BUS_TIMEOUT_MS = 5000;

/** A running engine with its log. */
export interface HostedEngine {
  readonly engine: RunningEngine;
  readonly log: Log;
}

/** What an engine shares with the others beside the bus. */
export type SharedServices = Pick<EngineHost, 'eventLog' | 'leases' | 'member' | 'onHung'> & {
  /** Places the threads of the process; absent where it runs several engines. */
  readonly place?: (urgency: Urgency) => Promise<Placement | undefined>;
};

/** Loads, connects and starts the engine `name`, one of the nine unless `load` gives it. Throws DependencyUnavailableError without a bus or with a taken port. */
export async function hostEngine(
  name: string,
  transport: Transport,
  services: SharedServices,
  config: Config,
  log: Log = createLog(name, config.logLevel),
  load = loadEngine,
): Promise<HostedEngine> {
  const bus = new Bus(name, transport, {
    onHandlerError: (err, where) => log.error({ err, where }, 'handling messages failed'),
    onDropped: (count, where) => log.warn({ count, where }, 'messages dropped'),
  });
  const metrics = new EngineMetrics(name, bus, config.metricsEnabled);
  if (config.replica) {
    metrics.registry.setDefaultLabels({ engine: name, replica: String(config.replica.index) });
  }
  const [definition, telemetry] = await Promise.all([
    load(name),
    startTelemetry(name, config.otel, log, metrics, bus),
  ]);
  if (!definition) throw new InvariantError(`no engine ${name}`);
  await connected(bus, services.eventLog, Math.min(BUS_TIMEOUT_MS, config.defaultTimeoutMs));
  const { place, ...shared } = services;
  const host: EngineHost = {
    ...shared,
    placement: await place?.(definition.urgency ?? 'throughput'),
    bus,
    clock: systemClock,
    config,
    log,
    metrics,
    telemetry,
  };
  const port = portOf(definition, config);
  return { engine: await startEngine(definition, host, port), log };
}

// The event log has a connection of its own: an engine that began without it would say that it is away.
async function connected(bus: Bus, eventLog: EventLog, timeoutMs: number): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!bus.connected || !eventLog.connected) {
    if (performance.now() > deadline) {
      throw new DependencyUnavailableError(`Expected the message bus to answer within ${timeoutMs} ms`);
    }
    await Bun.sleep(2);
  }
}
