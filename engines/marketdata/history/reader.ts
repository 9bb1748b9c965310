// Reads ranges of the history in order of time, in slices and chunks, so that memory does not depend on the range.
import type { DuckDBConnection } from '@duckdb/node-api';
import type { MarketKind, RecordOf } from '../../../src/market/records.ts';
import type { Row } from './columns.ts';
import { type HistoryDatabase, storageError } from './database.ts';
import { newestFromUs } from './newest.ts';
import { QUARANTINED_SQL, tableOf } from './tables.ts';
import { type ColumnData, type ColumnType, readColumn } from './vectors.ts';
import {
  FIRST_US,
  historySql,
  LAST_US,
  type NamedRange,
  type Sql,
  sharedColumns,
  spanSql,
  viewColumns,
} from './view.ts';

/** `repaired`: without what is in quarantine; `raw`: everything, with its flags. */
export type View = 'raw' | 'repaired';

/** What to read; times are inclusive. */
export interface ReadQuery<K extends MarketKind = MarketKind> {
  readonly kind: K;
  readonly symbol: string;
  /** Symbols of the instrument, of one that had several; instead of `symbol`. */
  readonly names?: readonly NamedRange[] | undefined;
  /** All sources when absent. */
  readonly source?: string | undefined;
  readonly fromUs?: number | undefined;
  readonly toUs?: number | undefined;
  /** Default `repaired`. */
  readonly view?: View | undefined;
  /** Bars only. */
  readonly interval?: number | undefined;
  readonly unit?: string | undefined;
  /** Only what comes after this record. */
  readonly after?: { readonly tsUs: number; readonly ordinal: number } | undefined;
  readonly limit?: number | undefined;
  /** Takes the last `limit` records of the range instead of the first. */
  readonly newest?: boolean | undefined;
  /** Names of the columns to read; all when absent. Records need all. */
  readonly columns?: readonly string[] | undefined;
  /** Ends the read; a query under way is interrupted. */
  readonly signal?: AbortSignal | undefined;
}

/** Some rows in order, as columns by name. */
export interface Batch {
  readonly rows: number;
  readonly columns: Readonly<Record<string, ColumnData>>;
}

interface Slice {
  readonly fromUs: number;
  readonly toUs: number;
  readonly rows: number;
}

/** What one query reads: of a slice, or of the whole range. */
interface Part extends Partial<Omit<Slice, 'rows'>> {
  readonly skip?: number;
  readonly limit: number;
  /** Takes the last ones, in order. */
  readonly newest?: boolean | undefined;
}

/** Values (rows times columns) that one query sorts at most, unless one second alone has more. */
const SLICE_VALUES = 8_000_000;
/** Lengths that a range is cut by: an hour of a busy market has more rows than a year of a quiet one. */
const SPANS_US = [3600e6, 60e6, 1e6];
/** Rows of a page that one query finds without counting the range first. */
const PAGE_ROWS = 100_000;

/** Yields the rows of a range in order of event time, then of arrival; one query sorts at most `sliceValues`. Throws StorageUnavailableError. */
export async function* readBatches(
  database: HistoryDatabase,
  asked: ReadQuery,
  sliceValues = SLICE_VALUES,
): AsyncGenerator<Batch> {
  const query = { ...asked, fromUs: Math.max(asked.fromUs ?? FIRST_US, asked.after?.tsUs ?? FIRST_US) };
  const connection = await database.connect();
  const interrupt = () => connection.interrupt();
  query.signal?.addEventListener('abort', interrupt);
  try {
    if (query.limit !== undefined && query.limit <= PAGE_ROWS) {
      yield* readSlice(database, connection, query, { newest: query.newest, limit: query.limit });
      return;
    }
    const slices = await slicesOf(database, connection, query, sliceValues);
    const total = slices.reduce((sum, slice) => sum + slice.rows, 0);
    let skip = query.newest ? Math.max(0, total - (query.limit ?? total)) : 0;
    let left = query.limit ?? Number.POSITIVE_INFINITY;
    for (const { rows, ...slice } of slices) {
      if (left <= 0 || query.signal?.aborted) return;
      if (skip >= rows) {
        skip -= rows;
        continue;
      }
      for await (const batch of readSlice(database, connection, query, { ...slice, skip, limit: left })) {
        left -= batch.rows;
        yield batch;
      }
      skip = 0;
    }
  } catch (error) {
    if (query.signal?.aborted) return;
    throw storageError(error);
  } finally {
    query.signal?.removeEventListener('abort', interrupt);
    database.release(connection);
  }
}

