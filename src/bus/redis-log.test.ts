// The durable log over Redis passes the suite of all logs, keeps systems apart, needs few rights and forgets what is old.
import { describe, expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from '../../test/support/eventually.ts';
import { LOAD_GENERATION, numbered } from '../../test/support/log-load.ts';
import { REDIS_SERVER, TestRedis } from '../../test/support/redis.ts';
import { redisRig } from '../../test/support/redis-rig.ts';
import { ConflictError, DependencyUnavailableError } from '../core/errors.ts';
import type { StreamId } from './event-log.ts';
import { logConformance } from './log-conformance.ts';
import { RedisLog } from './redis-log.ts';

const STREAM: StreamId = { topic: 'strategy.fills', partition: 3 };
const GEN = LOAD_GENERATION;
const ONCE = { maxEvents: 100_000, waitMs: 0 } as const;

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

  const { startRedis, open, openBoard, rawClient } = redisRig();

  test('needs no more rights than the documentation gives to a user', async () => {
    const docs = readFileSync(join(import.meta.dir, '../../docs/redis.md'), 'utf8');
    const rule = /^user (nautilus on .+)$/m.exec(docs)![1]!.split(' ');
    const redis = await startRedis('--user', ...rule);
    const settings = redis.settings('nautilus:', `redis://nautilus:secret@127.0.0.1:${redis.port}`);
    const [log, board] = [await open(settings), await openBoard(settings)];
    const waiting = log.read([{ ...STREAM, generation: '', position: 0 }], { maxEvents: 9, waitMs: 10_000 });
    await log.append(STREAM, GEN, 1, numbered(1, 1));
    expect(await waiting).toHaveLength(1);
    // The second append with an age of a moment forgets by it; a newer generation takes the place of the older.
    const hasty = await open(settings, { retention: () => ({ maxEvents: 1, maxAgeMs: 1 }) });
    await hasty.append(STREAM, GEN, 2, numbered(2, 1));
    await eventually(async () => (await hasty.append(STREAM, '2027', 1, ['1', '2'])) === 2, 'replaced');
    await log.trim(STREAM, 1);
    expect(await log.bounds(STREAM)).toEqual({ generation: '2027', first: 2, last: 2 });
    await board.heartbeat('g', 'a', 1000);
    expect(await board.claim('g', 'a', [{ resource: 'r', minEpoch: 0 }], 60_000)).toHaveLength(1);
    expect(await board.holders('g')).toHaveLength(1);
    await board.release('g', 'a', ['r']);
    await board.leave('g', 'a');
    const other = await open({ ...settings, prefix: 'other:' });
    await expect(other.bounds(STREAM)).rejects.toThrow(DependencyUnavailableError);
  });

  test('keeps one log for two systems apart by their prefixes, and wakes no subscription of messages', async () => {
    const redis = await startRedis();
    const raw = await rawClient(redis);
    const heard: string[] = [];
    raw.on('pmessage', (_pattern, channel) => void heard.push(channel));
    await raw.psubscribe('nautilus:*');
    const [one, two] = [await open(redis.settings()), await open(redis.settings('other:'))];
    await one.append(STREAM, GEN, 1, ['1']);
    await two.append(STREAM, '2027', 7, ['7']);
    expect((await one.bounds(STREAM)).last).toBe(1);
    expect((await two.bounds(STREAM)).last).toBe(7);
    await expect(two.append(STREAM, GEN, 8, ['8'])).rejects.toThrow(ConflictError);
    expect(heard).toEqual([]);
  });

  test('forgets the oldest events beyond the number and the age that the topic keeps', async () => {
    const redis = await startRedis();
    const few = await open(redis.settings(), {
      retention: (topic) => ({
        maxEvents: topic === 'few' ? 1000 : 10 ** 9,
        maxAgeMs: topic === 'new' ? 64 : 10 ** 9,
      }),
    });
    const bounds = async (topic: string) => await few.bounds({ topic, partition: 0 });
    for (const topic of ['few', 'new', 'all']) {
      for (let first = 1; first <= 4001; first += 200)
        await few.append({ topic, partition: 0 }, GEN, first, numbered(first, 200));
    }
    // Trimmed by whole nodes of the stream and before the append: at most a chunk and a node more than asked for.
    const kept = await bounds('few');
    expect(kept.last - kept.first + 1).toBeGreaterThanOrEqual(1000);
    expect(kept.last - kept.first + 1).toBeLessThan(1000 + 200 + 100);
    expect(await bounds('all')).toEqual({ generation: GEN, first: 1, last: 4200 });
    let next = 4201;
    await eventually(async () => {
      next = (await few.append({ topic: 'new', partition: 0 }, GEN, next, numbered(next, 1))) + 1;
      return (await bounds('new')).first > 3900;
    }, 'the events of before are gone');
    const [batch] = await few.read([{ topic: 'new', partition: 0, generation: GEN, position: 1 }], ONCE);
    expect(batch!.events.at(-1)!.position).toBe(next - 1);
  });
});
