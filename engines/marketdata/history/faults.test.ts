// What an operator meets: a data folder of the first layout, a full disk, a second process.
import { afterAll, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { History } from './history.ts';
import { trades } from './test-records.ts';

const folder = mkdtempSync(join(tmpdir(), 'history-faults-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('a data folder of the first layout keeps its bars', async () => {
  const instance = await DuckDBInstance.create(join(folder, 'marketdata.duckdb'));
  const connection = await instance.connect();
  await connection.run(`CREATE TABLE bars (symbol VARCHAR NOT NULL, interval_us BIGINT NOT NULL, ts_us BIGINT NOT NULL,
    open DOUBLE NOT NULL, high DOUBLE NOT NULL, low DOUBLE NOT NULL, close DOUBLE NOT NULL, volume DOUBLE NOT NULL, PRIMARY KEY (symbol, interval_us, ts_us))`);
  await connection.run(
    "INSERT INTO bars VALUES ('B', 60, 120, 1, 2, 0.5, 1.5, 9), ('A', 60, 60, 1, 2, 0.5, 1.5, 9), ('B', 60, 60, 1, 2, 0.5, 1.25, 8)",
  );
  connection.closeSync();
  instance.closeSync();
  for (let start = 0; start < 2; start++) {
    const history = await History.open({ dataDir: folder, threads: 1 });
    expect(await history.bars.series()).toEqual([
      { symbol: 'A', interval_us: 60, source: 'file', bars: 1, first_ts_us: 60, last_ts_us: 60 },
      { symbol: 'B', interval_us: 60, source: 'file', bars: 2, first_ts_us: 60, last_ts_us: 120 },
    ]);
    const bars = await history.bars.read({ symbol: 'B', intervalUs: 60, limit: 10 });
    expect([...bars.close]).toEqual([1.25, 1.5]);
    await history.close();
  }
});

test('a second process is told that the first has the file', async () => {
  const dataDir = join(folder, 'second');
  const history = await History.open({ dataDir, threads: 1 });
  const script = join(import.meta.dir, 'test-child.ts');
  const child = Bun.spawn([process.execPath, script, dataDir, 'none'], { stdout: 'ignore', stderr: 'pipe' });
  expect(await new Response(child.stderr).text()).toContain('another process has its file open');
  expect(await child.exited).not.toBe(0);
  await history.close();
});

test('a full disk refuses the put with a typed error, keeps all that was acknowledged, and nothing half', async () => {
  const dataDir = join(folder, 'full');
  // No file of the child may grow beyond 6 MiB, as on a full disk.
  const script = join(import.meta.dir, 'test-full-disk.ts');
  const child = Bun.spawn(
    ['sh', '-c', `trap '' XFSZ; ulimit -f 12288; exec "$0" "$1" "$2"`, process.execPath, script, dataDir],
    {
      stdout: 'pipe',
      stderr: 'inherit',
    },
  );
  const told = JSON.parse((await new Response(child.stdout).text()).trim().split('\n').at(-1)!);
  await child.exited;
  expect(told.error).toEqual({ name: 'StorageUnavailableError', status: 503 });
  const history = await History.open({ dataDir, threads: 1 });
  let rows = 0;
  for await (const batch of history.batches({ kind: 'trade', symbol: 'BTC-USD', columns: ['ordinal'] }))
    rows += batch.rows;
  expect(rows).toBe(told.acknowledged);
  expect(await history.put(trades(10, 5_000_000_000_000_000, 900_000_000))).toMatchObject({ stored: 10 });
  await history.close();
});
