import { REDIS_SERVER, TestRedis } from '../../test/support/redis.ts';
import { jobsConformance } from './conformance.ts';

if (REDIS_SERVER) {
  jobsConformance('BullMQ', async () => {
    const redis = await TestRedis.start();
    return { place: redis.url, close: () => redis.stop() };
  });
}
