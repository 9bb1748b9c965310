// The export of one engine's telemetry to a real receiver: metrics, a receiver that does not work, the end, and none at all.
import { afterAll, afterEach, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { Elysia } from 'elysia';
import { TestEngine } from '../../test/support/engine.ts';
import { eventually } from '../../test/support/eventually.ts';
import { OtlpReceiver, plain } from '../../test/support/otlp.ts';
import type { EngineDefinition } from './engine.ts';

setDefaultTimeout(20_000);

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const SPAN = '00f067aa0ba902b7';

const definition: EngineDefinition = {
  name: 'sample',
  port: 1,
  title: 'Sample',
  description: 'An engine of the tests.',
  create: () => ({ routes: new Elysia().get('/items/:id', ({ params }) => params) }),
};

let receiver: OtlpReceiver;
let engine: TestEngine;
const start = async (env: Record<string, string> = {}) => {
  receiver = new OtlpReceiver();
  engine = await TestEngine.start(definition, { ...receiver.env, ...env });
};
const stop = async () => {
  await engine.stop();
  await receiver.stop();
};

describe('metrics', () => {
  beforeAll(start);
  afterAll(stop);
  const metric = async (name: string) => {
    await eventually(() => receiver.metrics.some((m) => m.name === name), name);
    return receiver.metrics.findLast((m) => m.name === name)!.body;
  };

  test('are those of /metrics: the same names, labels and numbers', async () => {
    for (let i = 0; i < 3; i++) await fetch(`${engine.url}/items/${i}`);
    const countOf = (body: Awaited<ReturnType<typeof metric>>) =>
      body.histogram.dataPoints.find((p: { attributes: [] }) => plain(p.attributes).route === '/items/:id');
    await eventually(
      async () => Number(countOf(await metric('nautilus_http_request_seconds'))?.count) === 3,
      'three requests',
    );
    const body = await metric('nautilus_http_request_seconds');
    expect(body).toMatchObject({ unit: 's', histogram: { aggregationTemporality: 2 } });
    const point = countOf(body);
    expect(plain(point.attributes)).toEqual({
      method: 'GET',
      route: '/items/:id',
      status: expect.anything(),
      engine: 'sample',
    });
    expect(point.bucketCounts).toHaveLength(point.explicitBounds.length + 1);
    expect(point.bucketCounts.reduce((sum: number, n: unknown) => sum + Number(n), 0)).toBe(3);
    expect(point.sum).toBeGreaterThan(0);

    const text = await (await fetch(`${engine.url}/metrics`)).text();
    for (const [, name] of text.matchAll(/^# TYPE (\S+)/gm)) {
      const hasSamples = new RegExp(`^${name}(_bucket)?[{ ]`, 'm').test(text);
      if (hasSamples) await metric(name!);
    }
    expect(await metric('nautilus_cpu_seconds_total')).toMatchObject({
      unit: 's',
      sum: { isMonotonic: true, aggregationTemporality: 2 },
    });
    expect((await metric('nautilus_bus_connected')).gauge.dataPoints[0].asDouble).toBe(1);
    expect(text).toMatch(
      /nautilus_otel_exports_total\{signal="metrics",outcome="ok",engine="sample"\} [1-9]/,
    );
  });
});

describe('a receiver that does not work', () => {
  afterEach(stop);
  const counts = async () => {
    const text = await (await fetch(`${engine.url}/metrics`)).text();
    return Object.fromEntries(
      [...text.matchAll(/^nautilus_otel_spans_total\{outcome="(\w+)".*\} (\d+)$/gm)].map(([, k, n]) => [
        k!,
        Number(n),
      ]),
    );
  };
  const ask = async (requests: number) => {
    for (let i = 0; i < requests; i++) expect((await fetch(`${engine.url}/items/1`)).status).toBe(200);
  };

  test('that refuses costs no reply; what it refused is counted', async () => {
    await start({ OTEL_METRICS_EXPORTER: 'none' });
    receiver.status = 500;
    await ask(20);
    await eventually(async () => (await counts()).failed! >= 20, 'failed spans');
    receiver.status = 200;
    await ask(1);
    await eventually(() => receiver.spans.length > 0, 'a span');
    expect((await counts()).exported).toBeGreaterThan(0);
  });

  test('that never answers holds nobody up and fills a bounded queue', async () => {
    await start({ OTEL_BSP_MAX_QUEUE_SIZE: '10', OTEL_METRICS_EXPORTER: 'none' });
    const open = Promise.withResolvers<void>();
    receiver.delay = open.promise;
    await ask(50);
    expect((await counts()).dropped).toBeGreaterThanOrEqual(40);
    await engine.stop();
    open.resolve();
  });

  test('that is not there costs no reply either', async () => {
    await start({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1', OTEL_EXPORTER_OTLP_TIMEOUT: '100' });
    await ask(20);
    await eventually(async () => (await counts()).failed! > 0, 'failed spans');
    await ask(5);
  });
});

test('exports what is left when the engine stops, with the headers that were set', async () => {
  await start({
    OTEL_BSP_SCHEDULE_DELAY: '60000',
    OTEL_METRIC_EXPORT_INTERVAL: '60000',
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf',
    OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20s3cret,x-tenant=a',
    OTEL_SERVICE_NAME: 'desk',
  });
  await fetch(`${engine.url}/items/1`, {
    headers: { traceparent: `00-${TRACE}-${SPAN}-01` },
  });
  await engine.stop();
  const sent = Object.fromEntries(receiver.exports.map((e) => [e.path, e]));
  expect(Object.keys(sent).sort()).toEqual(['/v1/metrics', '/v1/traces']);
  const { headers, bytes } = sent['/v1/traces']!;
  expect(headers.get('content-type')).toBe('application/x-protobuf');
  expect([headers.get('authorization'), headers.get('x-tenant')]).toEqual(['Bearer s3cret', 'a']);
  const text = Buffer.from(bytes);
  for (const part of ['desk-sample', 'GET /items/:id', Buffer.from(TRACE, 'hex'), Buffer.from(SPAN, 'hex')]) {
    expect(text.includes(part)).toBe(true);
  }
  await stop();
});

test('loads nothing of OpenTelemetry, and measures nothing, unless an endpoint is set', async () => {
  const script = `
    const loaded = () => Object.keys(require.cache).filter((path) => path.includes('@opentelemetry')).length;
    await import('./server.ts');
    const { startTelemetry } = await import('./otel-start.ts');
    const { loadConfig } = await import('../core/config.ts');
    const telemetry = await startTelemetry('x', loadConfig().otel);
    const before = loaded();
    await import('./otel-sdk.ts');
    console.log(JSON.stringify([telemetry ?? null, before, loaded() > 0]));
    process.exit(0);`;
  const env = { ...process.env, OTEL_SERVICE_NAME: 'x', OTEL_TRACES_SAMPLER: 'always_on' };
  const child = Bun.spawn([process.execPath, '-e', script], { cwd: import.meta.dir, env });
  expect(JSON.parse(await new Response(child.stdout).text())).toEqual([null, 0, true]);
  engine = await TestEngine.start(definition);
  receiver = new OtlpReceiver();
  expect(engine.context.telemetry).toBeUndefined();
  expect(engine.context.bus.tracing).toBeUndefined();
  const reply = await fetch(`${engine.url}/ready`);
  expect(reply.headers.get('traceparent')).toBeNull();
  expect(await (await fetch(`${engine.url}/metrics`)).text()).not.toContain('nautilus_otel');
  await stop();
});
