// Reads a CSV table of numbers over time: every row becomes a row of the frame or a counted reason why not.
import { csvNumber, readCsv } from '../../core/csv.ts';
import { InvalidOptionError, MalformedBodyError, TooLargeError } from '../../core/errors.ts';
import { parseTimestampUs } from '../../core/timestamps.ts';
import { turn } from '../../core/turn.ts';
import type { Frame } from './frame.ts';

/** What a file held. */
export interface FrameFile {
  readonly frame: Frame;
  /** Rows that were refused, by reason. */
  readonly rejected: Readonly<Record<string, number>>;
  /** The first {@link MAX_REPORTED} of them. */
  readonly errors: readonly { readonly line: number; readonly reason: string }[];
}

/** Limits of one file. */
export interface FrameLimits {
  readonly maxBytes: number;
  /** Most numbers: rows times columns. */
  readonly maxCells: number;
}

export const MAX_REPORTED = 100;
export const MAX_COLUMNS = 5000;
const MAX_SERIES = 10_000;
const MAX_NAME = 64;

const TIME = ['timestamp', 'ts_us', 'ts', 'time', 'date', 'datetime', 'open_time'];
const SERIES = ['symbol', 'ticker', 'instrument', 'series'];
// What files write for "no value".
const MISSING: ReadonlySet<string> = new Set(['', 'nan', 'na', 'n/a', 'null', 'none']);

/**
 * Reads a CSV body, plain or gzip. The header names one column of time (`timestamp`, `ts_us`, `date`, ...), at most one of series
 * (`symbol`, `ticker`, ...), and numbers; an empty field, `NaN`, `NA` and `null` are missing values. Rows may come in any order; a
 * time that occurs twice in one series keeps its first row. Throws {@link MalformedBodyError} (no such file, no row that holds),
 * {@link InvalidOptionError} (a column named twice, or none of numbers), {@link TooLargeError}.
 */
export async function readFrameCsv(body: AsyncIterable<Uint8Array>, limits: FrameLimits): Promise<FrameFile> {
  const rows = new Rows(limits.maxCells);
  await readCsv(body, limits.maxBytes, (fields, line) => rows.take(fields, line));
  return rows.result();
}

interface Layout {
  readonly width: number;
  readonly time: number;
  /** -1 where there is none. */
  readonly series: number;
  readonly names: readonly string[];
  /** Places of the columns of numbers. */
  readonly places: readonly number[];
}

class Rows {
  #layout: Layout | undefined;
  readonly #tsUs: number[] = [];
  readonly #of: number[] = [];
  readonly #series = new Map<string, number>();
  readonly #seen: Set<number>[] = [];
  readonly #values: number[][] = [];
  readonly #rejected: Record<string, number> = {};
  readonly #errors: { line: number; reason: string }[] = [];

  constructor(readonly maxCells: number) {}

