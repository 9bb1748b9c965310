// What the Strategy engine must not forget: strategy.sqlite with books, orders, fills, limits and deployments.
import type { Database, SQLQueryBindings } from 'bun:sqlite';
import { openDatabase } from '../../src/store/sqlite.ts';
import type { Limits } from '../../src/trading/limits.ts';
import type { Fill, Order, OrderStatus } from '../../src/trading/orders.ts';
import type { StrategyKind } from '../../src/trading/strategies.ts';
import type { BookBase } from './book.ts';
import { MIGRATIONS } from './migrations.ts';
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

interface OrderRow extends Omit<Order, 'reasons' | 'limit_price' | 'strategy_id'> {
  readonly seq: number;
  readonly reasons: string;
  readonly limit_price: string | null;
  readonly strategy_id: string | null;
  readonly correlation_id: string;
  readonly session: string | null;
}

const FILL_COLUMNS = 'fill_id, order_id, portfolio_id, symbol, side, quantity, price, fee, ts_event_us';

/** The engine's database. Every write outside `batch` is a transaction of its own. */
export class StrategyStore {
  readonly #db: Database;
  #inBatch = false;
  #begun = false;

  /** Opens or makes the database; `:memory:` for tests. */
  constructor(path: string) {
    this.#db = openDatabase(path, MIGRATIONS);
  }

