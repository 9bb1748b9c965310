// Records as checked columns, ready to be stored: what cannot be stored is refused here, before anything is written.
import { InvalidOptionError } from '../../../src/core/errors.ts';
import type { MarketKind, MarketRecord } from '../../../src/market/records.ts';
import type { Column } from './columns.ts';
import type { SeriesNumbers } from './series.ts';
import { recordColumns, seriesOf } from './tables.ts';
import type { ColumnData } from './vectors.ts';

/** Rows of one kind as columns: those of the table in their order, without `ordinal`. */
export interface Staged {
  readonly kind: MarketKind;
  readonly rows: number;
  readonly columns: readonly ColumnData[];
}

/** Columns of the bulk path by their names in the table; what is absent is NULL (`flags`: 0, `ts_receive_us`: that of the venue). */
export type BulkColumns = Readonly<Record<string, Float64Array | readonly (string | null)[]>>;

const MAX_TEXT = 1 << 24;
const TIMES = new Set(['ts_event_us', 'ts_receive_us']);
const INT32 = 2 ** 31;

/** Returns records as columns by kind. Throws InvalidOptionError for a value that its column does not hold. */
export function stage(records: readonly MarketRecord[], series: SeriesNumbers): Staged[] {
  const first = records[0];
  if (!first) return [];
  if (records.every((record) => record.kind === first.kind)) return [stageKind(first.kind, records, series)];
  const byKind = new Map<MarketKind, MarketRecord[]>();
  for (const record of records) {
    const same = byKind.get(record.kind);
    if (same) same.push(record);
    else byKind.set(record.kind, [record]);
  }
  return [...byKind].map(([kind, same]) => stageKind(kind, same, series));
}

function stageKind(kind: MarketKind, records: readonly MarketRecord[], series: SeriesNumbers): Staged {
  const n = records.length;
  const numbers = new Float64Array(n);
  let last: MarketRecord | undefined;
  let lastNumber = 0;
  for (let i = 0; i < n; i++) {
    const record = records[i]!;
    // Neighbours are mostly of one series, and share their scale.
    if (!last || !sameSeries(last, record)) lastNumber = series.of(seriesOf(record));
    last = record;
    numbers[i] = lastNumber;
  }
  const columns = recordColumns(kind).map((column) => stageColumn(column, records));
  return { kind, rows: n, columns: [numbers, ...columns] };
}

function sameSeries(a: MarketRecord, b: MarketRecord): boolean {
  if (a.symbol !== b.symbol || a.source !== b.source) return false;
  if ('scale' in a && 'scale' in b && a.scale !== b.scale) return false;
  return a.kind !== 'bar';
}

function stageColumn(column: Column<MarketRecord>, records: readonly MarketRecord[]): ColumnData {
  const n = records.length;
  if (column.type === 'VARCHAR') {
    const texts = new Array<string | null>(n);
    for (let i = 0; i < n; i++) texts[i] = checkText(column, column.value(records[i]!) as string | null);
    return texts;
  }
  const numbers = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    const value = column.value(records[i]!) as number | null;
    numbers[i] = value === null ? Number.NaN : checkNumber(column, value);
  }
  return numbers;
}

type Named = Pick<Column<never>, 'name' | 'type'>;

function checkText(column: Named, value: string | null): string | null {
  if (value === null || (typeof value === 'string' && value.length <= MAX_TEXT && !value.includes('\0')))
    return value;
  throw unfit(column, 'text without NUL characters');
}

function checkNumber(column: Named, value: number): number {
  if (column.type === 'DOUBLE') {
    if (Number.isFinite(value)) return value;
    throw unfit(column, 'a finite number');
  }
  if (!Number.isSafeInteger(value)) throw unfit(column, 'an integer of at most 2^53');
  if (column.type === 'INTEGER' && (value >= INT32 || value < -INT32))
    throw unfit(column, 'an integer of 32 bits');
  return value;
}

function unfit({ name }: Named, expected: string): InvalidOptionError {
  return new InvalidOptionError(`Expected ${expected} for ${name} of a record`, [
    { pointer: name, expected },
  ]);
}

/**
 * Returns columns of one series as they are stored. Throws InvalidOptionError for columns that the kind does not have, that differ in
 * length, or that hold what they cannot.
 */
export function stageColumns(kind: MarketKind, series: number, rows: number, given: BulkColumns): Staged {
  const all = recordColumns(kind);
  for (const name of Object.keys(given)) {
    if (!all.some((column) => column.name === name))
      throw new InvalidOptionError(`Expected columns of ${kind}, was another`, [
        { pointer: name, expected: `one of ${all.map((column) => column.name).join(', ')}` },
      ]);
  }
  const columns = all.map((column): ColumnData => {
    const data = given[column.name] ?? (column.name === 'ts_receive_us' ? given['ts_event_us'] : undefined);
    if (data && data.length !== rows) throw unfit(column, `${rows} values`);
    if (column.type === 'VARCHAR')
      return Array.from({ length: rows }, (_, i) => checkText(column, (data?.[i] ?? null) as string | null));
    if (!data && TIMES.has(column.name)) throw unfit(column, `${rows} values`);
    if (!data) return new Float64Array(rows).fill(column.name === 'flags' ? 0 : Number.NaN);
    const numbers = Float64Array.from(data as Float64Array);
    // A row without its time would be in no range.
    const needed = TIMES.has(column.name);
    for (let i = 0; i < rows; i++) if (needed || !Number.isNaN(numbers[i])) checkNumber(column, numbers[i]!);
    return numbers;
  });
  return { kind, rows, columns: [new Float64Array(rows).fill(series), ...columns] };
}
