// Whether and where traces and metrics are exported over OTLP, by the standard variables of OpenTelemetry.
import { z } from 'zod';
import { InvalidOptionError } from './errors.ts';

/** Where one kind of telemetry goes. */
export interface OtlpTarget {
  /** Full address, with the path of the signal. It may hold credentials: show `origin` instead. */
  readonly url: string;
  /** Scheme, host and port: what messages and logs may say. */
  readonly origin: string;
  readonly protocol: 'http/protobuf' | 'http/json';
  readonly gzip: boolean;
  readonly timeoutMs: number;
  /** Headers of each export. A function, so that printing the settings cannot show them. */
  headers(): Record<string, string>;
}

/** Which new traces are recorded. */
export interface SamplerSettings {
  /** Follow the caller's decision where there is one. */
  readonly parentBased: boolean;
  /** Share of the traces that is recorded, 0..1. */
  readonly ratio: number;
}

/** The export of telemetry. */
export interface OtelSettings {
  /** Undefined: not exported. */
  readonly traces: OtlpTarget | undefined;
  readonly metrics: OtlpTarget | undefined;
  /** `service.name` is this, a hyphen and the name of the engine. */
  readonly serviceName: string;
  readonly resource: Readonly<Record<string, string>>;
  readonly sampler: SamplerSettings;
  readonly metricIntervalMs: number;
  /** Longest wait of a finished span for its export. */
  readonly spanDelayMs: number;
  /** Most spans that wait for their export; what comes then is dropped and counted. */
  readonly maxSpans: number;
}

const protocol = z.enum(['http/protobuf', 'http/json']);
const exporter = z.enum(['otlp', 'none']).default('otlp');
const compression = z.enum(['gzip', 'none']);
const milliseconds = z.coerce.number().int().min(1).max(3_600_000);
const endpoint = z
  .string()
  .refine((text) => /^https?:$/.test(schemeOf(text) ?? ''), 'a URL with http or https');
const SAMPLERS = ['always_on', 'always_off', 'traceidratio'] as const;
const PARENT_BASED = 'parentbased_';
/** What the standard gives an export. */
const EXPORT_MS = 10_000;

// Made when it is needed: most starts export nothing.
const envSchema = () =>
  z.object({
    /** Base address; /v1/traces and /v1/metrics are added. Without any of the three endpoints nothing is exported. */
    OTEL_EXPORTER_OTLP_ENDPOINT: endpoint.optional(),
    /** Full address of the traces. */
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: endpoint.optional(),
    /** Full address of the metrics. */
    OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: endpoint.optional(),
    /** http/protobuf or http/json. */
    OTEL_EXPORTER_OTLP_PROTOCOL: protocol.default('http/protobuf'),
    OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: protocol.optional(),
    OTEL_EXPORTER_OTLP_METRICS_PROTOCOL: protocol.optional(),
    /** gzip or none. */
    OTEL_EXPORTER_OTLP_COMPRESSION: compression.default('none'),
    /** Milliseconds of one export with its retries; 1..3600000. */
    OTEL_EXPORTER_OTLP_TIMEOUT: milliseconds.optional(),
    /** `none` exports no traces whatever the endpoints. */
    OTEL_TRACES_EXPORTER: exporter,
    OTEL_METRICS_EXPORTER: exporter,
    /** `true` exports nothing whatever the rest. */
    OTEL_SDK_DISABLED: z
      .string()
      .toLowerCase()
      .pipe(z.enum(['true', 'false']))
      .default('false'),
    /** Begins the service name of each engine. */
    OTEL_SERVICE_NAME: z.string().max(200).optional(),
    /** key=value,key=value; values are percent-encoded. */
    OTEL_RESOURCE_ATTRIBUTES: z.string().optional(),
    OTEL_TRACES_SAMPLER: z
      .enum([...SAMPLERS, ...SAMPLERS.map((name) => `${PARENT_BASED}${name}` as const)])
      .default('parentbased_always_on'),
    /** Share of traces that a ratio sampler records; 0..1. */
    OTEL_TRACES_SAMPLER_ARG: z.coerce.number().min(0).max(1).default(1),
    /** Milliseconds between two exports of the metrics; 100..3600000. */
    OTEL_METRIC_EXPORT_INTERVAL: milliseconds.min(100).default(60_000),
    /** Milliseconds that a finished span waits for its export at most. */
    OTEL_BSP_SCHEDULE_DELAY: milliseconds.default(5000),
    /** Most spans that wait; 1..1000000. */
    OTEL_BSP_MAX_QUEUE_SIZE: z.coerce.number().int().min(1).max(1_000_000).default(2048),
  });

type Environment = Readonly<Record<string, string | undefined>>;
type Signal = 'TRACES' | 'METRICS';

/**
 * Returns what to export and where; undefined when no endpoint is set or everything is off. Headers are read by `secret`, as they
 * hold keys. An export gets `defaultTimeoutMs`, at most 10 s, unless the variable of the standard says more or less. Throws
 * {@link InvalidOptionError} that names each bad variable and never its value.
 */
