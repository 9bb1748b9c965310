// Hot path: an order or a fill, from the change that an engine stores to the change that another one has stored because of it. A
// regression means more statements or round trips in a unit of work, a later wake-up of relay or consumer, or smaller groups.
import { Database as Sqlite } from 'bun:sqlite';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EventLog } from '../../src/bus/event-log.ts';
import { HubLeases, HubLog } from '../../src/bus/hub-log.ts';
import type { LeaseBoard } from '../../src/bus/lease-board.ts';
import { Counter, fillOf, Owner, Shared } from '../../src/events/test-parts.ts';
import { REDIS_SERVER, TestRedis } from '../../test/support/redis.ts';
import { comparePairs, formatNs, quantile } from '../pairs.ts';
import { grouped, isQuick, publish } from '../report.ts';
import { startHub } from './hub-process.ts';

const PAIRS = isQuick ? 15 : 31;
const LATENCIES = isQuick ? 400 : 2000;
const GROUP = 500;
const LEAST_PER_S: Readonly<Record<string, number>> = { hub: 20_000, redis: 10_000 };

interface Carrier {
  readonly name: 'hub' | 'redis';
  connect(who: string): Promise<{ log: EventLog; leases: LeaseBoard }>;
  stop(): Promise<void>;
}

function hubCarrier(folder: string): Carrier {
  const hub = startHub(folder);
  return {
    name: 'hub',
    connect: async (name) => {
      const link = await hub.connect(name);
      return { log: new HubLog(link), leases: new HubLeases(link) };
    },
    stop: () => hub.stop(),
  };
}

async function redisCarrier(): Promise<Carrier> {
  const redis = await TestRedis.start(['--appendonly', 'yes']);
  const { RedisLog } = await import('../../src/bus/redis-log.ts');
  const { RedisLeases } = await import('../../src/bus/redis-leases.ts');
  return {
    name: 'redis',
    connect: async (name) => {
      const log = new RedisLog({ settings: redis.settings(), name });
      const leases = new RedisLeases({ settings: redis.settings(), name });
      while (!log.connected) await Bun.sleep(2);
      return { log, leases };
    },
    stop: () => redis.stop(),
  };
}

/** The least that storing the same rows can cost: two inserts for each event, one transaction for each group. */
function bareFile(path: string) {
  const db = new Sqlite(path, { create: true, strict: true });
  db.run('PRAGMA journal_mode = WAL');
  db.run('PRAGMA synchronous = NORMAL');
  db.run('CREATE TABLE facts (id TEXT PRIMARY KEY, quantity TEXT NOT NULL)');
  db.run('CREATE TABLE outbox (position INTEGER PRIMARY KEY, payload TEXT NOT NULL)');
  const fact = db.prepare('INSERT INTO facts VALUES (?, ?)');
  const event = db.prepare('INSERT INTO outbox VALUES (?, ?)');
  let last = 0;
  return {
    store: db.transaction((count: number) => {
      for (let i = 0; i < count; i++) {
        fact.run(`bare-${++last}`, '1');
        event.run(last, JSON.stringify(fillOf(`bare-${last}`)));
      }
    }),
  };
}

async function measure(carrier: Carrier, folder: string) {
  const shared = await carrier.connect('bench');
  const parts = new Shared(shared.log, shared.leases);
  const owner = await (
    await new Owner(parts, 'strategy', join(folder, `${carrier.name}-o.sqlite`)).open()
  ).start();
  const counter = await (
    await new Counter(parts, 'portfolio', join(folder, `${carrier.name}-c.sqlite`)).open()
  ).start();
  let next = 0;
  const trade = () => owner.trade(fillOf(`f${next++}`, `p${next % 16}`));
  const bare = bareFile(join(folder, `${carrier.name}-bare.sqlite`));
  const result = await comparePairs({
    name: 'store',
    a: () => Promise.all(Array.from({ length: GROUP }, trade)),
    b: () => bare.store.immediate(GROUP),
    pairs: PAIRS,
    minSampleMs: 5,
  });
  const applied = async () => {
    while (counter.seen.length < next) await Bun.sleep(1);
  };
  await applied();
  const before = next;
  const began = Bun.nanoseconds();
  for (let i = 0; i < 20; i++) await Promise.all(Array.from({ length: GROUP }, trade));
  await applied();
  const endToEnd = ((next - before) * 1e9) / (Bun.nanoseconds() - began);
  const times: number[] = [];
  for (let i = 0; i < LATENCIES; i++) {
    const seen = counter.seen.length;
    const start = Bun.nanoseconds();
    void trade();
    while (counter.seen.length === seen) await new Promise((resolve) => setImmediate(resolve));
    times.push(Bun.nanoseconds() - start);
  }
  await counter.stop();
  await owner.stop();
  const stored = (GROUP * 1e9) / result.aNs;
  const least = LEAST_PER_S[carrier.name]!;
  return [
    carrier.name,
    `${grouped(stored)}/s`,
    `${(1 / result.median).toFixed(2)}x (${(1 / result.q3).toFixed(2)} to ${(1 / result.q1).toFixed(2)})`,
    `${grouped(endToEnd)}/s`,
    formatNs(quantile(times, 0.5)),
    formatNs(quantile(times, 0.99)),
    `${grouped(least)}/s: ${stored >= least ? 'held' : 'missed'}; p50 below 1 ms: ${quantile(times, 0.5) < 1e6 ? 'held' : 'missed'}`,
  ];
}

const folder = mkdtempSync(join(tmpdir(), 'nautilus-bench-'));
const carriers = [hubCarrier(folder), ...(REDIS_SERVER ? [await redisCarrier()] : [])];
const rows: string[][] = [];
for (const carrier of carriers) {
  rows.push(await measure(carrier, folder));
  await carrier.stop();
}
publish({
  title: 'Durable events from change to change',
  note: `One engine stores a row and its event in a unit of work, another one stores a row because of it; SQLite on both sides (WAL, synchronous NORMAL), both in this process, the log in another. "stored": ${GROUP} units at once, until all are confirmed, beside a bare loop of the same inserts in one transaction (${PAIRS} pairs that take turns; 1 = equal, above 1 we are slower). "end to end": until all are applied. Latency: one event at a time, ${grouped(LATENCIES)} times, from the call to the consumer's change.`,
  columns: ['log', 'stored', 'ours / bare, time', 'end to end', 'p50', 'p99', 'reach'],
  rows,
});
rmSync(folder, { recursive: true, force: true });
process.exit(0);
