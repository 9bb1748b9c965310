// One view over the table of a kind and its Parquet partitions, with only those that a range touches.
import { join } from 'node:path';
import type { DuckDBConnection, DuckDBValue } from '@duckdb/node-api';
import { StorageUnavailableError } from '../../../src/core/errors.ts';
import type { MarketKind } from '../../../src/market/records.ts';
import type { Row } from './columns.ts';
import type { HistoryDatabase } from './database.ts';
import { damageOf } from './partition-files.ts';
import { ADDED, columnsOf, PARTITION_LAYOUT, SERIES_COLUMNS, tableOf } from './tables.ts';

/** The first and the last time that a record can have: series of prices and of the economy begin long before 1970. */
export const FIRST_US = Number.MIN_SAFE_INTEGER;
export const LAST_US = Number.MAX_SAFE_INTEGER;

/** A symbol and when an instrument had it; times are inclusive. */
export interface NamedRange {
  readonly symbol: string;
  readonly fromUs: number;
  readonly toUs: number;
}

/** What to look at; times are inclusive. */
export interface HistoryRange {
  readonly symbol: string;
  /** Symbols of the instrument, of one that had several; instead of `symbol`. */
  readonly names?: readonly NamedRange[] | undefined;
  readonly source?: string | undefined;
  readonly fromUs?: number | undefined;
  readonly toUs?: number | undefined;
  /** Series of bars: length and unit. */
  readonly interval?: number | undefined;
  readonly unit?: string | undefined;
}

/** SQL with its values. */
export interface Sql {
  readonly sql: string;
  readonly values: DuckDBValue[];
  /** Those of its rows that are in the table. */
  readonly table: string;
  /** The partitions that have the others. */
  readonly files: readonly Partition[];
  /** The rows in partitions, where a scan gives them in order of event time, then of arrival. */
  readonly sorted?: Pick<Sql, 'sql' | 'values'> | undefined;
}

/** A Parquet file of the manifest. */
export interface Partition {
  readonly id: string;
  readonly kind: MarketKind;
  readonly symbol: string;
  readonly source: string;
  /** `2024-08-08`, or `2024-08` after compaction. */
  readonly period: string;
  /** Within the folder of the history. */
  readonly path: string;
  readonly rows: number;
  readonly bytes: number;
  readonly sha256: string;
  readonly first_ts_us: number;
  readonly last_ts_us: number;
  /** Which columns it has. */
  readonly layout: number;
}

const PARTITION = `SELECT id, kind, symbol, source, period, path, rows::DOUBLE AS rows, bytes::DOUBLE AS bytes, sha256,
  first_ts_us::DOUBLE AS first_ts_us, last_ts_us::DOUBLE AS last_ts_us, coalesce(layout, 1) AS layout FROM partitions`;

/** Returns the partitions of the manifest that fulfil a condition, those of a kind in order of their first times. */
export async function partitions(
  database: HistoryDatabase,
  where: string,
  values: DuckDBValue[] = [],
  connection?: DuckDBConnection,
): Promise<Partition[]> {
  const sql = `${PARTITION} WHERE ${where} ORDER BY kind, first_ts_us, symbol, source, id`;
  return (await database.rows(sql, values, connection)) as unknown as Partition[];
}

/** Names of the columns of a view: which series, those of every record, those of the kind, `ordinal`. */
export function viewColumns(kind: MarketKind) {
  return [...SERIES_COLUMNS.map(([name, type]) => ({ name, type })), ...columnsOf(kind).slice(1)];
}

/** SQL of the rows of a table with the columns of their series. `t` is the table and `s` the series in `where`. */
export function tableSql(kind: MarketKind, where: string): string {
  const series = SERIES_COLUMNS.map(([name]) => `s.${name}`);
  const own = columnsOf(kind)
    .slice(1)
    .map(({ name }) => `t.${name}`);
  return `SELECT ${[...series, ...own].join(', ')} FROM ${tableOf(kind).name} t JOIN series s ON s.id = t.series WHERE ${where}`;
}

