// The guard before every route, over a real port: keys, roles, limits, the audit log, and what never leaves.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Elysia } from 'elysia';
import { TestEngine } from '../../test/support/engine.ts';
import { eventually } from '../../test/support/eventually.ts';
import { rawRequest } from '../../test/support/raw-request.ts';
import { createLogTo } from '../core/log.ts';
import { addKey, type Role, revokeKey } from './api-keys.ts';
import { Guard } from './auth.ts';
import type { EngineDefinition } from './engine.ts';

setDefaultTimeout(20_000);

// An engine with the name of one in the table of rights, and handlers that tell whether they were reached.
let reached = 0;
let release: () => void = () => {};
const definition: EngineDefinition = {
  name: 'risk',
  port: 1,
  title: 'Sample',
  description: 'An engine of the tests.',
  create: () => ({
    routes: new Elysia()
      .get('/limits/:portfolio_id', () => ++reached)
      .get('/throws', ({ request }) => {
        throw new Error(`failed with ${request.headers.get('x-api-key')}`);
      })
      .get('/waits', () => new Promise((resolve) => (release = () => resolve('done'))))
      .post('/risk/check/:portfolio_id', () => ++reached)
      .put('/limits/:portfolio_id', () => ++reached)
      .post('/no/right/given', () => ++reached),
  }),
};

const keysOf = (engine: TestEngine): Record<Role, string> => {
  const make = (role: Role) => addKey(engine.context.config, `the ${role}`, role).key;
  return { read: make('read'), trade: make('trade'), admin: make('admin') };
};
const send = (engine: TestEngine, route: string, headers: Record<string, string> = {}) => {
  const [method, path] = route.split(' ') as [string, string];
  return fetch(engine.url + path, { method, headers });
};
const bearer = (key: string) => ({ authorization: `Bearer ${key}` });
const audited = (engine: TestEngine) => {
  const path = join(engine.dataDir, 'audit', 'risk.jsonl');
  return existsSync(path)
    ? readFileSync(path, 'utf8')
        .trim()
        .split('\n')
        .map((l) => JSON.parse(l))
    : [];
};

