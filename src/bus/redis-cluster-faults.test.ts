// What a Redis Cluster does to those who use it: masters that die, hang and give way, slots that move; nothing durable is lost.
import { describe, expect, setDefaultTimeout, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from '../../test/support/eventually.ts';
import { Consumer, LOAD_GENERATION, Owner } from '../../test/support/log-load.ts';
import { HAS_CLUSTER, TestCluster } from '../../test/support/redis-cluster.ts';
import { redisRig } from '../../test/support/redis-rig.ts';
import { DependencyUnavailableError } from '../core/errors.ts';
import { type RedisSettings, redisSettings } from '../core/redis-settings.ts';
import { Bus } from './client.ts';
import type { StreamId } from './event-log.ts';
import { PARTITIONS } from './partition.ts';
import { busKey, slotOf } from './redis-cluster.ts';
import { probeRedis } from './redis-probe.ts';
import { RedisTransport } from './redis-transport.ts';
import { topics } from './topics.ts';

setDefaultTimeout(60_000);

const TOPIC = 'strategy.fills';
const STREAM: StreamId = { topic: TOPIC, partition: 3 };
const QUICK = { pingMs: 50, retryMs: { first: 5, longest: 50 } };

describe.skipIf(!HAS_CLUSTER)('over a Redis Cluster that fails', () => {
  const { cleanup, open, openBoard } = redisRig();
  let cluster: TestCluster;
  const start = async (options: Parameters<typeof TestCluster.start>[0]) => {
    cluster = await TestCluster.start(options);
    cleanup.push(() => cluster.stop());
  };
  /** Whether the master with a replica owns a key. */
  const isFirst = (key: string) => slotOf(key) < 16384 / 3;
  const headOf = (partition: number) => `nautilus:log:{${TOPIC}:${partition}}`;
  const streamOfFirst = (): StreamId => {
    const partitions = Array.from({ length: PARTITIONS }, (_, i) => i);
    return { topic: TOPIC, partition: partitions.find((i) => isFirst(headOf(i)))! };
  };
  /** Settings whose key, of those that `keyOf` gives, is on the master with a replica. */
  const settingsOnFirst = (keyOf: (settings: RedisSettings) => string): RedisSettings => {
    for (let i = 0; ; i++) {
      const settings = cluster.settings(`p${i}:`);
      if (isFirst(keyOf(settings))) return settings;
    }
  };

  async function connect(name: string, settings: RedisSettings): Promise<Bus> {
    const bus = new Bus(name, new RedisTransport({ settings, name, timing: QUICK }));
    cleanup.push(() => bus.close());
    await eventually(() => bus.connected, 'connected');
    return bus;
  }

  /** Runs an owner and a consumer on clients of their own while `fault` happens; ends when all has arrived. */
  async function underLoad(stream: StreamId, fault: (moves: () => Promise<void>) => Promise<void>) {
    const owner = new Owner(await open(cluster.settings()), stream);
    const consumer = new Consumer(await open(cluster.settings()), stream);
    const moves = () => {
      const { position } = consumer.place;
      return eventually(() => consumer.place.position > position + 200, 'the load runs');
    };
    await moves();
    await fault(moves);
    await moves();
    await owner.stop();
    await eventually(() => consumer.place.position === owner.stored, 'all has arrived');
    await consumer.stop();
  }

  const faults = [
    ['is killed', 'SIGKILL'],
    ['hangs', 'SIGSTOP'],
  ] as const;
  test.each(faults)(
    'delivers all events in order when a master %s and its replica takes over',
    async (_, signal) => {
      await start({ replicas: 1 });
      await underLoad(streamOfFirst(), async (moves) => {
        cluster.masters[0]!.signal(signal);
        await cluster.promoted(0);
        await moves();
        if (signal === 'SIGSTOP') cluster.masters[0]!.signal('SIGCONT');
        else await cluster.masters[0]!.restart();
        await cluster.whole();
      });
    },
  );

  test('delivers all events in order while masters and replicas change places', async () => {
    await start({ replicas: 1 });
    await underLoad(streamOfFirst(), async (moves) => {
      await cluster.failOver(0);
      await moves();
      await cluster.ask(cluster.masters[0]!, 'CLUSTER', 'FAILOVER');
      await moves();
    });
  });

  test('delivers all events in order while their slot moves to a new node, key by key', async () => {
    await start({ empty: 1 });
    const stream = streamOfFirst();
    const slot = slotOf(headOf(stream.partition));
    const [from, , , to] = cluster.masters;
    const [fromId, toId] = [
      await cluster.ask<string>(from!, 'CLUSTER', 'MYID'),
      await cluster.ask<string>(to!, 'CLUSTER', 'MYID'),
    ];
    await underLoad(stream, async (moves) => {
      await cluster.ask(to!, 'CLUSTER', 'SETSLOT', slot, 'IMPORTING', fromId);
      await cluster.ask(from!, 'CLUSTER', 'SETSLOT', slot, 'MIGRATING', toId);
      const keys = await cluster.ask<string[]>(from!, 'CLUSTER', 'GETKEYSINSLOT', slot, 10);
      expect(keys).toHaveLength(3);
      for (const key of keys) await cluster.ask(from!, 'MIGRATE', '127.0.0.1', to!.port, key, 0, 5000);
      // All keys are there, the slot is not: who asks the old node is sent on, one command at a time.
      await moves();
      for (const node of [to!, from!, ...cluster.masters.slice(1, 3)])
        await cluster.ask(node, 'CLUSTER', 'SETSLOT', slot, 'NODE', toId);
      await moves();
    });
    expect(await cluster.ownerOf(headOf(stream.partition))).toBe(to!);
  });

  test('carries messages in one order over the node that takes over, and over no other', async () => {
    await start({ replicas: 1 });
    const settings = settingsOnFirst(busKey);
    const [asker, answerer, reader] = [
      await connect('a', settings),
      await connect('b', settings),
      await connect('c', settings),
    ];
    const idOf = (body: unknown) => (body as { prediction: number }).prediction;
    const send = (bus: Bus, n: number) => {
      bus.publish(topics.mlPredictions, { ...PREDICTION, prediction: n });
      bus.flush();
    };
    const heard: number[] = [];
    await reader.subscribe(
      topics.mlPredictions,
      (batch) => void heard.push(...batch.map((e) => idOf(e.body))),
    );
    // Each answer is published by another engine, and after what it answers.
    await answerer.subscribe(topics.mlPredictions, (batch) => {
      for (const { body } of batch) if (Number.isInteger(idOf(body))) send(answerer, idOf(body) + 0.5);
    });
    let asked = 0;
    const converse = async () => {
      for (let i = 0; i < 200; i++) send(asker, ++asked);
      await eventually(() => heard.includes(asked + 0.5), 'the last answer');
    };
    await converse();
    await cluster.failOver(0);
    const users = async () =>
      (await cluster.ask<string>(cluster.masters[0]!, 'CLIENT', 'LIST')).match(/ name=nautilus-[abc]/g)
        ?.length ?? 0;
    await eventually(async () => (await users()) === 0, 'everybody left the node that gave way');
    await eventually(() => [asker, answerer, reader].every((bus) => bus.connected), 'all are back');
    await converse();
    expect(heard.filter((n) => heard.indexOf(n) < heard.indexOf(Math.floor(n)))).toEqual([]);
    expect(new Set(heard).size).toBe(heard.length);
    await cluster.replicas[0]!.kill();
    await eventually(() => !asker.connected, 'loss noticed');
    await eventually(() => [asker, answerer, reader].every((bus) => bus.connected), 'all are back');
    await converse();
  });

  test('needs no more rights than the documentation gives to a user', async () => {
    const docs = readFileSync(join(import.meta.dir, '../../docs/redis.md'), 'utf8');
    const rule = /^user (nautilus on .+)$/m.exec(docs)![1]!.split(' ');
    const more = /In a cluster it also needs `([^`]+)`/.exec(docs)![1]!.split(' ');
    await start({ args: ['--user', ...rule, ...more] });
    const nodes = cluster.env.REDIS_CLUSTER_NODES;
    const at = (password: string) =>
      redisSettings({ url: `redis://nautilus:${password}@h`, clusterNodes: nodes, prefix: 'nautilus:' });
    const log = await open(at('secret'));
    expect(await log.append(STREAM, LOAD_GENERATION, 1, ['1'])).toBe(1);
    expect(
      await log.read([{ ...STREAM, generation: '', position: 0 }], { maxEvents: 9, waitMs: 9 }),
    ).toHaveLength(1);
    const board = await openBoard(at('secret'));
    expect(await board.heartbeat('g', 'a', 1000)).toEqual(['a']);
    const bus = await connect('a', at('secret'));
    const heard: unknown[] = [];
    for (const pattern of ['*', topics.mlPredictions.name])
      await bus.subscribe(pattern, (batch) => void heard.push(...batch));
    bus.publish(topics.mlPredictions, { ...PREDICTION, prediction: 1 });
    await eventually(() => heard.length === 2, 'the message twice');
    expect((await probeRedis(at('secret'))).version).toMatch(/^\d/);
    await expect(probeRedis(at('wrong'))).rejects.toThrow(
      /\(cluster\) cannot be used \(user or password refused\)/,
    );
  });

  test('says that the cluster is down while a master without a replica is away, and is back with it', async () => {
    await start({ args: ['--appendonly', 'yes', '--appendfsync', 'always'] });
    const [log, bus] = [await open(cluster.settings()), await connect('a', cluster.settings())];
    expect(await log.append(STREAM, LOAD_GENERATION, 1, ['1'])).toBe(1);
    for (const node of cluster.masters.slice(0, 2)) await node.kill();
    const refusal = () =>
      probeRedis(cluster.settings()).then(
        () => '',
        (error: Error) => error.message,
      );
    await eventually(async () => (await refusal()).includes('(the cluster is down)'), 'the end of it');
    await eventually(() => !log.connected && !bus.connected, 'loss noticed');
    await expect(log.append(STREAM, LOAD_GENERATION, 2, ['2'])).rejects.toThrow(DependencyUnavailableError);
    for (const node of cluster.masters.slice(0, 2)) await node.restart();
    await eventually(() => log.connected && bus.connected, 'back');
    await eventually(async () => (await log.bounds(STREAM).catch(() => null))?.last === 1, 'what it had');
    expect(await log.append(STREAM, LOAD_GENERATION, 2, ['2'])).toBe(2);
  });
});

const PREDICTION = {
  symbol: 'X',
  model_id: 'm',
  timestamp: 1,
  confidence: 0.5,
  model_version: '1',
  hardware_used: 'cpu',
};
