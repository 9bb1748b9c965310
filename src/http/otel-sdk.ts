// Puts the OpenTelemetry SDK together for one engine. Only otel-start.ts imports this, when something is to be exported.
import { hostname } from 'node:os';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  MeterProvider,
  PeriodicExportingMetricReader,
  type PushMetricExporter,
} from '@opentelemetry/sdk-metrics';
import {
  ParentBasedSampler,
  type Sampler,
  type SpanExporter,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import { newId } from '../core/ids.ts';
import type { Log } from '../core/log.ts';
import type { OtelSettings, OtlpTarget, SamplerSettings } from '../core/otel-settings.ts';
import { VERSION } from '../core/version.ts';
import type { EngineMetrics } from './metrics.ts';
import type { Telemetry, Tracing } from './otel.ts';
import { ExportHealth } from './otel-health.ts';
import { RegistryProducer } from './otel-metrics.ts';
import { SpanQueue } from './otel-spans.ts';
import { OtelTracing } from './otel-tracing.ts';
import { Counter } from './prom.ts';

// A collector that is away anyway does not hold up a stop for longer.
const LAST_TRY_MS = 500;

/** The running SDK. */
export class OtelTelemetry implements Telemetry {
  readonly tracing: Tracing | undefined;
  readonly #providers: readonly { shutdown(): Promise<void> }[];
  readonly #health: readonly ExportHealth[];

  private constructor(
    tracing: Tracing | undefined,
    providers: readonly { shutdown(): Promise<void> }[],
    health: readonly ExportHealth[],
  ) {
    this.tracing = tracing;
    this.#providers = providers;
    this.#health = health;
  }

  /** Loads the exporters and starts. Metrics are exported when they are measured at all. */
  static async start(
    engine: string,
    settings: OtelSettings,
    log: Log,
    metrics: EngineMetrics,
  ): Promise<OtelTelemetry> {
    const resource = resourceFromAttributes({
      'host.name': hostname(),
      'process.pid': process.pid,
      'service.instance.id': newId(),
      'service.version': VERSION,
      ...settings.resource,
      'service.name': `${settings.serviceName}-${engine}`,
    });
    const health: Partial<Record<'traces' | 'metrics', ExportHealth>> = {};
    const providers: { shutdown(): Promise<void> }[] = [];
    let tracing: Tracing | undefined;
    let queue: SpanQueue | undefined;
    if (settings.traces) {
      health.traces = new ExportHealth('traces', settings.traces.origin, log);
      const exporter = await spanExporter(settings.traces);
      queue = new SpanQueue(exporter, health.traces, settings.maxSpans, settings.spanDelayMs);
      const sampler = samplerOf(settings.sampler);
      const provider = new TracerProvider({ resource, sampler, spanProcessors: [queue] });
      tracing = new OtelTracing(provider.getTracer('nautilus', VERSION));
      providers.push(provider);
    }
    if (settings.metrics && metrics.enabled) {
      health.metrics = new ExportHealth('metrics', settings.metrics.origin, log);
      const reader = new PeriodicExportingMetricReader({
        exporter: watched(await metricExporter(settings.metrics), health.metrics),
        exportIntervalMillis: settings.metricIntervalMs,
        metricProducers: [new RegistryProducer(metrics.registry, Date.now())],
      });
      providers.push(new MeterProvider({ resource, readers: [reader] }));
    }
    register(metrics, health, queue);
    return new OtelTelemetry(tracing, providers, Object.values(health));
  }

  async stop(graceMs: number): Promise<void> {
    const ended = Promise.allSettled(this.#providers.map((provider) => provider.shutdown()));
    const failing = this.#health.some((health) => health.failing);
    await Promise.race([ended, Bun.sleep(failing ? Math.min(graceMs, LAST_TRY_MS) : graceMs)]);
  }
}

function register(
  { registry }: EngineMetrics,
  health: Partial<Record<'traces' | 'metrics', ExportHealth>>,
  queue: SpanQueue | undefined,
): void {
  const registers = [registry];
  new Counter({
    name: 'nautilus_otel_exports_total',
    help: 'Exports of telemetry over OTLP, by signal and outcome',
    labelNames: ['signal', 'outcome'],
    registers,
    collect() {
      this.reset();
      for (const [signal, { exports }] of Object.entries(health)) {
        for (const [outcome, n] of Object.entries(exports)) this.inc({ signal, outcome }, n);
      }
    },
  });
  if (!queue) return;
  new Counter({
    name: 'nautilus_otel_spans_total',
    help: 'Finished spans by what became of them',
    labelNames: ['outcome'],
    registers,
    collect() {
      this.reset();
      for (const [outcome, n] of Object.entries(queue.counts)) this.inc({ outcome }, n);
    },
  });
}

function samplerOf({ parentBased, ratio }: SamplerSettings): Sampler {
  const root = new TraceIdRatioBasedSampler(ratio);
  return parentBased ? new ParentBasedSampler({ root }) : root;
}

/** What the exporters take; JSON and protobuf alike. */
function optionsOf({ url, timeoutMs, gzip, headers }: OtlpTarget) {
  // The type of the option is an enum whose members are these words.
  const compression = (gzip ? 'gzip' : 'none') as never;
  return { url, timeoutMillis: timeoutMs, compression, headers: headers() };
}

async function spanExporter(target: OtlpTarget): Promise<SpanExporter> {
  const { OTLPTraceExporter } =
    target.protocol === 'http/json'
      ? await import('@opentelemetry/exporter-trace-otlp-http')
      : await import('@opentelemetry/exporter-trace-otlp-proto');
  return new OTLPTraceExporter(optionsOf(target));
}

async function metricExporter(target: OtlpTarget): Promise<PushMetricExporter> {
  const { OTLPMetricExporter } =
    target.protocol === 'http/json'
      ? await import('@opentelemetry/exporter-metrics-otlp-http')
      : await import('@opentelemetry/exporter-metrics-otlp-proto');
  return new OTLPMetricExporter({ ...optionsOf(target), temporalityPreference: 1 });
}

/** The same exporter, whose results are noted. */
function watched(exporter: PushMetricExporter, health: ExportHealth): PushMetricExporter {
  return {
    export: (metrics, done) =>
      exporter.export(metrics, (result) => {
        health.note(result);
        done(result);
      }),
    forceFlush: () => exporter.forceFlush(),
    shutdown: () => exporter.shutdown(),
    selectAggregationTemporality: (type) => exporter.selectAggregationTemporality!(type),
  };
}