/** Yields the records of a range in order. Throws StorageUnavailableError. */
export async function* readRecords<K extends MarketKind>(
  database: HistoryDatabase,
  query: ReadQuery<K>,
): AsyncGenerator<RecordOf<K>[]> {
  for await (const batch of readBatches(database, query)) {
    yield Array.from({ length: batch.rows }, (_, i) =>
      recordOf(query.kind, rowOf(batch, i)),
    ) as RecordOf<K>[];
  }
}

/** Returns row `at` of a batch. */
export function rowOf({ columns }: Batch, at: number): Row {
  const row: Record<string, number | string | null> = {};
  for (const name in columns) row[name] = columns[name]![at]!;
  return row;
}

/** Returns the record that a row is of. */
export function recordOf<K extends MarketKind>(kind: K, row: Row): RecordOf<K> {
  const sequence = row['sequence'] as number;
  return tableOf(kind).record(row, {
    symbol: row['symbol'] as string,
    source: row['source'] as string,
    tsEventUs: row['ts_event_us'] as number,
    tsReceiveUs: row['ts_receive_us'] as number,
    tsEventText: (row['ts_event_text'] as string | null) ?? undefined,
    tsReceiveText: (row['ts_receive_text'] as string | null) ?? undefined,
    sequence: Number.isNaN(sequence) ? null : sequence,
    flags: row['flags'] as number,
  }) as RecordOf<K>;
}

function columnsRead({ kind, columns }: ReadQuery) {
  return viewColumns(kind).filter(({ name }) => columns?.includes(name) ?? true);
}

function conditionsOf({ view = 'repaired', after }: ReadQuery): string {
  const conditions: string[] = [];
  if (view === 'repaired') conditions.push(`NOT (${QUARANTINED_SQL})`);
  if (after)
    conditions.push(
      `(ts_event_us > ${Math.floor(after.tsUs)} OR (ts_event_us = ${Math.floor(after.tsUs)} AND ordinal > ${Math.floor(after.ordinal)}))`,
    );
  return conditions.length === 0 ? '' : ` WHERE ${conditions.join(' AND ')}`;
}

/** Cuts a range into parts that one query can sort within little memory. */
async function slicesOf(
  database: HistoryDatabase,
  connection: DuckDBConnection,
  query: ReadQuery & { readonly fromUs: number },
  values: number,
): Promise<Slice[]> {
  const { fromUs, toUs = LAST_US } = query;
  if (toUs < fromUs) return [];
  const range = { ...query, fromUs, toUs };
  const { table, values: given, files } = await historySql(database, query.kind, range, connection);
  const most = Math.floor(values / (columnsRead(query).length + 1));
  // A range that is small as a whole needs no look at its hours, unless the place of its last rows is asked for.
  if (query.limit === undefined) {
    const inFiles = files.reduce((sum, file) => sum + file.rows, 0);
    const [{ n }] = (await database.rows(
      `SELECT ${inFiles} + count(*)::DOUBLE AS n FROM (${table})`,
      given,
      connection,
    )) as [{ n: number }];
    if (n <= most) return n === 0 ? [] : [{ fromUs, toUs, rows: n }];
  }
  const slices: Slice[] = [];
  let [start, rows] = [fromUs, 0];
  for await (const { startUs, n } of countsOf(database, connection, range, most)) {
    if (rows > 0 && rows + n > most) {
      slices.push({ fromUs: start, toUs: startUs - 1, rows });
      [start, rows] = [startUs, 0];
    }
    rows += n;
  }
  if (rows > 0) slices.push({ fromUs: start, toUs, rows });
  return slices;
}

