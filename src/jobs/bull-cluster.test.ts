// Jobs on BullMQ in a Redis Cluster: the suite of all backends, and a master that dies while a job runs.
import { afterAll, describe, expect, test } from 'bun:test';
import { z } from 'zod';
import { eventually } from '../../test/support/eventually.ts';
import { HAS_CLUSTER, TestCluster } from '../../test/support/redis-cluster.ts';
import { Bus } from '../bus/client.ts';
import { MemoryHub } from '../bus/memory.ts';
import { slotOf } from '../bus/redis-cluster.ts';
import { DependencyUnavailableError } from '../core/errors.ts';
import { createLog } from '../core/log.ts';
import { redisSettings } from '../core/redis-settings.ts';
import { BullBackend } from './bull-backend.ts';
import { connectForCommands, ready } from './bull-connections.ts';
import { prefixOf } from './bull-queues.ts';
import { jobsConformance } from './conformance.ts';
import { defineJob } from './define.ts';
import { Jobs } from './jobs.ts';

if (HAS_CLUSTER) {
  let cluster: Promise<TestCluster> | undefined;
  afterAll(async () => (await cluster)?.stop());
  jobsConformance('BullMQ in a cluster', async () => {
    cluster ??= TestCluster.start();
    const made = await cluster;
    const close = async () => {
      for (const node of made.masters) await made.ask(node, 'FLUSHALL');
    };
    return { place: `${made.env.REDIS_URL}#${made.env.REDIS_CLUSTER_NODES}`, close };
  });
}

test.skipIf(!HAS_CLUSTER)(
  'who adds jobs connects to a cluster whose nodes are known by name',
  async () => {
    // Looking a name up takes a moment in which a connection is not open yet.
    const named = [
      '--cluster-announce-hostname',
      'localhost',
      '--cluster-preferred-endpoint-type',
      'hostname',
    ];
    const cluster = await TestCluster.start({ args: named });
    const clusterNodes = cluster.masters.map(({ port }) => `localhost:${port}`).join(',');
    const settings = redisSettings({ url: 'redis://cluster', clusterNodes, prefix: 'nautilus:' });
    const client = await connectForCommands(settings, 'test');
    client.on('error', () => {});
    try {
      await ready(client, 20_000);
      // At once on each node, whichever came last.
      const keys = ['a', 'b', 'c', 'd', 'e', 'f'];
      expect(await Promise.all(keys.map((key) => client.set(key, key)))).toEqual(keys.map(() => 'OK'));
    } finally {
      client.disconnect();
      await cluster.stop();
    }
  },
  60_000,
);

describe.skipIf(!HAS_CLUSTER)('jobs on BullMQ in a cluster that fails', () => {
  test.each(['SIGKILL', 'SIGSTOP'] as const)(
    'end, and others begin, when their master gets a %s and its replica takes over',
    async (signal) => {
      const cluster = await TestCluster.start({ replicas: 1 });
      const gate = Promise.withResolvers<void>();
      const run = async (name: string) => {
        if (name === 'held') await gate.promise;
        return name;
      };
      const definition = defineJob({
        kind: 'work',
        input: z.string(),
        result: z.string(),
        concurrency: 2,
        run,
      });
      const settings = cluster.settings();
      // An engine whose jobs are on the master that has a replica.
      let engine = 'a';
      while (slotOf(prefixOf(settings, engine)) >= 16384 / 3) engine += 'a';
      const log = createLog('jobs', 'silent');
      const backend = new BullBackend({ settings, engine, kinds: [definition], log });
      const bus = new Bus('test', new MemoryHub().connect());
      const jobs = new Jobs({ engine, definitions: [definition], backend, bus, log });
      try {
        await jobs.start();
        const held = await jobs.add('work', 'held');
        await eventually(async () => (await jobs.get(held.job_id)).state === 'active', 'the job to run');
        // What the replica has not heard of when its master goes is lost: jobs are as safe as Redis keeps them.
        const inStep = () => cluster.ask<number>(cluster.masters[0]!, 'WAIT', 1, 1000);
        await eventually(async () => (await inStep()) === 1, 'the replica to know the job');
        cluster.masters[0]!.signal(signal);
        // Refused while the master is away, or taken by the one that came after it.
        const meanwhile = await jobs.add('work', 'meanwhile').catch((error: unknown) => error);
        expect(meanwhile instanceof Error ? meanwhile.constructor : null).toBeOneOf([
          null,
          DependencyUnavailableError,
        ]);
        await cluster.promoted(0);
        gate.resolve();
        const ended = () =>
          jobs.get(held.job_id).then(
            ({ state }) => state === 'completed',
            () => false,
          );
        await eventually(ended, 'the outcome of what ran meanwhile');
        let after = '';
        const added = async () => {
          after = (await jobs.add('work', 'after').catch(() => null))?.job_id ?? '';
          return after !== '';
        };
        await eventually(added, 'a job to be added');
        expect(await jobs.wait(after)).toMatchObject({ state: 'completed' });
      } finally {
        await jobs.stop(500);
        await cluster.stop();
      }
    },
    90_000,
  );
});
