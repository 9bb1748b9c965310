// The kit around every engine: ids, limits, problems, common routes.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { connect } from 'node:net';
import { Elysia } from 'elysia';
import { z } from 'zod';
import { type Reply, TestEngine } from '../../test/support/engine.ts';
import { ConflictError } from '../core/errors.ts';
import type { EngineDefinition } from './engine.ts';

setDefaultTimeout(20_000);

const SECRET = 'secret-of-ours';
let missing: string[] = [];

const definition: EngineDefinition = {
  name: 'sample',
  port: 1,
  title: 'Sample',
  description: 'An engine of the tests.',
  create: () => ({
    missing: () => missing,
    status: () => ({ own: 'part' }),
    routes: new Elysia()
      .get('/throws', () => {
        throw new Error(SECRET);
      })
      .get('/rejects', async () => {
        await Promise.reject(new TypeError(SECRET));
      })
      .get('/conflict', () => {
        throw new ConflictError('Expected no history', { fills: 3 });
      })
      .get('/lies', () => ({ x: SECRET }) as unknown as { x: number }, {
        response: { 200: z.object({ x: z.number() }) },
      })
      .get('/items/:id', ({ params, query }) => ({ ...params, ...query }), {
        params: z.object({ id: z.coerce.number().int() }),
        query: z.object({
          limit: z.coerce.number().int().max(5).default(2),
          from_us: z.coerce.number().optional(),
        }),
      })
      .post('/optional', ({ body }) => ({ got: body ?? null }), {
        body: z.strictObject({ a: z.number() }).optional(),
      })
      .post('/deep', ({ body }) => body, {
        body: z.strictObject({
          side: z.enum(['buy', 'sell']),
          legs: z.array(z.object({ qty: z.number().positive() })),
        }),
      })
      .post('/kinds', ({ body }) => body, {
        body: z.discriminatedUnion('mode', [
          z.strictObject({
            mode: z.literal('slow'),
            speed: z.union([z.literal('max'), z.number().max(1000)]).optional(),
            bars: z
              .discriminatedUnion('unit', [
                z.strictObject({ unit: z.literal('tick'), 'a/b': z.int() }),
                z.strictObject({ unit: z.literal('volume') }),
              ])
              .optional(),
          }),
          z.strictObject({
            mode: z.literal('fast'),
            marks: z.record(z.string().regex(/^[a-z]+$/, 'expected small letters'), z.int()).optional(),
          }),
        ]),
      }),
  }),
};

