// Hot path: every record of a live source, from its hand-over to the pipeline until a reader has it: latency bookkeeping, quality gate, order
// book, choice of source, text of prices, checked bodies, bus. A regression means a costlier step for each record, or a batch that waits longer.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BinanceCapture } from '../../engines/marketdata/files/binance-capture.ts';
import { PipelineService } from '../../engines/marketdata/pipeline/service.ts';
import { PIPELINE_TABLES } from '../../engines/marketdata/pipeline/tables.ts';
import { ScriptedSource } from '../../engines/marketdata/pipeline/test-source.ts';
import { Bus } from '../../src/bus/client.ts';
import { MemoryHub } from '../../src/bus/memory.ts';
import { RedisTransport } from '../../src/bus/redis-transport.ts';
import type { Transport } from '../../src/bus/transport.ts';
import { systemClock } from '../../src/core/clock.ts';
import { createLog } from '../../src/core/log.ts';
import { redisSettings } from '../../src/core/redis-settings.ts';
import type { EngineContext } from '../../src/http/engine.ts';
import type { MarketRecord } from '../../src/market/records.ts';
import { openSqlite } from '../../src/store/sqlite-database.ts';
import { capturePath } from '../../test/support/captures.ts';
import { REDIS_SERVER, TestRedis } from '../../test/support/redis.ts';
import { quantile } from '../pairs.ts';
import { grouped, isQuick, publish } from '../report.ts';

const RATES = [10_000, 50_000];
const SECONDS = isQuick ? 1 : 4;
const SYMBOL = 'BTCUSDT';
const SOURCE = 'binance-usdm';

interface Row {
  readonly ts_receive_us: number;
}

/** Trades, best quotes and changes of the book of the recorded futures; null where the recording is not there. */
async function recorded(): Promise<MarketRecord[] | null> {
  const path = capturePath('futures');
  if (path === null) return null;
  const all: MarketRecord[] = [];
  const capture = new BinanceCapture({ maxBytes: 2 ** 30 });
  for await (const batch of capture.records(Bun.file(path).stream()))
    for (const record of batch) all.push(record);
  return all;
}

/** The same record as if it had come now. */
function now(record: MarketRecord, nowUs: number): MarketRecord {
  return { ...record, tsEventUs: nowUs - 5000, tsReceiveUs: nowUs };
}

async function measure(
  records: readonly MarketRecord[],
  rate: number,
  transport: () => Transport,
  folder: string,
) {
  const [bus, reader] = [new Bus('marketdata', transport()), new Bus('reader', transport())];
  while (!bus.connected || !reader.connected) await new Promise((resolve) => setImmediate(resolve));
  const source = new ScriptedSource(SOURCE);
  const database = openSqlite(join(folder, `${Bun.randomUUIDv7()}.sqlite`), { engine: PIPELINE_TABLES });
  const log = createLog('bench', 'silent');
  const service = new PipelineService(
    { bus, clock: systemClock, log, database } as unknown as EngineContext,
    {
      known: [{ id: SOURCE, factory: source.factory }],
      own: [],
    },
  );
  await service.start();
  await service.subscribe({
    symbol: SYMBOL,
    kinds: ['trades', 'quotes', 'book'],
    sources: [SOURCE],
    native_symbols: {},
    interval_us: 60_000_000,
    store: false,
  });
  const us: number[] = [];
  const take = (rows: readonly Row[] | undefined, nowUs: number) => {
    for (const { ts_receive_us } of rows ?? []) us.push(nowUs - ts_receive_us);
  };
  await reader.subscribe('market.*', (batch) => {
    const nowUs = systemClock.nowUs();
    for (const { body } of batch) {
      const { trades, quotes, deltas } = body as Record<string, Row[]>;
      take(trades, nowUs);
      take(quotes, nowUs);
      take(deltas, nowUs);
    }
  });
  const wanted = Math.min(records.length, rate * SECONDS);
  const begunUs = systemClock.nowUs();
  let given = 0;
  let busyUs = 0;
  while (given < wanted) {
    await new Promise((resolve) => setImmediate(resolve));
    const due = Math.min(wanted, Math.floor(((systemClock.nowUs() - begunUs) / 1e6) * rate));
    while (given < due) {
      const startUs = systemClock.nowUs();
      const batch = records.slice(given, Math.min(due, given + 64)).map((record) => now(record, startUs));
      source.say(...batch);
      busyUs += systemClock.nowUs() - startUs;
      given += batch.length;
    }
  }
  const outcomes = service.pipeline.outcomes.get(SOURCE)!;
  service.publisher.flush();
  const endUs = systemClock.nowUs() + 5e6;
  while (us.length < outcomes.published && systemClock.nowUs() < endUs)
    await new Promise((resolve) => setTimeout(resolve, 1));
  await service.stop();
  await reader.close();
  await bus.close();
  await database.close();
  // The first tenth is the warm-up of the compiler.
  return { us: us.slice(us.length / 10), busyUs: busyUs / given, outcomes, given };
}

const records = await recorded();
if (records === null) {
  console.log('The recorded captures are not on this machine: nothing measured');
  process.exit(0);
}
const folder = mkdtempSync(join(tmpdir(), 'nautilus-bench-'));
const redis = REDIS_SERVER ? await TestRedis.start() : undefined;
const carriers: readonly { name: string; boundUs: number; make: () => () => Transport }[] = [
  {
    name: 'memory',
    boundUs: 1000,
    make: () => {
      const hub = new MemoryHub();
      return () => hub.connect();
    },
  },
  ...(redis
    ? [
        {
          name: 'Redis',
          boundUs: 5000,
          make: () => {
            const settings = redisSettings({ url: redis.url, prefix: `bench${Bun.randomUUIDv7()}:` });
            return () => new RedisTransport({ settings, name: Bun.randomUUIDv7() });
          },
        },
      ]
    : []),
];
const rows: string[][] = [];
for (const { name, boundUs, make } of carriers) {
  for (const rate of RATES) {
    const { us, busyUs, outcomes, given } = await measure(records, rate, make(), folder);
    const p99 = quantile(us, 0.99);
    rows.push([
      name,
      `${grouped(rate)}/s`,
      grouped(given),
      grouped(outcomes.published),
      `${busyUs.toFixed(2)} us`,
      `${grouped(quantile(us, 0.5))} us`,
      `${grouped(p99)} us`,
      `below ${boundUs / 1000} ms: ${p99 < boundUs ? 'held' : 'missed'}`,
    ]);
  }
}
publish({
  title: 'From a source to a reader',
  note: 'Records of the recorded futures (trades, best quotes, changes of the book), handed to the pipeline at a rate as if they came now, until a subscriber of market.* has them; both in this process. "cost": time within the pipeline for each record, the copies of this bench included.',
  columns: ['bus', 'rate', 'records', 'published', 'cost', 'p50', 'p99', 'reach'],
  rows,
});
await redis?.stop();
rmSync(folder, { recursive: true, force: true });
process.exit(0);
