// The database port on SQLite: one writing connection with group commit, one reading connection that sees what is stored.
import { Database as Connection } from 'bun:sqlite';
import { AsyncLocalStorage } from 'node:async_hooks';
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { InvariantError, StorageUnavailableError } from '../core/errors.ts';
import { type Database, migrationSql, type Schemas, type SqlValue, type Transaction } from './database.ts';
import { Connected, Patience, SqliteUnit } from './sqlite-unit.ts';

export interface SqliteOptions {
  /** `power`: every commit waits for the disk. `process` (default): it survives the end of any process, not of the power. */
  readonly durability?: 'process' | 'power';
  /** Longest wait for another process that writes into the file, in milliseconds; default 2000. The event loop turns meanwhile. */
  readonly waitMs?: number;
}

interface Waiting {
  readonly work: (tx: Transaction) => unknown;
  readonly resolve: (value: never) => void;
  readonly reject: (error: unknown) => void;
}

/** Waiting units that one commit takes at most. */
const MAX_GROUP = 256;
const WAIT_MS = 2000;

/**
 * Opens (or makes) the file at `path` and brings every schema in it up to its newest step. Throws {@link InvariantError} when
 * the file is newer than the code.
 */
export function openSqlite(path: string, schemas: Schemas, options: SqliteOptions = {}): Database {
  mkdirSync(dirname(path), { recursive: true });
  const writer = connect(path, options);
  try {
    migrate(writer, path, schemas);
    const reader = connect(path, options);
    // From now on whoever finds the file held waits without blocking the event loop.
    for (const db of [writer, reader]) db.run('PRAGMA busy_timeout = 0');
    return new SqliteDatabase(writer, reader, path, options.waitMs ?? WAIT_MS);
  } catch (error) {
    writer.close();
    throw error;
  }
}

function connect(path: string, { durability = 'process' }: SqliteOptions): Connection {
  const db = new Connection(path, { create: true, strict: true });
  db.run(`PRAGMA busy_timeout = ${WAIT_MS}`);
  useLog(db);
  db.run(`PRAGMA synchronous = ${durability === 'power' ? 'FULL' : 'NORMAL'}`);
  db.run('PRAGMA foreign_keys = ON');
  return db;
}

// A file that is new takes the write-ahead log from one process at a time, and says so to the others at once.
function useLog(db: Connection): void {
  for (const until = performance.now() + WAIT_MS; ; Bun.sleepSync(5)) {
    try {
      db.run('PRAGMA journal_mode = WAL');
      return;
    } catch (error) {
      if ((error as { code?: string }).code !== 'SQLITE_BUSY' || performance.now() > until) throw error;
    }
  }
}

function migrate(db: Connection, path: string, schemas: Schemas): void {
  // A file that needs nothing is opened whoever writes into it.
  if (isNewest(db, schemas)) return;
  db.transaction(() => {
    db.run('CREATE TABLE IF NOT EXISTS migrations (component TEXT PRIMARY KEY, version INTEGER NOT NULL)');
    for (const [component, steps] of Object.entries(schemas)) {
      const version = versionOf(db, component);
      if (version > steps.length) {
        const found = `${component} schema ${version}, newer than this version's ${steps.length}`;
        throw new InvariantError(`database ${path} has ${found}`);
      }
      for (const step of steps.slice(version)) db.run(migrationSql(step, 'sqlite'));
      db.query(
        'INSERT INTO migrations VALUES (?, ?) ON CONFLICT (component) DO UPDATE SET version = excluded.version',
      ).run(component, steps.length);
    }
  }).immediate();
}

function isNewest(db: Connection, schemas: Schemas): boolean {
  if (!db.query("SELECT 1 FROM sqlite_schema WHERE name = 'migrations'").get()) return false;
  const found = db.query('SELECT component, version FROM migrations').all() as {
    component: string;
    version: number;
  }[];
  const versions = new Map(found.map(({ component, version }) => [component, version]));
  return Object.entries(schemas).every(([component, steps]) => versions.get(component) === steps.length);
}

// Files of the first version have one schema, whose number is in the head of the file.
function versionOf(db: Connection, component: string): number {
  const row = db.query('SELECT version FROM migrations WHERE component = ?').get(component);
  if (row) return (row as { version: number }).version;
  if (component !== 'engine') return 0;
  return (db.query('PRAGMA user_version').get() as { user_version: number }).user_version;
}

