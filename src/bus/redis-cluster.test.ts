// Over a real Redis Cluster: the suites of transports, logs and lease boards, each test under a prefix of its own.
import { afterAll, describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { eventually } from '../../test/support/eventually.ts';
import { HAS_CLUSTER, TestCluster } from '../../test/support/redis-cluster.ts';
import { loadConfig } from '../core/config.ts';
import { busConformance } from './conformance.ts';
import { leaseConformance } from './lease-conformance.ts';
import { logConformance } from './log-conformance.ts';
import { slotOf } from './redis-cluster.ts';
import { RedisLeases } from './redis-leases.ts';
import { RedisLog } from './redis-log.ts';
import { RedisTransport } from './redis-transport.ts';

describe.skipIf(!HAS_CLUSTER)('over a real Redis Cluster', () => {
  let started: Promise<TestCluster> | undefined;
  let prefixes = 0;
  let clients = 0;
  const begin = async () => {
    started ??= TestCluster.start({ args: ['--appendonly', 'yes', '--appendfsync', 'always'] });
    const cluster = await started;
    return { cluster, settings: cluster.settings(`test-${prefixes++}:`), close: () => {} };
  };
  afterAll(async () => (await started)?.stop());

  busConformance('redis cluster', async () => {
    const { settings, close } = await begin();
    return { connect: (name) => new RedisTransport({ settings, name }), close };
  });

  logConformance(
    'redis cluster',
    async () => {
      const { cluster, settings, close } = await begin();
      return {
        connect: async () => {
          const log = new RedisLog({ settings, name: `c${clients++}` });
          await eventually(() => log.connected, 'connected');
          return log;
        },
        restart: async () => {
          for (const node of cluster.masters) await node.kill();
          for (const node of cluster.masters) await node.restart();
          await cluster.whole();
        },
        close,
      };
    },
    { restarts: true },
  );

  leaseConformance('redis cluster', async () => {
    const { settings, close } = await begin();
    return {
      connect: async () => {
        const board = new RedisLeases({ settings, name: 'x' });
        await eventually(() => board.connected, 'connected');
        return board;
      },
      close,
    };
  });

  test('finds the slot of a key as Redis does', async () => {
    const { cluster } = await begin();
    const fixed = [
      '',
      'a',
      '{a}b',
      'a{}b',
      'a{b',
      '{{a}}',
      'a{b}{c}',
      'nautilus:log:{strategy.fills:3}#marks',
      'é',
    ];
    const given = fc.sample(fc.string({ maxLength: 20, unit: fc.constantFrom('{', '}', 'a', 'b', 'é') }), 50);
    for (const key of [...fixed, ...given])
      expect(slotOf(key)).toBe(await cluster.ask(cluster.masters[0]!, 'CLUSTER', 'KEYSLOT', key));
  });
});

test('the nodes of a cluster are read from the environment, and what does not go with them is refused', () => {
  const read = (env: Record<string, string>) =>
    loadConfig({ REDIS_URL: 'rediss://u:geheim@h', ...env }).redis!;
  const settings = read({ REDIS_CLUSTER_NODES: 'a:7000, [::1], b.c' });
  expect(settings).toMatchObject({
    tls: true,
    cluster: [
      { host: 'a', port: 7000 },
      { host: '::1', port: 6379 },
      { host: 'b.c', port: 6379 },
    ],
  });
  expect(settings.address).toBe('a:7000, [::1], b.c (cluster)');
  for (const nodes of ['a b', 'a:port', 'a,,b'])
    expect(() => read({ REDIS_CLUSTER_NODES: nodes })).toThrow(/REDIS_CLUSTER_NODES: host:port/);
  const cluster = { REDIS_CLUSTER_NODES: 'a' };
  expect(() => read({ ...cluster, REDIS_URL: 'redis://u:geheim@h/3' })).toThrow(
    /^(?!.*geheim).*no database but 0/,
  );
  const both = { ...cluster, REDIS_URL: 'redis://h', REDIS_SENTINELS: 'h:1', REDIS_SENTINEL_NAME: 'm' };
  expect(() => read(both)).toThrow(/nothing beside REDIS_SENTINELS/);
});
