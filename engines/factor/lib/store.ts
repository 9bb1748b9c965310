// The bars behind the panel, on disk, so that factors need no new warm-up after a restart.
import type { Database } from 'bun:sqlite';
import { PANEL_BARS } from '../../../src/factors/index.ts';
import { openDatabase } from '../../../src/store/sqlite.ts';

const MIGRATIONS = [
  `CREATE TABLE bars (
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

/** The engine's own database. */
export class FactorStore {
  readonly #db: Database;
  readonly #putBar;
  readonly #putSymbol;
  readonly #prune;

  constructor(path: string) {
    this.#db = openDatabase(path, MIGRATIONS);
    this.#putBar = this.#db.query<void, [string, number, number, number]>(
      'INSERT OR REPLACE INTO bars VALUES (?, ?, ?, ?)',
    );
    this.#putSymbol = this.#db.query<void, [string, string, number, number]>(
      'INSERT OR REPLACE INTO symbols VALUES (?, ?, ?, ?)',
    );
    this.#prune = this.#db.query<void, [string, string, number]>(
      'DELETE FROM bars WHERE symbol = ? AND ts_event_us <= (SELECT ts_event_us FROM bars WHERE symbol = ? ORDER BY ts_event_us DESC LIMIT 1 OFFSET ?)',
    );
  }

  symbols(): StoredSymbol[] {
    return this.#db
      .query<StoredSymbol, []>('SELECT symbol, source, interval_us, bars FROM symbols ORDER BY symbol')
      .all();
  }

  /** All bars, by symbol and time. */
  bars(): StoredBar[] {
    return this.#db
      .query<StoredBar, []>(
        'SELECT symbol, ts_event_us, close, volume FROM bars ORDER BY symbol, ts_event_us',
      )
      .all();
  }

  /** Appends bars and counts in one transaction; does nothing when there are none. */
  save(bars: readonly StoredBar[], symbols: readonly StoredSymbol[]): void {
    if (bars.length === 0) return;
    this.#db
      .transaction(() => {
        for (const b of bars) this.#putBar.run(b.symbol, b.ts_event_us, b.close, b.volume);
        for (const s of symbols) {
          this.#putSymbol.run(s.symbol, s.source, s.interval_us, s.bars);
          if (s.bars % PRUNE_EVERY === 0) this.#prune.run(s.symbol, s.symbol, PANEL_BARS);
        }
      })
      .immediate();
  }

  forget(symbol: string): void {
    this.#db
      .transaction(() => {
        this.#db.query('DELETE FROM bars WHERE symbol = ?').run(symbol);
        this.#db.query('DELETE FROM symbols WHERE symbol = ?').run(symbol);
      })
      .immediate();
  }

  close(): void {
    this.#db.close();
  }
}
