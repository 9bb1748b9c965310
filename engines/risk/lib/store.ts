// What the Risk engine keeps on disk: limits with their changes, books with their peaks, histories of returns.
import type { Database } from 'bun:sqlite';
import { openDatabase } from '../../../src/store/sqlite.ts';
import { type Limits, limitsSchema } from '../../../src/trading/limits.ts';

const MIGRATIONS = [
  `CREATE TABLE limits (portfolio_id TEXT PRIMARY KEY, limits TEXT NOT NULL) STRICT;
   CREATE TABLE limit_changes (
     id INTEGER PRIMARY KEY AUTOINCREMENT,
     time_us INTEGER NOT NULL,
     portfolio_id TEXT NOT NULL,
     before TEXT NOT NULL,
     after TEXT NOT NULL
   ) STRICT;
   CREATE INDEX limit_changes_of ON limit_changes (portfolio_id, id);
   CREATE TRIGGER limit_changes_stay BEFORE UPDATE ON limit_changes BEGIN SELECT RAISE(ABORT, 'append-only'); END;
   CREATE TRIGGER limit_changes_remain BEFORE DELETE ON limit_changes BEGIN SELECT RAISE(ABORT, 'append-only'); END;
   CREATE TABLE books (portfolio_id TEXT PRIMARY KEY, book TEXT NOT NULL) STRICT;
   CREATE TABLE returns (symbol TEXT PRIMARY KEY, history TEXT NOT NULL, times BLOB NOT NULL, returns BLOB NOT NULL) STRICT;`,
];

/** One change of a portfolio's limits; both sides whole. */
export interface LimitChange {
  readonly id: number;
  /** Microseconds since the epoch. */
  readonly time_us: number;
  readonly before: Limits;
  readonly after: Limits;
}

/** A history of returns as it is stored: `times` and `returns` are the bytes of float64 arrays, oldest first. */
export interface StoredReturns {
  readonly symbol: string;
  readonly history: string;
  readonly times: Uint8Array;
  readonly returns: Uint8Array;
}

interface ChangeRow {
  readonly id: number;
  readonly time_us: number;
  readonly before: string;
  readonly after: string;
}

/** The engine's own database. Every write is one transaction that survives a kill. */
export class RiskStore {
  readonly #db: Database;
  readonly #putBook;
  readonly #putReturns;
  readonly #dropReturns;

  /** Opens (or makes) the file at `path`; `:memory:` in tests. */
  constructor(path: string) {
    this.#db = openDatabase(path, MIGRATIONS);
    this.#putBook = this.#db.query<void, [string, string]>('INSERT OR REPLACE INTO books VALUES (?, ?)');
    this.#putReturns = this.#db.query<void, [string, string, Uint8Array, Uint8Array]>(
      'INSERT OR REPLACE INTO returns VALUES (?, ?, ?, ?)',
    );
    this.#dropReturns = this.#db.query<void, [string]>('DELETE FROM returns WHERE symbol = ?');
  }

  /** Stored limits by portfolio. */
  limits(): Map<string, Limits> {
    const rows = this.#db
      .query<{ portfolio_id: string; limits: string }, []>('SELECT portfolio_id, limits FROM limits')
      .all();
    return new Map(rows.map((row) => [row.portfolio_id, limitsSchema.parse(JSON.parse(row.limits))]));
  }

  /** Stores new limits and the change that made them. */
  changeLimits(portfolioId: string, before: Limits, after: Limits, timeUs: number): void {
    const text = JSON.stringify(after);
    this.#db
      .transaction(() => {
        this.#db.query('INSERT OR REPLACE INTO limits VALUES (?, ?)').run(portfolioId, text);
        this.#db
          .query('INSERT INTO limit_changes (time_us, portfolio_id, before, after) VALUES (?, ?, ?, ?)')
          .run(timeUs, portfolioId, JSON.stringify(before), text);
      })
      .immediate();
  }

  /** Changes of one portfolio's limits with an id below `belowId`, newest first, at most `count`. */
  changes(portfolioId: string, belowId: number, count: number): LimitChange[] {
    return this.#db
      .query<ChangeRow, [string, number, number]>(
        'SELECT id, time_us, before, after FROM limit_changes WHERE portfolio_id = ? AND id < ? ORDER BY id DESC LIMIT ?',
      )
      .all(portfolioId, belowId, count)
      .map((row) => ({ ...row, before: JSON.parse(row.before), after: JSON.parse(row.after) }));
  }

  /** Books as `saveBooks` got them. */
  books(): { portfolioId: string; book: string }[] {
    return this.#db
      .query<{ portfolioId: string; book: string }, []>('SELECT portfolio_id AS portfolioId, book FROM books')
      .all();
  }

  returns(): StoredReturns[] {
    return this.#db.query<StoredReturns, []>('SELECT symbol, history, times, returns FROM returns').all();
  }

  /** Stores books and histories in one transaction; does nothing when there are none. */
  save(books: Iterable<[portfolioId: string, book: string]>, returns: Iterable<StoredReturns>): void {
    const [allBooks, allReturns] = [[...books], [...returns]];
    if (allBooks.length === 0 && allReturns.length === 0) return;
    this.#db
      .transaction(() => {
        for (const [portfolioId, book] of allBooks) this.#putBook.run(portfolioId, book);
        for (const r of allReturns) this.#putReturns.run(r.symbol, r.history, r.times, r.returns);
      })
      .immediate();
  }

  dropReturns(symbol: string): void {
    this.#dropReturns.run(symbol);
  }

  close(): void {
    this.#db.close();
  }
}
