// The Redis transport passes the suite of all transports, and survives what a real Redis does to it.
import { afterEach, describe, expect, test } from 'bun:test';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from '../../test/support/eventually.ts';
import { REDIS_SERVER, TestRedis } from '../../test/support/redis.ts';
import { loadConfig } from '../core/config.ts';
import type { RedisSettings } from '../core/redis-settings.ts';
import { Bus } from './client.ts';
import { busConformance } from './conformance.ts';
import type { Envelope } from './envelope.ts';
import type { LinkTiming } from './redis-link.ts';
import { probeRedis } from './redis-probe.ts';
import { RedisTransport, type RedisTransportOptions } from './redis-transport.ts';
import { topics } from './topics.ts';

const QUICK: LinkTiming = { pingMs: 50, retryMs: { first: 5, longest: 50 } };

const fill = (id: string) => ({
  fill_id: id,
  order_id: 'o',
  portfolio_id: 'p',
  symbol: 'S',
  side: 'buy' as const,
  quantity: '1',
  price: '1',
  fee: '0',
  ts_event_us: 1,
});
const idOf = (e: Envelope) => (e.body as { fill_id: string }).fill_id;

describe.skipIf(REDIS_SERVER === null)('over a real redis-server', () => {
  const cleanup: (() => unknown)[] = [];
  afterEach(async () => {
    for (const end of cleanup.splice(0).reverse()) await end();
  });

  async function startRedis(...args: string[]): Promise<TestRedis> {
    const redis = await TestRedis.start(args);
    cleanup.push(() => redis.stop());
    return redis;
  }

  async function connect(settings: RedisSettings, over: Partial<RedisTransportOptions> = {}): Promise<Bus> {
    const bus = new Bus('b', new RedisTransport({ settings, name: 'b', timing: QUICK, ...over }));
    cleanup.push(() => bus.close());
    await eventually(() => bus.connected, 'connected');
    return bus;
  }

  async function collect(bus: Bus, pattern: string): Promise<string[]> {
    const got: string[] = [];
    await bus.subscribe(pattern, (batch) => void got.push(...batch.map(idOf)));
    return got;
  }

  busConformance('redis', async () => {
    const redis = await TestRedis.start();
    const settings = redis.settings();
    return {
      connect: (name) => new RedisTransport({ settings, name }),
      close: () => redis.stop(),
    };
  });

  test('is back, subscribed again and carrying messages after Redis was killed, every loss counted', async () => {
    const redis = await startRedis();
    const changes: string[] = [];
    const onChange = (connected: boolean, reason: string) => void changes.push(`${connected} ${reason}`);
    const reader = await connect(redis.settings(), { onChange });
    const writer = await connect(redis.settings());
    const got = [await collect(reader, 'strategy.*'), await collect(reader, 'strategy.fills')];
    for (let life = 1; life <= 3; life++) {
      writer.publish(topics.fills, fill(`${life}`));
      await eventually(() => got.every((g) => g.length === life), `message ${life}`);
      await redis.kill();
      await eventually(() => !reader.connected && !writer.connected, 'loss noticed');
      writer.publish(topics.fills, fill('lost'));
      writer.flush();
      // The link that subscribes may be known as lost before the one that publishes: then the loss is the transport's.
      const dropped = () => writer.stats().dropped_disconnected + writer.stats().dropped_transport;
      await eventually(() => dropped() === life, `loss ${life} counted`);
      // A subscription that is asked for meanwhile is made when Redis is back.
      const late = collect(reader, `late.${life}`);
      await redis.restart();
      await eventually(() => reader.connected && writer.connected, 'both are back');
      await late;
    }
    expect(got).toEqual([
      ['1', '2', '3'],
      ['1', '2', '3'],
    ]);
    // The system ends the socket of a killed process, or resets it where bytes were still on their way.
    const lost = expect.stringMatching(/^false connection (lost|failed \(ECONNRESET\))$/);
    expect(changes.slice(0, 3)).toEqual(['true ', lost, 'true ']);
  });

  test('says that it is not connected while Redis hangs, keeps a bounded queue, and recovers', async () => {
    const redis = await startRedis();
    const limit = 200_000;
    const bus = await connect(redis.settings(), { maxQueuedChars: limit });
    const got = await collect(bus, topics.fills.name);
    redis.signal('SIGSTOP');
    let published = 0;
    const attempt = () => {
      for (let i = 0; i < 100; i++, published++) bus.publish(topics.fills, fill(`${published}`));
      bus.flush();
    };
    for (let i = 0; i < 50; i++) attempt();
    // Of a megabyte only what fits is under way; the rest was dropped at once.
    expect(bus.stats().dropped_transport).toBeGreaterThan(3000);
    await eventually(() => !bus.connected, 'the hang noticed');
    attempt();
    expect(bus.stats().dropped_disconnected).toBe(100);
    const dropped = () => bus.stats().dropped_transport + bus.stats().dropped_disconnected;
    await eventually(() => dropped() === published, 'what was under way counted as dropped too');
    redis.signal('SIGCONT');
    await eventually(() => bus.connected, 'connected again');
    bus.publish(topics.fills, fill('after'));
    await eventually(() => got.at(-1) === 'after', 'a message after the hang');
    expect(dropped()).toBe(published);
  });

  test('delivers once to each subscription however many patterns match, while patterns come and go', async () => {
    const redis = await startRedis();
    const bus = await connect(redis.settings());
    const all = await collect(bus, '*');
    const exact = await collect(bus, 'strategy.fills');
    const expected: string[] = [];
    for (let i = 0; i < 30; i++) {
      const globs = ['strategy.*', 's*', '*.fills', 'strategy.fill?'];
      const extra = await Promise.all(globs.map((glob) => bus.subscribe(glob, () => {})));
      for (const subscription of extra) {
        bus.publish(topics.fills, fill(`${expected.length}`));
        bus.flush();
        expected.push(`${expected.length}`);
        await subscription.unsubscribe();
      }
    }
    await eventually(() => all.length >= expected.length, 'all messages');
    expect([all, exact]).toEqual([expected, expected]);
    expect(bus.stats().received).toBe(expected.length);
  });

  test('goes on delivering when the pattern that delivered so far ends', async () => {
    const redis = await startRedis();
    const bus = await connect(redis.settings());
    const first = await bus.subscribe('*', () => {});
    const got = await collect(bus, 'strategy.*');
    for (let i = 0; i < 200; i++) {
      bus.publish(topics.fills, fill(`${i}`));
      bus.flush();
      if (i === 100) void first.unsubscribe();
    }
    await eventually(() => got.length === 200, 'all messages');
    expect(got).toEqual(Array.from({ length: 200 }, (_, i) => `${i}`));
  });

  test('keeps two prefixes apart, signs of patterns in them included', async () => {
    const redis = await startRedis();
    const [one, two] = [await connect(redis.settings('a[1]*:')), await connect(redis.settings('a[1]x:'))];
    const got = [await collect(one, '*'), await collect(two, '*'), await collect(one, 'strategy.fills')];
    one.publish(topics.fills, fill('one'));
    two.publish(topics.fills, fill('two'));
    await eventually(() => got.every((g) => g.length > 0), 'each its own');
    expect(got).toEqual([['one'], ['two'], ['one']]);
  });

  test('counts a batch that is not one as poison and delivers the next', async () => {
    const redis = await startRedis();
    const bus = await connect(redis.settings());
    const got = await collect(bus, 'strategy.*');
    const { Redis } = await import('ioredis');
    const raw = new Redis(redis.port, '127.0.0.1');
    cleanup.push(() => raw.disconnect());
    for (const text of ['{broken', '[{"no":"envelope"}]']) await raw.publish('nautilus:strategy.fills', text);
    await eventually(() => bus.stats().poison === 2, 'poison counted');
    bus.publish(topics.fills, fill('1'));
    await eventually(() => got.length === 1, 'the next batch');
  });

  test('takes the password from a file, and names a wrong one without showing it', async () => {
    const redis = await startRedis(
      '--requirepass',
      'right-pass',
      '--user',
      'engine',
      'on',
      '>other-pass',
      '~*',
      '&*',
      '+@all',
    );
    const file = join(redis.folder, 'secret');
    writeFileSync(file, 'right-pass\n');
    const settings = (url: string, passwordFile?: string) =>
      loadConfig({ REDIS_URL: url, REDIS_PASSWORD_FILE: passwordFile }).redis!;
    const good = [settings(redis.url, file), settings(`redis://engine:other%2Dpass@127.0.0.1:${redis.port}`)];
    for (const each of good) {
      const bus = await connect(each);
      expect((await collect(bus, '*')).length).toBe(0);
      expect(JSON.stringify(each) + Bun.inspect(each)).not.toContain('pass');
    }
    const reasons: string[] = [];
    for (const url of [redis.url, `redis://:wrong-pass@127.0.0.1:${redis.port}`]) {
      const refused = await probeRedis(settings(url)).catch((error: Error) => error.message);
      expect(refused).toContain(
        `redis://127.0.0.1:${redis.port}/0 cannot be used (user or password refused)`,
      );
      expect(refused).not.toContain('wrong-pass');
      const transport = new RedisTransport({ settings: settings(url), name: 'x', timing: QUICK });
      const bus = new Bus('x', transport, { onDropped: (_, where) => void reasons.push(where) });
      cleanup.push(() => bus.close());
      bus.publish(topics.fills, fill('1'));
      bus.flush();
      expect([bus.connected, bus.stats().dropped_disconnected]).toEqual([false, 1]);
    }
    expect(reasons.join()).not.toContain('pass');
  });

  test('follows the Sentinels to the new master after a failover', async () => {
    const master = await startRedis();
    const replica = await startRedis('--replicaof', '127.0.0.1', `${master.port}`);
    const sentinel = await TestRedis.sentinel(master, 'main');
    cleanup.push(() => sentinel.stop());
    const settings = loadConfig({
      REDIS_URL: 'redis://unused',
      REDIS_SENTINELS: `127.0.0.1:${sentinel.port}`,
      REDIS_SENTINEL_NAME: 'main',
    }).redis!;
    const { Redis } = await import('ioredis');
    const ask = new Redis(sentinel.port, '127.0.0.1');
    cleanup.push(() => ask.disconnect());
    const replicas = async () => (await ask.call('sentinel', 'replicas', 'main')) as unknown[];
    const bus = await connect(settings);
    const got = await collect(bus, 'strategy.*');
    bus.publish(topics.fills, fill('1'));
    await eventually(() => got.length === 1, 'a message over the first master');
    await eventually(async () => (await replicas()).length === 1, 'the Sentinel knows the replica');
    await master.kill();
    await eventually(() => !bus.connected, 'loss noticed');
    await eventually(() => bus.connected, 'connected to the new master');
    bus.publish(topics.fills, fill('2'));
    await eventually(() => got.length === 2, 'a message over the new master');
    expect((await probeRedis(settings)).version).toBeDefined();
    expect(replica.port).not.toBe(master.port);
  });

  test('tells version and persistence, or that nobody answers', async () => {
    const redis = await startRedis('--maxmemory-policy', 'noeviction');
    const facts = await probeRedis(redis.settings());
    expect(facts.version).toMatch(/^\d+\.\d+/);
    expect(facts.settings).toMatchObject({ appendonly: 'no', save: '', 'maxmemory-policy': 'noeviction' });
    redis.signal('SIGSTOP');
    await expect(probeRedis(redis.settings(), 200)).rejects.toThrow(/no answer/);
    redis.signal('SIGCONT');
    await redis.kill();
    await expect(probeRedis(redis.settings())).rejects.toThrow(/connection refused.*unset REDIS_URL/);
  });
});

test('an address that is none, or a secret that cannot be read, is refused by name and not shown', () => {
  for (const url of ['localhost:6379', 'http://h', 'redis://', 'redis://u:geheim@h/x', 'redis://h?a=1']) {
    expect(() => loadConfig({ REDIS_URL: url })).toThrow(/REDIS_URL: redis:\/\/\[user/);
  }
  const env = { REDIS_URL: 'rediss://[::1]:7000/3', REDIS_PASSWORD_FILE: '/no/such/geheim' };
  expect(() => loadConfig(env)).toThrow(/^(?!.*geheim).*REDIS_PASSWORD_FILE/);
  for (const sentinels of ['a b:1', 'host:port', '']) {
    const given = { REDIS_URL: 'redis://h', REDIS_SENTINELS: sentinels || 'h:1' };
    expect(() => loadConfig(given)).toThrow(/REDIS_SENTINEL/);
  }
  const settings = loadConfig({ REDIS_URL: env.REDIS_URL }).redis;
  expect(settings).toMatchObject({
    host: '::1',
    port: 7000,
    db: 3,
    tls: true,
    address: 'rediss://[::1]:7000/3',
  });
});
