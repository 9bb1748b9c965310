// The durable log over Redis passes the suite of all logs, and gives up nothing it cannot give back when Redis fails.
import { describe } from 'bun:test';
import { eventually } from '../../test/support/eventually.ts';
import { REDIS_SERVER, TestRedis } from '../../test/support/redis.ts';
import { logConformance } from './log-conformance.ts';
import { RedisLog } from './redis-log.ts';

let nextClient = 0;

describe.skipIf(REDIS_SERVER === null)('over a real redis-server', () => {
  logConformance(
    'redis',
    async () => {
      const redis = await TestRedis.start(['--appendonly', 'yes', '--appendfsync', 'always']);
      return {
        connect: async () => {
          const log = new RedisLog({ settings: redis.settings(), name: `c${nextClient++}` });
          await eventually(() => log.connected, 'connected');
          return log;
        },
        restart: async () => {
          await redis.kill();
          await redis.restart();
        },
        close: () => redis.stop(),
      };
    },
    { restarts: true },
  );
});
