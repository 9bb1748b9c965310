// What the Analytics engine keeps on disk: the equity curve of each portfolio, its newest figures, its running sums.
import type { Database } from 'bun:sqlite';
import { openDatabase } from '../../src/store/sqlite.ts';
import type { RunningState } from './running.ts';

/** Newest figures of a portfolio as its valuation told them; decimal text in quote currency. */
export interface Figures {
  readonly starting_cash: string;
  readonly cash: string;
  readonly fees: string;
  readonly realised_pnl: string;
  readonly unrealised_pnl: string;
  readonly equity: string;
  readonly fills: number;
}

/** One portfolio as stored; `key` numbers it in the curve. */
export interface TrackedRow {
  readonly key: number;
  readonly portfolio_id: string;
  readonly figures: Figures;
  /** Null while the curve has no point. */
  readonly running: RunningState | null;
}

/** Part of an equity curve in order of time, one element per point. */
export interface Curve {
  readonly timestampsUs: Float64Array;
  /** Quote currency. */
  readonly equity: Float64Array;
}

const MIGRATIONS = [
  `CREATE TABLE portfolios (
     key INTEGER PRIMARY KEY, portfolio_id TEXT NOT NULL UNIQUE, figures TEXT NOT NULL, running TEXT);
   CREATE TABLE curve (
     key INTEGER NOT NULL, ts_us INTEGER NOT NULL, equity REAL NOT NULL,
     PRIMARY KEY (key, ts_us)) WITHOUT ROWID;`,
];

/** The engine's SQLite file. All calls are synchronous. */
export class AnalyticsStore {
  readonly #db: Database;
  readonly #putPoint;
  readonly #putTracked;

  constructor(path: string) {
    this.#db = openDatabase(path, MIGRATIONS);
    this.#putPoint = this.#db.prepare(
      'INSERT INTO curve (key, ts_us, equity) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET equity = excluded.equity',
    );
    this.#putTracked = this.#db.prepare(
      'INSERT INTO portfolios (key, portfolio_id, figures, running) VALUES (?, ?, ?, ?) ' +
        'ON CONFLICT (key) DO UPDATE SET figures = excluded.figures, running = excluded.running',
    );
  }

  /** Runs `work` as one transaction that takes the write lock at once; an error undoes all of it. */
  transaction(work: () => void): void {
    this.#db.transaction(work).immediate();
  }

  tracked(): TrackedRow[] {
    const rows = this.#db.query('SELECT * FROM portfolios ORDER BY key').all() as {
      key: number;
      portfolio_id: string;
      figures: string;
      running: string | null;
    }[];
    return rows.map(({ key, portfolio_id, figures, running }) => ({
      key,
      portfolio_id,
      figures: JSON.parse(figures),
      running: running === null ? null : JSON.parse(running),
    }));
  }

  putTracked({ key, portfolio_id, figures, running }: TrackedRow): void {
    this.#putTracked.run(
      key,
      portfolio_id,
      JSON.stringify(figures),
      running === null ? null : JSON.stringify(running),
    );
  }

  /** Sets the equity at one event time. */
  putPoint(key: number, tsUs: number, equity: number): void {
    this.#putPoint.run(key, tsUs, equity);
  }

  emptyCurve(key: number): void {
    this.#db.query('DELETE FROM curve WHERE key = ?').run(key);
  }

  /** Returns how many points lie at or after `fromUs`. */
  countPoints(key: number, fromUs: number): number {
    const row = this.#db
      .query('SELECT count(*) AS n FROM curve WHERE key = ? AND ts_us >= ?')
      .get(key, fromUs);
    return (row as { n: number }).n;
  }

  /** Returns up to `limit` points at or after `fromUs`. */
  curve(key: number, fromUs: number, limit: number): Curve {
    const size = Math.min(limit, this.countPoints(key, fromUs));
    const timestampsUs = new Float64Array(size);
    const equity = new Float64Array(size);
    const rows = this.#db
      .query('SELECT ts_us, equity FROM curve WHERE key = ? AND ts_us >= ? ORDER BY ts_us LIMIT ?')
      .iterate(key, fromUs, size) as Iterable<{ ts_us: number; equity: number }>;
    let i = 0;
    for (const row of rows) {
      timestampsUs[i] = row.ts_us;
      equity[i++] = row.equity;
    }
    return { timestampsUs, equity };
  }

  close(): void {
    this.#db.close();
  }
}
