// What a Redis Cluster of three nodes costs beside one server: messages from publish to the handler, and durable appends to the eight
// partitions of a topic. All servers are on this machine, so that more nodes bring no more processors.
import { Bus } from '../../src/bus/client.ts';
import { PARTITIONS } from '../../src/bus/partition.ts';
import { RedisLog } from '../../src/bus/redis-log.ts';
import { RedisTransport } from '../../src/bus/redis-transport.ts';
import { topics } from '../../src/bus/topics.ts';
import type { RedisSettings } from '../../src/core/redis-settings.ts';
import { TestRedis } from '../../test/support/redis.ts';
import { HAS_CLUSTER, TestCluster } from '../../test/support/redis-cluster.ts';
import { comparePairs } from '../pairs.ts';
import { isQuick, PAIR_COLUMNS, pairRow, publish } from '../report.ts';
import { GENERATION, payload } from './log-rows.ts';

const PAIRS = isQuick ? 15 : 41;
const BURST = 2000;
const BATCH = 50;
const BAR = { symbol: 'X', ts_event_us: 1, interval_us: 1, open: 1, high: 1, low: 1, close: 1, volume: 0 };

/** Returns what publishes a burst in batches of 50 and resolves when all of it was handled. */
async function messages(settings: RedisSettings): Promise<() => Promise<void>> {
  const from = new Bus('marketdata', new RedisTransport({ settings, name: 'from' }));
  const to = new Bus('features', new RedisTransport({ settings, name: 'to' }));
  while (!from.connected || !to.connected) await Bun.sleep(2);
  let left = 0;
  let done = () => {};
  await to.subscribe(topics.marketLiveData, (batch) => {
    left -= batch.length;
    if (left === 0) done();
  });
  return () =>
    new Promise<void>((resolve) => {
      [left, done] = [BURST, resolve];
      for (let i = 1; i <= BURST; i++) {
        from.publish(topics.marketLiveData, { ...BAR, source: 'bench' });
        if (i % BATCH === 0) from.flush();
      }
    });
}

/** Returns what appends a batch to each of the eight partitions at once. */
async function appends(settings: RedisSettings, batch: number): Promise<() => Promise<void>> {
  const log = new RedisLog({ settings, name: 'bench' });
  while (!log.connected) await Bun.sleep(2);
  const payloads = Array.from({ length: batch }, () => payload);
  const last = Array.from({ length: PARTITIONS }, () => 0);
  return async () => {
    const all = last.map((at, partition) =>
      log.append({ topic: `bench${batch}`, partition }, GENERATION, at + 1, payloads),
    );
    for (const [partition, at] of (await Promise.all(all)).entries()) last[partition] = at;
  };
}

if (HAS_CLUSTER) {
  const [server, cluster] = [await TestRedis.start(), await TestCluster.start()];
  const [one, three] = [server.settings(), cluster.settings()];
  const rows: string[][] = [];
  const row = async (name: string, a: () => Promise<void>, b: () => Promise<void>) => {
    rows.push(pairRow(await comparePairs({ name, a, b, pairs: PAIRS, minSampleMs: 20 }), 'one server'));
  };
  await row(`publish ${BURST} bars in batches of ${BATCH}`, await messages(three), await messages(one));
  for (const batch of [1, 50])
    await row(
      `append ${batch} to each of 8 partitions`,
      await appends(three, batch),
      await appends(one, batch),
    );
  await Promise.all([server.stop(), cluster.stop()]);
  publish({
    title: 'Redis Cluster of three nodes beside one server',
    note: `${PAIRS} pairs that take turns, all servers and clients on one machine; above 1 the cluster is faster.`,
    columns: PAIR_COLUMNS,
    rows,
  });
}
process.exit(0);
