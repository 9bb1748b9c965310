// What the Portfolio engine keeps in its database: portfolios, their fills (append-only) and the newest marks. No arithmetic.
import type { Database, Reader, Transaction } from '../../src/store/database.ts';
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
  /** Live fills that were sent until then belong to a history that a replay has emptied; null before the first replay. */
  readonly live_after_us: number | null;
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

const FILL_COLUMNS = 'fill_id, order_id, portfolio_id, symbol, side, quantity, price, fee, ts_event_us';
const FILLS_AT_ONCE = 1000;

/** The engine's tables. Writes belong to a transaction; reads see what is stored, or with a transaction its own writes too. */
export class PortfolioStore {
  readonly #db: Database;

  private constructor(db: Database) {
    this.#db = db;
  }

  /** Returns the store; a new one gets the seed portfolios, created at `nowUs`. */
  static async open(db: Database, nowUs: number): Promise<PortfolioStore> {
    const store = new PortfolioStore(db);
    await db.transaction(async (tx) => {
      if (await tx.get('SELECT 1 AS found FROM portfolios LIMIT 1')) return;
      for (const [id, name] of SEEDS) store.putPortfolio(tx, id, name, SEED_CASH, nowUs);
    });
    return store;
  }

  /** Returns all portfolios in order of id. */
  portfolios(): Promise<PortfolioRow[]> {
    return this.#db.all<PortfolioRow>('SELECT * FROM portfolios ORDER BY portfolio_id');
  }

  /** Returns one portfolio, which has to exist. */
  async portfolio(id: string, db: Reader): Promise<PortfolioRow> {
    return (await db.get<PortfolioRow>('SELECT * FROM portfolios WHERE portfolio_id = ?', id))!;
  }

  /** Adds a portfolio; one that exists keeps its name and gets the new starting cash, not yet valued. */
  putPortfolio(tx: Transaction, id: string, name: string, startingCash: string, nowUs: number): void {
    tx.write(
      `INSERT INTO portfolios (portfolio_id, name, starting_cash, created_us) VALUES (?, ?, ?, ?)
       ON CONFLICT (portfolio_id) DO UPDATE SET starting_cash = excluded.starting_cash, valued_us = NULL`,
      id,
      name,
      startingCash,
      nowUs,
    );
  }

  /** Adds a fill and returns true; returns false, and changes nothing, when the portfolio has a fill of this id. */
  async addFill(tx: Transaction, f: Fill): Promise<boolean> {
    const added = await tx.get(
      `INSERT INTO fills (${FILL_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (portfolio_id, fill_id) DO NOTHING RETURNING seq`,
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
    return added !== null;
  }

  /** Yields a portfolio's fills in order of arrival without holding them all in memory. */
  async *fills(portfolioId: string, db: Reader = this.#db): AsyncGenerator<StoredFill[]> {
    for (let after = 0; ; ) {
      const rows = await this.fillsAfter(portfolioId, after, FILLS_AT_ONCE, db);
      yield rows;
      if (rows.length < FILLS_AT_ONCE) return;
      after = rows.at(-1)!.seq;
    }
  }

  /** Returns up to `limit` fills that arrived after number `after`. */
  fillsAfter(
    portfolioId: string,
    after: number,
    limit: number,
    db: Reader = this.#db,
  ): Promise<StoredFill[]> {
    return db.all<StoredFill>(
      `SELECT seq, ${FILL_COLUMNS} FROM fills WHERE portfolio_id = ? AND seq > ? ORDER BY seq LIMIT ?`,
      portfolioId,
      after,
      limit,
    );
  }

  /** Returns how many fills a portfolio has, whether or not it exists. */
  async countFills(portfolioId: string, db: Reader): Promise<number> {
    const row = await db.get<{ n: number }>(
      'SELECT count(*) AS n FROM fills WHERE portfolio_id = ?',
      portfolioId,
    );
    return row!.n;
  }

  putMark(tx: Transaction, portfolioId: string, symbol: string, price: string, tsUs: number): void {
    tx.write(
      `INSERT INTO marks (portfolio_id, symbol, price, ts_us) VALUES (?, ?, ?, ?)
       ON CONFLICT (portfolio_id, symbol) DO UPDATE SET price = excluded.price, ts_us = excluded.ts_us`,
      portfolioId,
      symbol,
      price,
      tsUs,
    );
  }

  /** Returns the newest marks of a portfolio in order of symbol. */
  marks(portfolioId: string, db: Reader = this.#db): Promise<MarkRow[]> {
    return db.all<MarkRow>(
      'SELECT symbol, price, ts_us FROM marks WHERE portfolio_id = ? ORDER BY symbol',
      portfolioId,
    );
  }

  setValued(tx: Transaction, portfolioId: string, tsUs: number): void {
    tx.write('UPDATE portfolios SET valued_us = ? WHERE portfolio_id = ?', tsUs, portfolioId);
  }

  /** Removes the fills and marks of a portfolio, and says until when live fills belonged to them: the only way in which fills go. */
  emptyHistory(tx: Transaction, portfolioId: string, liveUntilUs: number): void {
    tx.write('DELETE FROM fills WHERE portfolio_id = ?', portfolioId);
    tx.write('DELETE FROM marks WHERE portfolio_id = ?', portfolioId);
    tx.write('UPDATE portfolios SET live_after_us = ? WHERE portfolio_id = ?', liveUntilUs, portfolioId);
  }
}
