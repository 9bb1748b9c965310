// Market history in DuckDB. This engine alone opens the file; everyone else asks over HTTP.
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import type { DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import type { BarColumns } from './csv.ts';

/** One stored series. */
export interface SeriesInfo {
  readonly symbol: string;
  readonly interval_us: number;
  readonly bars: number;
  readonly first_ts_us: number;
  readonly last_ts_us: number;
}

/** Which bars to read; times are inclusive. */
export interface BarQuery {
  readonly symbol: string;
  readonly intervalUs: number;
  readonly fromUs?: number | undefined;
  readonly toUs?: number | undefined;
  readonly limit: number;
  /** Takes the newest bars of the range instead of the oldest. */
  readonly newest?: boolean;
}

const SCHEMA = `CREATE TABLE IF NOT EXISTS bars (
  symbol VARCHAR NOT NULL, interval_us BIGINT NOT NULL, ts_us BIGINT NOT NULL,
  open DOUBLE NOT NULL, high DOUBLE NOT NULL, low DOUBLE NOT NULL, close DOUBLE NOT NULL, volume DOUBLE NOT NULL,
  PRIMARY KEY (symbol, interval_us, ts_us))`;

/** The store of bars. */
export class BarStore {
  readonly #instance: DuckDBInstance;
  readonly #connection: DuckDBConnection;
  // One writer at a time: a transaction on a shared connection must not interleave with another's statements.
  #writing: Promise<unknown> = Promise.resolve();

  private constructor(instance: DuckDBInstance, connection: DuckDBConnection) {
    this.#instance = instance;
    this.#connection = connection;
  }

  /** Opens (or makes) the store at `path`. DuckDB is loaded here, since it costs start-up time. */
  static async open(path: string, threads: number): Promise<BarStore> {
    mkdirSync(dirname(path), { recursive: true });
    const { DuckDBInstance } = await import('@duckdb/node-api');
    const options = { threads: String(threads), memory_limit: '1GB', autoinstall_known_extensions: 'false' };
    const instance = await DuckDBInstance.create(path, options);
    const connection = await instance.connect();
    await connection.run(SCHEMA);
    return new BarStore(instance, connection);
  }

  /**
   * Stores bars of one symbol in one transaction; a bar of a time that is stored already replaces it.
   * Returns how many were replaced.
   */
  put(symbol: string, intervalUs: number, bars: BarColumns): Promise<number> {
    const result = this.#writing.then(() => this.#put(symbol, intervalUs, bars));
    this.#writing = result.catch(() => {});
    return result;
  }

  async series(): Promise<SeriesInfo[]> {
    const reader = await this.#connection.runAndReadAll(
      `SELECT symbol, interval_us::DOUBLE AS interval_us, count(*)::DOUBLE AS bars,
        min(ts_us)::DOUBLE AS first_ts_us, max(ts_us)::DOUBLE AS last_ts_us
       FROM bars GROUP BY ALL ORDER BY symbol, interval_us`,
    );
    return reader.getRowObjectsJS() as unknown as SeriesInfo[];
  }

  /** Reads bars in order of time. */
  async read({
    symbol,
    intervalUs,
    fromUs = 0,
    toUs = Number.MAX_SAFE_INTEGER,
    limit,
    newest = false,
  }: BarQuery): Promise<BarColumns> {
    const reader = await this.#connection.runAndReadAll(
      `SELECT ts_us::DOUBLE, open, high, low, close, volume FROM (
         SELECT * FROM bars
         WHERE symbol = $1 AND interval_us = $2::BIGINT AND ts_us BETWEEN $3::BIGINT AND $4::BIGINT
         ORDER BY ts_us ${newest ? 'DESC' : 'ASC'} LIMIT $5::BIGINT
       ) ORDER BY ts_us`,
      [symbol, intervalUs, fromUs, toUs, limit],
    );
    const columns = reader.getColumnsJS() as number[][];
    const [tsUs, open, high, low, close, volume] = Array.from({ length: 6 }, (_, i) =>
      Float64Array.from(columns[i] ?? []),
    );
    return { tsUs: tsUs!, open: open!, high: high!, low: low!, close: close!, volume: volume! };
  }

  async count(query: Omit<BarQuery, 'limit' | 'newest'>): Promise<number> {
    const { symbol, intervalUs, fromUs = 0, toUs = Number.MAX_SAFE_INTEGER } = query;
    const reader = await this.#connection.runAndReadAll(
      `SELECT count(*)::DOUBLE FROM bars WHERE symbol = $1 AND interval_us = $2::BIGINT AND ts_us BETWEEN $3::BIGINT AND $4::BIGINT`,
      [symbol, intervalUs, fromUs, toUs],
    );
    return reader.getColumnsJS()[0]![0] as number;
  }

  /** Waits for the write under way, then closes the file. */
  async close(): Promise<void> {
    await this.#writing;
    this.#connection.closeSync();
    this.#instance.closeSync();
  }

  async #put(symbol: string, intervalUs: number, bars: BarColumns): Promise<number> {
    const connection = this.#connection;
    await connection.run('BEGIN');
    try {
      await connection.run('CREATE OR REPLACE TEMP TABLE incoming AS FROM bars LIMIT 0');
      const appender = await connection.createAppender('incoming', undefined, 'temp');
      const interval = BigInt(intervalUs);
      for (let i = 0; i < bars.tsUs.length; i++) {
        appender.appendVarchar(symbol);
        appender.appendBigInt(interval);
        appender.appendBigInt(BigInt(bars.tsUs[i]!));
        for (const column of [bars.open, bars.high, bars.low, bars.close, bars.volume])
          appender.appendDouble(column[i]!);
        appender.endRow();
      }
      appender.closeSync();
      const known = await connection.runAndReadAll(
        'SELECT count(*)::DOUBLE FROM incoming SEMI JOIN bars USING (symbol, interval_us, ts_us)',
      );
      await connection.run('INSERT OR REPLACE INTO bars FROM incoming');
      await connection.run('COMMIT');
      return known.getColumnsJS()[0]![0] as number;
    } catch (error) {
      await connection.run('ROLLBACK');
      throw error;
    }
  }
}
