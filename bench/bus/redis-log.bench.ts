// Hot path: every event that must not be lost, over Redis. What an append costs beside a pipeline of XADD of bare ioredis with the
// same payloads, and how long an event takes from its append to a reader that waits. A regression means a costlier script or
// a slower way of waking readers.
import { Redis } from 'ioredis';
import { RedisLog } from '../../src/bus/redis-log.ts';
import { REDIS_SERVER, TestRedis } from '../../test/support/redis.ts';
import { comparePairs } from '../pairs.ts';
import { grouped, isQuick, publish } from '../report.ts';
import { GENERATION, held, latencyCells, payload } from './log-rows.ts';

const PAIRS = isQuick ? 15 : 41;
const LATENCIES = isQuick ? 500 : 3000;
const LEAST_PER_S = 10_000;

interface Case {
  readonly batch: number;
  readonly fsync: string;
}

async function connect(redis: TestRedis, name: string): Promise<RedisLog> {
  const log = new RedisLog({ settings: redis.settings(), name });
  while (!log.connected) await Bun.sleep(2);
  return log;
}

async function appendRow({ batch, fsync }: Case): Promise<string[]> {
  const redis = await TestRedis.start(serverArgs(fsync));
  const log = await connect(redis, 'bench');
  const raw = new Redis(redis.port, '127.0.0.1');
  const payloads = Array.from({ length: batch }, () => payload);
  let [ours, bare] = [0, 0];
  const result = await comparePairs({
    name: 'append',
    a: async () => {
      ours = await log.append({ topic: 'bench', partition: 0 }, GENERATION, ours + 1, payloads);
    },
    b: async () => {
      const pipeline = raw.pipeline();
      for (const each of payloads) pipeline.xadd('bare', `${++bare}-0`, 'e', each);
      await pipeline.exec();
    },
    pairs: PAIRS,
    minSampleMs: 5,
  });
  raw.disconnect();
  await log.close();
  await redis.stop();
  const perSecond = (ns: number) => (batch * 1e9) / ns;
  const reach = batch >= 100 ? held(perSecond(result.aNs) >= LEAST_PER_S, `${grouped(LEAST_PER_S)}/s`) : '';
  return [
    fsync,
    grouped(batch),
    `${grouped(perSecond(result.aNs))}/s`,
    `${grouped(perSecond(result.bNs))}/s`,
    `${(1 / result.median).toFixed(2)}x`,
    `${(1 / result.q3).toFixed(2)} to ${(1 / result.q1).toFixed(2)}`,
    reach,
  ];
}

async function latencyRow(fsync: string, places: number): Promise<string[]> {
  const redis = await TestRedis.start(serverArgs(fsync));
  const [writer, reader] = [await connect(redis, 'writer'), await connect(redis, 'reader')];
  const cells = await latencyCells(writer, reader, places, LATENCIES);
  await Promise.all([writer.close(), reader.close()]);
  await redis.stop();
  return [fsync, String(places), ...cells];
}

function serverArgs(fsync: string): string[] {
  return ['--appendonly', 'yes', '--appendfsync', fsync];
}

if (REDIS_SERVER) {
  const rows: string[][] = [];
  for (const fsync of ['everysec', 'always'])
    for (const batch of [1, 10, 100, 1000]) rows.push(await appendRow({ batch, fsync }));
  publish({
    title: 'Durable append over Redis beside bare ioredis',
    note: `Events of ${payload.length} bytes, one batch under way at a time, from the call to the answer, with the append-only file; the bare side is one pipeline of XADD. ${PAIRS} pairs that take turns; below 1 we are faster.`,
    columns: ['appendfsync', 'events in a batch', 'ours', 'bare', 'ours / bare, time', 'quartiles', 'reach'],
    rows,
  });
  const latencies: string[][] = [];
  for (const fsync of ['everysec', 'always'])
    for (const places of [1, 64]) latencies.push(await latencyRow(fsync, places));
  publish({
    title: 'From append to a waiting reader, over Redis',
    note: `One event at a time, from the call of append to the answer of a read that waits on so many streams, two clients in one process; ${grouped(LATENCIES - 100)} times.`,
    columns: ['appendfsync', 'streams', 'p50', 'p95', 'p99', 'reach'],
    rows: latencies,
  });
}
process.exit(0);
