// The system with API keys as its users meet it: nine engines, every route, roles, page, commands, limits.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ACCESS } from '../../src/http/access.ts';
import { walkBars } from '../support/engine.ts';
import { eventually } from '../support/eventually.ts';
import { barsFile, type ListedEngine, nautilus, TestSystem } from '../support/system.ts';

setDefaultTimeout(120_000);

interface Made {
  readonly key: string;
  readonly id: string;
}

const folder = mkdtempSync(join(tmpdir(), 'security-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('nine engines on every address of the machine', () => {
  const env = { NAUTILUS_DATA_DIR: folder, NAUTILUS_HOST: '0.0.0.0', NAUTILUS_RATE_LIMIT: '500' };
  let system: TestSystem;
  let engines: ListedEngine[];
  const keys: Record<string, Made> = {};
  const made: string[] = [];
  const make = async (role: string) => {
    const { code, stdout } = await nautilus(
      ['keys', 'add', '--name', `a ${role}`, '--role', role, '--json'],
      env,
    );
    expect(code).toBe(0);
    const reply = JSON.parse(stdout) as Made;
    made.push(reply.key);
    return reply;
  };
  const send = (name: string, path: string, key?: string, init: RequestInit = {}) => {
    const port = engines.find((e) => e.name === name)!.port;
    const headers = { ...init.headers, ...(key === undefined ? {} : { authorization: `Bearer ${key}` }) };
    return fetch(`http://127.0.0.1:${port}${path}`, { ...init, headers });
  };
  const json = (method: string, body: unknown): RequestInit => ({
    method,
    body: JSON.stringify(body),
    headers: { 'content-type': 'application/json' },
  });

  beforeAll(async () => {
    const refused = await nautilus(['up'], env);
    expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining('nautilus keys add')]);
    for (const role of ['read', 'trade', 'admin']) keys[role] = await make(role);
    system = await TestSystem.start([], env);
    engines = await system.engines();
    await eventually(
      async () => (await system.engines()).every((e) => e.health === 'healthy'),
      'nine healthy engines',
    );
  });
  afterAll(() => system?.stop());

  test('start with a line that says who may connect', () => {
    expect(system.log).toContain('whoever reaches 0.0.0.0, with an API key (3 valid: admin, read, trade)');
  });

  test('answer 401 on every route without a key, but for health, readiness and the files of the page', async () => {
    expect(engines.length).toBe(9);
    let walked = 0;
    for (const { name } of engines) {
      const document = await (await send(name, '/openapi/json', keys.read!.key)).json();
      const paths = document.paths as Record<string, Record<string, unknown>>;
      const extra = {
        '/openapi': { get: 1 },
        '/openapi/json': { get: 1 },
        '/openapi/assets/swagger-ui.css': { get: 1 },
      };
      for (const [path, methods] of Object.entries({ ...paths, ...extra })) {
        for (const method of Object.keys(methods)) {
          const route = `${method.toUpperCase()} ${path.replace(/\{(\w+)\}/g, ':$1')}`;
          const open = ['GET /health', 'GET /ready'].includes(route) || ACCESS[name]?.[route] === 'open';
          const url = path.replace('{file}', 'app.js').replace(/\{\w+\}/g, 'portfolio_001');
          const { status } = await send(name, url, undefined, { method: method.toUpperCase() });
          expect([name, route, status]).toEqual([name, route, open ? 200 : 401]);
          walked++;
        }
      }
    }
    expect(walked).toBeGreaterThan(90);
    expect((await send('websocket', '/ws')).status).toBe(401);
  });

  test('let each role do what it may', async () => {
    const statusOf = async (role: string, name: string, path: string, init: RequestInit) =>
      (await send(name, path, keys[role]!.key, init)).status;
    const check = json('POST', { order: { symbol: 'X', side: 'buy', quantity: '1', price: '1' } });
    const order = json('POST', { portfolio_id: 'portfolio_001', symbol: 'X', side: 'buy', quantity: '0' });
    const limits = json('PUT', { max_drawdown: 0.5 });
    for (const [role, ...expected] of [
      ['read', false, true, true],
      ['trade', false, false, true],
      ['admin', false, false, false],
    ] as const) {
      const forbidden = [
        (await statusOf(role, 'risk', '/risk/check/portfolio_001', check)) === 403,
        (await statusOf(role, 'strategy', '/orders', order)) === 403,
        (await statusOf(role, 'risk', '/limits/portfolio_001', limits)) === 403,
      ];
      expect([role, ...forbidden]).toEqual([role, ...expected]);
    }
    const audit = readFileSync(join(folder, 'audit', 'risk.jsonl'), 'utf8')
      .trim()
      .split('\n');
    expect(JSON.parse(audit.at(-1)!)).toMatchObject({
      key_id: keys.admin!.id,
      route: '/limits/:portfolio_id',
      status: 200,
    });
    expect(audit.join('')).not.toContain('0.5');
  });

  test('stream to a client that offers its key as a subprotocol', async () => {
    const { port } = engines.find((e) => e.name === 'websocket')!;
    const protocols = ['nautilus.v1', `nautilus.key.${keys.read!.key}`];
    const socket = new WebSocket(`ws://127.0.0.1:${port}/ws`, protocols);
    const first = await new Promise<string>((resolve, reject) => {
      socket.onmessage = ({ data }) => resolve(data as string);
      socket.onerror = reject;
    });
    expect(JSON.parse(first).type).toBe('welcome');
    expect(socket.protocol).toBe('nautilus.v1');
    socket.close();
  });

  test('answer the commands of their own machine without a key, and refuse one with a wrong key', async () => {
    const file = barsFile(folder, walkBars('X', 400));
    expect((await system.run(['import', file, '--symbol', 'KEYED'])).code).toBe(0);
    const replay = await system.run(['replay', file, '--symbol', 'KEYED', '--json']);
    expect([replay.code, replay.stderr]).toEqual([0, expect.any(String)]);
    expect(JSON.parse(replay.stdout).events).toBe(400);
    const as = (key: string) =>
      nautilus(['import', file, '--symbol', 'KEYED'], { ...env, NAUTILUS_API_KEY: key });
    const wrong = await as(keys.read!.key);
    expect([wrong.code, wrong.stderr.trim()]).toEqual([
      1,
      'Forbidden: Expected a key with the role admin, was read',
    ]);
    expect((await as(keys.admin!.key)).code).toBe(0);
    const path = join(folder, 'key');
    writeFileSync(path, `${keys.admin!.key}\n`, { mode: 0o600 });
    const fromFile = await nautilus(['ps', '--json'], { ...env, NAUTILUS_API_KEY_FILE: path });
    expect(fromFile.code).toBe(0);
    rmSync(path);
  });

  test('take files of bars into the store only, and read models and pages from their folders only', async () => {
    const before = tree(folder);
    const csv = 'timestamp,open,high,low,close,volume\n2024-01-01T00:00:00Z,1,1,1,1,1\n';
    for (const symbol of ['../escape', '..%2f..%2fescape', '%2ftmp%2fescape', 'a%00b']) {
      const init = { method: 'POST', body: csv, headers: { 'content-type': 'application/octet-stream' } };
      await send('marketdata', `/bars/import?symbol=${symbol}`, keys.admin!.key, init);
    }
    // The audit log begins with the first of them, where no other test has begun it.
    const fresh = tree(folder).filter((path) => !before.includes(path) && !/^audit(\/|$)/.test(path));
    expect(fresh).toEqual([]);
    expect(existsSync(join(folder, '..', 'escape'))).toBe(false);
    for (const [name, prefix] of [
      ['ml', '/models/'],
      ['websocket', '/console/'],
      ['ml', '/openapi/assets/'],
    ] as const) {
      for (const path of [
        '..%2f',
        '..%2f..%2fpackage.json',
        '%2e%2e%2fpackage.json',
        '%2fetc%2fpasswd',
        '..%5c',
        '.',
      ]) {
        const reply = await send(name, prefix + path, keys.admin!.key);
        const text = await reply.text();
        expect([prefix + path, [404, 422].includes(reply.status) || prefix === '/models/']).toEqual([
          prefix + path,
          true,
        ]);
        expect(text).not.toContain('root:');
        expect(text).not.toContain('"dependencies"');
        if (path !== '.') expect(reply.status).not.toBe(200);
      }
    }
  });

  test('limit one client, and answer another', async () => {
    let refused: Response | undefined;
    // A busy machine may need so long for them that none is too many.
    await eventually(async () => {
      const one = () => send('features', '/features', keys.read!.key);
      const flood = await Promise.all(Array.from({ length: 1500 }, one));
      refused = flood.find((r) => r.status === 429);
      return refused !== undefined;
    }, 'a refusal');
    expect(refused!.headers.get('retry-after')).toBe('1');
    expect((await send('features', '/features', keys.trade!.key)).status).toBe(200);
    expect((await send('features', '/health')).status).toBe(200);
  });

  test('refuse a revoked key within a second, and list it as revoked', async () => {
    const { id, key } = keys.trade!;
    expect((await send('portfolio', '/portfolios', key)).status).toBe(200);
    expect((await nautilus(['keys', 'revoke', id], env)).code).toBe(0);
    await eventually(async () => (await send('portfolio', '/portfolios', key)).status === 401, 'the end');
    const { stdout } = await nautilus(['keys', 'list', '--json'], env);
    const listed = JSON.parse(stdout).keys as { id: string; revoked_at: string | null }[];
    expect(listed.find((k) => k.id === id)?.revoked_at).not.toBeNull();
    for (const secret of made) expect(stdout).not.toContain(secret);
  });

  test('leave no key in logs, and stop by command with nothing left that opens them', async () => {
    expect((await system.run(['down'])).code).toBe(0);
    for (const key of made) expect(system.log).not.toContain(key.slice(12));
    expect(existsSync(join(folder, 'run', 'admin-key'))).toBe(false);
    for (const path of tree(folder).filter((p) => p.endsWith('.json') || p.endsWith('.jsonl'))) {
      const text = readFileSync(join(folder, path), 'utf8');
      for (const key of made) expect([path, text.includes(key.slice(12))]).toEqual([path, false]);
    }
    expect(statSync(join(folder, 'keys.json')).mode & 0o777).toBe(0o600);
  });
});

test('a replay of its own works where keys are always asked for', async () => {
  const file = barsFile(folder, walkBars('X', 200));
  const env = { NAUTILUS_AUTH: 'required', NAUTILUS_API_KEY: 'nk_of_another_system' };
  for (const mode of ['--isolated', '--in-process']) {
    const { code, stdout } = await nautilus(['replay', file, '--symbol', 'OWN', mode, '--json'], env);
    expect([mode, code, JSON.parse(stdout).events]).toEqual([mode, 0, 200]);
  }
});

function tree(root: string): string[] {
  return (readdirSync(root, { recursive: true }) as string[])
    .filter((path) => !/-(wal|shm)$|\.wal$/.test(path))
    .sort();
}