describe('with keys', () => {
  let engine: TestEngine;
  let keys: Record<Role, string>;
  beforeAll(async () => {
    engine = await TestEngine.start(definition, { NAUTILUS_AUTH: 'required' });
    keys = keysOf(engine);
    await eventually(
      async () => (await send(engine, 'GET /limits/p', bearer(keys.admin))).status === 200,
      'the keys',
    );
  });
  afterAll(() => engine.stop());

  test.each([
    ['GET /health', 200, 200, 200, 200],
    ['GET /ready', 200, 200, 200, 200],
    ['GET /metrics', 401, 200, 200, 200],
    ['GET /system/status', 401, 200, 200, 200],
    ['GET /openapi/json', 401, 200, 200, 200],
    ['GET /limits/p', 401, 200, 200, 200],
    ['HEAD /limits/p', 401, 200, 200, 200],
    ['GET /limits/p?health', 401, 422, 422, 422],
    ['GET /nowhere', 401, 404, 404, 404],
    ['POST /risk/check/p', 401, 200, 200, 200],
    ['PUT /limits/p', 401, 403, 403, 200],
    ['POST /no/right/given', 401, 403, 403, 200],
    ['DELETE /nowhere', 401, 403, 403, 404],
  ])(
    'answers %s with %i without a key, %i to read, %i to trade, %i to admin',
    async (route, none, read, trade, admin) => {
      const before = reached;
      const without = await send(engine, route);
      if (none === 401) expect(reached).toBe(before);
      const roles = await Promise.all(
        (['read', 'trade', 'admin'] as const).map(
          async (role) => (await send(engine, route, bearer(keys[role]))).status,
        ),
      );
      expect([without.status, ...roles]).toEqual([none, read, trade, admin]);
    },
  );

  test('takes the key from either header, and no other text for one', async () => {
    const statusOf = async (headers: Record<string, string>) =>
      (await send(engine, 'GET /limits/p', headers)).status;
    expect(await statusOf({ 'x-api-key': keys.read })).toBe(200);
    expect(await statusOf({ authorization: `bearer   ${keys.read}` })).toBe(200);
    for (const headers of [
      { authorization: keys.read },
      { authorization: `Basic ${keys.read}` },
      { authorization: 'Bearer' },
      { authorization: 'Bearer wrong', 'x-api-key': keys.read },
      { 'x-api-key': `${keys.read} x` },
      { cookie: `key=${keys.read}` },
    ] as Record<string, string>[]) {
      expect([headers, await statusOf(headers)]).toEqual([headers, 401]);
    }
    expect((await fetch(`${engine.url}/limits/p?api_key=${keys.read}`)).status).toBe(401);
  });

  test('says what is missing: a key with the way to send it, or a role by name', async () => {
    const without = await send(engine, 'GET /limits/p');
    expect(without.headers.get('www-authenticate')).toBe('Bearer realm="nautilus"');
    expect(without.headers.get('content-type')).toBe('application/problem+json');
    expect(await without.json()).toMatchObject({ type: '/problems/unauthenticated', status: 401 });
    const low = await send(engine, 'PUT /limits/p', bearer(keys.trade));
    expect(await low.json()).toMatchObject({ type: '/problems/forbidden', needed_role: 'admin' });
  });

  test('refuses a body without reading it', async () => {
    const body = 'x'.repeat(3_000_000);
    const headers = { 'content-type': 'text/csv' };
    expect((await fetch(`${engine.url}/limits/p`, { method: 'PUT', body, headers })).status).toBe(401);
  });

  test('writes down who changed what, and nobody who has no key', async () => {
    const before = audited(engine).length;
    const id = { 'x-request-id': 'audit-1' };
    await send(engine, 'PUT /limits/portfolio_7', { ...bearer(keys.admin), ...id });
    await send(engine, 'PUT /limits/portfolio_7', bearer(keys.read));
    await send(engine, 'PUT /limits/portfolio_7');
    await send(engine, 'POST /risk/check/portfolio_7', bearer(keys.admin));
    const lines = audited(engine).slice(before);
    expect(lines.map((l) => [l.key_name, l.status])).toEqual([
      ['the admin', 200],
      ['the read', 403],
    ]);
    expect(lines[0]).toEqual({
      time: expect.stringMatching(/^\d{4}-.*Z$/),
      engine: 'risk',
      key_id: keys.admin.split('_')[1],
      key_name: 'the admin',
      method: 'PUT',
      route: '/limits/:portfolio_id',
      status: 200,
      request_id: 'audit-1',
    });
  });

  test('notices a revoked key and a new one within a second, without a restart', async () => {
    const { key, record } = addKey(engine.context.config, 'short', 'read');
    const statusIs = (status: number) => async () =>
      (await send(engine, 'GET /limits/p', bearer(key))).status === status;
    await eventually(statusIs(200), 'the new key');
    revokeKey(engine.context.config, record.id);
    await eventually(statusIs(401), 'the end of the key');
  });
});

test('a key is in no log line, problem, metric or audit line, wherever a caller puts it', async () => {
  const engine = await TestEngine.start(definition, { NAUTILUS_AUTH: 'required' });
  const logged: string[] = [];
  const log = createLogTo('risk', 'trace', (line) => logged.push(line));
  // The engine logs by what its context has at the time.
  const context = { ...engine.context, log };
  const { buildApp } = await import('./app.ts');
  const { key } = addKey(context.config, 'me', 'admin');
  const { prepareEngine } = await import('./server.ts');
  const { parts } = await prepareEngine(definition, context);
  const nothing = () => ({}) as never;
  const state = {
    health: nothing,
    notReady: () => null,
    systemStatus: nothing,
    hardware: nothing,
    utilization: nothing,
  };
  const metrics = new (await import('./metrics.ts')).EngineMetrics('risk', engine.bus);
  const app = buildApp(
    definition,
    { ...context, metrics },
    parts,
    state,
    new Guard('risk', { ...context, metrics }),
  );
  const wrong = `${key.slice(0, -1)}${key.endsWith('a') ? 'b' : 'a'}`;
  const secret = key.slice(12, 40);
  let replies = '';
  for (const k of [key, wrong]) {
    for (const path of ['/throws', `/${k}`, `/limits/${k}`, `/throws?api_key=${k}`]) {
      for (const method of ['GET', 'PUT', 'POST']) {
        const headers = { 'x-api-key': k, 'x-request-id': k, cookie: k, referer: k };
        const response = await app(new Request(`http://x${path}`, { method, headers }));
        replies += `${JSON.stringify([...response.headers])}${await response.text()}`;
      }
    }
  }
  log.error({ headers: bearer(key), err: new Error(key), url: `redis://me:${secret}@host` }, key);
  expect(logged.length).toBeGreaterThan(1);
  const everything =
    replies + logged.join('') + (await metrics.registry.metrics()) + JSON.stringify(audited(engine));
  expect(everything).toContain('internal');
  expect(everything).not.toContain(secret);
  await engine.stop();
});

