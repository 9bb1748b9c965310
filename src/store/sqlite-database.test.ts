import { afterEach, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSqlite } from './sqlite-database.ts';

const folder = mkdtempSync(join(tmpdir(), 'sqlite-'));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test('a file of the first version keeps its place in the steps of its schema', async () => {
  const { Database } = await import('bun:sqlite');
  const path = join(folder, 'old.sqlite');
  openSqlite(path, {}).close();
  const old = new Database(path);
  old.run('CREATE TABLE a (x BIGINT)');
  old.run('PRAGMA user_version = 1');
  old.close();
  const db = openSqlite(path, { engine: ['CREATE TABLE a (x BIGINT)', 'ALTER TABLE a ADD COLUMN y TEXT'] });
  await db.transaction((tx) => tx.write('INSERT INTO a VALUES (?, ?)', 1, 'two'));
  expect(await db.all('SELECT * FROM a')).toEqual([{ x: 1, y: 'two' }]);
  await db.close();
});

test('waiting units are stored together, and one that fails takes back only itself', async () => {
  const db = openSqlite(join(folder, 'group.sqlite'), { engine: ['CREATE TABLE a (x BIGINT PRIMARY KEY)'] });
  const all = await Promise.allSettled(
    [1, 2, 2, 3, 4].map((x) =>
      db.transaction(async (tx) => {
        tx.write('INSERT INTO a VALUES (?)', x);
        if (x === 3) throw new Error('no three');
        return (await tx.get<{ n: number }>('SELECT count(*) AS n FROM a'))!.n;
      }),
    ),
  );
  expect(all.map((r) => (r.status === 'fulfilled' ? r.value : r.reason.message))).toEqual([
    1,
    2,
    'UNIQUE constraint failed: a.x',
    'no three',
    3,
  ]);
  expect(await db.all('SELECT x FROM a')).toEqual([{ x: 1 }, { x: 2 }, { x: 4 }]);
  await db.close();
});
