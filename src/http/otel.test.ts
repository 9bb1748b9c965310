// Export of telemetry from one engine to a real receiver: spans, metrics, and what happens when the receiver does not work.
import { afterAll, afterEach, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { connect } from 'node:net';
import { Elysia } from 'elysia';
import { z } from 'zod';
import { TestEngine } from '../../test/support/engine.ts';
import { eventually } from '../../test/support/eventually.ts';
import { OtlpReceiver, plain, type ReceivedSpan } from '../../test/support/otlp.ts';
import { type BodyOf, topics } from '../bus/topics.ts';
import type { EngineDefinition } from './engine.ts';
import { traceIdOf } from './trace-context.ts';

setDefaultTimeout(20_000);

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const SPAN = '00f067aa0ba902b7';
const parent = (flags: string) => ({ traceparent: `00-${TRACE}-${SPAN}-${flags}` });
const fill: BodyOf<typeof topics.fills> = {
  fill_id: 'f1',
  order_id: 'o1',
  portfolio_id: 'p1',
  symbol: 'BTC-PERP',
  side: 'buy',
  quantity: '1',
  price: '100',
  fee: '0',
  ts_event_us: 1,
};

let hanging: PromiseWithResolvers<void>;
let reached = false;

const definition: EngineDefinition = {
  name: 'sample',
  port: 1,
  title: 'Sample',
  description: 'An engine of the tests.',
  create: ({ bus }) => ({
    routes: new Elysia()
      .get('/items/:id', ({ params }) => params)
      .get('/throws', () => {
        throw new Error('secret-of-ours');
      })
      .get('/hangs', async () => {
        reached = true;
        await hanging.promise;
        return {};
      })
      .post(
        '/fills',
        ({ request }) => {
          const correlationId = traceIdOf(request);
          bus.publish(topics.fills, fill, { ...(correlationId && { correlationId }) });
          return { ok: true };
        },
        { body: z.object({}) },
      ),
    participant: {
      consumes: [topics.orders],
      emits: [],
      process: (batch, publisher) => {
        for (const { correlation_id } of batch) publisher.publish(topics.fills, fill, 1, correlation_id);
      },
    },
  }),
};

const order: BodyOf<typeof topics.orders> = {
  order_id: 'o1',
  portfolio_id: 'p1',
  strategy: null,
  symbol: 'BTC-PERP',
  side: 'buy',
  type: 'market',
  quantity: '1',
  limit_price: null,
  status: 'accepted',
  reasons: [],
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
const named = async (name: string, count = 1): Promise<ReceivedSpan> => {
  await eventually(() => receiver.spans.filter((s) => s.name === name).length >= count, `a span ${name}`);
  return receiver.spans.filter((s) => s.name === name).at(-1)!;
};

describe('spans of requests', () => {
  beforeAll(() => start({ OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment=tests,team=a%20b' }));
  afterAll(stop);

  test('have the route as name, the attributes of HTTP, and the caller as parent', async () => {
    const response = await fetch(`${engine.url}/items/7?key=hidden`, { headers: parent('01') });
    const span = await named('GET /items/:id');
    expect(span).toMatchObject({ service: 'nautilus-sample', traceId: TRACE, parentSpanId: SPAN, kind: 2 });
    expect(span.attributes).toEqual({
      'http.request.method': 'GET',
      'url.path': '/items/7',
      'url.scheme': 'http',
      'http.route': '/items/:id',
      'http.response.status_code': 200,
      'http.response.header.x-request-id': [response.headers.get('x-request-id')!],
    });
    expect(span.resource).toMatchObject({ 'deployment.environment': 'tests', team: 'a b' });
    expect(span.status).toBe(0);
    expect(span.endMs).toBeGreaterThanOrEqual(span.startMs);
    expect(Math.abs(span.startMs - Date.now())).toBeLessThan(20_000);
    expect(response.headers.get('traceparent')).toBe(`00-${TRACE}-${span.spanId}-01`);
  });

  test('begin a trace when none came, and say so in the reply', async () => {
    const response = await fetch(`${engine.url}/ready`);
    const span = await named('GET /ready');
    expect(span.parentSpanId).toBe('');
    expect(response.headers.get('traceparent')).toBe(`00-${span.traceId}-${span.spanId}-01`);
  });

  test('end with 404, with our own failures and with clients that go away', async () => {
    expect((await fetch(`${engine.url}/nothing/here`)).status).toBe(404);
    const missing = await named('GET');
    expect(missing.attributes).toMatchObject({
      'http.response.status_code': 404,
      'url.path': '/nothing/here',
    });
    expect(missing.attributes['http.route']).toBeUndefined();
    expect(missing.status).toBe(0);

    expect((await fetch(`${engine.url}/throws`)).status).toBe(500);
    const failed = await named('GET /throws');
    expect([failed.status, failed.attributes['error.type']]).toEqual([2, '500']);
    expect(JSON.stringify(failed)).not.toContain('secret-of-ours');

    hanging = Promise.withResolvers();
    const before = receiver.spans.length;
    const gone = new AbortController();
    const pending = fetch(`${engine.url}/hangs`, { signal: gone.signal }).catch(() => 'gone');
    await eventually(() => reached, 'the handler');
    gone.abort();
    expect(await pending).toBe('gone');
    await eventually(() => receiver.spans.length > before, 'the span of a request without a client');
    expect(receiver.spans.at(-1)).toMatchObject({ status: 2, attributes: { 'error.type': 'client_gone' } });
    hanging.resolve();

    const cut = receiver.spans.length;
    const socket = connect(Number(new URL(engine.url).port), '127.0.0.1');
    const head =
      'POST /fills HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 50\r\n\r\n{"a';
    await new Promise((written) => socket.write(head, written));
    socket.destroy();
    await eventually(() => receiver.spans.length > cut, 'the span of a request whose body breaks off');
    expect(receiver.spans.at(-1)!.attributes).toMatchObject({ 'http.request.method': 'POST' });
  });

  test('are not made of health, nor of callers who do not record theirs', async () => {
    await fetch(`${engine.url}/health`);
    const response = await fetch(`${engine.url}/items/8`, { headers: parent('00') });
    expect(response.headers.get('traceparent')).toMatch(new RegExp(`^00-${TRACE}-[0-9a-f]{16}-00$`));
    const before = receiver.spans.filter((s) => s.name === 'GET /ready').length;
    await fetch(`${engine.url}/ready`);
    await named('GET /ready', before + 1);
    expect(receiver.spans.some((s) => s.attributes['url.path'] === '/health')).toBe(false);
    expect(receiver.spans.some((s) => s.attributes['url.path'] === '/items/8')).toBe(false);
  });
});

describe('spans of messages', () => {
  beforeAll(start);
  afterAll(stop);

  test('continue the trace of a request: what it causes carries its span', async () => {
    const body = JSON.stringify({});
    const headers = { 'content-type': 'application/json', ...parent('01') };
    await fetch(`${engine.url}/fills`, { method: 'POST', body, headers });
    const span = await named('POST /fills');
    const [message] = await engine.received(topics.fills, 1);
    expect(message!.traceparent).toBe(`00-${TRACE}-${span.spanId}-01`);
  });

  test('are one for each traced batch, child of the publisher, and parent of what follows', async () => {
    const traceparent = `00-${'a'.repeat(32)}-${SPAN}-01`;
    engine.bus.traceWith({ contextOf: () => traceparent, handling: () => undefined });
    for (let i = 0; i < 3; i++) {
      engine.bus.publish(topics.orders, order, { correlationId: 'a'.repeat(32) });
    }
    const span = await named('process strategy.orders');
    expect(span).toMatchObject({ traceId: 'a'.repeat(32), parentSpanId: SPAN, kind: 5, status: 0 });
    expect(span.attributes).toEqual({
      'messaging.system': 'nautilus',
      'messaging.operation.name': 'process',
      'messaging.operation.type': 'process',
      'messaging.destination.name': 'strategy.orders',
      'messaging.batch.message_count': 3,
      'nautilus.message.source': 'test',
    });
    const fills = (await engine.received(topics.fills, 4)).slice(1);
    for (const { traceparent } of fills) expect(traceparent).toBe(`00-${span.traceId}-${span.spanId}-01`);
  });

  test('are not made of messages without a recorded trace, nor in replays', async () => {
    const before = receiver.spans.length;
    engine.bus.traceWith({ contextOf: () => undefined, handling: () => undefined });
    const seen = engine.messages(topics.fills).length;
    engine.bus.publish(topics.orders, order, { correlationId: TRACE.replace('4', '5') });
    await engine.received(topics.fills, seen + 1);
    expect(engine.messages(topics.fills).at(-1)!.traceparent).toBeUndefined();
    engine.bus.traceWith({ contextOf: () => `00-${TRACE}-${SPAN}-01`, handling: () => undefined });
    const replayed = engine.bus.seal(topics.orders, order, { correlationId: TRACE, session: 's', step: 0 });
    expect(replayed.traceparent).toBeUndefined();
    await fetch(`${engine.url}/ready`);
    await named('GET /ready');
    expect(receiver.spans.slice(before).map((s) => s.name)).toEqual(['GET /ready']);
  });
});

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
    await named('GET /items/:id');
    expect((await counts()).exported).toBeGreaterThan(0);
  });

  test('that never answers holds nobody up and fills a bounded queue', async () => {
    await start({ OTEL_BSP_MAX_QUEUE_SIZE: '10', OTEL_METRICS_EXPORTER: 'none' });
    const open = Promise.withResolvers<void>();
    receiver.delay = open.promise;
    const began = performance.now();
    await ask(50);
    expect(performance.now() - began).toBeLessThan(5000);
    expect((await counts()).dropped).toBeGreaterThanOrEqual(40);
    const stopping = performance.now();
    await engine.stop();
    expect(performance.now() - stopping).toBeLessThan(3000);
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
  await fetch(`${engine.url}/items/1`, { headers: parent('01') });
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
