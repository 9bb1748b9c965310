// Starts the export of telemetry. The OpenTelemetry packages load only when something is to be exported.
import type { Bus } from '../bus/client.ts';
import type { Log } from '../core/log.ts';
import type { OtelSettings } from '../core/otel-settings.ts';
import type { EngineMetrics } from './metrics.ts';
import type { Telemetry } from './otel.ts';

/** Starts the export for one engine on `bus`; undefined, and nothing is loaded, without `settings`. */
export async function startTelemetry(
  engine: string,
  settings: OtelSettings | undefined,
  log: Log,
  metrics: EngineMetrics,
  bus: Bus,
): Promise<Telemetry | undefined> {
  if (!settings) return undefined;
  const { OtelTelemetry } = await import('./otel-sdk.ts');
  const telemetry = await OtelTelemetry.start(engine, settings, log, metrics);
  if (telemetry.tracing) bus.traceWith(telemetry.tracing);
  return telemetry;
}
