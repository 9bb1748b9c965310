// Where telemetry goes, by the standard variables: what is read, what is refused, what is never shown.
import { describe, expect, test } from 'bun:test';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { secret } from './config.ts';
import { otelSettings } from './otel-settings.ts';

const BASE = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' };
const read = (env: Record<string, string>, timeoutMs = 30_000) => otelSettings(env, secret, timeoutMs);

describe('settings of the export', () => {
  test('are absent without an endpoint, whatever else is set, and when all is switched off', () => {
    expect(read({})).toBeUndefined();
    expect(read({ OTEL_TRACES_SAMPLER: 'xray', OTEL_SERVICE_NAME: 'x' })).toBeUndefined();
    expect(read({ ...BASE, OTEL_SDK_DISABLED: 'true' })).toBeUndefined();
    expect(read({ ...BASE, OTEL_SDK_DISABLED: 'True' })).toBeUndefined();
    expect(read({ ...BASE, OTEL_TRACES_EXPORTER: 'none', OTEL_METRICS_EXPORTER: 'none' })).toBeUndefined();
    expect(read({ OTEL_EXPORTER_OTLP_ENDPOINT: '' })).toBeUndefined();
  });

  test('send both signals to the base address, with what the standard has as defaults', () => {
    const settings = read(BASE)!;
    expect(settings.traces).toMatchObject({
      url: 'http://collector:4318/v1/traces',
      protocol: 'http/protobuf',
      gzip: false,
      timeoutMs: 10_000,
    });
    expect(settings.metrics!.url).toBe('http://collector:4318/v1/metrics');
    expect(settings).toMatchObject({
      serviceName: 'nautilus',
      sampler: { parentBased: true, ratio: 1 },
      metricIntervalMs: 60_000,
      spanDelayMs: 5000,
      maxSpans: 2048,
    });
    expect(read({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c/base/' })!.traces!.url).toBe(
      'http://c/base/v1/traces',
    );
  });

  test('wait no longer than other calls, unless the variable of the standard says so', () => {
    expect(read(BASE, 500)!.traces!.timeoutMs).toBe(500);
    expect(read(BASE, 60_000)!.metrics!.timeoutMs).toBe(10_000);
    expect(read({ ...BASE, OTEL_EXPORTER_OTLP_TIMEOUT: '7000' }, 500)!.traces!.timeoutMs).toBe(7000);
  });

  test('take the address of one signal as it is, and export only that one', () => {
    const settings = read({ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'https://c/otlp' })!;
    expect(settings.traces!.url).toBe('https://c/otlp');
    expect(settings.metrics).toBeUndefined();
  });

  test('know the samplers of the standard', () => {
    const sampler = (name: string, share?: string) =>
      read({ ...BASE, OTEL_TRACES_SAMPLER: name, ...(share && { OTEL_TRACES_SAMPLER_ARG: share }) })!.sampler;
    expect(sampler('always_on', '0.5')).toEqual({ parentBased: false, ratio: 1 });
    expect(sampler('always_off')).toEqual({ parentBased: false, ratio: 0 });
    expect(sampler('traceidratio', '0.25')).toEqual({ parentBased: false, ratio: 0.25 });
    expect(sampler('parentbased_traceidratio', '0.25')).toEqual({ parentBased: true, ratio: 0.25 });
    expect(sampler('parentbased_always_off')).toEqual({ parentBased: true, ratio: 0 });
  });

  test('name the service by its variable, or by the attributes of the resource', () => {
    const attributes = { ...BASE, OTEL_RESOURCE_ATTRIBUTES: 'service.name=desk, team=caf%C3%A9 ,' };
    expect(read(attributes)).toMatchObject({ serviceName: 'desk', resource: { team: 'café' } });
    expect(read({ ...attributes, OTEL_SERVICE_NAME: 'other' })!.serviceName).toBe('other');
  });

  test('read headers from the variable or a private file, and show them nowhere', () => {
    const settings = read({
      ...BASE,
      OTEL_EXPORTER_OTLP_HEADERS: 'api-key=s3cret,x=a%20b',
      OTEL_EXPORTER_OTLP_METRICS_HEADERS: 'x=c',
    })!;
    expect(settings.traces!.headers()).toEqual({ 'api-key': 's3cret', x: 'a b' });
    expect(settings.metrics!.headers()).toEqual({ 'api-key': 's3cret', x: 'c' });
    expect(JSON.stringify(settings) + Bun.inspect(settings, { depth: 9 })).not.toContain('s3cret');
    const path = join(mkdtempSync(join(tmpdir(), 'otel-')), 'headers');
    writeFileSync(path, 'api-key=filed\n', { mode: 0o600 });
    expect(read({ ...BASE, OTEL_EXPORTER_OTLP_HEADERS_FILE: path })!.traces!.headers()).toEqual({
      'api-key': 'filed',
    });
  });

  test('refuse what is wrong by the name of its variable, never by its value', () => {
    for (const [name, value] of [
      ['OTEL_EXPORTER_OTLP_HEADERS', 's3cret'],
      ['OTEL_EXPORTER_OTLP_HEADERS', 'a=s3cret%0Ab'],
      ['OTEL_EXPORTER_OTLP_HEADERS', 'a=%s3cret'],
      ['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 'grpc://s3cret:4317'],
      ['OTEL_EXPORTER_OTLP_PROTOCOL', 'grpc'],
      ['OTEL_TRACES_SAMPLER', 's3cret'],
      ['OTEL_TRACES_SAMPLER_ARG', '1.5'],
      ['OTEL_METRIC_EXPORT_INTERVAL', '0'],
    ] as const) {
      const act = () => read({ ...BASE, [name]: value });
      expect(act).toThrow(`Bad configuration: ${name}: `);
      expect(act).not.toThrow('s3cret');
    }
  });
});
