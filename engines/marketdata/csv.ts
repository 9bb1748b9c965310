// Reads OHLCV CSV files (plain or gzip): every row becomes a bar or a counted reason why not.
import { csvNumber, readCsv } from '../../src/core/csv.ts';
import { MalformedBodyError } from '../../src/core/errors.ts';
import { parseTimestampUs } from '../../src/core/timestamps.ts';
import { barInconsistency } from '../../src/market/bar.ts';
import { placesOf } from './files/columns.ts';

/** Bars of one symbol as columns, ordered by time, one row per time. */
export interface BarColumns {
  readonly tsUs: Float64Array;
  readonly open: Float64Array;
  readonly high: Float64Array;
  readonly low: Float64Array;
  readonly close: Float64Array;
  readonly volume: Float64Array;
}

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

const REQUIRED = ['time', 'open', 'high', 'low', 'close'] as const;
const MAX_SYMBOLS = 10_000;

type Layout = ReturnType<typeof placesOf>;

/**
 * Reads a CSV body. The first line names the columns (any case and order); a missing volume is 0. A time that occurs
 * twice for one symbol keeps its first row; rows out of order are sorted. Throws {@link MalformedBodyError} when it is no
 * such file at all (no header, broken gzip), {@link TooLargeError} past `maxBytes`.
 */
export async function readBarsCsv(body: AsyncIterable<Uint8Array>, options: CsvOptions): Promise<CsvResult> {
  const rows = new Rows(options.symbol);
  await readCsv(body, options.maxBytes, (fields, line) => rows.take(fields, line));
  return rows.result();
}

interface RowBuffer {
  readonly tsUs: number[];
  readonly values: number[];
  readonly seen: Set<number>;
  sorted: boolean;
}

// Takes rows one at a time and keeps the good ones in plain columns.
class Rows {
  #layout: Layout | undefined;
  #rows = 0;
  #rejected = 0;
  readonly #errors: RowError[] = [];
  readonly #reasons: Record<string, number> = {};
  readonly #buffers = new Map<string, RowBuffer>();

  constructor(readonly symbol: string | undefined) {}

  take(record: readonly string[], line: number): void {
    if (!this.#layout) {
      this.#layout = layoutOf(record, this.symbol);
      return;
    }
    this.#rows++;
    const reason = this.#read(record, this.#layout);
    if (reason === null) return;
    this.#rejected++;
    this.#reasons[reason] = (this.#reasons[reason] ?? 0) + 1;
    if (this.#errors.length < MAX_REPORTED) this.#errors.push({ line, reason });
  }

  result(): CsvResult {
    if (!this.#layout) throw new MalformedBodyError('Expected a CSV file with a header line, was empty');
    const bars = new Map([...this.#buffers].map(([symbol, buffer]) => [symbol, columnsOf(buffer)]));
    return { bars, rows: this.#rows, rejected: this.#rejected, errors: this.#errors, reasons: this.#reasons };
  }

  // Returns why the row is refused, or null when it was taken (or is of another symbol).
  #read(record: readonly string[], at: Layout): string | null {
    const symbol = at.symbol >= 0 ? record[at.symbol] : this.symbol;
    if (!symbol) return 'symbol missing';
    if (this.symbol !== undefined && symbol !== this.symbol) return null;
    const tsUs = parseTimestampUs(record[at.time] ?? '');
    if (tsUs === null) return 'time not readable';
    const prices: number[] = [];
    for (const name of ['open', 'high', 'low', 'close'] as const) {
      const value = csvNumber(record[at[name]]);
      if (value === null) return `${name} not a number`;
      if (value <= 0) return `${name} not positive`;
      prices.push(value);
    }
    const volume = at.volume < 0 ? 0 : csvNumber(record[at.volume]);
    if (volume === null) return 'volume not a number';
    if (volume < 0) return 'volume negative';
    const [open, high, low, close] = prices as [number, number, number, number];
    const contradiction = barInconsistency({ open, high, low, close });
    if (contradiction) return contradiction;
    return this.#keep(symbol, tsUs, [open, high, low, close, volume]);
  }

  #keep(symbol: string, tsUs: number, values: readonly number[]): string | null {
    let buffer = this.#buffers.get(symbol);
    if (!buffer) {
      if (symbol.length > 64) return 'symbol longer than 64 characters';
      if (this.#buffers.size >= MAX_SYMBOLS) return `more than ${MAX_SYMBOLS} symbols`;
      buffer = { tsUs: [], values: [], seen: new Set(), sorted: true };
      this.#buffers.set(symbol, buffer);
    }
    if (buffer.seen.has(tsUs)) return 'time occurs twice';
    buffer.seen.add(tsUs);
    if (buffer.tsUs.length > 0 && tsUs < buffer.tsUs.at(-1)!) buffer.sorted = false;
    buffer.tsUs.push(tsUs);
    buffer.values.push(...values);
    return null;
  }
}

function layoutOf(header: readonly string[], symbol: string | undefined): Layout {
  const layout = placesOf(header);
  const missing = REQUIRED.filter((key) => layout[key] < 0);
  if (missing.length > 0) {
    throw new MalformedBodyError(
      `Expected a header line with time, open, high, low, close: ${missing.join(', ')} missing`,
    );
  }
  if (layout.symbol < 0 && symbol === undefined) {
    throw new MalformedBodyError('Expected a symbol column in the file, or the symbol as a parameter');
  }
  return layout;
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
