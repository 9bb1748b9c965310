// What the doctor says of a Redis that keeps much, little or nothing.
import { describe, expect, test } from 'bun:test';
import { REDIS_SERVER, TestRedis } from '../../../test/support/redis.ts';
import { HAS_CLUSTER, TestCluster } from '../../../test/support/redis-cluster.ts';
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

describe.skipIf(!HAS_CLUSTER)('the doctor over a real Redis Cluster', () => {
  test('says how its nodes stand, and names those that keep less than the others or do not answer', async () => {
    const cluster = await TestCluster.start({ replicas: 1, args: ['--appendonly', 'yes'] });
    try {
      const config = loadConfig(cluster.env);
      const findings = async () =>
        (await redisFindings(config)).map(({ check, level, found }) => [check, level, found]);
      const [first, second, third] = cluster.masters.map(({ port }) => `127.0.0.1:${port}`);
      const replica = `127.0.0.1:${cluster.replicas[0]!.port}`;
      const text = expect.stringContaining;
      const memory = ['Redis memory', 'ok', text('noeviction (every node)')];
      expect(await findings()).toEqual([
        ['Redis', 'ok', text('(cluster), prefix nautilus:')],
        ['Redis Cluster', 'warn', text(`3 masters, 1 replicas; nobody takes over from ${second}, ${third}:`)],
        [
          'Redis persistence',
          'ok',
          text(
            'appendfsync everysec: a kill of Redis loses nothing, a power cut loses up to a second (every node)',
          ),
        ],
        memory,
      ]);
      await cluster.ask(cluster.masters[2]!, 'CONFIG', 'SET', 'appendonly', 'no');
      expect((await findings()).slice(2)).toEqual([
        ['Redis persistence', 'ok', text(`(${first}, ${second}, ${replica})`)],
        memory,
        ['Redis persistence', 'warn', text(`(${third})`)],
      ]);
      await cluster.replicas[0]!.kill();
      // Nodes name a dead replica for a while.
      const dead = [
        `no answer from ${replica} (connection refused)`,
        `takes over from ${first}, ${second}, ${third}`,
      ];
      const [, found] = await findings();
      expect(dead.some((said) => (found![2] as string).includes(said))).toBe(true);
    } finally {
      await cluster.stop();
    }
  });
});
