// The command `nautilus import` without a running system: what it prints, stores and refuses.
import { afterAll, expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { History } from '../../../engines/marketdata/history/history.ts';
import { nautilus } from '../../../test/support/system.ts';
import { FLAG_NAMES } from '../../market/flags.ts';

const folder = mkdtempSync(join(tmpdir(), 'cli-import-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const env = { NAUTILUS_DATA_DIR: join(folder, 'data') };
const file = join(folder, 'quotes.csv');
writeFileSync(file, 'time,bid,ask\n1600000000,1.5,1.6\n1600000001,1.7,1.6\nsoon,1,2\n');
const run = (...args: string[]) => nautilus(['import', file, ...args], env);

test('ends with one object, also with rejected rows; a dry run stores nothing', async () => {
  const { code, stdout } = await run('--symbol', 'X', '--dry-run', '--json');
  expect(code).toBe(0);
  const report = JSON.parse(stdout.trimEnd().split('\n').at(-1)!);
  expect(report).toMatchObject({ records: 3, imported: 1, rejected: 2, books: { snapshots: 0, resyncs: 0 } });
  expect(Object.keys(report.quality)).toEqual(FLAG_NAMES);
  expect(report.quality).toMatchObject({ crossed: 1, malformed: 1, gap: 0 });
  expect((await run('--symbol', 'X')).stdout).toContain('1 of 3 records imported');
  const history = await History.open({ dataDir: env.NAUTILUS_DATA_DIR, threads: 1 });
  const [row] = await history.database.rows('SELECT count(*)::DOUBLE AS n FROM quotes');
  expect(row!['n']).toBe(2);
  const held = await run('--symbol', 'X');
  expect([held.code, held.stderr]).toEqual([1, expect.stringContaining('another process has its file open')]);
  await history.close();
});

test('refuses what cannot be read, with the reason', async () => {
  const [bad, missing] = await Promise.all([
    run('--dry-run'),
    nautilus(['import', join(folder, 'none')], env),
  ]);
  expect([bad.code, bad.stderr]).toEqual([1, expect.stringContaining('symbol column')]);
  expect([missing.code, missing.stderr]).toEqual([2, expect.stringContaining('No file')]);
  const zone = await run('--symbol', 'X', '--interval-us', 'x', '--dry-run');
  expect([zone.code, zone.stderr]).toEqual([2, expect.stringContaining('--interval-us')]);
});