describe('engine kit', () => {
  let engine: TestEngine;
  beforeAll(async () => {
    engine = await TestEngine.start(definition, { NAUTILUS_MAX_BODY_BYTES: '4096' });
  });
  afterAll(() => engine.stop());

  const problemOf = ({ status, type, body }: Reply) => {
    expect(type).toBe('application/problem+json');
    expect(body.status).toBe(status);
    expect(JSON.stringify(body)).not.toContain(SECRET);
    return [status, body.type.replace('/problems/', '')];
  };

  test('tells nothing of an unexpected failure but an id, in whatever way it failed', async () => {
    for (const path of ['/throws', '/rejects', '/lies']) {
      const reply = await engine.get(path);
      expect(problemOf(reply)).toEqual([500, 'internal']);
      expect(Object.keys(reply.body).sort()).toEqual(['detail', 'instance', 'status', 'title', 'type']);
    }
  });

  test('passes on what a typed error says', async () => {
    const reply = await engine.get('/conflict');
    expect(problemOf(reply)).toEqual([409, 'conflict']);
    expect(reply.body).toMatchObject({ detail: 'Expected no history', fills: 3 });
  });

  test('gives each reply a request id, and keeps a good one of the caller', async () => {
    const ids = await Promise.all(
      ['abc-1', 'x'.repeat(200), 'two words', ''].map(async (given) => {
        const response = await fetch(`${engine.url}/ready`, { headers: { 'x-request-id': given } });
        return response.headers.get('x-request-id')!;
      }),
    );
    expect(ids[0]).toBe('abc-1');
    expect(new Set(ids).size).toBe(4);
    for (const id of ids.slice(1)) expect(id).toMatch(/^[\w-]{20,40}$/);
    const failed = await engine.get('/conflict', { 'x-request-id': 'mine' });
    expect(failed.body.instance).toBe('mine');
  });

  test('names each broken field, what was expected and what kind of thing came', async () => {
    const body = await engine.post('/deep', {
      side: SECRET,
      legs: [{ qty: 1 }, { qty: '2' }, {}, { qty: -1 }],
    });
    expect(problemOf(body)).toEqual([422, 'invalid-option']);
    expect(body.body.errors).toEqual([
      { pointer: '/side', expected: expect.stringContaining('"buy"|"sell"') },
      { pointer: '/legs/1/qty', expected: 'number', received: 'string' },
      { pointer: '/legs/2/qty', expected: 'number', received: 'missing' },
      { pointer: '/legs/3/qty', expected: expect.stringContaining('>0') },
    ]);
    const path = await engine.get('/items/abc');
    expect([problemOf(path), path.body.errors[0].pointer]).toEqual([[422, 'invalid-option'], 'path/id']);
    const query = await engine.get('/items/1?limit=9');
    expect([problemOf(query), query.body.errors[0].pointer]).toEqual([
      [422, 'invalid-option'],
      'query/limit',
    ]);
    expect((await engine.get('/items/1')).body).toEqual({ id: 1, limit: 2 });
  });

  test('refuses a name in the query that a route does not know, with those that it knows and the nearest', async () => {
    const known = 'one of limit, from_us';
    for (const [query, ...expected] of [
      ['limti=3', ['query/limti', `${known} (nearest: limit)`]],
      ['form=1&limit=3', ['query/form', `${known} (nearest: from_us)`]],
      ['a%20b=1&to=2&to=3', ['query', known], ['query/to', known]],
      [`${SECRET}=1`, ['query', known]],
    ] as [string, ...string[][]][]) {
      const reply = await engine.get(`/items/1?${query}`);
      expect(problemOf(reply)).toEqual([422, 'invalid-option']);
      const errors = expected.map(([pointer, words]) => ({ pointer, expected: words }));
      expect([query, reply.body.errors]).toEqual([query, errors]);
    }
    for (const [method, path] of [
      ['GET', '/conflict?x=1'],
      ['POST', '/optional?x'],
    ]) {
      const { status, body } = await engine.send(method!, path!);
      expect([status, body.errors]).toEqual([422, [{ pointer: 'query/x', expected: 'no parameters' }]]);
    }
  });

  test('names unknown fields, and what tells the kinds of a body apart', async () => {
    const errorsOf = async (body: object) => {
      const reply = await engine.post('/kinds', body);
      expect(problemOf(reply)).toEqual([422, 'invalid-option']);
      return reply.body.errors;
    };
    const mode = { pointer: '/mode', expected: 'one of "slow"|"fast"' };
    expect(await errorsOf({})).toEqual([{ ...mode, received: 'missing' }]);
    expect(await errorsOf({ mode: SECRET })).toEqual([mode]);
    const none = 'no field of this name';
    expect(await errorsOf({ mode: 'fast', x: SECRET, 'y.z': 1 })).toEqual([
      { pointer: '/x', expected: none },
      { pointer: '/y.z', expected: none },
    ]);
    expect(await errorsOf({ mode: 'slow', bars: { unit: 'tick', 'a/b': '1', q: 1 } })).toEqual([
      { pointer: '/bars/a~1b', expected: 'number', received: 'string' },
      { pointer: '/bars/q', expected: none },
    ]);
    expect(await errorsOf({ mode: 'slow', bars: {} })).toEqual([
      { pointer: '/bars/unit', expected: 'one of "tick"|"volume"', received: 'missing' },
    ]);
    expect(await errorsOf({ mode: 'slow', speed: SECRET })).toEqual([
      { pointer: '/speed', expected: '"max" or number' },
    ]);
    expect(await errorsOf({ mode: 'slow', speed: 1e6 })).toEqual([
      { pointer: '/speed', expected: 'number <=1000' },
    ]);
    expect(await errorsOf({ mode: 'fast', marks: { ok: '1', B: 2 } })).toEqual([
      { pointer: '/marks/ok', expected: 'number', received: 'string' },
      { pointer: '/marks/B', expected: 'small letters as its name' },
    ]);
    expect(await errorsOf([])).toEqual([{ pointer: '', expected: 'object', received: 'array' }]);
  });

  test('takes a route without a body where none is needed, and refuses bodies that are no JSON', async () => {
    expect((await engine.post('/optional')).body).toEqual({ got: null });
    expect((await engine.post('/optional', { a: 1 })).body).toEqual({ got: { a: 1 } });
    const send = async (body: string, type: string) => {
      const response = await fetch(`${engine.url}/optional`, {
        method: 'POST',
        body,
        headers: { 'content-type': type },
      });
      return problemOf({
        status: response.status,
        type: response.headers.get('content-type')!,
        body: await response.json(),
      });
    };
    expect(await send('{"a":', 'application/json')).toEqual([400, 'malformed-body']);
    expect(await send('{"a":NaN}', 'application/json')).toEqual([400, 'malformed-body']);
    expect(await send('{"a":1e999}', 'application/json')).toEqual([422, 'invalid-option']);
    expect(await send(`{"a":1,"b":"${SECRET}"}`, 'application/json')).toEqual([422, 'invalid-option']);
    expect(await send('a=1', 'text/plain')).toEqual([400, 'malformed-body']);
    expect(await send(`{"a":${' '.repeat(5000)}1}`, 'application/json')).toEqual([413, 'too-large']);
  });

  test('holds the body limit also for senders that do not announce a length', async () => {
    const chunked = async (size: number) => {
      const socket = connect(Number(new URL(engine.url).port), '127.0.0.1');
      const body = `{"a":${' '.repeat(size)}1}`;
      socket.write(
        'POST /optional HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n' +
          `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`,
      );
      let text = '';
      for await (const chunk of socket) text += chunk;
      return text;
    };
    expect(await chunked(10)).toContain('{"got":{"a":1}}');
    const refused = await chunked(6000);
    expect(refused).toStartWith('HTTP/1.1 413');
    expect(refused).toContain('/problems/too-large');
  });

  test('answers unknown routes and verbs with a problem, and counts them under one label', async () => {
    expect(problemOf(await engine.get('/nope'))).toEqual([404, 'not-found']);
    expect(problemOf(await engine.send('DELETE', '/health'))).toEqual([404, 'not-found']);
    expect(problemOf(await engine.get('/openapi/assets/nope.js'))).toEqual([404, 'not-found']);
    const metrics = (await engine.get('/metrics')).body as string;
    expect(metrics).toMatch(/request_seconds_count\{.*route="unmatched",status="404".*\} \d/);
    expect(metrics).toMatch(/route="\/items\/:id"/);
    expect(metrics).not.toContain('/nope');
  });

  test('is degraded while something is missing, and healthy again after', async () => {
    missing = ['model'];
    expect((await engine.get('/health')).body).toMatchObject({ status: 'degraded', missing: ['model'] });
    missing = [];
    expect((await engine.get('/health')).body).toMatchObject({
      status: 'healthy',
      engine: 'sample',
      messagebus: 'memory',
    });
    expect((await engine.get('/system/status')).body).toMatchObject({ own: 'part', replay: null });
    expect((await engine.get('/ready')).body).toEqual({ ready: true });
  });

  test('answers health alike on the short way and through the router, and only on its own path', async () => {
    const [short, routed] = await Promise.all([engine.get('/health'), engine.get('/health?verbose=1')]);
    expect([short!.status, short!.type]).toEqual([routed!.status, routed!.type]);
    expect(Object.keys(short!.body)).toEqual(Object.keys(routed!.body));
    expect(short!.body.response_time_ms).toBeGreaterThan(0);
    const head = await fetch(`${engine.url}/health`, { method: 'HEAD' });
    expect([head.status, await head.text()]).toEqual([200, '']);
    for (const path of ['/items/health', '/x?y=/health']) {
      expect((await engine.get(path)).status).toBeGreaterThanOrEqual(400);
    }
    const metrics = (await engine.get('/metrics')).body as string;
    expect(metrics).toMatch(/request_seconds_count\{method="GET",route="\/health",status="200"/);
  });

  test('answers with the trace of a request, and with a new one where a request without may cause something', async () => {
    const trace = '4bf92f3577b34da6a3ce929d0e0e4736';
    const headers = { traceparent: `00-${trace}-00f067aa0ba902b7-01` };
    const traced = async (path: string, init: RequestInit) =>
      (await fetch(engine.url + path, init)).headers.get('traceparent');
    for (const path of ['/items/1', '/conflict']) expect(await traced(path, { headers })).toContain(trace);
    const json = { method: 'POST', body: '{}', headers: { ...headers, 'content-type': 'application/json' } };
    for (const path of ['/optional', '/nope']) expect(await traced(path, json)).toContain(trace);
    expect(await traced('/optional', { method: 'POST' })).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/);
    expect(await traced('/items/1', {})).toBeNull();
  });

  test('describes bodies, parameters and replies in OpenAPI, without references', async () => {
    const { body } = await engine.get('/openapi/json');
    const deep = body.paths['/deep'].post.requestBody.content['application/json'].schema;
    expect(deep).toMatchObject({ type: 'object', additionalProperties: false, required: ['side', 'legs'] });
    expect(body.paths['/items/{id}'].get.parameters).toHaveLength(3);
    expect(
      body.paths['/health'].get.responses['200'].content['application/json'].schema.properties,
    ).toHaveProperty('uptime_s');
    expect(JSON.stringify(body)).not.toContain('$ref');
    expect(Object.keys(body.paths).filter((p) => p.startsWith('/openapi'))).toEqual([]);
  });
});
