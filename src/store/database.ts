// The database of one engine as its code sees it: one SQL text for SQLite and Postgres, transactions, migrations.

/**
 * A parameter or a field. Both databases give the same back: integers (times in microseconds) as numbers, which are exact to
 * 2^53; decimals and larger integers as text; booleans as 0 and 1; bytes as Uint8Array; an absent value as null.
 */
export type SqlValue = string | number | null | Uint8Array;

export type Dialect = 'sqlite' | 'postgres';

/** Reads rows. Parameters are `?` in both databases. */
export interface Reader {
  all<Row>(sql: string, ...values: SqlValue[]): Promise<Row[]>;
  /** The first row; null when there is none. */
  get<Row>(sql: string, ...values: SqlValue[]): Promise<Row | null>;
}

/** What one unit of work may do. Its reads see its own writes. */
export interface Transaction extends Reader {
  /**
   * Runs a statement whose result nobody needs, in order with everything else of the transaction. A failure fails the
   * transaction: at once (SQLite), or at its next read or its end (Postgres).
   */
  write(sql: string, ...values: SqlValue[]): void;
}

/** One engine's database: a SQLite file of its own, or a schema of its own in Postgres. */
export interface Database extends Reader {
  readonly dialect: Dialect;
  /**
   * Runs `work` so that all its writes are stored together or, when it throws, not at all. Transactions run one after the other;
   * those that wait are stored together (group commit). `work` awaits nothing but its transaction. Resolves when the writes survive kill -9 of any process.
   * Throws what `work` throws, and StorageUnavailableError when the database cannot store.
   */
  transaction<T>(work: (tx: Transaction) => T | Promise<T>): Promise<T>;
  close(): Promise<void>;
}

/** One step of a schema: SQL that both databases understand, or one text for each. A step that has run is never changed. */
export type Migration = string | Readonly<Record<Dialect, string>>;

/** Steps of a schema, oldest first. */
export type Migrations = readonly Migration[];

/** Schemas that live in one database, each with its own steps: the engine's, and those of the parts that it uses. */
export type Schemas = Readonly<Record<string, Migrations>>;

/** The SQL of a step in one dialect. */
export function migrationSql(migration: Migration, dialect: Dialect): string {
  return typeof migration === 'string' ? migration : migration[dialect];
}