/** Yields how many rows each span of a range has, in order, those with more than `most` in finer ones. */
async function* countsOf(
  database: HistoryDatabase,
  connection: DuckDBConnection,
  query: ReadQuery & { readonly fromUs: number; readonly toUs: number },
  most: number,
  [us, ...finer]: readonly number[] = SPANS_US,
): AsyncGenerator<{ readonly startUs: number; readonly n: number }> {
  const { sql, values } = await historySql(database, query.kind, query, connection);
  const spans = await database.rows(
    `SELECT ${spanSql(us!)} AS span, count(*)::DOUBLE AS n FROM (${sql})${conditionsOf(query)} GROUP BY 1 ORDER BY 1`,
    values,
    connection,
  );
  for (const { span, n } of spans as unknown as { span: number; n: number }[]) {
    const startUs = Math.max(query.fromUs, span * us!);
    const toUs = Math.min(query.toUs, (span + 1) * us! - 1);
    if (n > most && finer.length > 0)
      yield* countsOf(database, connection, { ...query, fromUs: startUs, toUs }, most, finer);
    else yield { startUs, n };
  }
}

async function* readSlice(
  database: HistoryDatabase,
  connection: DuckDBConnection,
  query: ReadQuery,
  { skip = 0, limit, newest = false, ...range }: Part,
): AsyncGenerator<Batch> {
  // One snapshot for the manifest and the rows: a partition that is rolled meanwhile is neither missed nor read twice.
  await connection.run('BEGIN TRANSACTION READ ONLY');
  const { kind } = query;
  const where = conditionsOf(query);
  const asked = { ...query, ...range };
  const part = newest
    ? { ...asked, fromUs: await newestFromUs(database, kind, asked, { where, limit }, connection) }
    : asked;
  const stored = await historySql(database, kind, part, connection);
  const shared = await sharedColumns(database, kind, part, connection);
  const own = columnsRead(query).filter(({ name }) => !(name in shared));
  const same = columnsRead(query).filter(({ name }) => name in shared);
  const page = `${Number.isFinite(limit) ? ` LIMIT ${limit}` : ''}${skip > 0 ? ` OFFSET ${skip}` : ''}`;
  const inOrder = (order: 'ASC' | 'DESC') => ` ORDER BY ts_event_us ${order}, ordinal ${order}`;
  // Something is read in any case: how many rows there are.
  const names = own.length === 0 ? 'ts_event_us' : own.map(({ name }) => name).join(', ');
  const sorted = newest || (await hasRows(database, stored, connection)) ? undefined : stored.sorted;
  const { sql, values } = sorted ?? stored;
  const order = sorted ? '' : inOrder(newest ? 'DESC' : 'ASC');
  const rows = `FROM (${sql})${where}${order}${page}`;
  const result = await connection.stream(
    newest ? `SELECT ${names} FROM (${rows})${inOrder('ASC')}` : `SELECT ${names} ${rows}`,
    values,
  );
  for (;;) {
    const chunk = await result.fetchChunk();
    if (!chunk || chunk.rowCount === 0) break;
    const n = chunk.rowCount;
    const read: Record<string, ColumnData> = {};
    for (const { name } of same) read[name] = repeated(shared[name]!, n);
    for (const [at, { name, type }] of own.entries())
      read[name] = readColumn(database.duck, chunk, at, type as ColumnType);
    yield { rows: n, columns: read };
  }
  await connection.run('COMMIT');
}

/** Returns whether the table has some of the rows, which are in no order there. */
async function hasRows(
  database: HistoryDatabase,
  { table, values, sorted }: Sql,
  connection: DuckDBConnection,
): Promise<boolean> {
  if (!sorted) return true;
  return (await database.rows(`${table} LIMIT 1`, values, connection)).length > 0;
}

/** Returns a column of `n` times one value. */
function repeated(value: number | string | null, n: number): ColumnData {
  return typeof value === 'number'
    ? new Float64Array(n).fill(value)
    : new Array<string | null>(n).fill(value);
}

/** The newest record at or before a time; null when there is none. */
export async function recordAt<K extends MarketKind>(
  database: HistoryDatabase,
  query: ReadQuery<K> & { readonly atUs: number },
): Promise<RecordOf<K> | null> {
  const { atUs, ...rest } = query;
  for await (const [record] of readRecords(database, { ...rest, toUs: atUs, limit: 1, newest: true }))
    return record as RecordOf<K>;
  return null;
}
