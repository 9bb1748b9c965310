// Spans of requests and messages of one engine, as a real receiver gets them.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { connect } from 'node:net';
import { Elysia } from 'elysia';
import { z } from 'zod';
import { TestEngine } from '../../test/support/engine.ts';
import { eventually } from '../../test/support/eventually.ts';
import { OtlpReceiver, type ReceivedSpan } from '../../test/support/otlp.ts';
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
      .get('/items/:id', ({ params }) => params, { query: z.object({ key: z.string().optional() }) })
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
        if (batch.some(({ body }) => (body as typeof order).order_id === 'bad'))
          throw new TypeError('secret-of-ours');
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
      'POST /fills HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 50\r\n\r\n{"a';
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

  test('end as errors when the handling fails, without its words', async () => {
    engine.bus.traceWith({ contextOf: () => `00-${'b'.repeat(32)}-${SPAN}-01`, handling: () => undefined });
    engine.bus.publish(topics.orders, { ...order, order_id: 'bad' }, { correlationId: 'b'.repeat(32) });
    await eventually(() => receiver.spans.some((s) => s.traceId === 'b'.repeat(32)), 'a failed span');
    const span = receiver.spans.find((s) => s.traceId === 'b'.repeat(32))!;
    expect([span.status, span.attributes['error.type']]).toEqual([2, 'TypeError']);
    expect(span.attributes['messaging.message.id']).toBeString();
    expect(JSON.stringify(span)).not.toContain('secret-of-ours');
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

test('durable events come with their trace through the log; each try is a span', async () => {
  let tries = 0;
  const consumer: EngineDefinition = {
    ...definition,
    migrations: [],
    create: () => ({
      routes: new Elysia(),
      participant: {
        consumes: [topics.fills],
        emits: [],
        process: () => {
          if (++tries === 1) throw new TypeError('not yet');
        },
      },
    }),
  };
  receiver = new OtlpReceiver();
  engine = await TestEngine.start(consumer, receiver.env);
  engine.bus.traceWith({ contextOf: () => `00-${TRACE}-${SPAN}-01`, handling: () => undefined });
  const event = await engine.append(topics.fills, fill, { correlationId: TRACE });
  await named('process strategy.fills', 2);
  const spans = receiver.spans.filter((s) => s.kind === 5);
  expect(spans.map((s) => [s.traceId, s.parentSpanId, s.status, s.attributes['error.type']])).toEqual([
    [TRACE, SPAN, 2, 'TypeError'],
    [TRACE, SPAN, 0, undefined],
  ]);
  for (const span of spans) expect(span.attributes['messaging.message.id']).toBe(event.id);
  await stop();
});
