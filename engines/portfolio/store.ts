// What the Portfolio engine keeps on disk: portfolios, their fills (append-only) and the newest marks. No arithmetic.
import type { Database } from 'bun:sqlite';
import { openDatabase } from '../../src/store/sqlite.ts';
import type { Fill } from '../../src/trading/orders.ts';

/** One portfolio as stored. */
export interface PortfolioRow {
  readonly portfolio_id: string;
  readonly name: string;
  /** Decimal text, quote currency. */
  readonly starting_cash: string;
  /** Microseconds since the epoch. */
  readonly created_us: number;
  /** Event time of the newest valuation; null before the first. */
  readonly valued_us: number | null;
}

/** The newest price at which a portfolio's symbol was valued. */
export interface MarkRow {
  readonly symbol: string;
  /** Decimal text, quote currency. */
  readonly price: string;
  readonly ts_us: number;
}

/** A fill with its place in the engine's order of arrival. */
export type StoredFill = Fill & { readonly seq: number };

/** Portfolios that exist from the first start. */
const SEEDS: readonly (readonly [id: string, name: string])[] = [
  ['portfolio_001', 'Paper portfolio'],
  ['portfolio_sim', 'Simulated market'],
];
const SEED_CASH = '1000000';

// Fill ids are unique within a portfolio: two portfolios may replay the same market with the same ids.
const MIGRATIONS = [
  `CREATE TABLE portfolios (
     portfolio_id TEXT PRIMARY KEY, name TEXT NOT NULL, starting_cash TEXT NOT NULL,
     created_us INTEGER NOT NULL, valued_us INTEGER) WITHOUT ROWID;
   CREATE TABLE fills (
     seq INTEGER PRIMARY KEY AUTOINCREMENT, portfolio_id TEXT NOT NULL, fill_id TEXT NOT NULL,
     order_id TEXT NOT NULL, symbol TEXT NOT NULL, side TEXT NOT NULL, quantity TEXT NOT NULL,
     price TEXT NOT NULL, fee TEXT NOT NULL, ts_event_us INTEGER NOT NULL, UNIQUE (portfolio_id, fill_id));
   CREATE INDEX fills_in_order ON fills (portfolio_id, seq);
   CREATE TRIGGER fills_are_append_only BEFORE UPDATE ON fills
     BEGIN SELECT RAISE(ABORT, 'fills are append-only'); END;
   CREATE TABLE marks (
     portfolio_id TEXT NOT NULL, symbol TEXT NOT NULL, price TEXT NOT NULL, ts_us INTEGER NOT NULL,
     PRIMARY KEY (portfolio_id, symbol)) WITHOUT ROWID;`,
];

const FILL_COLUMNS = 'fill_id, order_id, portfolio_id, symbol, side, quantity, price, fee, ts_event_us';

/** The engine's SQLite file. All calls are synchronous. */
export class PortfolioStore {
  readonly #db: Database;
  readonly #insertFill;
  readonly #upsertMark;
  readonly #setValued;
  readonly #insertPortfolio;
  readonly #fillsAfter;

  /** Opens or makes the file at `path`; a new one gets the seed portfolios, created at `nowUs`. */
  constructor(path: string, nowUs: number) {
    this.#db = openDatabase(path, MIGRATIONS);
    this.#insertFill = this.#db.prepare(
      `INSERT INTO fills (${FILL_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
    );
    this.#upsertMark = this.#db.prepare(
      `INSERT INTO marks (portfolio_id, symbol, price, ts_us) VALUES (?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET price = excluded.price, ts_us = excluded.ts_us`,
    );
    this.#setValued = this.#db.prepare('UPDATE portfolios SET valued_us = ? WHERE portfolio_id = ?');
    this.#insertPortfolio = this.#db.prepare(
      `INSERT INTO portfolios (portfolio_id, name, starting_cash, created_us) VALUES (?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET starting_cash = excluded.starting_cash, valued_us = NULL`,
    );
    this.#fillsAfter = this.#db.prepare(
      `SELECT seq, ${FILL_COLUMNS} FROM fills WHERE portfolio_id = ? AND seq > ? ORDER BY seq LIMIT ?`,
    );
    if (this.#db.query('SELECT 1 FROM portfolios LIMIT 1').get() === null) {
      this.transaction(() => {
        for (const [id, name] of SEEDS) this.putPortfolio(id, name, SEED_CASH, nowUs);
      });
    }
  }

  /** Runs `work` as one transaction that takes the write lock at once; an error undoes all of it. */
  transaction(work: () => void): void {
    this.#db.transaction(work).immediate();
  }

  /** Returns all portfolios in order of id. */
  portfolios(): PortfolioRow[] {
    return this.#db.query('SELECT * FROM portfolios ORDER BY portfolio_id').all() as PortfolioRow[];
  }

  /** Adds a portfolio; one that exists keeps its name and gets the new starting cash, not yet valued. */
  putPortfolio(id: string, name: string, startingCash: string, nowUs: number): void {
    this.#insertPortfolio.run(id, name, startingCash, nowUs);
  }

  /** Adds a fill and returns true; returns false, and changes nothing, when the portfolio has a fill of this id. */
  addFill(f: Fill): boolean {
    const { changes } = this.#insertFill.run(
      f.fill_id,
      f.order_id,
      f.portfolio_id,
      f.symbol,
      f.side,
      f.quantity,
      f.price,
      f.fee,
      f.ts_event_us,
    );
    return changes === 1;
  }

  /** Yields a portfolio's fills in order of arrival without holding them all in memory. */
  *fills(portfolioId: string): Generator<Fill> {
    const page = 1000;
    for (let after = 0; ; ) {
      const rows = this.fillsAfter(portfolioId, after, page);
      yield* rows;
      if (rows.length < page) return;
      after = rows.at(-1)!.seq;
    }
  }

  /** Returns up to `limit` fills that arrived after number `after`. */
  fillsAfter(portfolioId: string, after: number, limit: number): StoredFill[] {
    return this.#fillsAfter.all(portfolioId, after, limit) as StoredFill[];
  }

  /** Returns how many fills a portfolio has, whether or not it exists. */
  countFills(portfolioId: string): number {
    const row = this.#db.query('SELECT count(*) AS n FROM fills WHERE portfolio_id = ?').get(portfolioId);
    return (row as { n: number }).n;
  }

  putMark(portfolioId: string, symbol: string, price: string, tsUs: number): void {
    this.#upsertMark.run(portfolioId, symbol, price, tsUs);
  }

  /** Returns the newest marks of a portfolio in order of symbol. */
  marks(portfolioId: string): MarkRow[] {
    return this.#db
      .query('SELECT symbol, price, ts_us FROM marks WHERE portfolio_id = ? ORDER BY symbol')
      .all(portfolioId) as MarkRow[];
  }

  setValued(portfolioId: string, tsUs: number): void {
    this.#setValued.run(tsUs, portfolioId);
  }

  /** Removes the fills and marks of a portfolio: the only way in which fills go. */
  emptyHistory(portfolioId: string): void {
    this.#db.query('DELETE FROM fills WHERE portfolio_id = ?').run(portfolioId);
    this.#db.query('DELETE FROM marks WHERE portfolio_id = ?').run(portfolioId);
  }

  close(): void {
    this.#db.close();
  }
}