describe('limits', () => {
  test('answer 429 with the time to wait, count an address and each key for itself, and spare health', async () => {
    const engine = await TestEngine.start(definition, {
      NAUTILUS_AUTH: 'required',
      NAUTILUS_RATE_LIMIT: '3',
    });
    const keys = keysOf(engine);
    await eventually(
      async () => (await send(engine, 'GET /metrics', bearer(keys.trade))).status === 200,
      'keys',
    );
    const burst = await Promise.all(
      Array.from({ length: 12 }, () => send(engine, 'GET /limits/p', bearer(keys.read))),
    );
    const refused = burst.filter((r) => r.status === 429);
    expect(burst.filter((r) => r.status === 200).length).toBeLessThan(9);
    expect(refused.length).toBeGreaterThan(3);
    const { headers } = refused[0]!;
    expect(Number(headers.get('retry-after'))).toBe(1);
    expect(headers.get('ratelimit-policy')).toBe('"requests";q=6;w=2');
    expect(headers.get('ratelimit')).toMatch(/^"requests";r=0;t=\d$/);
    expect(await refused[0]!.json()).toMatchObject({ type: '/problems/too-many-requests', status: 429 });
    expect((await send(engine, 'GET /limits/p', bearer(keys.admin))).status).toBe(200);
    const guesses = await Promise.all(
      Array.from({ length: 12 }, () => send(engine, 'GET /limits/p', bearer(`${keys.read}x`))),
    );
    expect(guesses.map((r) => r.status).filter((status) => status !== 401)).toContain(429);
    expect((await send(engine, 'GET /limits/p', bearer(keys.admin))).status).toBe(200);
    for (let i = 0; i < 20; i++) expect((await send(engine, 'GET /ready')).status).toBe(200);
    await engine.stop();
  });

  test('answer 503 beyond the connections of an engine, and health all the same', async () => {
    const engine = await TestEngine.start(definition, { NAUTILUS_MAX_CONNECTIONS: '1' });
    const waiting = send(engine, 'GET /waits');
    await eventually(async () => (await send(engine, 'GET /limits/p')).status === 503, 'a refusal');
    expect((await send(engine, 'GET /health')).status).toBe(200);
    expect((await send(engine, 'GET /ready')).status).toBe(200);
    release();
    expect((await waiting).status).toBe(200);
    await eventually(async () => (await send(engine, 'GET /limits/p')).status === 200, 'room again');
    await engine.stop();
  });

  test('end a request whose address or headers are over 16 KiB', async () => {
    const engine = await TestEngine.start(definition);
    for (const line of [
      `GET /${'a'.repeat(20_000)} HTTP/1.1\r\nHost: x`,
      `GET /ready HTTP/1.1\r\nHost: x\r\nA: ${'a'.repeat(20_000)}`,
    ]) {
      const reply = await rawRequest(engine.url, line);
      expect(reply).toStartWith('HTTP/1.1 431');
    }
    await engine.stop();
  });
});

test('without keys this machine goes on as before, and its changes are written down as local', async () => {
  const engine = await TestEngine.start(definition);
  expect((await send(engine, 'PUT /limits/p')).status).toBe(200);
  expect((await send(engine, 'GET /limits/p')).headers.has('ratelimit')).toBe(false);
  expect(audited(engine)).toMatchObject([{ key_id: 'local', key_name: 'local', status: 200 }]);
  await engine.stop();
});

test('without keys only names of this machine are taken as Host, so that no page of another site gets in by a name', async () => {
  const engine = await TestEngine.start(definition);
  const statusOf = async (host: string, path: string) =>
    Number(
      (await rawRequest(engine.url, `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close`)).slice(
        9,
        12,
      ),
    );
  for (const host of [
    'evil.example:8200',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    '192.0.2.1',
    'x',
  ]) {
    expect([host, await statusOf(host, '/system/status')]).toEqual([host, 403]);
  }
  for (const host of ['localhost', 'LOCALHOST:8200', '127.0.0.1:1', '127.1.2.3', '[::1]:8200']) {
    expect([host, await statusOf(host, '/system/status')]).toEqual([host, 200]);
  }
  await engine.stop();
});
