// Reads OHLCV CSV files (plain or gzip): every row becomes a bar or a counted reason why not.
import { csvRecords } from '../../src/core/csv.ts';
import { barInconsistency } from '../../src/market/bar.ts';
import type { BarRecord } from '../../src/market/records.ts';
import type { FileBatch } from './files/reading.ts';
import { tableRecords } from './files/tables.ts';
import { type BarColumns, FILE_SOURCE } from './history/bars.ts';

/** A row that was not imported. */
export interface RowError {
  /** Line of the file, from 1. */
  readonly line: number;
  readonly reason: string;
}

/** What a file held. */
export interface CsvResult {
  /** Bars by symbol. */
  readonly bars: ReadonlyMap<string, BarColumns>;
  readonly rows: number;
  readonly rejected: number;
  /** The first {@link MAX_REPORTED} rejected rows. */
  readonly errors: readonly RowError[];
  /** Rejected rows by reason. */
  readonly reasons: Readonly<Record<string, number>>;
}

export interface CsvOptions {
  /** Symbol of files without a symbol column; for files with one, the only symbol taken. */
  readonly symbol?: string | undefined;
  /** Most bytes after decompression. */
  readonly maxBytes: number;
}

/** Rejected rows that are reported one by one; all are counted. */
export const MAX_REPORTED = 100;

/**
 * Reads a CSV body as the imports of files do. A time that occurs twice for one symbol keeps its first row; rows out of order are sorted. Throws
 * MalformedBodyError when it is no table of bars at all (no columns of bars, broken gzip), TooLargeError past `maxBytes`.
 */
export async function readBarsCsv(
  body: AsyncIterable<Uint8Array>,
  { symbol, maxBytes }: CsvOptions,
): Promise<CsvResult> {
  const bars = new Bars();
  const rows = csvRecords(body, maxBytes);
  for await (const batch of tableRecords(rows, { kind: 'bar', symbol, source: FILE_SOURCE }))
    bars.take(batch);
  return bars.result();
}

interface RowBuffer {
  readonly tsUs: number[];
  readonly values: number[];
  readonly seen: Set<number>;
  sorted: boolean;
}

// Keeps the good bars in plain columns.
class Bars {
  #rows = 0;
  #rejected = 0;
  readonly #errors: RowError[] = [];
  readonly #reasons: Record<string, number> = {};
  readonly #buffers = new Map<string, RowBuffer>();

  take({ records, lines, refused, skipped }: FileBatch): void {
    this.#rows += records.length + refused.length + skipped;
    const rejected = [...refused];
    for (const [i, record] of records.entries()) {
      if (record.kind !== 'bar') continue;
      const reason = barInconsistency(record) ?? this.#keep(record);
      if (reason !== null) rejected.push({ line: lines[i]!, reason });
    }
    this.#rejected += rejected.length;
    for (const { reason } of rejected) this.#reasons[reason] = (this.#reasons[reason] ?? 0) + 1;
    rejected.sort((a, b) => a.line - b.line);
    this.#errors.push(...rejected.slice(0, MAX_REPORTED - this.#errors.length));
  }

  result(): CsvResult {
    const bars = new Map([...this.#buffers].map(([symbol, buffer]) => [symbol, columnsOf(buffer)]));
    return { bars, rows: this.#rows, rejected: this.#rejected, errors: this.#errors, reasons: this.#reasons };
  }

  // Returns why a bar is refused, or null when it was taken.
  #keep({ symbol, tsEventUs: tsUs, open, high, low, close, volume }: BarRecord): string | null {
    let buffer = this.#buffers.get(symbol);
    if (!buffer) {
      buffer = { tsUs: [], values: [], seen: new Set(), sorted: true };
      this.#buffers.set(symbol, buffer);
    }
    if (buffer.seen.has(tsUs)) return 'time occurs twice';
    buffer.seen.add(tsUs);
    if (buffer.tsUs.length > 0 && tsUs < buffer.tsUs.at(-1)!) buffer.sorted = false;
    buffer.tsUs.push(tsUs);
    buffer.values.push(open, high, low, close, volume);
    return null;
  }
}

function columnsOf({ tsUs, values, sorted }: RowBuffer): BarColumns {
  const n = tsUs.length;
  const order = Array.from({ length: n }, (_, i) => i);
  if (!sorted) order.sort((a, b) => tsUs[a]! - tsUs[b]!);
  const column = (k: number) => Float64Array.from(order, (row) => values[row * 5 + k]!);
  return {
    tsUs: Float64Array.from(order, (row) => tsUs[row]!),
    open: column(0),
    high: column(1),
    low: column(2),
    close: column(3),
    volume: column(4),
  };
}
