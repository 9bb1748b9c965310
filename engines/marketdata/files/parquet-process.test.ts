// Parquet in a process of its own: the rows that are in the file, and what is made to fill memory ends that process alone.
import { afterAll, expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { importFile } from './import-file.ts';
import { parquetRows } from './parquet.ts';
import { parquetRowsApart } from './parquet-process.ts';
import type { TableRows } from './tables.ts';

const folder = mkdtempSync(join(tmpdir(), 'parquet-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function parquet(name: string, select: string): Promise<string> {
  const path = join(folder, `${name}.parquet`);
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
  const connection = await instance.connect();
  await connection.run(`COPY (${select}) TO '${path}' (FORMAT parquet)`);
  connection.closeSync();
  instance.closeSync();
  return path;
}

const trades = await parquet(
  'trades',
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

test('the rows are those of the file, and an import takes them', async () => {
  const apart = await cells(parquetRowsApart(trades, { maxBytes: 1e8 }));
  expect(apart).toEqual(await cells(parquetRows(trades, 1e8)));
  expect(apart.lines).toHaveLength(5001);
  const report = await importFile(trades, { symbol: 'X' }, { history: null, maxBytes: 1e8 });
  expect([report.format, report.imported, report.rejected]).toEqual(['parquet', 5000, 0]);
});

test('a dictionary of one long text, and rows that fill memory, are refused', async () => {
  const numbers = '1 AS ts, 1 AS price, 1 AS size';
  const long = await parquet('long', `SELECT repeat('x', 1000000) AS symbol, ${numbers} FROM range(3000)`);
  expect(Bun.file(long).size).toBeLessThan(100_000);
  await expect(cells(parquetRowsApart(long, { maxBytes: 1e12 }))).rejects.toThrow('longer than 65536 bytes');
  const names = ['symbol', 'ticker', 'pair', 'instrument'].map((name) => `repeat('x', 20000) AS ${name}`);
  const wide = await parquet('wide', `SELECT ${names}, ${numbers} FROM range(3)`);
  await expect(cells(parquetRows(wide, 1e12))).rejects.toThrow('at most 65536 bytes');
  // So long that its reader is looked at many times before the end.
  const many = await parquet('many', 'SELECT range AS ts, 1.5 AS price, 2 AS size FROM range(1000000)');
  await expect(cells(parquetRowsApart(many, { maxBytes: 1e12, memoryBytes: 1e6 }))).rejects.toThrow(
    'within its memory limit',
  );
});

test('a damaged file ends in a refusal, and a signal ends the reading with its reason', async () => {
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
