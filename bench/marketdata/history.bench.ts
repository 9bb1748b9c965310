// Hot path: records that are stored, closed days that go to Parquet, ranges that are served. A regression means an object or a statement for
// each record, a lost group commit, or a reply that grows with its range.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { barsOfStoredTrades } from '../../engines/marketdata/history/bar-source.ts';
import { History } from '../../engines/marketdata/history/history.ts';
import type { Trade } from '../../src/market/records.ts';
import { interleave, quantile, ratioOf } from '../pairs.ts';
import { grouped, isQuick, PAIR_COLUMNS, pairRow, publish } from '../report.ts';

const TRADES = isQuick ? 100_000 : 1_000_000;
const BATCH = 20_000;
const ROUNDS = 15;
const START_US = 1_700_000_000_000_000;
const DAY_US = 86_400e6;
const minuteOf = (us: number) => Math.floor(us / 60e6);
const MINUTES = minuteOf(START_US + (TRADES - 1) * 1000) - minuteOf(START_US) + 1;
/** Ranges that are served, in days of `TRADES` each. */
const RANGES = [1, 10, 20] as const;
const DAYS = Math.max(...RANGES);
const SCALE = { price: 2, size: 8 };

const folder = mkdtempSync(join(tmpdir(), 'history-bench-'));
let count = 0;
const ms = (from: number) => performance.now() - from;
const million: Trade[] = Array.from({ length: TRADES }, (_, i) => ({
  kind: 'trade',
  symbol: 'BTC-USD',
  source: 'binance',
  tsEventUs: START_US + i * 1000,
  tsReceiveUs: START_US + i * 1000 + 250,
  sequence: i,
  flags: 0,
  scale: SCALE,
  price: 6_180_000 + ((i * 37) % 1001),
  size: 1000 + (i % 977),
  side: i % 3 === 0 ? 'buy' : 'sell',
  id: String(i),
}));
const series = {
  kind: 'trade',
  symbol: 'BTC-USD',
  source: 'binance',
  priceDecimals: 2,
  sizeDecimals: 8,
  unit: '',
  interval: 0,
  adjusted: '',
} as const;
const column = (value: (trade: Trade) => number) => Float64Array.from(million, value);
const columns = {
  ts_event_us: column((t) => t.tsEventUs),
  ts_receive_us: column((t) => t.tsReceiveUs),
  sequence: column((t) => t.sequence!),
  price: column((t) => t.price),
  size: column((t) => t.size),
  side: column((t) => (t.side === 'buy' ? 1 : -1)),
  id_number: column((t) => Number(t.id)),
};

const open = () => History.open({ dataDir: join(folder, `h${count++}`), threads: 1 });
/** Wall and CPU milliseconds of each round; CPU is what a busy machine leaves alone. */
const rolled: number[][] = [];
const served: number[][] = [];
const stored = new Map<unknown, number[]>();

async function clocked(work: () => Promise<unknown>): Promise<number[]> {
  const [start, before] = [performance.now(), process.cpuUsage()];
  await work();
  const { user, system } = process.cpuUsage(before);
  return [ms(start), (user + system) / 1000];
}

/** Nanoseconds that `store` takes in a new history; rolls it and makes its bars as well when asked to. */
async function timed(store: (history: History) => Promise<unknown>, more: boolean): Promise<number> {
  const history = await open();
  const [took, cpu] = await clocked(() => store(history));
  stored.set(store, [...(stored.get(store) ?? []), cpu!]);
  if (more) {
    rolled.push(await clocked(() => history.maintain(START_US + 2 * DAY_US)));
    served.push(
      await clocked(async () => {
        const bars = await minutes(history);
        if (bars !== MINUTES) throw new Error(`Expected ${MINUTES} bars, was ${bars}`);
      }),
    );
  }
  await history.close();
  return took! * 1e6;
}

/** Makes one-minute bars of all trades, as `GET /bars` does where no bars are stored. */
async function minutes(history: History): Promise<number> {
  const symbol = 'BTC-USD';
  const bars = barsOfStoredTrades(history, { symbol, source: 'binance', intervalUs: 60e6 }, null);
  let count = 0;
  for await (const batch of bars.read({})) count += batch.length;
  return count;
}

const putRecords = async (history: History) => {
  const puts: Promise<unknown>[] = [];
  for (let i = 0; i < TRADES; i += BATCH) puts.push(history.put(million.slice(i, i + BATCH)));
  await Promise.all(puts);
};
const putColumns = (history: History) => history.putColumns(series, TRADES, columns);

