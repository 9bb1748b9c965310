// A SQLite file that another process holds in the middle of a transaction, paused: who waits, how long, and what turns meanwhile.
import { afterAll, afterEach, beforeEach, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '../../test/support/eventually.ts';
import { LockHolder } from '../../test/support/lock-holder.ts';
import { StorageUnavailableError } from '../core/errors.ts';
import type { Database } from './database.ts';
import { openSqlite } from './sqlite-database.ts';

setDefaultTimeout(30_000);

const folder = mkdtempSync(join(tmpdir(), 'sqlite-lock-'));
const SCHEMAS = { engine: ['CREATE TABLE a (x BIGINT PRIMARY KEY)'] };
const WAIT_MS = 200;
let files = 0;

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('a file that a paused process holds', () => {
  let path: string;
  let opened: Database[];
  let holder: LockHolder;

  const open = (waitMs: number) => {
    const db = openSqlite(path, SCHEMAS, { waitMs });
    opened.push(db);
    return db;
  };
  const put = (db: Database, x: number) => db.transaction((tx) => tx.write('INSERT INTO a VALUES (?)', x));
  const stored = async (db: Database) =>
    (await db.all<{ x: number }>('SELECT x FROM a ORDER BY x')).map(({ x }) => x);

  beforeEach(async () => {
    path = join(folder, `${++files}.sqlite`);
    opened = [];
    await openSqlite(path, SCHEMAS).close();
    holder = await LockHolder.pausedIn(path);
  });
  afterEach(async () => {
    await holder.end();
    await Promise.all(opened.map((db) => db.close()));
  });

  test('can be opened and read, and is written as soon as its holder is ended; the event loop turns meanwhile', async () => {
    const db = open(60_000);
    let turns = 0;
    const ticking = setInterval(() => void turns++, 1);
    let done = false;
    const all = Promise.all([1, 2, 3].map((x) => put(db, x))).then(() => {
      done = true;
    });
    await eventually(() => turns >= 50, 'the event loop turns');
    expect([done, await stored(db)]).toEqual([false, []]);
    await holder.end();
    await all;
    clearInterval(ticking);
    expect(await stored(db)).toEqual([1, 2, 3]);
  });

  test('is given up after the limit by all who wait, at once by those who come later, and taken again when it is free', async () => {
    const db = open(WAIT_MS);
    const reasons = (await Promise.allSettled([1, 2, 3].map((x) => put(db, x)))).map(
      (result) => (result as PromiseRejectedResult).reason,
    );
    for (const reason of reasons) {
      expect(reason).toBeInstanceOf(StorageUnavailableError);
      expect(reason.message).toContain('held by another process');
    }
    await expect(put(db, 4)).rejects.toThrow(StorageUnavailableError);
    await holder.end();
    await put(db, 5);
    expect(await stored(db)).toEqual([5]);
  });

  test('changes nothing in the order of what a unit does, nor in what is taken back', async () => {
    const db = open(60_000);
    const write = (x: number) => (tx: Parameters<Parameters<Database['transaction']>[0]>[0]) =>
      tx.write('INSERT INTO a VALUES (?)', x);
    const count = 'SELECT count(*) AS n FROM a';
    const mixed = db.transaction(async (tx) => {
      const before = tx.get<{ n: number }>(count);
      write(1)(tx);
      const after = tx.all<{ n: number }>(count);
      write(2)(tx);
      return [(await before)!.n, (await after)[0]!.n];
    });
    const twice = db.transaction((tx) => {
      write(3)(tx);
      write(3)(tx);
    });
    const thrown = db.transaction((tx) => {
      write(4)(tx);
      throw new Error('thought better of it');
    });
    const all = Promise.allSettled([mixed, twice, thrown, put(db, 5)]);
    await holder.end();
    expect((await all).map((r) => (r.status === 'fulfilled' ? r.value : r.reason.message))).toEqual([
      [0, 1],
      'UNIQUE constraint failed: a.x',
      'thought better of it',
      undefined,
    ]);
    expect(await stored(db)).toEqual([1, 2, 5]);
  });

  test('fails no unit that has nothing to store', async () => {
    const db = open(WAIT_MS);
    const all = await Promise.allSettled([db.transaction(() => 'idle'), put(db, 1)]);
    expect(all.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
  });
});

test('two processes that write into one file take turns without an error', async () => {
  const path = join(folder, 'turns.sqlite');
  const program = `
    const { openSqlite } = await import(${JSON.stringify(join(import.meta.dir, 'sqlite-database.ts'))});
    const db = openSqlite(process.argv[1], { engine: ['CREATE TABLE a (x BIGINT PRIMARY KEY)'] });
    for (let i = 0; i < 300; i++) await db.transaction((tx) => tx.write('INSERT INTO a VALUES (?)', Number(process.argv[2]) + i));
    await db.close();`;
  const children = [0, 1000].map((from) =>
    Bun.spawn([process.execPath, '-e', program, path, `${from}`], { stdin: 'ignore', stderr: 'inherit' }),
  );
  expect(await Promise.all(children.map((child) => child.exited))).toEqual([0, 0]);
  const db = openSqlite(path, SCHEMAS);
  expect(await db.get('SELECT count(*) AS n FROM a')).toEqual({ n: 600 });
  await db.close();
});
