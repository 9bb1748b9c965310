// Hot path: every change of an engine's state. What a transaction of the port costs beside the bare driver that does the same
// statements one by one, on one real Postgres and on SQLite files. A regression means more round trips or more work for each.
import { Database as BareSqlite } from 'bun:sqlite';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import type { Database, Schemas, SqlValue } from '../../src/store/database.ts';
import { openPostgres } from '../../src/store/postgres.ts';
import { openSqlite } from '../../src/store/sqlite-database.ts';
import { POSTGRES_BIN, TestPostgres } from '../../test/support/postgres.ts';
import { comparePairs } from '../pairs.ts';
import { grouped, isQuick, PAIR_COLUMNS, pairRow, publish } from '../report.ts';

const PAIRS = isQuick ? 15 : 31;
/** Transactions that wait at once, as the changes of one barrier of a replay do. */
const WAITING = 64;
const TABLE = 'CREATE TABLE a (id BIGINT, symbol TEXT, price DOUBLE PRECISION)';
const SCHEMAS: Schemas = { engine: [TABLE] };
const row = (id: number): SqlValue[] => [id, 'BTC-USD', id / 3];

/** The same work by the bare driver: one transaction of some rows, and one row by its key. */
interface Bare {
  readonly name: string;
  store(rows: number): Promise<void> | void;
  read(): Promise<unknown> | unknown;
}

function ours(db: Database, rows: number): Promise<void> {
  return db.transaction((tx) => {
    for (let id = 0; id < rows; id++) tx.write('INSERT INTO a VALUES (?, ?, ?)', ...row(id));
  });
}

async function barePostgres(server: TestPostgres): Promise<Bare & { end(): Promise<void> }> {
  const client = new Client({ connectionString: server.url, ssl: false });
  await client.connect();
  await client.query(`CREATE SCHEMA bare; SET search_path = bare; ${TABLE}`);
  const text = 'INSERT INTO a VALUES ($1, $2, $3)';
  return {
    name: 'pg, one statement after another',
    async store(rows) {
      await client.query('BEGIN');
      for (let id = 0; id < rows; id++) await client.query({ name: 'insert', text, values: row(id) });
      await client.query('COMMIT');
    },
    read: () => client.query({ name: 'read', text: 'SELECT 1 AS one' }),
    end: () => client.end(),
  };
}

function bareSqlite(path: string): Bare {
  const db = new BareSqlite(path, { create: true, strict: true });
  db.run('PRAGMA journal_mode = WAL');
  db.run('PRAGMA synchronous = NORMAL');
  db.run(TABLE);
  const insert = db.prepare('INSERT INTO a VALUES (?, ?, ?)');
  const read = db.prepare('SELECT 1 AS one');
  return {
    name: 'bun:sqlite',
    store(rows) {
      db.run('BEGIN IMMEDIATE');
      for (let id = 0; id < rows; id++) insert.run(...row(id));
      db.run('COMMIT');
    },
    read: () => read.all(),
  };
}

async function compare(where: string, db: Database, bare: Bare): Promise<string[][]> {
  const rows: string[][] = [];
  const add = async (name: string, units: number, a: () => unknown, b: () => unknown) => {
    const result = await comparePairs({ name: `${where}: ${name}`, pairs: PAIRS, minSampleMs: 10, a, b });
    rows.push(pairRow(result, bare.name, `${grouped((units * 1e9) / result.aNs)} a second`));
  };
  for (const writes of [1, 10, 100]) {
    const name = `a transaction of ${writes} ${writes === 1 ? 'write' : 'writes'}`;
    await add(
      name,
      1,
      () => ours(db, writes),
      () => bare.store(writes),
    );
  }
  await add(
    `${WAITING} transactions that wait`,
    WAITING,
    () => Promise.all(Array.from({ length: WAITING }, () => ours(db, 1))),
    async () => {
      for (let at = 0; at < WAITING; at++) await bare.store(1);
    },
  );
  await add(
    'a read',
    1,
    () => db.get('SELECT 1 AS one'),
    () => bare.read(),
  );
  return rows;
}

async function overPostgres(label: string, args: readonly string[]): Promise<string[][]> {
  const server = await TestPostgres.start(args);
  const db = await openPostgres(SCHEMAS, { settings: server.settings(), engine: 'bench' });
  const bare = await barePostgres(server);
  const rows = await compare(label, db, bare);
  await Promise.all([bare.end(), db.close()]);
  await server.stop();
  return rows;
}

const folder = mkdtempSync(join(tmpdir(), 'store-'));
const sqlite = openSqlite(join(folder, 'ours.sqlite'), SCHEMAS);
const rows = await compare('SQLite', sqlite, bareSqlite(join(folder, 'bare.sqlite')));
await sqlite.close();
rmSync(folder, { recursive: true, force: true });
if (POSTGRES_BIN) {
  rows.push(...(await overPostgres('Postgres, fsync off', [])));
  rows.push(...(await overPostgres('Postgres, fsync on', ['-c', 'fsync=on'])));
}
publish({
  title: 'Databases of the engines',
  note: 'Transactions and reads through the port, beside the bare driver with the same statements on the same server or kind of file, on loopback.',
  columns: PAIR_COLUMNS,
  rows,
});
