// The Redis transport passes the suite of all transports, and survives what a real Redis does to it.
import { describe } from 'bun:test';
import { REDIS_SERVER, TestRedis } from '../../test/support/redis.ts';
import { busConformance } from './conformance.ts';
import { RedisTransport } from './redis-transport.ts';

describe.skipIf(REDIS_SERVER === null)('over a real redis-server', () => {
  busConformance('redis', async () => {
    const redis = await TestRedis.start();
    const settings = redis.settings();
    return {
      connect: (name) => new RedisTransport({ settings, name }),
      close: () => redis.stop(),
    };
  });
});