  take(fields: readonly string[], line: number): void {
    if (!this.#layout) {
      this.#layout = layoutOf(fields);
      for (const _ of this.#layout.places) this.#values.push([]);
      return;
    }
    const reason = this.#read(fields, this.#layout);
    if (reason === null) return;
    this.#rejected[reason] = (this.#rejected[reason] ?? 0) + 1;
    if (this.#errors.length < MAX_REPORTED) this.#errors.push({ line, reason });
  }

  async result(): Promise<FrameFile> {
    const layout = this.#layout;
    if (!layout) throw new MalformedBodyError('Expected a CSV file with a header line, was empty');
    const rows = this.#tsUs.length;
    if (rows === 0) {
      const [first] = this.#errors;
      const why = first ? `: line ${first.line}: ${first.reason}` : '';
      throw new MalformedBodyError(`Expected at least one row that can be read, was none${why}`);
    }
    const names = [...this.#series.keys()];
    const sorted = [...names].sort();
    const rank = Uint32Array.from(names, (name) => sorted.indexOf(name));
    await turn();
    const order = this.#order(rank);
    const columns = new Map<string, Float64Array>();
    for (const [c, name] of layout.names.entries()) {
      await turn();
      columns.set(name, ordered(this.#values[c]!, order));
    }
    await turn();
    const frame: Frame = {
      rows,
      tsUs: ordered(this.#tsUs, order),
      series: sorted,
      seriesOf: order.map((row) => rank[this.#of[row]!]!),
      columns,
    };
    return { frame, rejected: this.#rejected, errors: this.#errors };
  }

  // Places of the rows by time, then by series. Most files are in order already.
  #order(rank: Uint32Array): Uint32Array {
    const order = new Uint32Array(this.#tsUs.length);
    const after = (a: number, b: number) =>
      this.#tsUs[a]! - this.#tsUs[b]! || rank[this.#of[a]!]! - rank[this.#of[b]!]!;
    let isSorted = true;
    for (let row = 0; row < order.length; row++) {
      order[row] = row;
      isSorted &&= row === 0 || after(row - 1, row) <= 0;
    }
    return isSorted ? order : order.sort(after);
  }

  // Returns why the row is refused, or null when it was taken.
  #read(fields: readonly string[], at: Layout): string | null {
    if (fields.length !== at.width) return `expected ${at.width} fields`;
    const tsUs = parseTimestampUs(fields[at.time]!);
    if (tsUs === null) return 'time not readable';
    const numbers: number[] = [];
    for (const [c, place] of at.places.entries()) {
      const text = fields[place]!;
      const value = MISSING.has(text.toLowerCase()) ? Number.NaN : csvNumber(text);
      if (value === null) return `${at.names[c]} not a number`;
      numbers.push(value);
    }
    const name = at.series < 0 ? '' : fields[at.series]!;
    if (at.series >= 0 && (name === '' || name.length > MAX_NAME)) {
      return `series not a name of 1 to ${MAX_NAME} characters`;
    }
    return this.#keep(name, tsUs, numbers);
  }

  #keep(name: string, tsUs: number, numbers: readonly number[]): string | null {
    let of = this.#series.get(name);
    if (of === undefined) {
      if (this.#series.size >= MAX_SERIES) return `more than ${MAX_SERIES} series`;
      of = this.#series.size;
      this.#series.set(name, of);
      this.#seen.push(new Set());
    }
    const seen = this.#seen[of]!;
    if (seen.has(tsUs)) return 'time occurs twice';
    if ((this.#tsUs.length + 1) * numbers.length > this.maxCells) {
      throw new TooLargeError(`Expected at most ${this.maxCells} numbers, rows times columns`, this.maxCells);
    }
    seen.add(tsUs);
    this.#tsUs.push(tsUs);
    this.#of.push(of);
    for (let c = 0; c < numbers.length; c++) this.#values[c]!.push(numbers[c]!);
    return null;
  }
}

function ordered(values: readonly number[], order: Uint32Array): Float64Array {
  const out = new Float64Array(order.length);
  for (let i = 0; i < order.length; i++) out[i] = values[order[i]!]!;
  return out;
}

function layoutOf(header: readonly string[]): Layout {
  const lower = header.map((name) => name.toLowerCase());
  const time = lower.findIndex((name) => TIME.includes(name));
  if (time < 0) throw new MalformedBodyError(`Expected a header line with a time: one of ${TIME.join(', ')}`);
  const series = lower.findIndex((name) => SERIES.includes(name));
  // A column without a name is the number of the row in files that pandas writes.
  const places = lower.flatMap((name, i) => (i === time || i === series || name === '' ? [] : [i]));
  const names = places.map((i) => lower[i]!);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined)
    throw new InvalidOptionError(`Expected columns of different names, was ${twice} twice`);
  if (names.length === 0 || names.length > MAX_COLUMNS) {
    throw new InvalidOptionError(`Expected 1 to ${MAX_COLUMNS} columns of numbers, was ${names.length}`);
  }
  const long = names.find((name) => name.length > MAX_NAME);
  if (long !== undefined) throw new InvalidOptionError(`Expected names of at most ${MAX_NAME} characters`);
  return { width: header.length, time, series, names, places };
}