/** Returns the SQL of all rows of a range, in no order. Throws StorageUnavailableError when a partition of it is known to be damaged. */
export async function historySql(
  database: HistoryDatabase,
  kind: MarketKind,
  range: HistoryRange,
  connection?: DuckDBConnection,
): Promise<Sql> {
  const { fromUs = FIRST_US, toUs = LAST_US } = range;
  // Numbers of this process, so that DuckDB prunes by them before it joins.
  const within = `ts_event_us BETWEEN ${Math.floor(fromUs)} AND ${Math.floor(toUs)}`;
  const { names } = range;
  const values: DuckDBValue[] = names ? names.map(({ symbol }) => symbol) : [range.symbol];
  const named = names?.map((n, i) => `symbol = $${i + 1} AND ts_event_us BETWEEN ${n.fromUs} AND ${n.toUs}`);
  const who = named ? `(${named.join(' OR ')})` : 'symbol = $1';
  const conditions = [who, within];
  if (range.source !== undefined) {
    values.push(range.source);
    conditions.push(`source = $${values.length}`);
  }
  if (range.unit !== undefined) {
    values.push(range.unit);
    conditions.push(`unit = $${values.length}`);
  }
  if (range.interval !== undefined) conditions.push(`interval = ${Number(range.interval)}`);
  const where = conditions.join(' AND ');
  const table = tableSql(kind, where);
  if (!tableOf(kind).rolled) return { sql: table, table, values, files: [] };
  const series = seriesSql(kind, range);
  const files = await partitions(
    database,
    `${series.sql} AND last_ts_us >= ${Math.floor(fromUs)} AND first_ts_us <= ${Math.floor(toUs)}`,
    series.values,
    connection,
  );
  if (files.length === 0) return { sql: table, table, values, files };
  for (const file of files) {
    const reason = database.damaged.get(file.id) ?? damageOf(join(database.folder, file.path), file.bytes);
    if (reason !== null) throw damaged(file, reason);
  }
  // The manifest has chosen them by symbol and source already.
  const isCut = files.some((file) => file.first_ts_us < fromUs || file.last_ts_us > toUs);
  const cut = [...(isCut ? [within] : []), ...(named ? [who] : [])].join(' AND ');
  const rows = parquetSql(database, kind, files, cut);
  const sql = `${table} UNION ALL ${rows}`;
  if (!followEachOther(files)) return { sql, table, values, files };
  return { sql, table, values, files, sorted: { sql: rows, values: values.slice(0, named?.length ?? 0) } };
}

/** Returns the columns that all series of a range have in common, which need not be read row by row. */
export async function sharedColumns(
  database: HistoryDatabase,
  kind: MarketKind,
  range: HistoryRange,
  connection: DuckDBConnection,
): Promise<Row> {
  const names = SERIES_COLUMNS.map(([name]) => name);
  const { sql, values } = seriesSql(kind, range);
  const series = `SELECT ${names.join(', ')} FROM series WHERE ${sql}`;
  const [first, ...others] = await database.rows(series, values, connection);
  const shared = first ? names.filter((name) => others.every((other) => other[name] === first[name])) : [];
  return Object.fromEntries(shared.map((name) => [name, first![name]!]));
}

/** The condition of the series and of the partitions of a symbol and source. */
function seriesSql(kind: MarketKind, { symbol, names, source }: HistoryRange): Pick<Sql, 'sql' | 'values'> {
  const values = names ? names.map((n) => n.symbol) : [symbol];
  const whose = values.map((_, i) => `$${i + 1}`).join(', ');
  const from = source === undefined ? '' : ` AND source = $${values.push(source)}`;
  return { sql: `kind = '${kind}' AND symbol IN (${whose})${from}`, values };
}

/** Returns whether partitions, each of them sorted, have no time in common with the one before. */
function followEachOther(files: readonly Partition[]): boolean {
  return files.every((file, i) => i === 0 || files[i - 1]!.last_ts_us < file.first_ts_us);
}

/** SQL of the number of the span of `us` microseconds that a row lies in, counted from 1970: below 0 before it, where DuckDB's division rounds up. */
export function spanSql(us: number): string {
  const spans = Math.ceil(LAST_US / us);
  return `((ts_event_us + ${BigInt(spans) * BigInt(us)}) // ${us} - ${spans})::DOUBLE`;
}

/** SQL of the rows of partitions that fulfil a condition, in the order of the files; columns that a file does not have yet are NULL. */
export function parquetSql(
  database: HistoryDatabase,
  kind: MarketKind,
  files: readonly Partition[],
  where = '',
): string {
  const rowsOf = (run: readonly Partition[]) => {
    const isOld = run[0]!.layout < PARTITION_LAYOUT;
    const names = viewColumns(kind).map(({ name, type }) =>
      isOld && ADDED.some((added) => added.name === name) ? `NULL::${type} AS ${name}` : name,
    );
    const list = run.map((file) => quoted(join(database.folder, file.path))).join(', ');
    const from = `read_parquet([${list}], hive_partitioning = false)`;
    return `SELECT ${names.join(', ')} FROM ${from}${where === '' ? '' : ` WHERE ${where}`}`;
  };
  return runsOf(files).map(rowsOf).join(' UNION ALL ');
}

/** Returns neighbours of one layout together: the files of a scan have the same columns. */
function runsOf(files: readonly Partition[]): Partition[][] {
  const runs: Partition[][] = [];
  for (const file of files) {
    const run = runs.at(-1);
    if (run?.[0]?.layout === file.layout) run.push(file);
    else runs.push([file]);
  }
  return runs;
}

/** Returns text as an SQL literal. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

function damaged(file: Partition, reason: string): StorageUnavailableError {
  return new StorageUnavailableError(
    `A partition of the history is ${reason}: ${file.kind} of ${file.symbol} from ${file.source}, ${file.period}`,
    60,
  );
}
