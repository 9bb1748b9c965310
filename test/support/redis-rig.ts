// What tests over Redis share: servers and clients that are ended after each test.
import { afterEach } from 'bun:test';
import { RedisLeases } from '../../src/bus/redis-leases.ts';
import type { LinkTiming } from '../../src/bus/redis-link.ts';
import { RedisLog, type RedisLogOptions } from '../../src/bus/redis-log.ts';
import type { RedisSettings } from '../../src/core/redis-settings.ts';
import { eventually } from './eventually.ts';
import { TestRedis } from './redis.ts';

const QUICK: LinkTiming = { pingMs: 50, retryMs: { first: 5, longest: 50 } };

/** Returns makers of servers and clients for the tests of one block; call it within `describe`. */
export function redisRig() {
  const cleanup: (() => unknown)[] = [];
  afterEach(async () => {
    for (const end of cleanup.splice(0).reverse()) await end();
  });

  async function startRedis(...args: string[]): Promise<TestRedis> {
    const redis = await TestRedis.start(args);
    cleanup.push(() => redis.stop());
    return redis;
  }

  async function open(settings: RedisSettings, over: Partial<RedisLogOptions> = {}): Promise<RedisLog> {
    const log = new RedisLog({ settings, name: 'log', timing: QUICK, ...over });
    cleanup.push(() => log.close());
    await eventually(() => log.connected, 'connected');
    return log;
  }

  async function openBoard(settings: RedisSettings): Promise<RedisLeases> {
    const board = new RedisLeases({ settings, name: 'board', timing: QUICK });
    cleanup.push(() => board.close());
    await eventually(() => board.connected, 'connected');
    return board;
  }

  async function rawClient(redis: TestRedis) {
    const { Redis } = await import('ioredis');
    const raw = new Redis(redis.port, '127.0.0.1');
    raw.on('error', () => {});
    cleanup.push(() => raw.disconnect());
    return raw;
  }

  return { cleanup, startRedis, open, openBoard, rawClient };
}
