// What the Strategy engine must not forget: books, orders, fills, limits and deployments in its database.
import type { Database, Reader, SqlValue, Transaction } from '../../src/store/database.ts';
import type { Limits } from '../../src/trading/limits.ts';
import type { Fill, Order, OrderStatus } from '../../src/trading/orders.ts';
import type { StrategyKind } from '../../src/trading/strategies.ts';
import type { BookBase } from './book.ts';
import type { OrderRecord } from './wire.ts';

/** A deployment as it is stored. */
export interface DeploymentRecord {
  readonly deployment_id: string;
  readonly strategy: StrategyKind;
  readonly symbol: string;
  readonly portfolio_id: string;
  readonly options: Readonly<Record<string, unknown>>;
  readonly target: 'long' | 'flat';
  /** When it was made, in wall time. */
  readonly created_ts_us: number;
}

/** Which rows of a list to return, newest first. */
export interface Page {
  readonly portfolioId?: string | undefined;
  readonly status?: OrderStatus | undefined;
  readonly limit: number;
  /** Rows older than this one; from the last page. */
  readonly before?: number | undefined;
}

/** One row of a list with its place in it. */
export interface Listed<T> {
  readonly seq: number;
  readonly item: T;
}

/** What a portfolio starts from, as it is stored. */
export interface StoredBook {
  readonly portfolio_id: string;
  readonly base: BookBase;
}

interface OrderRow extends Omit<Order, 'reasons' | 'limit_price' | 'strategy_id'> {
  readonly seq: number;
  readonly reasons: string;
  readonly limit_price: string | null;
  readonly strategy_id: string | null;
  readonly correlation_id: string;
  readonly session: string | null;
}

interface BookRow {
  readonly portfolio_id: string;
  readonly ledger: string;
  readonly peak: string;
}

const FILL_COLUMNS = 'fill_id, order_id, portfolio_id, symbol, side, quantity, price, fee, ts_event_us';
const FILLS_AT_ONCE = 1000;

/** The engine's tables. Writes belong to a transaction; reads see what is stored, or with a transaction its own writes too. */
export class StrategyStore {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  saveOrder(tx: Transaction, { order, correlationId }: OrderRecord, session: string | null): void {
    tx.write(
      `INSERT INTO orders (order_id, portfolio_id, symbol, side, quantity, type, limit_price, status, reasons,
         ts_event_us, strategy_id, correlation_id, session)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      order.order_id,
      order.portfolio_id,
      order.symbol,
      order.side,
      order.quantity,
      order.type,
      order.limit_price ?? null,
      order.status,
      JSON.stringify(order.reasons),
      order.ts_event_us,
      order.strategy_id ?? null,
      correlationId,
      session,
    );
  }

  setOrderStatus(tx: Transaction, orderId: string, status: OrderStatus): void {
    tx.write('UPDATE orders SET status = ? WHERE order_id = ?', status, orderId);
  }

  saveFill(tx: Transaction, fill: Fill): void {
    tx.write(
      `INSERT INTO fills (${FILL_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      fill.fill_id,
      fill.order_id,
      fill.portfolio_id,
      fill.symbol,
      fill.side,
      fill.quantity,
      fill.price,
      fill.fee,
      fill.ts_event_us,
    );
  }

  /** Saves what a portfolio starts from; a portfolio that is known starts anew. */
  saveBook(tx: Transaction, { ledger, peak }: BookBase): void {
    tx.write(
      `INSERT INTO books (portfolio_id, ledger, peak) VALUES (?, ?, ?)
       ON CONFLICT (portfolio_id) DO UPDATE SET ledger = excluded.ledger, peak = excluded.peak`,
      ledger.portfolio_id,
      JSON.stringify(ledger),
      peak,
    );
  }

  savePeak(tx: Transaction, portfolioId: string, peak: string): void {
    tx.write('UPDATE books SET peak = ? WHERE portfolio_id = ?', peak, portfolioId);
  }

  saveLimits(tx: Transaction, portfolioId: string, limits: Limits): void {
    tx.write(
      `INSERT INTO limits (portfolio_id, limits) VALUES (?, ?)
       ON CONFLICT (portfolio_id) DO UPDATE SET limits = excluded.limits`,
      portfolioId,
      JSON.stringify(limits),
    );
  }

  saveDeployment(tx: Transaction, d: DeploymentRecord): void {
    tx.write(
      `INSERT INTO deployments (deployment_id, strategy, symbol, portfolio_id, options, target, created_ts_us)
       VALUES (?, ?, ?, ?, ?, ?, ?)`,
      d.deployment_id,
      d.strategy,
      d.symbol,
      d.portfolio_id,
      JSON.stringify(d.options),
      d.target,
      d.created_ts_us,
    );
  }

  setTarget(tx: Transaction, deploymentId: string, target: string): void {
    tx.write('UPDATE deployments SET target = ? WHERE deployment_id = ?', target, deploymentId);
  }

  removeDeployment(tx: Transaction, deploymentId: string): void {
    tx.write('DELETE FROM deployments WHERE deployment_id = ?', deploymentId);
  }

  /** Forgets all orders and fills of a portfolio. */
  clearHistory(tx: Transaction, portfolioId: string): void {
    tx.write('DELETE FROM fills WHERE portfolio_id = ?', portfolioId);
    tx.write('DELETE FROM orders WHERE portfolio_id = ?', portfolioId);
  }

  /** Runs `first` when this database has never been used by a running engine, once in its life. */
  async firstUse(first: (tx: Transaction) => void): Promise<void> {
    await this.#db.transaction(async (tx) => {
      if (await tx.get("SELECT 1 AS used FROM settings WHERE name = 'used'")) return;
      tx.write("INSERT INTO settings (name, value) VALUES ('used', '1')");
      first(tx);
    });
  }

