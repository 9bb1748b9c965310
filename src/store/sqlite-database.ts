// The database port on SQLite: one writing connection with group commit, one reading connection that sees what is stored.
import { Database as Connection, type Statement } from 'bun:sqlite';
import { AsyncLocalStorage } from 'node:async_hooks';
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { InvariantError, StorageUnavailableError } from '../core/errors.ts';
import { type Database, migrationSql, type Schemas, type SqlValue, type Transaction } from './database.ts';
import { checkedValues } from './values.ts';

export interface SqliteOptions {
  /** `power`: every commit waits for the disk. `process` (default): it survives the end of any process, not of the power. */
  readonly durability?: 'process' | 'power';
}

interface Waiting {
  readonly work: (tx: Transaction) => unknown;
  readonly resolve: (value: never) => void;
  readonly reject: (error: unknown) => void;
}

/** Waiting units that one commit takes at most. */
const MAX_GROUP = 256;

/**
 * Opens (or makes) the file at `path` and brings every schema in it up to its newest step. Throws {@link InvariantError} when
 * the file is newer than the code.
 */
export function openSqlite(path: string, schemas: Schemas, options: SqliteOptions = {}): Database {
  mkdirSync(dirname(path), { recursive: true });
  const writer = connect(path, options);
  try {
    migrate(writer, path, schemas);
    return new SqliteDatabase(writer, connect(path, options), path);
  } catch (error) {
    writer.close();
    throw error;
  }
}

function connect(path: string, { durability = 'process' }: SqliteOptions): Connection {
  const db = new Connection(path, { create: true, strict: true });
  db.run('PRAGMA busy_timeout = 2000');
  db.run('PRAGMA journal_mode = WAL');
  db.run(`PRAGMA synchronous = ${durability === 'power' ? 'FULL' : 'NORMAL'}`);
  db.run('PRAGMA foreign_keys = ON');
  return db;
}

function migrate(db: Connection, path: string, schemas: Schemas): void {
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

// Files of the first version have one schema, whose number is in the head of the file.
function versionOf(db: Connection, component: string): number {
  const row = db.query('SELECT version FROM migrations WHERE component = ?').get(component);
  if (row) return (row as { version: number }).version;
  if (component !== 'engine') return 0;
  return (db.query('PRAGMA user_version').get() as { user_version: number }).user_version;
}

class Connected {
  readonly #statements = new Map<string, Statement>();

  constructor(readonly db: Connection) {}

  // Texts are those of the program, so that they are few and stay.
  statement(sql: string): Statement {
    let known = this.#statements.get(sql);
    if (!known) {
      known = this.db.prepare(sql);
      this.#statements.set(sql, known);
    }
    return known;
  }

  all(sql: string, values: readonly SqlValue[]): unknown[] {
    return this.statement(sql).all(...checkedValues(values));
  }

  run(sql: string): void {
    this.statement(sql).run();
  }

  close(): void {
    for (const statement of this.#statements.values()) statement.finalize();
    this.#statements.clear();
    this.db.close();
  }
}

class SqliteDatabase implements Database {
  readonly dialect = 'sqlite';
  readonly #path: string;
  readonly #writer: Connected;
  readonly #reader: Connected;
  readonly #unit = new AsyncLocalStorage<Unit>();
  #waiting: Waiting[] = [];
  #draining: Promise<void> | undefined;
  #closed = false;

  constructor(writer: Connection, reader: Connection, path: string) {
    this.#writer = new Connected(writer);
    this.#reader = new Connected(reader);
    this.#path = path;
  }

  async all<Row>(sql: string, ...values: SqlValue[]): Promise<Row[]> {
    this.#checkOpen();
    return this.#reader.all(sql, values) as Row[];
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
      const unit = new Unit(this.#writer, group.length > 1);
      try {
        const value = this.#unit.run(unit, waiting.work, unit);
        // Most units have nothing to wait for.
        const settled = value instanceof Promise ? await value : value;
        unit.end();
        stored.push({ waiting, value: settled });
      } catch (error) {
        unit.undo();
        // Some failures of the disk take back the whole group.
        if (!db.inTransaction) lost(error);
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

/** One unit of work on the writing connection; those of a group share the transaction. */
class Unit implements Transaction {
  readonly #connected: Connected;
  readonly #grouped: boolean;
  #touched = false;
  over = false;

  constructor(connected: Connected, grouped: boolean) {
    this.#connected = connected;
    this.#grouped = grouped;
  }

  write(sql: string, ...values: SqlValue[]): void {
    this.#begin();
    this.#connected.statement(sql).run(...checkedValues(values));
  }

  async all<Row>(sql: string, ...values: SqlValue[]): Promise<Row[]> {
    this.#begin();
    return this.#connected.all(sql, values) as Row[];
  }

  async get<Row>(sql: string, ...values: SqlValue[]): Promise<Row | null> {
    this.#begin();
    return (this.#connected.all(sql, values)[0] as Row | undefined) ?? null;
  }

  end(): void {
    this.over = true;
    if (this.#touched && this.#grouped) this.#connected.run('RELEASE unit');
  }

  undo(): void {
    this.over = true;
    if (!this.#touched || !this.#connected.db.inTransaction) return;
    if (!this.#grouped) this.#connected.run('ROLLBACK');
    else {
      this.#connected.run('ROLLBACK TO unit');
      this.#connected.run('RELEASE unit');
    }
  }

  // A unit that touches nothing costs nothing.
  #begin(): void {
    if (this.over) throw new InvariantError('a transaction was used after its end');
    if (this.#touched) return;
    if (!this.#connected.db.inTransaction) this.#connected.run('BEGIN IMMEDIATE');
    if (this.#grouped) this.#connected.run('SAVEPOINT unit');
    this.#touched = true;
  }
}
