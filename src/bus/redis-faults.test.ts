// The durable log and the leases over Redis survive what a real Redis does to them, and give back nothing wrong.
import { describe, expect, test } from 'bun:test';
import { eventually } from '../../test/support/eventually.ts';
import { Consumer, LOAD_GENERATION, numbered, Owner } from '../../test/support/log-load.ts';
import { REDIS_SERVER, TestRedis } from '../../test/support/redis.ts';
import { redisRig } from '../../test/support/redis-rig.ts';
import { loadConfig } from '../core/config.ts';
import { DependencyUnavailableError, StorageUnavailableError } from '../core/errors.ts';
import type { RedisSettings } from '../core/redis-settings.ts';
import type { LogPlace, StreamId } from './event-log.ts';
import type { RedisLog } from './redis-log.ts';

const STREAM: StreamId = { topic: 'strategy.fills', partition: 3 };
const GEN = LOAD_GENERATION;
const ONCE = { maxEvents: 100_000, waitMs: 0 } as const;

/** Begins a read of a stream without events; resolves when it waits. */
async function begunRead(log: RedisLog, place: LogPlace) {
  await log.read([place], { maxEvents: 9, waitMs: 1 });
  const batches = log.read([place], { maxEvents: 9, waitMs: 60_000 });
  // Answers come in the order of the questions: by the second one its own look is over.
  for (let i = 0; i < 2; i++) await log.bounds(place);
  return { batches };
}

