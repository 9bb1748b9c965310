// The database port on Postgres: one writing connection with group commit, one reading connection that sees what is stored.
import { AsyncLocalStorage } from 'node:async_hooks';
import {
  InvalidOptionError,
  InvariantError,
  StorageUnavailableError,
  StorageUncertainError,
} from '../core/errors.ts';
import type { PostgresSettings } from '../core/postgres-settings.ts';
import type { Database, Schemas, SqlValue, Transaction } from './database.ts';
import { Link, plain, type Session } from './postgres-link.ts';
import { migrate, quoted } from './postgres-migrate.ts';
import { Statements, wired } from './postgres-sql.ts';
import { Group, PostgresUnit } from './postgres-unit.ts';

export interface PostgresOptions {
  readonly settings: PostgresSettings;
  /** Name of the engine: the schema is the prefix of the settings and this. */
  readonly engine: string;
  /** `power`: refuses a server that does not wait for its disk. `process` (default): what survives kill -9 is enough. */
  readonly durability?: 'process' | 'power';
  /** Longest wait for a connection and for each statement; default 30 s. */
  readonly timeoutMs?: number;
}

interface Waiting {
  readonly work: (tx: Transaction) => unknown;
  readonly resolve: (value: never) => void;
  readonly reject: (error: unknown) => void;
}

/** A unit whose work is over. */
interface Done {
  readonly unit: Waiting;
  value: unknown;
  failed: boolean;
}

/** Waiting units that one commit takes at most. */
const MAX_GROUP = 256;
const CLOSED = 'The database is closed';

/**
 * Opens (or makes) the schema of an engine and brings it up to its newest step. Throws {@link StorageUnavailableError} when
 * Postgres cannot be reached, {@link InvariantError} when the schema is newer than the code, and {@link InvalidOptionError}
 * when the server does not keep what `durability` promises.
 */
export async function openPostgres(schemas: Schemas, options: PostgresOptions): Promise<Database> {
  const { settings, engine, timeoutMs = 30_000, durability = 'process' } = options;
  const schema = `${settings.schemaPrefix}${engine}`;
  const link = () =>
    new Link({ settings, timeoutMs, name: `nautilus-${engine}`, setUp: setUp(schema, timeoutMs) });
  const writer = link();
  try {
    const session = await writer.session();
    if (durability === 'power') await checkDisk(session, settings.address);
    await migrate(session, schema, schemas);
  } catch (error) {
    await writer.close();
    throw error;
  }
  return new PostgresDatabase(writer, link());
}

// An acknowledged commit has to survive kill -9 of the server: with synchronous_commit off it would be in its memory only.
function setUp(schema: string, timeoutMs: number): string {
  return [
    `SET search_path = ${quoted(schema)}`,
    `SET statement_timeout = ${timeoutMs}`,
    `SET idle_in_transaction_session_timeout = ${timeoutMs}`,
    'SET extra_float_digits = 1',
    "SET bytea_output = 'hex'",
    "SET default_transaction_isolation = 'read committed'",
    "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'",
  ].join(';');
}

async function checkDisk(session: Session, address: string): Promise<void> {
  const { rows } = await session.send([
    plain("SELECT current_setting('fsync') AS fsync, current_setting('full_page_writes') AS pages"),
  ]);
  const { fsync, pages } = rows[0] as { fsync: string; pages: string };
  if (fsync === 'on' && pages === 'on') return;
  throw new InvalidOptionError(
    `NAUTILUS_DURABILITY=power needs fsync = on and full_page_writes = on in Postgres at ${address}, was fsync = ${fsync}, full_page_writes = ${pages}`,
  );
}

class PostgresDatabase implements Database {
  readonly dialect = 'postgres';
  readonly #writer: Link;
  readonly #reader: Link;
  readonly #statements = new Statements();
  readonly #unit = new AsyncLocalStorage<PostgresUnit>();
  #waiting: Waiting[] = [];
  #draining: Promise<void> | undefined;
  #closed = false;

  constructor(writer: Link, reader: Link) {
    this.#writer = writer;
    this.#reader = reader;
  }

  async all<Row>(sql: string, ...values: SqlValue[]): Promise<Row[]> {
    if (this.#closed && !this.#draining) throw new StorageUnavailableError(CLOSED);
    const { text, name } = this.#statements.of(sql);
    const query = { text, name, values: wired(values) };
    return (await (await this.#reader.session()).send([query])).rows as Row[];
  }

  async get<Row>(sql: string, ...values: SqlValue[]): Promise<Row | null> {
    return (await this.all<Row>(sql, ...values))[0] ?? null;
  }

  transaction<T>(work: (tx: Transaction) => T | Promise<T>): Promise<T> {
    if (this.#closed) return Promise.reject(new StorageUnavailableError(CLOSED));
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
    await Promise.all([this.#reader.close(), this.#writer.close()]);
  }

  async #drain(): Promise<void> {
    // The units of one turn of the event loop come together in one commit.
    await null;
    while (this.#waiting.length > 0) await this.#commit(this.#waiting.splice(0, MAX_GROUP));
    this.#draining = undefined;
  }

  async #commit(waiting: readonly Waiting[]): Promise<void> {
    const done: Done[] = [];
    const group = new Group(this.#writer, this.#statements, waiting.length > 1);
    try {
      for (const unit of waiting) {
        const end = await this.#run(group, unit);
        if (end) done.push(end);
      }
      if (group.shared) await group.commit();
      for (const { unit, value, failed } of done) if (!failed) unit.resolve(value as never);
    } catch (error) {
      // The connection is gone, and the transaction of the whole group with it; those that failed before have their reason.
      for (const unit of waiting) unit.reject(told(group, error));
    }
  }

  /** Returns how a unit ended; undefined when it failed and was undone. Throws when the whole group is lost. */
  async #run(group: Group, waiting: Waiting): Promise<Done | undefined> {
    const unit = new PostgresUnit(group);
    const done: Done = { unit: waiting, value: undefined, failed: false };
    try {
      done.value = await this.#unit.run(unit, waiting.work, unit);
      await unit.end((error) => {
        done.failed = true;
        waiting.reject(error);
      });
      return done;
    } catch (error) {
      waiting.reject(told(group, error));
      await unit.undo();
      if (group.lost) throw new StorageUnavailableError('The connection to Postgres was lost');
      return undefined;
    }
  }
}

function told({ lost, asked }: Group, error: unknown): unknown {
  return lost && asked
    ? new StorageUncertainError('The connection to Postgres was lost while it was asked to store')
    : error;
}
