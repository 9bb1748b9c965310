// The monolith of the published comparison, written well: one process that takes an order as JSON over HTTP, checks it
// against the limits of its portfolio, writes it to SQL and answers; one order after the other.
import { Database } from 'bun:sqlite';
import { join } from 'node:path';

const SCHEMA = `
  CREATE TABLE portfolios (portfolio_id TEXT PRIMARY KEY, equity REAL NOT NULL, peak_equity REAL NOT NULL);
  CREATE TABLE positions (
    portfolio_id TEXT NOT NULL, symbol TEXT NOT NULL, quantity REAL NOT NULL, mark_price REAL NOT NULL,
    open_buy REAL NOT NULL, open_sell REAL NOT NULL, PRIMARY KEY (portfolio_id, symbol)
  );
  CREATE TABLE orders (
    seq INTEGER PRIMARY KEY, order_id TEXT NOT NULL UNIQUE, portfolio_id TEXT NOT NULL, symbol TEXT NOT NULL, side TEXT NOT NULL,
    quantity REAL NOT NULL, type TEXT NOT NULL, status TEXT NOT NULL, reason TEXT, ts_event_us INTEGER NOT NULL
  );`;

// The defaults of the strategy engine's limits.
const LIMITS = { order: 100_000, position: 250_000, drawdown: 0.2 };

interface OrderBody {
  readonly portfolio_id: string;
  readonly symbol: string;
  readonly side: 'buy' | 'sell';
  readonly quantity: string;
  readonly type: 'market';
}

interface Position {
  readonly quantity: number;
  readonly mark_price: number;
  readonly open_buy: number;
  readonly open_sell: number;
}

function isOrder(body: unknown): body is OrderBody {
  const { portfolio_id, symbol, side, quantity, type } = (body ?? {}) as Partial<
    Record<keyof OrderBody, unknown>
  >;
  const known = (side === 'buy' || side === 'sell') && type === 'market';
  return known && typeof portfolio_id === 'string' && typeof symbol === 'string' && Number(quantity) > 0;
}

/** A running monolith. */
export interface Monolith {
  readonly url: string;
  /** Fills what is open at the mark: positions move, nothing stays open. */
  readonly fillAll: () => void;
  /** Orders that were accepted so far. */
  readonly accepted: () => number;
  readonly stop: () => void;
}

/**
 * Starts the monolith with its database in `folder`. SQLite in WAL mode with `synchronous` NORMAL, as the engines have it by
 * default: an answered order survives the end of the process.
 */
export function startMonolith(folder: string, portfolioId: string, symbol: string, mark: number): Monolith {
  const db = new Database(join(folder, 'monolith.sqlite'), { create: true, strict: true });
  db.run('PRAGMA journal_mode = WAL');
  db.run('PRAGMA synchronous = NORMAL');
  db.run(SCHEMA);
  db.query('INSERT INTO portfolios VALUES (?, 1000000, 1000000)').run(portfolioId);
  db.query('INSERT INTO positions VALUES (?, ?, 0, ?, 0, 0)').run(portfolioId, symbol, mark);
  const portfolioOf = db.query<{ equity: number; peak_equity: number }, [string]>(
    'SELECT equity, peak_equity FROM portfolios WHERE portfolio_id = ?',
  );
  const positionOf = db.query<Position, [string, string]>(
    'SELECT quantity, mark_price, open_buy, open_sell FROM positions WHERE portfolio_id = ? AND symbol = ?',
  );
  const insert = db.query(
    'INSERT INTO orders (order_id, portfolio_id, symbol, side, quantity, type, status, reason, ts_event_us) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)',
  );
  const openBuy = db.query(
    'UPDATE positions SET open_buy = open_buy + ? WHERE portfolio_id = ? AND symbol = ?',
  );
  const openSell = db.query(
    'UPDATE positions SET open_sell = open_sell + ? WHERE portfolio_id = ? AND symbol = ?',
  );

  const place = db.transaction((order: OrderBody) => {
    const { portfolio_id, symbol, side, type } = order;
    const quantity = Number(order.quantity);
    const portfolio = portfolioOf.get(portfolio_id);
    const position = positionOf.get(portfolio_id, symbol);
    if (!portfolio || !position) return null;
    const buys = side === 'buy';
    const after = buys
      ? position.quantity + position.open_buy + quantity
      : position.quantity - position.open_sell - quantity;
    const reason =
      quantity * position.mark_price > LIMITS.order
        ? 'order notional'
        : Math.abs(after) * position.mark_price > LIMITS.position
          ? 'position notional'
          : 1 - portfolio.equity / portfolio.peak_equity > LIMITS.drawdown
            ? 'drawdown'
            : null;
    const id = Bun.randomUUIDv7();
    const status = reason === null ? 'accepted' : 'rejected';
    const now = Date.now() * 1000;
    insert.run(id, portfolio_id, symbol, side, quantity, type, status, reason, now);
    if (reason === null) (buys ? openBuy : openSell).run(quantity, portfolio_id, symbol);
    return { order_id: id, ...order, status, reasons: reason === null ? [] : [reason], ts_event_us: now };
  });

  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    async fetch(request) {
      if (request.method !== 'POST') return new Response(null, { status: 405 });
      const body: unknown = await request.json();
      if (!isOrder(body)) return Response.json({ title: 'Invalid order' }, { status: 422 });
      const order = place.immediate(body);
      if (order === null) return Response.json({ title: 'Unknown portfolio or symbol' }, { status: 404 });
      return Response.json(order, { status: order.status === 'accepted' ? 201 : 422 });
    },
  });
  return {
    url: `http://127.0.0.1:${server.port}`,
    fillAll: () => {
      db.run("UPDATE orders SET status = 'filled' WHERE status = 'accepted'");
      db.run('UPDATE positions SET quantity = quantity + open_buy - open_sell, open_buy = 0, open_sell = 0');
    },
    accepted: () =>
      db.query<{ n: number }, []>("SELECT count(*) AS n FROM orders WHERE status <> 'rejected'").get()!.n,
    stop: () => {
      void server.stop(true);
      db.close();
    },
  };
}
