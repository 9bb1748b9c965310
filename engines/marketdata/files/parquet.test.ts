// Parquet files: what their types say; in a process of its own the same rows, and what is made to fill memory ends that process alone.
import { afterAll, expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { importFile } from './import-file.ts';
import { parquetRows } from './parquet.ts';
import { parquetRowsApart } from './parquet-process.ts';
import type { TableRows } from './tables.ts';
import { all } from './test-tables.ts';

const folder = mkdtempSync(join(tmpdir(), 'parquet-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function parquet(select: string): Promise<string> {
  const path = join(folder, `${Bun.hash(select)}.parquet`);
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
  const connection = await instance.connect();
  await connection.run(`COPY (${select}) TO '${path}' (FORMAT parquet)`);
  connection.closeSync();
  instance.closeSync();
  return path;
}

const trades = await parquet(
  'SELECT 1600000000000000 + range AS ts_us, 1.5 + range AS price, 2 AS size FROM range(5000)',
);

async function cells(rows: AsyncIterable<TableRows>) {
  const sum = { fields: [] as (readonly string[])[], lines: [] as number[] };
  for await (const { fields, lines } of rows) {
    sum.fields.push(...fields);
    sum.lines.push(...lines);
  }
  return sum;
}

test('apart, the rows are those of the file, and an import takes them', async () => {
  const apart = await cells(parquetRowsApart(trades, { maxBytes: 1e8 }));
  expect(apart).toEqual(await cells(parquetRows(trades, 1e8)));
  expect(apart.lines).toHaveLength(5001);
  const report = await importFile(trades, { symbol: 'X' }, { history: null, maxBytes: 1e8 });
  expect([report.format, report.imported, report.rejected]).toEqual(['parquet', 5000, 0]);
});

test('a dictionary of one long text, and rows that fill memory, are refused', async () => {
  const numbers = '1 AS ts, 1 AS price, 1 AS size';
  const long = await parquet(`SELECT repeat('x', 1000000) AS symbol, ${numbers} FROM range(3000)`);
  expect(Bun.file(long).size).toBeLessThan(100_000);
  await expect(cells(parquetRowsApart(long, { maxBytes: 1e12 }))).rejects.toThrow('longer than 65536 bytes');
  const names = ['symbol', 'ticker', 'pair', 'instrument'].map((name) => `repeat('x', 20000) AS ${name}`);
  const wide = await parquet(`SELECT ${names}, ${numbers} FROM range(3)`);
  await expect(cells(parquetRows(wide, 1e12))).rejects.toThrow('at most 65536 bytes');
  // So long that its reader is looked at many times before the end.
  const many = await parquet('SELECT range AS ts, 1.5 AS price, 2 AS size FROM range(1000000)');
  await expect(cells(parquetRowsApart(many, { maxBytes: 1e12, memoryBytes: 1e6 }))).rejects.toThrow(
    'within its memory limit',
  );
});

test('apart, a damaged file ends in a refusal, and a signal ends the reading with its reason', async () => {
  const bytes = await Bun.file(trades).bytes();
  const damaged = join(folder, 'damaged.parquet');
  writeFileSync(damaged, bytes.subarray(0, bytes.length - 3));
  await expect(cells(parquetRowsApart(damaged, { maxBytes: 1e8 }))).rejects.toThrow(
    'Expected a readable Parquet file',
  );
  const stop = new AbortController();
  const rows = parquetRowsApart(trades, { maxBytes: 1e8, signal: stop.signal });
  expect((await rows.next()).value!.lines).toEqual([0]);
  stop.abort(new Error('nobody waits'));
  await expect(rows.next()).rejects.toThrow('nobody waits');
});

test('a file that is damaged, nested, without known columns or too large is refused', async () => {
  const good = await parquet('SELECT range * 1000000 AS ts_us, 1.5 AS price, 2 AS size FROM range(3000)');
  const bytes = await Bun.file(good).bytes();
  const path = join(folder, 'damaged.parquet');
  for (const cut of [10, bytes.length >> 1, bytes.length - 3]) {
    writeFileSync(path, bytes.subarray(0, cut));
    await expect(all(parquetRows(path, 1e8), { symbol: 'X' })).rejects.toThrow(
      'Expected a readable Parquet file',
    );
  }
  // The footer stays and says what is not there.
  const lying = Uint8Array.from(bytes);
  lying.fill(0xff, 4, bytes.length - 800);
  writeFileSync(path, lying);
  await expect(all(parquetRows(path, 1e8), { symbol: 'X' })).rejects.toThrow(
    'Expected a readable Parquet file',
  );
  await expect(all(parquetRows(await parquet('SELECT 1 AS ts, {a: 1} AS price'), 1e8))).rejects.toThrow(
    'without nested columns',
  );
  await expect(all(parquetRows(await parquet('SELECT 1 AS ts, [1] AS x'), 1e8))).rejects.toThrow(
    'without nested columns',
  );
  await expect(all(parquetRows(await parquet('SELECT 1 AS x'), 1e8))).rejects.toThrow('columns of bars');
  await expect(all(parquetRows(good, 1000), { symbol: 'X' })).rejects.toThrow('at most 1000 bytes');
  await expect(all(parquetRows(join(folder, '*.parquet'), 1e8))).rejects.toThrow('a path without');
});

test('times are with and without a zone, of nanoseconds, and may be missing', async () => {
  const path = await parquet(
    "SELECT TIMESTAMPTZ '2020-01-01 17:00:00-05' AS ts, '2020-01-01 17:00:00.123456789'::TIMESTAMP_NS AS ts_receive, 1.5::FLOAT AS bid, NULL::DOUBLE AS ask",
  );
  const { records } = await all(parquetRows(path, 1e8), { symbol: 'X', timeZone: '-05:00' });
  expect(records[0]).toMatchObject({
    tsEventUs: Date.UTC(2020, 0, 1, 22) * 1000,
    tsReceiveUs: Date.UTC(2020, 0, 1, 22) * 1000 + 123_456,
    tsReceiveText: '2020-01-01 17:00:00.123456789',
    bid: 15,
    ask: 0,
  });
});
