// The DuckDB file of market history: how it is opened, asked and closed. This engine alone opens it.
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { DuckDBConnection, DuckDBInstance, DuckDBValue } from '@duckdb/node-api';
import { NautilusError, StorageUnavailableError } from '../../../src/core/errors.ts';
import type { Row } from './columns.ts';
import { migrate } from './migrate.ts';
import { type Duck, loadDuck } from './vectors.ts';

/** Limits of the database. */
export interface DatabaseOptions {
  /** File of the tables. */
  readonly path: string;
  /** Folder of the Parquet partitions and of temporary files. */
  readonly folder: string;
  readonly threads: number;
  readonly memoryMb: number;
  /** Most MiB of temporary files. */
  readonly tempMb: number;
}

/** The open database. */
export class HistoryDatabase {
  readonly duck: Duck;
  readonly folder: string;
  readonly #instance: DuckDBInstance;
  /** For writing; one transaction at a time. */
  readonly writer: DuckDBConnection;
  /** Ids of partitions whose contents are not those of the manifest, or cannot be read. */
  readonly damaged = new Map<string, 'changed' | 'unreadable'>();
  readonly #readers = new Set<DuckDBConnection>();
  #later: { readonly readers: Set<DuckDBConnection>; readonly work: () => void }[] = [];
  #closed = false;

  private constructor(duck: Duck, instance: DuckDBInstance, writer: DuckDBConnection, folder: string) {
    this.duck = duck;
    this.#instance = instance;
    this.writer = writer;
    this.folder = folder;
  }

  /** Opens (or makes) the database and brings its tables up to date. Throws StorageUnavailableError when it cannot be opened. */
  static async open(options: DatabaseOptions): Promise<HistoryDatabase> {
    const temp = join(options.folder, 'tmp');
    mkdirSync(options.folder, { recursive: true });
    // What a killed process left there is nobody's.
    rmSync(temp, { recursive: true, force: true });
    const duck = await loadDuck();
    let instance: DuckDBInstance | undefined;
    try {
      instance = await duck.api.DuckDBInstance.create(options.path, {
        threads: String(options.threads),
        memory_limit: `${options.memoryMb}MiB`,
        temp_directory: temp,
        max_temp_directory_size: `${options.tempMb}MiB`,
        autoinstall_known_extensions: 'false',
        autoload_known_extensions: 'false',
        // The system keeps files in memory that it has to spare; copies of them here would count as ours.
        enable_external_file_cache: 'false',
        // Partitions are sorted: a scan that keeps their order spares those who read them a sort.
        preserve_insertion_order: 'true',
      });
      const writer = await instance.connect();
      const database = new HistoryDatabase(duck, instance, writer, options.folder);
      await migrate(writer);
      return database;
    } catch (error) {
      // The file stays locked by an instance that nobody has.
      instance?.closeSync();
      throw storageError(error);
    }
  }

  /** Returns the rows of a query: on a connection of its own unless told, since the writing one is within a transaction of others. */
  async rows(sql: string, values: DuckDBValue[] = [], connection?: DuckDBConnection): Promise<Row[]> {
    if (!connection) return this.reading((own) => this.rows(sql, values, own));
    const reader = await connection.runAndReadAll(sql, values);
    return reader.getRowObjectsJS() as unknown as Row[];
  }

  /** Runs `work` with a connection of its own; the query under way is interrupted when `signal` fires. */
  async reading<T>(work: (connection: DuckDBConnection) => Promise<T>, signal?: AbortSignal): Promise<T> {
    const connection = await this.connect();
    const interrupt = () => connection.interrupt();
    signal?.addEventListener('abort', interrupt);
    try {
      return await work(connection);
    } finally {
      signal?.removeEventListener('abort', interrupt);
      this.release(connection);
    }
  }

  /** Returns a new connection; `release` gives it back. */
  async connect(): Promise<DuckDBConnection> {
    if (this.#closed) throw new StorageUnavailableError('The history is being closed');
    const connection = await this.#instance.connect();
    this.#readers.add(connection);
    return connection;
  }

  /** Runs `work` when all who read now have ended; at once when nobody does. */
  afterReaders(work: () => void): void {
    if (this.#readers.size === 0) work();
    else this.#later.push({ readers: new Set(this.#readers), work });
  }

  release(connection: DuckDBConnection): void {
    if (!this.#readers.delete(connection)) return;
    for (const { readers } of this.#later) readers.delete(connection);
    connection.interrupt();
    connection.closeSync();
    const due = this.#later.filter(({ readers }) => readers.size === 0);
    this.#later = this.#later.filter(({ readers }) => readers.size > 0);
    for (const { work } of due) work();
  }

  /** Interrupts all readers and closes the file: DuckDB must not be left in the middle of a query. */
  close(): void {
    this.#closed = true;
    for (const reader of [...this.#readers]) this.release(reader);
    this.writer.interrupt();
    this.writer.closeSync();
    this.#instance.closeSync();
  }
}

/** Returns a failure of DuckDB as an error that a caller may see; nothing of the work was stored. */
export function storageError(error: unknown): Error {
  if (error instanceof NautilusError) return error;
  const message = error instanceof Error ? error.message : String(error);
  const wrapped = new StorageUnavailableError(
    `The market history cannot be stored or read: ${reasonOf(message)}`,
  );
  wrapped.cause = error;
  return wrapped;
}

function reasonOf(message: string): string {
  if (/no space left|disk full|file too large|could not write/i.test(message)) return 'no room on its disk';
  if (/lock on file|conflicting lock/i.test(message)) return 'another process has its file open';
  if (/out of memory|max_temp_directory_size/i.test(message))
    return 'the query needs more than its memory limit';
  if (/interrupt/i.test(message)) return 'interrupted';
  return 'its database failed';
}
