// Ids of trades that are stored already: a repeated message or import adds no second row.
import type { HistoryDatabase } from './database.ts';
import type { SeriesNumbers } from './series.ts';
import type { Staged } from './staging.ts';
import { columnsOf } from './tables.ts';
import { historySql } from './view.ts';

const NAMES = columnsOf('trade').map((column) => column.name);
const [TIME, ID_NUMBER, ID_TEXT] = ['ts_event_us', 'id_number', 'id_text'].map((name) => NAMES.indexOf(name));
const MAX_KEPT = 10_000;

/** Rows of one symbol and source. */
interface Group {
  readonly symbol: string;
  readonly source: string;
  readonly series: Set<number>;
}

/**
 * Knows which trades are new. Used by the writer alone, within its transaction. A number above all stored ones of its symbol and source
 * is new without a look; others, which are rare in a stream in order, are looked for in the stored trades of their time.
 */
export class SeenIds {
  /** The largest stored number by symbol and source. */
  readonly #largest = new Map<string, number>();

  constructor(
    readonly database: HistoryDatabase,
    readonly series: SeriesNumbers,
  ) {}

  /** Returns the numbers of rows whose ids were not stored before; undefined when that is all of them. Rows without an id are always new. */
  async fresh(staged: Staged): Promise<Int32Array | undefined> {
    const numbers = staged.columns[0] as Float64Array;
    let known: Uint8Array | undefined;
    for (const group of this.#groups(numbers)) {
      const doubtful = await this.#doubtful(group, staged);
      if (doubtful.length === 0) continue;
      known ??= new Uint8Array(staged.rows);
      await this.#look(group, staged, doubtful, known);
    }
    if (!known?.includes(1)) return undefined;
    return Int32Array.from({ length: staged.rows }, (_, i) => i).filter((i) => known[i] === 0);
  }

  /** Forgets what was not stored after all. */
  forget(): void {
    this.#largest.clear();
  }

  #groups(numbers: Float64Array): Iterable<Group> {
    const groups = new Map<string, Group>();
    let last = -1;
    for (const number of numbers) {
      if (number === last) continue;
      last = number;
      // The scale is no part of who said it: a venue that adds a decimal goes on with its ids.
      const { symbol, source } = this.series.get(number);
      const key = `${symbol}\n${source}`;
      const group = groups.get(key);
      if (group) group.series.add(number);
      else groups.set(key, { symbol, source, series: new Set([number]) });
    }
    return groups.values();
  }

  /** Returns the rows that may be stored already, and notes the largest number. */
  async #doubtful({ symbol, source, series }: Group, staged: Staged): Promise<number[]> {
    const key = `${symbol}\n${source}`;
    let largest = this.#largest.get(key) ?? (await this.#load(symbol, source));
    const doubtful: number[] = [];
    const numbers = staged.columns[0] as Float64Array;
    const ids = staged.columns[ID_NUMBER!] as Float64Array;
    const texts = staged.columns[ID_TEXT!] as (string | null)[];
    for (let i = 0; i < staged.rows; i++) {
      if (!series.has(numbers[i]!)) continue;
      const id = ids[i]!;
      if (id > largest) largest = id;
      else if (!Number.isNaN(id) || texts[i] !== null) doubtful.push(i);
    }
    if (this.#largest.size >= MAX_KEPT) this.#largest.clear();
    this.#largest.set(key, largest);
    return doubtful;
  }

  /** Marks in `known` the rows of `doubtful` that are stored, or come earlier in the same put. */
  async #look({ symbol, source, series }: Group, staged: Staged, doubtful: number[], known: Uint8Array) {
    const { writer } = this.database;
    const times = staged.columns[TIME!] as Float64Array;
    const ids = staged.columns[ID_NUMBER!] as Float64Array;
    const texts = staged.columns[ID_TEXT!] as (string | null)[];
    const numbers = staged.columns[0] as Float64Array;
    const nameOf = (i: number) => `${times[i]} ${Number.isNaN(ids[i]!) ? texts[i] : ids[i]}`;
    let [fromUs, toUs] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (const i of doubtful) {
      fromUs = Math.min(fromUs, times[i]!);
      toUs = Math.max(toUs, times[i]!);
    }
    const { sql, values } = await historySql(
      this.database,
      'trade',
      { symbol, source, fromUs, toUs },
      writer,
    );
    const stored = await this.database.rows(
      `SELECT ts_event_us::VARCHAR || ' ' || coalesce(id_number::VARCHAR, id_text) AS id FROM (${sql})
        WHERE id_number IS NOT NULL OR id_text IS NOT NULL`,
      values,
      writer,
    );
    const seen = new Set(stored.map((row) => row['id'] as string));
    const suspects = new Set(doubtful);
    const names = new Set(doubtful.map(nameOf));
    for (let i = 0; i < staged.rows; i++) {
      if (!series.has(numbers[i]!)) continue;
      const name = nameOf(i);
      if (!names.has(name)) continue;
      if (suspects.has(i) && seen.has(name)) known[i] = 1;
      seen.add(name);
    }
  }

  async #load(symbol: string, source: string): Promise<number> {
    const stored = this.series.find('trade', symbol, source).map((s) => s.id);
    const rows = await this.database.rows(
      `SELECT greatest(
         (SELECT max(id_number) FROM trades WHERE series IN (${stored.join(', ')})),
         (SELECT max(last_id) FROM partitions WHERE kind = 'trade' AND symbol = $1 AND source = $2))::DOUBLE AS id`,
      [symbol, source],
      this.database.writer,
    );
    return (rows[0]!['id'] as number | null) ?? -1;
  }
}
