// The schema of strategy.sqlite, oldest step first; a step that has run is never changed.
import type { Migrations } from '../../src/store/sqlite.ts';

/** `seq` is the order of writing, by which lists are paged and ledgers rebuilt. Decimals are text. */
export const MIGRATIONS: Migrations = [
  `CREATE TABLE orders (
     seq INTEGER PRIMARY KEY AUTOINCREMENT,
     order_id TEXT NOT NULL UNIQUE,
     portfolio_id TEXT NOT NULL,
     symbol TEXT NOT NULL,
     side TEXT NOT NULL,
     quantity TEXT NOT NULL,
     type TEXT NOT NULL,
     limit_price TEXT,
     status TEXT NOT NULL,
     reasons TEXT NOT NULL,
     ts_event_us INTEGER NOT NULL,
     strategy_id TEXT,
     correlation_id TEXT NOT NULL,
     session TEXT
   );
   CREATE INDEX orders_by_portfolio ON orders (portfolio_id, seq);
   CREATE INDEX orders_by_status ON orders (status, seq);
   CREATE TABLE fills (
     seq INTEGER PRIMARY KEY AUTOINCREMENT,
     fill_id TEXT NOT NULL UNIQUE,
     order_id TEXT NOT NULL,
     portfolio_id TEXT NOT NULL,
     symbol TEXT NOT NULL,
     side TEXT NOT NULL,
     quantity TEXT NOT NULL,
     price TEXT NOT NULL,
     fee TEXT NOT NULL,
     ts_event_us INTEGER NOT NULL
   );
   CREATE INDEX fills_by_portfolio ON fills (portfolio_id, seq);
   CREATE TABLE books (portfolio_id TEXT PRIMARY KEY, ledger TEXT NOT NULL, peak TEXT NOT NULL);
   CREATE TABLE limits (portfolio_id TEXT PRIMARY KEY, limits TEXT NOT NULL);
   CREATE TABLE deployments (
     deployment_id TEXT PRIMARY KEY,
     strategy TEXT NOT NULL,
     symbol TEXT NOT NULL,
     portfolio_id TEXT NOT NULL,
     options TEXT NOT NULL,
     target TEXT NOT NULL,
     created_ts_us INTEGER NOT NULL,
     UNIQUE (portfolio_id, symbol)
   );
   CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL);`,
];