describe.skipIf(REDIS_SERVER === null)('over a Redis that fails', () => {
  const { cleanup, startRedis, open, openBoard, rawClient } = redisRig();

  /** Runs an owner and a consumer on clients of their own while `fault` happens; ends when all has arrived. */
  async function underLoad(settings: RedisSettings, fault: (consumer: Consumer) => Promise<void>) {
    const owner = new Owner(await open(settings), STREAM);
    const consumer = new Consumer(await open(settings), STREAM);
    await eventually(() => consumer.place.position > 200, 'the load runs');
    await fault(consumer);
    const { position } = consumer.place;
    await eventually(() => consumer.place.position > position + 200, 'the load runs again');
    await owner.stop();
    await eventually(() => consumer.place.position === owner.stored, 'all has arrived');
    await consumer.stop();
    return { owner, consumer };
  }

  test.each([
    ['with an append-only file', ['--appendonly', 'yes', '--appendfsync', 'always']],
    ['that keeps nothing', []],
  ])(
    'delivers all events in order when a Redis %s is killed again and again',
    async (_, args) => {
      const redis = await startRedis(...args);
      const { owner } = await underLoad(redis.settings(), async (consumer) => {
        for (let life = 0; life < 4; life++) {
          await redis.kill();
          await redis.restart();
          const { position } = consumer.place;
          await eventually(() => consumer.place.position > position, `events in life ${life}`);
        }
      });
      expect(owner.refused).toBeGreaterThan(0);
    },
    60_000,
  );

  test('delivers all events in order when Redis is emptied under load', async () => {
    const redis = await startRedis();
    const raw = await rawClient(redis);
    await underLoad(redis.settings(), async (consumer) => {
      for (let time = 0; time < 10; time++) {
        await raw.flushall();
        const { position } = consumer.place;
        await eventually(() => consumer.place.position > position, `events after FLUSHALL ${time}`);
      }
    });
  });

  test('answers an append to an emptied Redis with 0, so that the owner fills it again, then takes any beginning', async () => {
    const redis = await startRedis();
    const log = await open(redis.settings());
    await log.append(STREAM, GEN, 1, numbered(1, 10));
    await (await rawClient(redis)).flushall();
    expect(await log.bounds(STREAM)).toEqual({ generation: '', first: 0, last: 0 });
    expect(await log.append(STREAM, GEN, 11, numbered(11, 2))).toBe(0);
    expect(await log.append(STREAM, GEN, 5, numbered(5, 8))).toBe(12);
    expect(await log.bounds(STREAM)).toEqual({ generation: GEN, first: 5, last: 12 });
  });

  test('knows from the bounds alone what an emptied Redis had: an owner that was started anew leaves no hole', async () => {
    const redis = await startRedis();
    await (await open(redis.settings())).append(STREAM, GEN, 1, numbered(1, 10));
    const log = await open(redis.settings());
    expect((await log.bounds(STREAM)).last).toBe(10);
    await (await rawClient(redis)).flushall();
    expect(await log.append(STREAM, GEN, 11, numbered(11, 1))).toBe(0);
    expect(await log.append(STREAM, GEN, 1, numbered(1, 11))).toBe(11);
  });

  test('delivers all events in order while connections are cut, and what nobody was woken for', async () => {
    const redis = await startRedis();
    const raw = await rawClient(redis);
    await underLoad(redis.settings(), async (consumer) => {
      for (let time = 0; time < 20; time++) {
        await raw.call('CLIENT', 'KILL', 'TYPE', time % 2 === 0 ? 'pubsub' : 'normal', 'SKIPME', 'yes');
        const { position } = consumer.place;
        await eventually(() => consumer.place.position > position, `events after cut ${time}`);
      }
    });
    const log = await open(redis.settings());
    const place = { ...STREAM, ...(await log.bounds(STREAM)) };
    const waiting = await begunRead(log, { ...place, position: place.last });
    const key = `nautilus:log:{${STREAM.topic}:${STREAM.partition}}:${GEN}`;
    await raw.xadd(key, `${place.last + 1}-0`, 'e', 'silent');
    expect((await waiting.batches)[0]!.events).toEqual([{ position: place.last + 1, payload: 'silent' }]);
  });

  test('waits or refuses while Redis hangs for two seconds, and goes on by itself', async () => {
    const redis = await startRedis();
    await underLoad(redis.settings(), async () => {
      redis.signal('SIGSTOP');
      await Bun.sleep(2000);
      redis.signal('SIGCONT');
    });
  });

  test('refuses at once while Redis is away, readers that wait included', async () => {
    const redis = await startRedis();
    const [log, board] = [await open(redis.settings()), await openBoard(redis.settings())];
    const waiting = await begunRead(log, { ...STREAM, generation: '', position: 0 });
    const outcome = waiting.batches.catch((error) => error);
    await redis.kill();
    expect(await outcome).toBeInstanceOf(DependencyUnavailableError);
    await eventually(() => !log.connected && !board.connected, 'the loss is known');
    const calls = [
      log.append(STREAM, GEN, 1, ['1']),
      log.read([{ ...STREAM, generation: '', position: 0 }], { maxEvents: 1, waitMs: 60_000 }),
      log.bounds(STREAM),
      log.trim(STREAM, 1),
      board.heartbeat('g', 'a', 1000),
      board.claim('g', 'a', [{ resource: 'r', minEpoch: 0 }], 1000),
      board.release('g', 'a', ['r']),
      board.leave('g', 'a'),
      board.holders('g'),
    ];
    for (const { status, reason } of (await Promise.allSettled(calls)) as PromiseRejectedResult[]) {
      expect([status, reason]).toEqual(['rejected', expect.any(DependencyUnavailableError)]);
    }
  });

  test('tells scripts to a Redis that forgot them', async () => {
    const redis = await startRedis();
    const raw = await rawClient(redis);
    const [log, board] = [await open(redis.settings()), await openBoard(redis.settings())];
    for (let i = 1; i <= 3; i++) {
      expect(await log.append(STREAM, GEN, i, numbered(i, 1))).toBe(i);
      expect(await board.heartbeat('g', 'a', 60_000)).toEqual(['a']);
      await raw.script('FLUSH');
      expect((await log.bounds(STREAM)).last).toBe(i);
    }
  });

  test('says that storage is unavailable when Redis is out of memory, keeps what it had, and goes on when there is room', async () => {
    const redis = await startRedis('--maxmemory-policy', 'noeviction');
    const raw = await rawClient(redis);
    const [log, board] = [await open(redis.settings()), await openBoard(redis.settings())];
    await log.append(STREAM, GEN, 1, numbered(1, 5));
    const lease = [{ resource: 'r', minEpoch: 0 }];
    const held = await board.claim('g', 'a', lease, 60_000);
    await raw.config('SET', 'maxmemory', '1');
    await expect(log.append(STREAM, GEN, 6, numbered(6, 5))).rejects.toThrow(StorageUnavailableError);
    await expect(log.append({ topic: 'new', partition: 0 }, GEN, 1, ['1'])).rejects.toThrow(
      'The event log takes no writes: Redis is out of memory',
    );
    const [batch] = await log.read([{ ...STREAM, generation: '', position: 0 }], ONCE);
    expect(batch!.events).toHaveLength(5);
    await log.trim(STREAM, 2);
    expect(await board.claim('g', 'a', lease, 60_000)).toEqual(held);
    expect(await board.heartbeat('g', 'a', 60_000)).toEqual(['a']);
    await raw.config('SET', 'maxmemory', '0');
    expect(await log.append(STREAM, GEN, 6, numbered(6, 5))).toBe(10);
    expect(await log.bounds(STREAM)).toEqual({ generation: GEN, first: 3, last: 10 });
  });

  test('looks for the master again when its Redis has become a replica', async () => {
    const [redis, other] = [await startRedis(), await startRedis()];
    const raw = await rawClient(redis);
    const changes: boolean[] = [];
    const log = await open(redis.settings(), { onChange: (connected) => void changes.push(connected) });
    await log.append(STREAM, GEN, 1, ['1']);
    await raw.replicaof('127.0.0.1', other.port);
    await expect(log.append(STREAM, GEN, 2, ['2'])).rejects.toThrow(/away: this Redis is a replica/);
    expect(changes).toEqual([true, false]);
    await raw.replicaof('NO', 'ONE');
    await eventually(() => log.connected, 'connected again');
    const last = await log.append(STREAM, GEN, 2, ['2']);
    expect([0, 2]).toContain(last);
  });

  test('is filled again from its owner after a failover to a replica that lags, and leases get greater epochs', async () => {
    const master = await startRedis('--repl-diskless-sync-delay', '0');
    const replica = await startRedis('--replicaof', '127.0.0.1', `${master.port}`);
    const sentinel = await TestRedis.sentinel(master, 'main');
    cleanup.push(() => sentinel.stop());
    const settings = loadConfig({
      REDIS_URL: 'redis://unused',
      REDIS_SENTINELS: `127.0.0.1:${sentinel.port}`,
      REDIS_SENTINEL_NAME: 'main',
    }).redis!;
    const ask = await rawClient(sentinel);
    const replicas = async () => (await ask.call('sentinel', 'replicas', 'main')) as unknown[];
    await eventually(async () => (await replicas()).length === 1, 'the Sentinel knows the replica');
    const [log, board] = [await open(settings), await openBoard(settings)];
    const onReplica = await rawClient(replica);
    await log.append(STREAM, GEN, 1, numbered(1, 300));
    const claim = (member: string) => board.claim('g', member, [{ resource: 'r', minEpoch: 0 }], 1);
    const [before] = await claim('a');
    const key = `${settings.prefix}log:{${STREAM.topic}:${STREAM.partition}}:${GEN}`;
    await eventually(async () => (await onReplica.xlen(key)) === 300, 'the replica has the first events');
    await eventually(
      async () => (await onReplica.exists(`${settings.prefix}leases:{g}`)) === 1,
      'and the lease',
    );
    // A replica that is not let in any more hears nothing of what follows.
    await (await rawClient(master)).config('SET', 'requirepass', 'changed');
    await onReplica.call('CLIENT', 'KILL', 'TYPE', 'master');
    expect(await log.append(STREAM, GEN, 301, numbered(301, 200))).toBe(500);
    const [lost] = await claim('b');
    await master.kill();
    await eventually(() => !log.connected, 'loss noticed');
    await eventually(async () => /^role:master/m.test(await onReplica.info('replication')), 'a new master');
    await eventually(() => log.connected && board.connected, 'connected to the new master');
    expect(await log.append(STREAM, GEN, 501, numbered(501, 1))).toBe(300);
    expect(await log.append(STREAM, GEN, 301, numbered(301, 201))).toBe(501);
    const [batch] = await log.read([{ ...STREAM, generation: '', position: 0 }], ONCE);
    expect(batch!.events.map((event) => event.payload)).toEqual(numbered(1, 501));
    const [after] = await claim('c');
    expect(lost!.epoch).toBeGreaterThan(before!.epoch);
    expect(after!.epoch).toBeGreaterThan(lost!.epoch);
  });

  test('gives greater epochs after Redis was emptied to those who know the last one', async () => {
    const redis = await startRedis();
    const board = await openBoard(redis.settings());
    const [held] = await board.claim('g', 'a', [{ resource: 'r', minEpoch: 5 }], 60_000);
    await (await rawClient(redis)).flushall();
    const [next] = await board.claim('g', 'b', [{ resource: 'r', minEpoch: 5 }], 60_000);
    expect(next!.epoch).toBeGreaterThan(5);
    expect(next!.epoch).not.toBe(held!.epoch);
  });
});
