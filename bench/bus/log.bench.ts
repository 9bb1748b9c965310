// Hot path: every event that must not be lost, in the SQLite file of the hub. What an append costs beside a bare loop of inserts into
// a file of its own, and how long an event takes from its append to a reader that waits. A regression means a costlier check,
// frame or statement, smaller groups of appends, or a slower way of waking readers.
import { Database } from 'bun:sqlite';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EventLog } from '../../src/bus/event-log.ts';
import { HubLog } from '../../src/bus/hub-log.ts';
import { LogStore } from '../../src/bus/log-store.ts';
import { comparePairs } from '../pairs.ts';
import { grouped, isQuick, publish } from '../report.ts';
import { startHub } from './hub-process.ts';
import { GENERATION, held, latencyCells, payload } from './log-rows.ts';

const PAIRS = isQuick ? 15 : 41;
const LATENCIES = isQuick ? 500 : 3000;
const LEAST_PER_S = 20_000;

/** The least that storing a batch can cost with the same safety: one transaction of inserts into one table. */
function bareFile(path: string) {
  const db = new Database(path, { create: true, strict: true });
  db.run('PRAGMA journal_mode = WAL');
  db.run('PRAGMA synchronous = NORMAL');
  db.run('CREATE TABLE events (position INTEGER PRIMARY KEY, payload TEXT NOT NULL)');
  const insert = db.prepare('INSERT INTO events (position, payload) VALUES (?, ?)');
  let last = 0;
  return {
    append: db.transaction((payloads: readonly string[]) => {
      for (const each of payloads) insert.run(++last, each);
    }),
    close: () => {
      insert.finalize();
      db.close();
    },
  };
}

/** One row: batches of `batch` events, one under way for each of `streams`. */
async function appendRow(where: string, log: EventLog, folder: string, batch: number, streams: number) {
  const payloads = Array.from({ length: batch }, () => payload);
  const bare = bareFile(join(folder, `bare-${where}-${batch}-${streams}.sqlite`));
  const last = Array.from({ length: streams }, () => 0);
  const appendTo = async (partition: number) => {
    const stream = { topic: `bench-${batch}-${streams}`, partition };
    last[partition] = await log.append(stream, GENERATION, last[partition]! + 1, payloads);
  };
  const result = await comparePairs({
    name: 'append',
    a: async () => void (await Promise.all(last.map((_, partition) => appendTo(partition)))),
    b: () => {
      for (let i = 0; i < streams; i++) bare.append.immediate(payloads);
    },
    pairs: PAIRS,
    minSampleMs: 5,
  });
  bare.close();
  const perSecond = (ns: number) => (batch * streams * 1e9) / ns;
  const reach = batch >= 50 ? held(perSecond(result.aNs) >= LEAST_PER_S, `${grouped(LEAST_PER_S)}/s`) : '';
  return [
    where,
    String(batch),
    String(streams),
    `${grouped(perSecond(result.aNs))}/s`,
    `${grouped(perSecond(result.bNs))}/s`,
    `${(1 / result.median).toFixed(2)}x`,
    `${(1 / result.q3).toFixed(2)} to ${(1 / result.q1).toFixed(2)}`,
    reach,
  ];
}

const folder = mkdtempSync(join(tmpdir(), 'nautilus-bench-'));
const store = new LogStore({ path: join(folder, 'log.sqlite') });
const hub = startHub(folder);
const [writer, reader] = [new HubLog(await hub.connect('writer')), new HubLog(await hub.connect('reader'))];
const rows: string[][] = [];
for (const [where, log] of [
  ['the file', store.connect()],
  ['through the hub', writer],
] as const) {
  for (const [batch, streams] of [
    [1, 1],
    [50, 1],
    [500, 1],
    [1, 64],
    [50, 8],
  ] as const) {
    rows.push(await appendRow(where, log, folder, batch, streams));
  }
}
publish({
  title: 'Durable append to the hub’s log beside a bare loop of inserts',
  note: `Events of ${payload.length} bytes, one batch under way for each stream, from the call to the answer (WAL, synchronous NORMAL); the bare side is one transaction for each batch in the same process. ${PAIRS} pairs that take turns; below 1 we are faster.`,
  columns: ['log', 'events in a batch', 'streams', 'ours', 'bare', 'ours / bare, time', 'quartiles', 'reach'],
  rows,
});
const latencies: string[][] = [];
for (const places of [1, 64])
  latencies.push([String(places), ...(await latencyCells(writer, reader, places, LATENCIES))]);
publish({
  title: 'From append to a waiting reader, through the hub',
  note: `One event at a time, from the call of append to the answer of a read that waits on so many streams, two clients in one process and the hub in another; ${grouped(LATENCIES - 100)} times.`,
  columns: ['streams', 'p50', 'p95', 'p99', 'reach'],
  rows: latencies,
});
store.close();
await hub.stop();
rmSync(folder, { recursive: true, force: true });
process.exit(0);
