// Starts the export of telemetry. The OpenTelemetry packages load only when something is to be exported.
import type { Log } from '../core/log.ts';
import type { OtelSettings } from '../core/otel-settings.ts';
import type { EngineMetrics } from './metrics.ts';
import type { Telemetry } from './otel.ts';

/** Starts the export for one engine; undefined, and nothing is loaded, without `settings`. */
export async function startTelemetry(
  engine: string,
  settings: OtelSettings | undefined,
  log: Log,
  metrics: EngineMetrics,
): Promise<Telemetry | undefined> {
  if (!settings) return undefined;
  const { OtelTelemetry } = await import('./otel-sdk.ts');
  return OtelTelemetry.start(engine, settings, log, metrics);
}
