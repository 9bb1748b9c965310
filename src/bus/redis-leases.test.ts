// The lease board over Redis passes the suite of all boards.
import { describe } from 'bun:test';
import { eventually } from '../../test/support/eventually.ts';
import { REDIS_SERVER, TestRedis } from '../../test/support/redis.ts';
import { leaseConformance } from './lease-conformance.ts';
import { RedisLeases } from './redis-leases.ts';

describe.skipIf(REDIS_SERVER === null)('over a real redis-server', () => {
  leaseConformance('redis', async () => {
    const redis = await TestRedis.start();
    return {
      connect: async () => {
        const board = new RedisLeases({ settings: redis.settings(), name: 'x' });
        await eventually(() => board.connected, 'connected');
        return board;
      },
      close: () => redis.stop(),
    };
  });
});