class SqliteDatabase implements Database {
  readonly dialect = 'sqlite';
  readonly #path: string;
  readonly #writer: Connected;
  readonly #reader: Connected;
  /** With who writes, and with who puts the file in order. */
  readonly #patience: { readonly write: Patience; readonly read: Patience };
  readonly #unit = new AsyncLocalStorage<SqliteUnit>();
  #waiting: Waiting[] = [];
  #draining: Promise<void> | undefined;
  #closed = false;

  constructor(writer: Connection, reader: Connection, path: string, waitMs: number) {
    this.#patience = { write: new Patience(waitMs), read: new Patience(waitMs) };
    this.#writer = new Connected(writer);
    this.#reader = new Connected(reader);
    this.#path = path;
  }

  async all<Row>(sql: string, ...values: SqlValue[]): Promise<Row[]> {
    this.#checkOpen();
    const read = () => this.#reader.all(sql, values) as Row[];
    try {
      // Readers wait for nobody, except while another process puts the file in order.
      const { read: patience } = this.#patience;
      return (patience.once(read) ?? { value: await patience.wait(read) }).value;
    } catch (error) {
      throw this.#told(error);
    }
  }

  async get<Row>(sql: string, ...values: SqlValue[]): Promise<Row | null> {
    return (await this.all<Row>(sql, ...values))[0] ?? null;
  }

  transaction<T>(work: (tx: Transaction) => T | Promise<T>): Promise<T> {
    if (this.#closed) return Promise.reject(new StorageUnavailableError('The database is closed'));
    // It would wait for the one that waits for it.
    if (this.#unit.getStore()?.over === false) {
      return Promise.reject(new InvariantError('a transaction was begun within another one'));
    }
    return new Promise<T>((resolve, reject) => {
      this.#waiting.push({ work, resolve: resolve as (value: never) => void, reject });
      this.#draining ??= this.#drain();
    });
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#draining;
    this.#reader.close();
    this.#writer.close();
  }

  #checkOpen(): void {
    if (this.#closed && !this.#draining) throw new StorageUnavailableError('The database is closed');
  }

  async #drain(): Promise<void> {
    // The units of one turn of the event loop come together in one commit.
    await null;
    while (this.#waiting.length > 0) await this.#commit(this.#waiting.splice(0, MAX_GROUP));
    this.#draining = undefined;
  }

  async #commit(group: readonly Waiting[]): Promise<void> {
    const { db } = this.#writer;
    let stored: { waiting: Waiting; value: unknown }[] = [];
    const lost = (error: unknown) => {
      for (const { waiting } of stored) waiting.reject(this.#told(error));
      stored = [];
    };
    for (const waiting of group) {
      const unit = new SqliteUnit(this.#writer, this.#patience.write, group.length > 1);
      const hadBegun = db.inTransaction;
      try {
        const value = this.#unit.run(unit, waiting.work, unit);
        // Most units have nothing to wait for.
        const settled = value instanceof Promise ? await value : value;
        const ending = unit.end();
        if (ending) await ending;
        stored.push({ waiting, value: settled });
      } catch (error) {
        await unit.undo();
        // Some failures of the disk take back the whole group.
        if (hadBegun && !db.inTransaction) lost(error);
        waiting.reject(this.#told(error));
      }
    }
    try {
      if (db.inTransaction) this.#writer.run('COMMIT');
    } catch (error) {
      if (db.inTransaction) this.#writer.run('ROLLBACK');
      lost(error);
    }
    for (const { waiting, value } of stored) waiting.resolve(value as never);
  }

  /** What is said of an error: those of the disk are StorageUnavailableError, others stay as they are. */
  #told(error: unknown): unknown {
    const { code } = (error ?? {}) as { code?: unknown };
    if (typeof code !== 'string') return error;
    const why = UNAVAILABLE.find(([prefix]) => code.startsWith(prefix))?.[1];
    return why === undefined ? error : new StorageUnavailableError(`${why} (${code}): ${this.#path}`);
  }
}

const UNAVAILABLE: readonly (readonly [string, string])[] = [
  ['SQLITE_FULL', 'No space is left for the database'],
  ['SQLITE_IOERR', 'The database cannot be read or written'],
  ['SQLITE_BUSY', 'The database is held by another process'],
  ['SQLITE_CANTOPEN', 'The database cannot be opened'],
  ['SQLITE_READONLY', 'The database can only be read'],
];
