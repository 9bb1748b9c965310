// The bars behind the panel, in the engine's database, so that factors need no new warm-up after a restart.
import { PANEL_BARS } from '../../../src/factors/index.ts';
import type { Database, Migrations, Transaction } from '../../../src/store/database.ts';

export const MIGRATIONS: Migrations = [
  {
    sqlite: `CREATE TABLE bars (
     symbol TEXT NOT NULL,
     ts_event_us INTEGER NOT NULL,
     close REAL NOT NULL,
     volume REAL NOT NULL,
     PRIMARY KEY (symbol, ts_event_us)
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE symbols (
     symbol TEXT PRIMARY KEY,
     source TEXT NOT NULL,
     interval_us INTEGER NOT NULL,
     bars INTEGER NOT NULL
   ) STRICT;`,
    postgres: `CREATE TABLE bars (
     symbol TEXT COLLATE "C" NOT NULL,
     ts_event_us BIGINT NOT NULL,
     close DOUBLE PRECISION NOT NULL,
     volume DOUBLE PRECISION NOT NULL,
     PRIMARY KEY (symbol, ts_event_us)
   );
   CREATE TABLE symbols (
     symbol TEXT COLLATE "C" PRIMARY KEY,
     source TEXT NOT NULL,
     interval_us BIGINT NOT NULL,
     bars BIGINT NOT NULL
   );`,
  },
];

/** Bars of a symbol between two removals of what its window has left behind. */
const PRUNE_EVERY = 64;

export interface StoredBar {
  readonly symbol: string;
  readonly ts_event_us: number;
  readonly close: number;
  readonly volume: number;
}

export interface StoredSymbol {
  readonly symbol: string;
  readonly source: string;
  readonly interval_us: number;
  /** Bars seen since its first. */
  readonly bars: number;
}

/** The engine's tables. */
export class FactorStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  symbols(): Promise<StoredSymbol[]> {
    return this.#database.all('SELECT symbol, source, interval_us, bars FROM symbols ORDER BY symbol');
  }

  /** All bars, by symbol and time. */
  bars(): Promise<StoredBar[]> {
    return this.#database.all(
      'SELECT symbol, ts_event_us, close, volume FROM bars ORDER BY symbol, ts_event_us',
    );
  }

  /** Appends bars and counts. */
  save(tx: Transaction, bars: Iterable<StoredBar>, symbols: Iterable<StoredSymbol>): void {
    for (const { symbol, ts_event_us, close, volume } of bars) {
      tx.write(
        `INSERT INTO bars (symbol, ts_event_us, close, volume) VALUES (?, ?, ?, ?)
         ON CONFLICT (symbol, ts_event_us) DO UPDATE SET close = excluded.close, volume = excluded.volume`,
        symbol,
        ts_event_us,
        close,
        volume,
      );
    }
    for (const { symbol, source, interval_us, bars: count } of symbols) {
      tx.write(
        `INSERT INTO symbols (symbol, source, interval_us, bars) VALUES (?, ?, ?, ?)
         ON CONFLICT (symbol) DO UPDATE SET source = excluded.source, interval_us = excluded.interval_us, bars = excluded.bars`,
        symbol,
        source,
        interval_us,
        count,
      );
      if (count % PRUNE_EVERY === 0) this.#prune(tx, symbol);
    }
  }

  forget(tx: Transaction, symbol: string): void {
    tx.write('DELETE FROM bars WHERE symbol = ?', symbol);
    tx.write('DELETE FROM symbols WHERE symbol = ?', symbol);
  }

  #prune(tx: Transaction, symbol: string): void {
    tx.write(
      `DELETE FROM bars WHERE symbol = ? AND ts_event_us <=
         (SELECT ts_event_us FROM bars WHERE symbol = ? ORDER BY ts_event_us DESC LIMIT 1 OFFSET ?)`,
      symbol,
      symbol,
      PANEL_BARS,
    );
  }
}