/** The same values row by row, as the documentation of the library does it. */
async function rawAppender(): Promise<number> {
  const instance = await DuckDBInstance.create(join(folder, `raw${count++}`), { threads: '1' });
  const connection = await instance.connect();
  await connection.run(
    `CREATE TABLE trades (symbol VARCHAR, source VARCHAR, ts_event_us BIGINT, ts_receive_us BIGINT, sequence BIGINT, flags INTEGER,
       price BIGINT, size BIGINT, side INTEGER, id BIGINT)`,
  );
  const start = performance.now();
  const appender = await connection.createAppender('trades');
  for (const trade of million) {
    appender.appendVarchar(trade.symbol);
    appender.appendVarchar(trade.source);
    appender.appendBigInt(BigInt(trade.tsEventUs));
    appender.appendBigInt(BigInt(trade.tsReceiveUs));
    appender.appendBigInt(BigInt(trade.sequence!));
    appender.appendInteger(trade.flags);
    appender.appendBigInt(BigInt(trade.price));
    appender.appendBigInt(BigInt(trade.size));
    appender.appendInteger(trade.side === 'buy' ? 1 : -1);
    appender.appendBigInt(BigInt(trade.id!));
    appender.endRow();
  }
  appender.closeSync();
  const ns = ms(start) * 1e6;
  connection.closeSync();
  instance.closeSync();
  return ns;
}

// All three take turns, so that one run of the rival serves both comparisons.
const ours = [
  [`${grouped(TRADES)} trades as records, puts of ${grouped(BATCH)}`, putRecords],
  [`${grouped(TRADES)} trades as columns, one put`, putColumns],
] as const;
const times = await interleave(
  [
    ...ours.map(([, store]) => ({ measureNs: () => timed(store, store === putRecords) })),
    { measureNs: rawAppender },
  ],
  { rounds: ROUNDS },
);
const rival = times[ours.length]!;
const rows = ours.map(([name, store], i) =>
  pairRow(
    {
      name,
      pairs: ROUNDS,
      ...ratioOf(times[i]!, rival),
      aNs: quantile(times[i]!, 0.5),
      bNs: quantile(rival, 0.5),
    },
    'DuckDB appender, row by row',
    `${Math.round(quantile(stored.get(store)!, 0.5))} ms of CPU; reach: 1.5 s, and 0.77x of the rival`,
  ),
);

// All days in partitions but the last one, which is in the table, served by a process of its own.
const large = join(folder, 'large');
const history = await History.open({ dataDir: large, threads: 1 });
for (let day = 0; day < DAYS; day++) {
  const times = Float64Array.from(million, (_, i) => START_US + (day + i / TRADES) * DAY_US);
  await history.putColumns(series, TRADES, {
    ...columns,
    ts_event_us: times,
    ts_receive_us: times.map((us) => us + 250),
    id_number: columns.id_number.map((id) => id + day * TRADES),
  });
  await history.maintain(START_US + day * DAY_US);
}
await history.close();
const script = join(import.meta.dir, 'history-child.ts');
const child = Bun.spawn([process.execPath, script, large, String(START_US), ...RANGES.map(String)], {
  stdout: 'pipe',
});
const told = JSON.parse(await new Response(child.stdout).text()) as {
  readonly days: number;
  readonly bytes: number;
  readonly tenths: readonly number[];
  readonly ms: number;
  readonly cpuMs: number;
}[];
const mib = (bytes: number) => Math.round(bytes / 2 ** 20);
const medians = (rounds: readonly number[][]) =>
  [0, 1].map(
    (i) =>
      `${Math.round(
        quantile(
          rounds.map((round) => round[i]!),
          0.5,
        ),
      )} ms`,
  );

publish({
  title: 'History: storing',
  note: 'Each side stores into a new file; ours is acknowledged, with ids looked for among those that are stored.',
  columns: PAIR_COLUMNS,
  rows,
});
publish({
  title: 'History: rolling and serving',
  note: 'Medians of the rounds above.',
  columns: ['case', 'ours', 'CPU', 'reach'],
  rows: [
    [`${grouped(TRADES)} trades to Parquet`, ...medians(rolled), '1 s'],
    [`one-minute bars of ${grouped(TRADES)} trades in Parquet`, ...medians(served), '200 ms'],
  ],
});
publish({
  title: 'History: memory of long ranges',
  note: `One process serves the ranges one after the other; DuckDB may take 256 MiB of it. The first ones load the libraries; a range that is longer takes no more, nor do its later tenths, but for the last day, which is not in order yet and sorted in slices. Reach: flat.`,
  columns: ['case', 'ours', 'CPU', 'largest resident memory in each tenth of the answer, MiB'],
  rows: told.map(({ days, bytes, tenths, ms, cpuMs }) => [
    `${grouped(days * TRADES)} trades as Arrow (${mib(bytes)} MiB)`,
    `${Math.round(ms)} ms`,
    `${Math.round(cpuMs)} ms`,
    tenths.map(mib).join(' '),
  ]),
});
rmSync(folder, { recursive: true, force: true });
