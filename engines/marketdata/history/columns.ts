// How a table of history is declared: columns with their way from a record, and the way back of a row.
import type { MarketRecord } from '../../../src/market/records.ts';
import type { ColumnType } from './vectors.ts';

/** One column of a table and what a record has for it. */
export interface Column<R> {
  readonly name: string;
  readonly type: ColumnType;
  value(record: R): number | string | null;
}

/** A row as it is read: numbers (NaN for NULL) and text by the names of the columns. */
export type Row = Readonly<Record<string, number | string | null>>;

/** Where the records of a kind are kept. */
export interface KindTable<R extends MarketRecord = MarketRecord> {
  readonly name: string;
  /** Its own columns, beside those of every record. */
  readonly columns: readonly Column<R>[];
  /** Columns by which a later row replaces an earlier one of the same series; absent: rows are only added. */
  readonly key?: readonly string[];
  /** Whether closed days go to Parquet. */
  readonly rolled: boolean;
  record(row: Row, stamped: Stamped): R;
}

type Stamped = Pick<
  MarketRecord,
  'symbol' | 'source' | 'tsEventUs' | 'tsReceiveUs' | 'tsEventText' | 'tsReceiveText' | 'sequence' | 'flags'
>;

/** A column of integers to 2^53. */
export function big<R>(name: string, value: (record: R) => number | null): Column<R> {
  return { name, type: 'BIGINT', value };
}
export function double<R>(name: string, value: (record: R) => number | null): Column<R> {
  return { name, type: 'DOUBLE', value };
}
export function text<R>(name: string, value: (record: R) => string | null): Column<R> {
  return { name, type: 'VARCHAR', value };
}
export function int<R>(name: string, value: (record: R) => number | null): Column<R> {
  return { name, type: 'INTEGER', value };
}

/** Returns a number of a row, null for NULL. */
export function numberOrNull(row: Row, name: string): number | null {
  const value = row[name] as number;
  return Number.isNaN(value) ? null : value;
}

/** Returns the scale of a row. */
export function scaleOf(row: Row) {
  return { price: row['price_decimals'] as number, size: row['size_decimals'] as number };
}
