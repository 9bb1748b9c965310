// What the doctor says of a Redis that keeps much, little or nothing.
import { describe, expect, test } from 'bun:test';
import { REDIS_SERVER, TestRedis } from '../../../test/support/redis.ts';
import { loadConfig } from '../../core/config.ts';
import { redisFindings } from './doctor-redis.ts';

describe.skipIf(REDIS_SERVER === null)('the doctor over a real redis-server', () => {
  async function findings(durability: string, ...args: string[]) {
    const redis = await TestRedis.start(args);
    const config = loadConfig({ REDIS_URL: redis.url, NAUTILUS_DURABILITY: durability });
    const [server, persistence, memory] = await redisFindings(config);
    await redis.stop();
    expect(server).toMatchObject({ check: 'Redis', level: 'ok' });
    return { persistence: persistence!, memory: memory! };
  }

  const aof = (fsync: string) => ['--appendonly', 'yes', '--appendfsync', fsync];

  test.each([
    ['process', aof('always'), 'ok', 'a power cut loses nothing'],
    ['process', aof('everysec'), 'ok', 'a kill of Redis loses nothing, a power cut loses up to a second'],
    ['process', aof('no'), 'warn', 'what the system had not written'],
    ['process', ['--save', '60 1'], 'warn', 'snapshots (60 1): a crash loses what came after the last one'],
    ['process', [], 'warn', 'nothing is kept over a restart'],
    ['power', aof('always'), 'ok', 'a power cut loses nothing'],
    ['power', aof('everysec'), 'fail', 'up to a second'],
    ['power', [], 'fail', 'nothing is kept over a restart'],
  ] as const)('durability %s with %j is %s: %s', async (durability, args, level, found) => {
    const { persistence } = await findings(durability, ...args);
    expect(persistence).toMatchObject({ level, found: expect.stringContaining(found) });
    if (level === 'fail')
      expect(persistence.fix).toContain(
        '`appendfsync always` in redis.conf, which NAUTILUS_DURABILITY=power asks for',
      );
    if (level === 'warn') expect(persistence.fix).toContain('`appendfsync everysec`');
    if (level === 'ok') expect(persistence.fix).toBeUndefined();
  });

  test('warns of a Redis that may throw events away', async () => {
    const { memory } = await findings('process', '--maxmemory', '100mb', '--maxmemory-policy', 'allkeys-lru');
    expect(memory).toMatchObject({
      level: 'warn',
      found: expect.stringContaining('events and leases may be thrown away'),
    });
    expect(memory.fix).toContain('noeviction');
    expect((await findings('process')).memory.level).toBe('ok');
  });
});
