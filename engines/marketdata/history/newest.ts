// Where the newest rows of a range begin, so that partitions before them are not read.
import type { DuckDBConnection } from '@duckdb/node-api';
import type { MarketKind } from '../../../src/market/records.ts';
import type { HistoryDatabase } from './database.ts';
import { FIRST_US, type HistoryRange, historySql, LAST_US } from './view.ts';

/** How many times longer the next end of a range is that is looked at, where one has too few rows. */
const WIDER = 16;

/**
 * Resolves to a time from which on the last `limit` rows of a range are, of those that fulfil `where`; its begin where it has fewer. Throws
 * StorageUnavailableError when a partition of the range is known to be damaged.
 */
export async function newestFromUs(
  database: HistoryDatabase,
  kind: MarketKind,
  range: HistoryRange,
  { where, limit }: { readonly where: string; readonly limit: number },
  connection: DuckDBConnection,
): Promise<number> {
  const { fromUs = FIRST_US, toUs = LAST_US } = range;
  const { files } = await historySql(database, kind, range, connection);
  const last = files.reduce((a, b) => (a && a.last_ts_us > b.last_ts_us ? a : b), files[0]);
  if (!last) return fromUs;
  const firstUs = Math.max(fromUs, files[0]!.first_ts_us);
  const untilUs = Math.min(toUs, last.last_ts_us);
  // Twice as many as asked for, if its rows come evenly.
  let span = Math.max(1, (2 * limit * (last.last_ts_us - last.first_ts_us)) / last.rows);
  for (; untilUs - span > firstUs; span *= WIDER) {
    const startUs = Math.floor(untilUs - span);
    const { sql, values } = await historySql(database, kind, { ...range, fromUs: startUs }, connection);
    const count = `SELECT count(*)::DOUBLE AS n FROM (${sql})${where}`;
    const [found] = await database.rows(count, values, connection);
    if ((found!['n'] as number) >= limit) return startUs;
  }
  return fromUs;
}
