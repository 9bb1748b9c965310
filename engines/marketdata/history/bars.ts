// Bars of time in the history, as columns: what replays and requests for bars use.
import { InvalidOptionError, NotFoundError } from '../../../src/core/errors.ts';
import type { HistoryDatabase } from './database.ts';
import { QUARANTINED_SQL } from './tables.ts';
import { readColumn } from './vectors.ts';
import { historySql, quoted } from './view.ts';
import type { HistoryWriter } from './writer.ts';

/** Bars of one symbol as columns, ordered by time, one row per time. */
export interface BarColumns {
  readonly tsUs: Float64Array;
  readonly open: Float64Array;
  readonly high: Float64Array;
  readonly low: Float64Array;
  readonly close: Float64Array;
  readonly volume: Float64Array;
}

/** One stored series. */
export interface SeriesInfo {
  readonly symbol: string;
  readonly interval_us: number;
  readonly source: string;
  readonly bars: number;
  readonly first_ts_us: number;
  readonly last_ts_us: number;
}

/** Which bars to read; times are inclusive. */
export interface BarQuery {
  readonly symbol: string;
  readonly intervalUs: number;
  /** The source with the most bars when absent. */
  readonly source?: string | undefined;
  readonly fromUs?: number | undefined;
  readonly toUs?: number | undefined;
  readonly limit: number;
  /** Takes the newest bars of the range instead of the oldest. */
  readonly newest?: boolean;
}

/** Source of bars that came as a file. */
export const FILE_SOURCE = 'file';

/** The bars of time. */
export class BarHistory {
  constructor(
    readonly database: HistoryDatabase,
    readonly writer: HistoryWriter,
  ) {}

  /** Returns what is stored: counts all bars. */
  async series(): Promise<SeriesInfo[]> {
    return (await this.database.rows(
      `SELECT s.symbol, s.interval AS interval_us, s.source, count(*)::DOUBLE AS bars,
         min(t.ts_event_us)::DOUBLE AS first_ts_us, max(t.ts_event_us)::DOUBLE AS last_ts_us
       FROM bars t JOIN series s ON s.id = t.series
       WHERE s.unit = 'time' AND NOT (${QUARANTINED_SQL})
       GROUP BY ALL ORDER BY s.symbol, s.interval, s.source`,
    )) as unknown as SeriesInfo[];
  }

  /** Reads bars in order of time. */
  async read(query: BarQuery): Promise<BarColumns> {
    const { limit, newest = false } = query;
    const { sql, values } = await this.#range(query);
    return this.database.reading(async (connection) => {
      const result = await connection.run(
        `SELECT ts_event_us, open, high, low, close, volume FROM (
           FROM (${sql}) WHERE NOT (${QUARANTINED_SQL}) ORDER BY ts_event_us ${newest ? 'DESC' : 'ASC'} LIMIT ${Math.floor(limit)}
         ) ORDER BY ts_event_us`,
        values,
      );
      const parts: Float64Array[][] = [[], [], [], [], [], []];
      for (const chunk of await result.fetchAllChunks()) {
        for (const [at, part] of parts.entries())
          part.push(
            readColumn(this.database.duck, chunk, at, at === 0 ? 'BIGINT' : 'DOUBLE') as Float64Array,
          );
      }
      const [tsUs, open, high, low, close, volume] = parts.map(joined);
      return { tsUs: tsUs!, open: open!, high: high!, low: low!, close: close!, volume: volume! };
    });
  }

  async count(query: Omit<BarQuery, 'limit' | 'newest'>): Promise<number> {
    const { sql, values } = await this.#range(query);
    const rows = await this.database.rows(
      `SELECT count(*)::DOUBLE AS n FROM (${sql}) WHERE NOT (${QUARANTINED_SQL})`,
      values,
    );
    return rows[0]!['n'] as number;
  }

  /** Returns the lengths of the stored bars of time, the shortest first. */
  lengths(symbol: string | readonly string[], source?: string): number[] {
    return [...new Set(this.#ofTime(symbol, source).map((s) => s.interval))].sort((a, b) => a - b);
  }

  /** Returns the source that a request without one gets: that with the most bars. Throws NotFoundError for a series that is not stored. */
  async sourceOf(symbol: string | readonly string[], intervalUs: number): Promise<string> {
    const series = this.#ofTime(symbol).filter((s) => s.interval === intervalUs);
    const sources = [...new Set(series.map((s) => s.source))].sort();
    if (sources.length === 1) return sources[0]!;
    if (sources.length === 0) throw new NotFoundError('No bars of this symbol and interval');
    const counted = await this.database.rows(
      `SELECT series, count(*)::DOUBLE AS bars FROM bars
       WHERE series IN (${series.map((s) => s.id).join(', ')}) AND NOT (${QUARANTINED_SQL}) GROUP BY series`,
    );
    const counts = new Map(counted.map((row) => [row['series'], row['bars'] as number]));
    // An instrument that had several symbols has a series of each.
    const bars = (source: string) =>
      series.filter((s) => s.source === source).reduce((sum, s) => sum + (counts.get(s.id) ?? 0), 0);
    return sources.reduce((best, source) => (bars(source) > bars(best) ? source : best));
  }

  /**
   * Returns the source of the stored trades that bars of a length are made of where none of it are stored; null where some are, or where there are no
   * trades either. Throws InvalidOptionError where there are trades alone and no length is given.
   */
  async madeFrom(
    symbol: string | readonly string[],
    intervalUs?: number,
    source?: string,
  ): Promise<string | null> {
    const stored = this.#ofTime(symbol, source);
    if (stored.some((s) => intervalUs === undefined || s.interval === intervalUs)) return null;
    const trades = await this.tradeSource(symbol, source);
    if (trades === null || intervalUs !== undefined) return trades;
    throw new InvalidOptionError('Expected interval_us, since bars of this symbol are made of its trades', [
      { pointer: 'query/interval_us', expected: 'the length of a bar in microseconds' },
    ]);
  }

  /** Returns the source whose trades bars of a symbol are made of: that with the most when none is named; null where none are stored. */
  async tradeSource(symbol: string | readonly string[], source?: string): Promise<string | null> {
    const sources = new Set(this.writer.series.find('trade', symbol, source).map((s) => s.source));
    if (sources.size <= 1) return [...sources][0] ?? null;
    const symbols = [symbol].flat().map(quoted).join(', ');
    const [most] = await this.database.rows(
      `SELECT source FROM (
         SELECT s.source, count(*) AS n FROM trades t JOIN series s ON s.id = t.series WHERE s.symbol IN (${symbols}) GROUP BY ALL
         UNION ALL SELECT source, rows AS n FROM partitions WHERE kind = 'trade' AND symbol IN (${symbols})
       ) GROUP BY source ORDER BY sum(n) DESC, source LIMIT 1`,
    );
    return (most?.['source'] as string | undefined) ?? null;
  }

  #ofTime(symbol: string | readonly string[], source?: string) {
    return this.writer.series.find('bar', symbol, source).filter((s) => s.unit === 'time');
  }

  async #range(query: Omit<BarQuery, 'limit' | 'newest'>) {
    const { symbol, intervalUs, fromUs, toUs } = query;
    const source = query.source ?? (await this.sourceOf(symbol, intervalUs));
    return historySql(this.database, 'bar', {
      symbol,
      source,
      fromUs,
      toUs,
      interval: intervalUs,
      unit: 'time',
    });
  }
}

function joined(parts: readonly Float64Array[]): Float64Array {
  const all = new Float64Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
