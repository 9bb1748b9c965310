// Stores of an earlier layout, without the column of fine times of receipt: opened, served, rolled and merged beside what is new.
import { afterAll, expect, test } from 'bun:test';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import type { Trade } from '../../../src/market/records.ts';
import { HistorySource } from '../replay/history-source.ts';
import { History } from './history.ts';
import { ticks } from './requests.ts';
import { trades } from './test-records.ts';

const DAY_US = 86_400e6;
const START_US = 1_723_075_200_000_000;
const folder = mkdtempSync(join(tmpdir(), 'history-layouts-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Makes a store as it was before, with `inFile` in a partition of their day and the others in the table. */
async function oldStore(dataDir: string, inFile: readonly Trade[], others: readonly Trade[]): Promise<void> {
  mkdirSync(dataDir);
  const instance = await DuckDBInstance.create(join(dataDir, 'marketdata.duckdb'));
  const connection = await instance.connect();
  await connection.run(`
    CREATE TABLE series (id INTEGER PRIMARY KEY, kind VARCHAR NOT NULL, symbol VARCHAR NOT NULL, source VARCHAR NOT NULL,
      price_decimals INTEGER NOT NULL, size_decimals INTEGER NOT NULL, unit VARCHAR NOT NULL, interval DOUBLE NOT NULL, adjusted VARCHAR NOT NULL);
    CREATE TABLE partitions (id VARCHAR PRIMARY KEY, kind VARCHAR NOT NULL, symbol VARCHAR NOT NULL, source VARCHAR NOT NULL, period VARCHAR NOT NULL,
      path VARCHAR NOT NULL, rows BIGINT NOT NULL, bytes BIGINT NOT NULL, sha256 VARCHAR NOT NULL, first_ts_us BIGINT NOT NULL,
      last_ts_us BIGINT NOT NULL, last_ordinal BIGINT NOT NULL, last_id BIGINT);
    CREATE TABLE trades (series INTEGER, ts_event_us BIGINT, ts_receive_us BIGINT, ts_event_text VARCHAR, sequence BIGINT, flags INTEGER,
      price BIGINT, size BIGINT, side INTEGER, id_number BIGINT, id_text VARCHAR, ordinal BIGINT);
    INSERT INTO series VALUES (1, 'trade', 'BTC-USD', 'binance', 2, 8, '', 0, '')`);
  let ordinal = 1;
  const insert = async (list: readonly Trade[]) => {
    for (const { tsEventUs, tsReceiveUs, sequence, price, size, side, id } of list)
      await connection.run(
        `INSERT INTO trades VALUES (1, ${tsEventUs}, ${tsReceiveUs}, NULL, ${sequence}, 0, ${price}, ${size}, ${side === 'buy' ? 1 : -1}, ${id}, NULL, ${ordinal++})`,
      );
  };
  await insert(inFile);
  const path = join('partitions', 'trades', 'BTC-USD', 'binance', '2024-08-08-old.parquet');
  const file = join(dataDir, 'history', path);
  mkdirSync(dirname(file), { recursive: true });
  await connection.run(`COPY (SELECT s.symbol, s.source, s.price_decimals, s.size_decimals, s.unit, s.interval, s.adjusted, t.* EXCLUDE (series)
    FROM trades t JOIN series s ON s.id = t.series ORDER BY ts_event_us, ordinal) TO '${file}' (FORMAT parquet)`);
  const bytes = readFileSync(file);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  await connection.run(`INSERT INTO partitions VALUES ('old', 'trade', 'BTC-USD', 'binance', '2024-08-08', '${path}', ${inFile.length}, ${bytes.length},
    '${sha256}', ${inFile[0]!.tsEventUs}, ${inFile.at(-1)!.tsEventUs}, ${ordinal - 1}, ${inFile.at(-1)!.id});
    DELETE FROM trades`);
  await insert(others);
  connection.closeSync();
  instance.closeSync();
}

const fine = (trade: Trade): Trade => ({ ...trade, tsReceiveText: `${trade.tsReceiveUs}789` });

async function read(history: History, query = {}): Promise<Trade[]> {
  const all: Trade[] = [];
  for await (const batch of history.records({ kind: 'trade', symbol: 'BTC-USD', ...query }))
    all.push(...batch);
  return all;
}

test('a store without fine times of receipt is served, and has them from then on', async () => {
  const dataDir = join(folder, 'old');
  const day = (n: number) => trades(20, START_US + n * DAY_US, 1000 * (n + 1));
  await oldStore(dataDir, day(0), day(1));
  let history = await History.open({ dataDir, threads: 2 });
  const old = [...day(0), ...day(1)];
  // No partition has the column yet.
  expect(await read(history)).toEqual(old);
  expect(await read(history, { toUs: START_US + DAY_US - 1 })).toEqual(day(0));
  const fresh = day(2).map(fine);
  expect(await history.put([...day(0), ...fresh])).toMatchObject({ stored: 20, duplicates: 20 });
  const all = [...old, ...fresh];
  expect(await read(history)).toEqual(all);
  await history.close();

  // Rolled behind that of before, in order without a sort; then merged with it into one that has the column.
  history = await History.open({ dataDir, threads: 2 });
  expect(await history.maintain(START_US + 4 * DAY_US)).toMatchObject({ rolled: 2, merged: 0 });
  expect(await read(history)).toEqual(all);
  const part = { fromUs: START_US + 5000, toUs: START_US + 2 * DAY_US + 5000 };
  expect(await read(history, part)).toEqual(all.slice(5, 46));
  expect(await read(history, { newest: true, limit: 30 })).toEqual(all.slice(-30));
  const query = { view: 'repaired', from_us: START_US + 2 * DAY_US, limit: 1 } as const;
  const reply = await ticks(history, 'trade', 'BTC-USD', query, 'json', new AbortController().signal);
  expect((await reply.json()).trades).toMatchObject([{ ts_receive_text: fresh[0]!.tsReceiveText! }]);
  const replayed: unknown[] = [];
  const source = HistorySource.find(history, { symbols: ['BTC-USD'], kinds: ['trades'] } as never);
  for await (const batch of source.read(null, new AbortController().signal)) replayed.push(...batch);
  expect(replayed).toEqual(all);
  expect(await history.maintain(START_US + 40 * DAY_US)).toMatchObject({ merged: 3 });
  expect(await read(history)).toEqual(all);
  await history.close();
});

test('a store that can not be brought up to date is left as it was', async () => {
  const dataDir = join(folder, 'stuck');
  mkdirSync(dataDir);
  const path = join(dataDir, 'marketdata.duckdb');
  const mend = async (sql: string) => {
    const instance = await DuckDBInstance.create(path);
    const connection = await instance.connect();
    await connection.run(sql);
    connection.closeSync();
    instance.closeSync();
  };
  // The name that bars of the first layout are given for a moment is taken.
  await mend(`CREATE TABLE bars_of_symbols (x INTEGER);
    CREATE TABLE bars (symbol VARCHAR, ts_us BIGINT, interval_us BIGINT, open DOUBLE, high DOUBLE, low DOUBLE, close DOUBLE, volume DOUBLE);
    INSERT INTO bars VALUES ('AAPL', ${START_US}, 60000000, 1, 2, 1, 2, 10)`);
  await expect(History.open({ dataDir, threads: 2 })).rejects.toThrow('its database failed');
  await mend('DROP TABLE bars_of_symbols');
  const history = await History.open({ dataDir, threads: 2 });
  const bars: unknown[] = [];
  for await (const batch of history.records({ kind: 'bar', symbol: 'AAPL' })) bars.push(...batch);
  expect(bars).toMatchObject([{ symbol: 'AAPL', interval: 60_000_000, close: 2, volume: 10 }]);
  await history.close();
});
