// The nine engines over a real Redis: the same replay as in one process, and the whole system back after Redis was gone.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sharedData } from '../shared-data.ts';
import { walkBars } from '../support/engine.ts';
import { eventually } from '../support/eventually.ts';
import { REDIS_SERVER, TestRedis } from '../support/redis.ts';
import { barsFile, nautilus, TestSystem } from '../support/system.ts';

setDefaultTimeout(120_000);

interface Result {
  readonly events: number;
  readonly fills: number;
  readonly pnl: Record<string, string>;
  readonly bars_per_s: number;
  readonly result_hash: string;
}

describe.skipIf(REDIS_SERVER === null)('nine engines over Redis', () => {
  const folder = mkdtempSync(join(tmpdir(), 'redis-e2e-'));
  const walk = barsFile(folder, walkBars('X', 3000));
  let redis: TestRedis;
  beforeAll(async () => {
    redis = await TestRedis.start();
  });
  afterAll(async () => {
    await redis.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  async function replay(file: string, env: Record<string, string>, ...args: string[]): Promise<Result> {
    const { code, stdout, stderr } = await nautilus(
      ['replay', file, '--symbol', 'BTC-PERP', '--json', ...args],
      env,
    );
    expect([code, stderr]).toEqual([0, '']);
    return JSON.parse(stdout) as Result;
  }

  test('replay to the same hash as in one process, for any barrier, two at a time', async () => {
    const env = { REDIS_URL: redis.url };
    const here = await replay(walk, {}, '--in-process');
    const [one, other] = await Promise.all([
      replay(walk, env, '--isolated'),
      replay(walk, env, '--isolated', '--barrier', '1000', '--in-flight', '2'),
    ]);
    const small = await replay(walk, env, '--isolated', '--barrier', '3', '--in-flight', '16');
    expect([one, other, small].map((r) => r.result_hash)).toEqual(Array(3).fill(here.result_hash));
    expect(one).toMatchObject({ events: 3000, fills: here.fills, pnl: here.pnl });
  });

  const btc = sharedData('btc-perp-1min-ohlcv-2022-01.csv.gz');
  test.skipIf(btc === null)('replay 45,031 real bars to the same hash as in one process', async () => {
    const over = await replay(btc!, { REDIS_URL: redis.url }, '--isolated');
    const here = await replay(btc!, {}, '--in-process');
    expect(over).toMatchObject({ events: 45_031, result_hash: here.result_hash, pnl: here.pnl });
    console.log(`${over.bars_per_s} bars/s over Redis, ${here.bars_per_s} in one process`);
  });

  test('say that Redis is gone when it is killed, and are all healthy again unaided, with the market moving', async () => {
    const market = { NAUTILUS_FEED: 'simulated', NAUTILUS_FEED_INTERVAL_MS: '50' };
    const system = await TestSystem.start([], { REDIS_URL: redis.url, ...market });
    try {
      const everyHealth = async () => {
        const engines = await system.engines();
        return Promise.all(
          engines.map(async ({ port }) => (await fetch(`http://127.0.0.1:${port}/health`)).json()),
        );
      };
      const all = (count: number, status: string) => async () => {
        const healths = await everyHealth();
        return healths.filter((h) => h.status === status && h.messagebus === 'redis').length === count;
      };
      await eventually(all(9, 'healthy'), 'nine healthy engines');
      const pids = (await system.engines()).map((e) => e.pid);
      await redis.kill();
      await eventually(all(9, 'degraded'), 'nine engines that say so');
      for (const health of await everyHealth()) {
        expect(health).toMatchObject({
          messagebus_connected: false,
          missing: expect.arrayContaining(['messagebus']),
        });
      }
      const { status } = await system.request('features', '/ready');
      expect(status).toBe(503);
      await redis.restart();
      const back = performance.now();
      await eventually(all(9, 'healthy'), 'nine healthy engines again');
      console.log(`healthy again ${Math.round(performance.now() - back)} ms after Redis`);
      expect((await system.engines()).map((e) => e.pid)).toEqual(pids);
      const seen = async () => (await system.request('websocket', '/snapshot')).body;
      const before = JSON.stringify(await seen());
      await eventually(async () => JSON.stringify(await seen()) !== before, 'the page moves again');
      expect(system.log).toContain('Redis is away');
      expect(system.log).toContain('"address":"redis://127.0.0.1:');
    } finally {
      await system.stop();
    }
  });

  test('refuse to start without Redis, naming the address and the way out', async () => {
    const gone = await TestRedis.start();
    await gone.stop();
    const env = { REDIS_URL: `redis://user:geheim@127.0.0.1:${gone.port}/0`, NAUTILUS_DATA_DIR: folder };
    const { code, stderr, stdout } = await nautilus(['up'], env);
    expect([code, stderr]).toEqual([
      1,
      expect.stringContaining(
        `Redis at redis://127.0.0.1:${gone.port}/0 cannot be used (connection refused)`,
      ),
    ]);
    expect(stderr).toContain('unset REDIS_URL');
    expect(stderr + stdout).not.toContain('geheim');
  });

  test.skipIf(!Bun.which('openssl'))(
    'talk to Redis over TLS, and only when its certificate is known',
    async () => {
      const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
      const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
      const made = Bun.spawnSync([
        'openssl',
        'req',
        '-x509',
        '-newkey',
        'rsa:2048',
        '-nodes',
        '-days',
        '2',
        '-keyout',
        key,
        '-out',
        cert,
        ...subject,
      ]);
      expect(made.exitCode).toBe(0);
      const holder = Bun.listen({ hostname: '127.0.0.1', port: 0, socket: { data() {} } });
      const { port } = holder;
      holder.stop(true);
      const files = ['--tls-cert-file', cert, '--tls-key-file', key, '--tls-ca-cert-file', cert];
      const secure = await TestRedis.start(['--tls-port', `${port}`, '--tls-auth-clients', 'no', ...files]);
      try {
        const env = { REDIS_URL: `rediss://localhost:${port}` };
        const known = await replay(walk, { ...env, NODE_EXTRA_CA_CERTS: cert }, '--isolated');
        expect(known.events).toBe(3000);
        const unknown = await nautilus(['up'], { ...env, NAUTILUS_DATA_DIR: folder });
        expect([unknown.code, unknown.stderr]).toEqual([1, expect.stringContaining('SELF_SIGNED_CERT')]);
      } finally {
        await secure.stop();
      }
    },
  );

  test('the doctor says what Redis keeps and how to mend it, and fails without Redis', async () => {
    const findings = async (url: string) => {
      const { stdout, code } = await nautilus(['doctor', '--json'], {
        REDIS_URL: url,
        NAUTILUS_DATA_DIR: folder,
      });
      expect(stdout).not.toContain('geheim');
      const all = JSON.parse(stdout) as { check: string; level: string; found: string; fix?: string }[];
      return { code, redis: all.filter((f) => f.check.startsWith('Redis')) };
    };
    const good = await findings(redis.url);
    expect(good.redis[0]).toMatchObject({
      check: 'Redis',
      level: 'ok',
      found: expect.stringContaining(redis.url),
    });
    expect(good.redis[1]).toMatchObject({ level: 'warn', found: expect.stringContaining('nothing is kept') });
    expect(good.redis[1]!.fix).toContain('appendonly yes');
    const bad = await findings('redis://:geheim@127.0.0.1:1');
    expect(bad.code).toBe(1);
    expect(bad.redis).toEqual([
      expect.objectContaining({ level: 'fail', found: expect.stringContaining('connection refused') }),
    ]);
  });
});