export function otelSettings(
  env: Environment,
  secret: (name: string, env: Environment) => string | undefined,
  defaultTimeoutMs: number,
): OtelSettings | undefined {
  const present = Object.fromEntries(Object.entries(env).filter(([, value]) => value));
  const endpoints = ['', '_TRACES', '_METRICS'].map((signal) => `OTEL_EXPORTER_OTLP${signal}_ENDPOINT`);
  // Other programs share these variables: they are not looked at, and cannot stop a start, unless something is exported.
  if (!endpoints.some((name) => name in present) || present.OTEL_SDK_DISABLED?.toLowerCase() === 'true')
    return undefined;
  const parsed = envSchema().safeParse(present);
  if (!parsed.success) throw badConfiguration(parsed.error.issues.map((i) => [i.path.join('/'), i.message]));
  const e = parsed.data;
  const headersOf = (name: string) => pairsOf(name, secret(name, env), HEADER_VALUE);
  const target = (signal: Signal): OtlpTarget | undefined => {
    const url = e[`OTEL_EXPORTER_OTLP_${signal}_ENDPOINT`] ?? withPath(e.OTEL_EXPORTER_OTLP_ENDPOINT, signal);
    if (url === undefined || e[`OTEL_${signal}_EXPORTER`] === 'none') return undefined;
    const headers = {
      ...headersOf('OTEL_EXPORTER_OTLP_HEADERS'),
      ...headersOf(`OTEL_EXPORTER_OTLP_${signal}_HEADERS`),
    };
    return {
      url,
      origin: new URL(url).origin,
      protocol: e[`OTEL_EXPORTER_OTLP_${signal}_PROTOCOL`] ?? e.OTEL_EXPORTER_OTLP_PROTOCOL,
      gzip: e.OTEL_EXPORTER_OTLP_COMPRESSION === 'gzip',
      timeoutMs: e.OTEL_EXPORTER_OTLP_TIMEOUT ?? Math.min(defaultTimeoutMs, EXPORT_MS),
      headers: () => ({ ...headers }),
    };
  };
  const traces = target('TRACES');
  const metrics = target('METRICS');
  if (!traces && !metrics) return undefined;
  const resource = pairsOf('OTEL_RESOURCE_ATTRIBUTES', e.OTEL_RESOURCE_ATTRIBUTES, /^/);
  const { 'service.name': named, ...rest } = resource;
  return {
    traces,
    metrics,
    serviceName: e.OTEL_SERVICE_NAME ?? named ?? 'nautilus',
    resource: rest,
    sampler: samplerOf(e.OTEL_TRACES_SAMPLER, e.OTEL_TRACES_SAMPLER_ARG),
    metricIntervalMs: e.OTEL_METRIC_EXPORT_INTERVAL,
    spanDelayMs: e.OTEL_BSP_SCHEDULE_DELAY,
    maxSpans: e.OTEL_BSP_MAX_QUEUE_SIZE,
  };
}

function samplerOf(name: string, share: number): SamplerSettings {
  const parentBased = name.startsWith(PARENT_BASED);
  const root = parentBased ? name.slice(PARENT_BASED.length) : name;
  return { parentBased, ratio: root === 'always_on' ? 1 : root === 'always_off' ? 0 : share };
}

function withPath(base: string | undefined, signal: Signal): string | undefined {
  if (base === undefined) return undefined;
  const url = new URL(base);
  url.pathname = `${url.pathname.replace(/\/$/, '')}/v1/${signal.toLowerCase()}`;
  return url.href;
}

function schemeOf(text: string): string | undefined {
  return URL.canParse(text) ? new URL(text).protocol : undefined;
}

// Names of headers (RFC 9110, section 5.6.2) and of attributes.
const KEY = /^[\w.!#$&'*+^`|~-]{1,200}$/;
const HEADER_VALUE = /^[\x20-\x7e]*$/;

function pairsOf(variable: string, text: string | undefined, allowed: RegExp): Record<string, string> {
  const pairs: Record<string, string> = {};
  for (const part of (text ?? '').split(',')) {
    if (part.trim() === '') continue;
    const at = part.indexOf('=');
    const key = part.slice(0, at).trim();
    const value = at < 1 ? undefined : decoded(part.slice(at + 1).trim());
    if (value === undefined || !KEY.test(key) || !allowed.test(value)) {
      throw badConfiguration([
        [variable, 'key=value pairs separated by commas, with percent-encoded values'],
      ]);
    }
    pairs[key] = value;
  }
  return pairs;
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

function badConfiguration(faults: readonly (readonly [string, string])[]): InvalidOptionError {
  const message = `Bad configuration: ${faults.map(([name, expected]) => `${name}: ${expected}`).join('; ')}`;
  return new InvalidOptionError(
    message,
    faults.map(([name, expected]) => ({ pointer: `env/${name}`, expected })),
  );
}