  /** Runs `work` so that all its writes are stored together or, when it throws, not at all. Reads alone cost nothing. */
  batch(work: () => void): void {
    this.#inBatch = true;
    try {
      work();
      if (this.#begun) this.#db.run('COMMIT');
    } catch (error) {
      if (this.#begun && this.#db.inTransaction) this.#db.run('ROLLBACK');
      throw error;
    } finally {
      this.#inBatch = false;
      this.#begun = false;
    }
  }

  saveOrder({ order, correlationId }: OrderRecord, session: string | null): void {
    this.#write(
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

  setOrderStatus(orderId: string, status: OrderStatus): void {
    this.#write('UPDATE orders SET status = ? WHERE order_id = ?', status, orderId);
  }

  saveFill(fill: Fill): void {
    this.#write(
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
  saveBook({ ledger, peak }: BookBase): void {
    this.#write(
      'INSERT OR REPLACE INTO books (portfolio_id, ledger, peak) VALUES (?, ?, ?)',
      ledger.portfolio_id,
      JSON.stringify(ledger),
      peak,
    );
  }

  savePeak(portfolioId: string, peak: string): void {
    this.#write('UPDATE books SET peak = ? WHERE portfolio_id = ?', peak, portfolioId);
  }

  saveLimits(portfolioId: string, limits: Limits): void {
    this.#write(
      'INSERT OR REPLACE INTO limits (portfolio_id, limits) VALUES (?, ?)',
      portfolioId,
      JSON.stringify(limits),
    );
  }

  saveDeployment(d: DeploymentRecord): void {
    this.#write(
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

  setTarget(deploymentId: string, target: string): void {
    this.#write('UPDATE deployments SET target = ? WHERE deployment_id = ?', target, deploymentId);
  }

  removeDeployment(deploymentId: string): void {
    this.#write('DELETE FROM deployments WHERE deployment_id = ?', deploymentId);
  }

  /** Forgets all orders and fills of a portfolio. */
  clearHistory(portfolioId: string): void {
    this.#write('DELETE FROM fills WHERE portfolio_id = ?', portfolioId);
    this.#write('DELETE FROM orders WHERE portfolio_id = ?', portfolioId);
  }

  /** Runs `first` when this database has never been used by a running engine, once in its life. */
  firstUse(first: () => void): void {
    if (this.#db.query("SELECT 1 FROM settings WHERE name = 'used'").get()) return;
    this.batch(() => {
      this.#write("INSERT INTO settings (name, value) VALUES ('used', '1')");
      first();
    });
  }

  /** Orders that replays which never ended have left open become cancelled. */
  cancelLeftOvers(): void {
    this.#write("UPDATE orders SET status = 'cancelled' WHERE status = 'accepted' AND session IS NOT NULL");
  }

  books(): { portfolio_id: string; base: BookBase }[] {
    const rows = this.#all<{ portfolio_id: string; ledger: string; peak: string }>('SELECT * FROM books');
    return rows.map(({ portfolio_id, ledger, peak }) => ({
      portfolio_id,
      base: { ledger: JSON.parse(ledger), peak },
    }));
  }

  limits(): { portfolio_id: string; limits: unknown }[] {
    const rows = this.#all<{ portfolio_id: string; limits: string }>('SELECT * FROM limits');
    return rows.map(({ portfolio_id, limits }) => ({ portfolio_id, limits: JSON.parse(limits) }));
  }

  deployments(): DeploymentRecord[] {
    const rows = this.#all<Omit<DeploymentRecord, 'options'> & { options: string }>(
      'SELECT * FROM deployments ORDER BY created_ts_us, deployment_id',
    );
    return rows.map((row) => ({ ...row, options: JSON.parse(row.options) }));
  }

  openOrders(): OrderRecord[] {
    return this.#all<OrderRow>("SELECT * FROM orders WHERE status = 'accepted' ORDER BY seq").map(recordOf);
  }

  order(orderId: string): OrderRecord | null {
    const row = this.#db.query('SELECT * FROM orders WHERE order_id = ?').get(orderId) as OrderRow | null;
    return row && recordOf(row);
  }

  /** Calls `each` with every fill of a portfolio, oldest first. */
  eachFill(portfolioId: string, each: (fill: Fill) => void): void {
    const query = this.#db.query(`SELECT ${FILL_COLUMNS} FROM fills WHERE portfolio_id = ? ORDER BY seq`);
    for (const row of query.iterate(portfolioId)) each(row as Fill);
  }

  /** How much history a portfolio has here. */
  history(portfolioId: string): { orders: number; fills: number } {
    const count = (table: 'orders' | 'fills') =>
      (
        this.#db.query(`SELECT count(*) AS n FROM ${table} WHERE portfolio_id = ?`).get(portfolioId) as {
          n: number;
        }
      ).n;
    return { orders: count('orders'), fills: count('fills') };
  }

  listOrders(page: Page): Listed<OrderRecord>[] {
    return this.#list<OrderRow>('orders', page).map((row) => ({ seq: row.seq, item: recordOf(row) }));
  }

  listFills(page: Omit<Page, 'status'>): Listed<Fill>[] {
    return this.#list<Fill & { seq: number }>('fills', page).map(({ seq, ...item }) => ({ seq, item }));
  }

  close(): void {
    this.#db.close();
  }

  #list<Row>(table: 'orders' | 'fills', { portfolioId, status, limit, before }: Page): Row[] {
    const filters: [string, SQLQueryBindings | undefined][] = [
      ['portfolio_id = ?', portfolioId],
      ['status = ?', status],
      ['seq < ?', before],
    ];
    const used = filters.filter(([, value]) => value !== undefined);
    const where = used.length === 0 ? '' : `WHERE ${used.map(([text]) => text).join(' AND ')}`;
    const values = used.map(([, value]) => value!);
    return this.#all<Row>(`SELECT * FROM ${table} ${where} ORDER BY seq DESC LIMIT ?`, ...values, limit);
  }

  #all<Row>(sql: string, ...values: SQLQueryBindings[]): Row[] {
    return this.#db.query(sql).all(...values) as Row[];
  }

  #write(sql: string, ...values: SQLQueryBindings[]): void {
    if (this.#inBatch && !this.#begun) {
      this.#db.run('BEGIN IMMEDIATE');
      this.#begun = true;
    }
    this.#db.query(sql).run(...values);
  }
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
