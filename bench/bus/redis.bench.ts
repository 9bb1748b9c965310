// Hot path: every message between engines over Redis. What our transport, and the whole bus with its checks, cost beside a
// bare ioredis that publishes the same text and parses it at the other end; every side takes turns on one real Redis, by the
// clock and by the processor time of this process. A regression means a costlier way of a batch to or from the client.
import { Redis } from 'ioredis';
import { Bus } from '../../src/bus/client.ts';
import type { Envelope } from '../../src/bus/envelope.ts';
import { MemoryHub } from '../../src/bus/memory.ts';
import { RedisTransport } from '../../src/bus/redis-transport.ts';
import { topics } from '../../src/bus/topics.ts';
import { REDIS_SERVER, TestRedis } from '../../test/support/redis.ts';
import { comparePairs, formatNs, type PairResult, type Side } from '../pairs.ts';
import { isQuick, publish } from '../report.ts';
import { publishBar } from './traffic.ts';

// Batches under way at once in one sample, far below any bound.
const BURST = 32;
const PAIRS = isQuick ? 15 : 41;
const REACH = 1.3;
// Long beside a pause of the garbage collector, of which a burst of large batches has one or none.
const SAMPLE_MS = 40;

/** Resolves when as many batches have arrived as were announced. */
class Arrivals {
  #left = 0;
  #done: () => void = () => {};

  expect(count: number): Promise<void> {
    this.#left = count;
    return new Promise((resolve) => {
      this.#done = resolve;
    });
  }

  one(): void {
    if (--this.#left === 0) this.#done();
  }
}

async function envelopes(count: number): Promise<readonly Envelope[]> {
  const bus = new Bus('marketdata', new MemoryHub().connect());
  const got: Envelope[] = [];
  await bus.subscribe('*', (batch) => void got.push(...batch));
  for (let i = 0; i < count; i++) publishBar(bus, i);
  bus.flush();
  await bus.close();
  return got;
}

/** What one sample of the bare client does: `BURST` texts out, parsed on their way in. */
async function bareSide(port: number, batch: readonly Envelope[]) {
  const [out, into] = [new Redis(port, '127.0.0.1'), new Redis(port, '127.0.0.1')];
  const arrivals = new Arrivals();
  await into.psubscribe('bare:*');
  into.on('pmessage', (_pattern, _channel, text: string) => {
    if ((JSON.parse(text) as unknown[]).length === batch.length) arrivals.one();
  });
  return async () => {
    const all = arrivals.expect(BURST);
    for (let i = 0; i < BURST; i++) void out.publish('bare:market.live_data', JSON.stringify(batch));
    await all;
  };
}

async function transportSide(redis: TestRedis, batch: readonly Envelope[]) {
  const arrivals = new Arrivals();
  const transport = new RedisTransport({ settings: redis.settings(), name: 'bench' });
  transport.start({ onBatch: () => arrivals.one(), onDropped() {}, onPoison() {} });
  await transport.subscribe('market.*');
  while (!transport.connected) await Bun.sleep(2);
  return async () => {
    const all = arrivals.expect(BURST);
    for (let i = 0; i < BURST; i++) transport.send('market.live_data', batch);
    await all;
  };
}

async function busSide(redis: TestRedis, count: number) {
  let left = 0;
  let done: () => void = () => {};
  const bus = new Bus('bench', new RedisTransport({ settings: redis.settings('bus:'), name: 'bus' }));
  await bus.subscribe(topics.marketLiveData, (batch) => {
    left -= batch.length;
    if (left === 0) done();
  });
  while (!bus.connected) await Bun.sleep(2);
  return async () => {
    left = BURST * count;
    const all = new Promise<void>((resolve) => {
      done = resolve;
    });
    for (let i = 0; i < BURST; i++) {
      for (let message = 0; message < count; message++) publishBar(bus, message);
      bus.flush();
    }
    await all;
  };
}

/** A side that answers with the processor time of one run, the garbage collector's included. */
function processorTime(run: () => Promise<void>): Side {
  return {
    measureNs: async () => {
      const end = performance.now() + SAMPLE_MS;
      const before = process.cpuUsage();
      let runs = 0;
      for (; runs === 0 || performance.now() < end; runs++) await run();
      const { user, system } = process.cpuUsage(before);
      return ((user + system) * 1000) / runs;
    },
  };
}

if (REDIS_SERVER) {
  const redis = await TestRedis.start();
  const rows: string[][] = [];
  for (const count of [1, 50]) {
    const batch = await envelopes(count);
    const bare = await bareSide(redis.port, batch);
    const sides = {
      'transport: text out, text in': await transportSide(redis, batch),
      'whole bus: checks, envelopes, dispatch too': await busSide(redis, count),
    };
    for (const [name, side] of Object.entries(sides)) {
      const r = await comparePairs({ name, a: bare, b: side, pairs: PAIRS, minSampleMs: SAMPLE_MS });
      const cpu = await comparePairs({
        name,
        a: processorTime(bare),
        b: processorTime(side),
        pairs: PAIRS,
      });
      const perMessage = (ns: number) => formatNs(ns / BURST / count);
      const ratio = ({ median, q1, q3 }: PairResult) =>
        `${median.toFixed(2)}x (${q1.toFixed(2)} .. ${q3.toFixed(2)})`;
      rows.push([
        name,
        String(count),
        ratio(r),
        ratio(cpu),
        perMessage(r.bNs),
        perMessage(r.aNs),
        `${REACH}x: ${Math.max(r.median, cpu.median) <= REACH ? 'held' : 'missed'}`,
      ]);
    }
  }
  publish({
    title: 'Redis publish beside bare ioredis',
    note: `Bars of \`market.live_data\` in bursts of ${BURST} batches, from publish to the parsed batch at a subscriber in the same process; the bare side publishes the same envelopes as one text. ${PAIRS} pairs of ${SAMPLE_MS} ms that take turns, median and quartiles; below 1 we are faster.`,
    columns: [
      'side',
      'messages in a batch',
      'ours / bare, clock',
      'processor time',
      'ours, a message',
      'bare, a message',
      'reach',
    ],
    rows,
  });
  await redis.stop();
}
process.exit(0);