  /** Open orders of one replay, or of all replays that never ended, become cancelled. */
  cancelLeftOvers(tx: Transaction, session?: string): void {
    const left = "UPDATE orders SET status = 'cancelled' WHERE status = 'accepted' AND session";
    if (session === undefined) tx.write(`${left} IS NOT NULL`);
    else tx.write(`${left} = ?`, session);
  }

  async books(): Promise<StoredBook[]> {
    return (await this.#db.all<BookRow>('SELECT * FROM books ORDER BY portfolio_id')).map(bookOf);
  }

  /** Null for a portfolio that was never heard of. */
  async book(portfolioId: string, db: Reader = this.#db): Promise<StoredBook | null> {
    const row = await db.get<BookRow>('SELECT * FROM books WHERE portfolio_id = ?', portfolioId);
    return row && bookOf(row);
  }

  async limits(): Promise<{ portfolio_id: string; limits: unknown }[]> {
    const rows = await this.#db.all<{ portfolio_id: string; limits: string }>('SELECT * FROM limits');
    return rows.map(({ portfolio_id, limits }) => ({ portfolio_id, limits: JSON.parse(limits) }));
  }

  async deployments(): Promise<DeploymentRecord[]> {
    const rows = await this.#db.all<Omit<DeploymentRecord, 'options'> & { options: string }>(
      'SELECT * FROM deployments ORDER BY created_ts_us, deployment_id',
    );
    return rows.map((row) => ({ ...row, options: JSON.parse(row.options) }));
  }

  /** Open orders that belong to no replay. */
  async liveOrders(db: Reader = this.#db): Promise<OrderRecord[]> {
    const rows = await db.all<OrderRow>(
      "SELECT * FROM orders WHERE status = 'accepted' AND session IS NULL ORDER BY seq",
    );
    return rows.map(recordOf);
  }

  async order(orderId: string, db: Reader = this.#db): Promise<OrderRecord | null> {
    const row = await db.get<OrderRow>('SELECT * FROM orders WHERE order_id = ?', orderId);
    return row && recordOf(row);
  }

  /** Calls `each` with every fill of a portfolio, oldest first. */
  async eachFill(portfolioId: string, each: (fill: Fill) => void, db: Reader = this.#db): Promise<void> {
    for (let after = 0; ; ) {
      const rows = await db.all<Fill & { seq: number }>(
        `SELECT seq, ${FILL_COLUMNS} FROM fills WHERE portfolio_id = ? AND seq > ? ORDER BY seq LIMIT ?`,
        portfolioId,
        after,
        FILLS_AT_ONCE,
      );
      for (const row of rows) each(row);
      if (rows.length < FILLS_AT_ONCE) return;
      after = rows.at(-1)!.seq;
    }
  }

  /** How much history a portfolio has here. */
  async history(portfolioId: string, db: Reader = this.#db): Promise<{ orders: number; fills: number }> {
    const row = await db.get<{ orders: number; fills: number }>(
      `SELECT (SELECT count(*) FROM orders WHERE portfolio_id = ?) AS orders,
              (SELECT count(*) FROM fills WHERE portfolio_id = ?) AS fills`,
      portfolioId,
      portfolioId,
    );
    return row!;
  }

  async listOrders(page: Page): Promise<Listed<OrderRecord>[]> {
    const rows = await this.#list<OrderRow>('orders', page);
    return rows.map((row) => ({ seq: row.seq, item: recordOf(row) }));
  }

  async listFills(page: Omit<Page, 'status'>): Promise<Listed<Fill>[]> {
    const rows = await this.#list<Fill & { seq: number }>('fills', page);
    return rows.map(({ seq, ...item }) => ({ seq, item }));
  }

  #list<Row>(table: 'orders' | 'fills', { portfolioId, status, limit, before }: Page): Promise<Row[]> {
    const filters: [string, SqlValue | undefined][] = [
      ['portfolio_id = ?', portfolioId],
      ['status = ?', status],
      ['seq < ?', before],
    ];
    const used = filters.filter(([, value]) => value !== undefined);
    const where = used.length === 0 ? '' : `WHERE ${used.map(([text]) => text).join(' AND ')}`;
    const values = used.map(([, value]) => value!);
    return this.#db.all<Row>(`SELECT * FROM ${table} ${where} ORDER BY seq DESC LIMIT ?`, ...values, limit);
  }
}

function bookOf({ portfolio_id, ledger, peak }: BookRow): StoredBook {
  return { portfolio_id, base: { ledger: JSON.parse(ledger), peak } };
}

function recordOf(row: OrderRow): OrderRecord {
  const { seq: _seq, session: _session, correlation_id, reasons, limit_price, strategy_id, ...rest } = row;
  const order: Order = {
    ...rest,
    reasons: JSON.parse(reasons),
    ...(limit_price === null ? {} : { limit_price }),
    ...(strategy_id === null ? {} : { strategy_id }),
  };
  return { order, correlationId: correlation_id };
}
