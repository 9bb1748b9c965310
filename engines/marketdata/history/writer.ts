// Stores records: puts that wait share one transaction, and each is acknowledged when it survives kill -9.
import { flagNames } from '../../../src/market/flags.ts';
import { MARKET_KINDS, type MarketKind, type MarketRecord } from '../../../src/market/records.ts';
import { type HistoryDatabase, storageError } from './database.ts';
import { type ImportNote, storeNote } from './import-notes.ts';
import { SeenIds } from './seen-ids.ts';
import { SeriesNumbers } from './series.ts';
import { type BulkColumns, type Staged, stage, stageColumns } from './staging.ts';
import { columnsOf, ordinalAt, QUARANTINE_BITS, QUARANTINED_SQL, type SeriesKey, tableOf } from './tables.ts';
import { ChunkWriter } from './vectors.ts';

/** What became of the records of a put. */
export interface PutResult {
  /** Rows that are new. */
  readonly stored: number;
  /** Rows that took the place of an earlier one with the same key: bars of the main view, macro points, reports. */
  readonly replaced: number;
  /** Trades whose id was stored before, and descriptions of instruments that say nothing new: not stored again. */
  readonly duplicates: number;
  /** Records whose flags keep them from the main view; new ones are counted in `stored` too. */
  readonly quarantined: number;
}

/** Something that could not even become a record. */
export interface Unreadable {
  readonly kind: MarketKind | null;
  readonly symbol: string | null;
  readonly source: string;
  readonly tsReceiveUs: number;
  readonly flags: number;
  readonly reasons: readonly string[];
  /** What came, cut to 4 KiB. */
  readonly content: string;
}

interface Batch {
  readonly staged: readonly Staged[];
  readonly unreadable: readonly Unreadable[];
  readonly note?: ImportNote | undefined;
  resolve(result: PutResult): void;
  reject(error: unknown): void;
}

/** Rows that one transaction takes at most, unless one put alone has more. */
const GROUP_ROWS = 250_000;
const MAX_CONTENT = 4096;

/** Where a test may end the process. */
export type Faults = (point: string) => void;

/** The only one who changes the tables, one transaction at a time. */
export class HistoryWriter {
  readonly series: SeriesNumbers;
  readonly #database: HistoryDatabase;
  readonly #seen: SeenIds;
  readonly #chunks = new Map<MarketKind, ChunkWriter>();
  readonly #faults: Faults;
  readonly #waiting: Batch[] = [];
  /** The end of the last work that changes the tables: one after the other. */
  #last: Promise<void> = Promise.resolve();
  #ordinal: number;

  private constructor(database: HistoryDatabase, series: SeriesNumbers, ordinal: number, faults: Faults) {
    this.#database = database;
    this.series = series;
    this.#ordinal = ordinal;
    this.#faults = faults;
    this.#seen = new SeenIds(database, series);
  }

  static async open(database: HistoryDatabase, faults: Faults = () => {}): Promise<HistoryWriter> {
    const stored = await database.rows(
      `SELECT id, kind, symbol, source, price_decimals AS priceDecimals, size_decimals AS sizeDecimals, unit, interval, adjusted
         FROM series ORDER BY id`,
    );
    const newest = MARKET_KINDS.map((kind) => `SELECT max(ordinal) AS n FROM ${tableOf(kind).name}`);
    const [{ n }] = (await database.rows(
      `SELECT coalesce(max(n), 0)::DOUBLE AS n FROM (${newest.join(' UNION ALL ')} UNION ALL SELECT max(last_ordinal) FROM partitions)`,
    )) as [{ n: number }];
    const series = new SeriesNumbers(stored as unknown as (SeriesKey & { id: number })[]);
    return new HistoryWriter(database, series, n + 1, faults);
  }

  /**
   * Stores records of any kinds. Resolves when they survive kill -9 of this process. Throws InvalidOptionError before anything is written
   * for a record that no column holds, StorageUnavailableError when nothing of the put was stored (full disk).
   */
  put(
    records: readonly MarketRecord[],
    unreadable: readonly Unreadable[] = [],
    note?: ImportNote,
  ): Promise<PutResult> {
    return this.#enqueue(stage(records, this.series), unreadable, note);
  }

  /** Stores rows of one series given as columns, for imports. Fails as `put` does. */
  putColumns(series: SeriesKey, rows: number, columns: BulkColumns): Promise<PutResult> {
    return this.#enqueue([stageColumns(series.kind, this.series.of(series), rows, columns)], []);
  }

  /** Runs `work` between transactions. */
  exclusive<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work);
    this.#last = result.then(
      () => {},
      () => {},
    );
    return result;
  }

  /** Waits for what was put. */
  async idle(): Promise<void> {
    for (let last: Promise<void> | undefined; last !== this.#last; ) {
      last = this.#last;
      await last;
    }
  }

  #enqueue(
    staged: readonly Staged[],
    unreadable: readonly Unreadable[],
    note?: ImportNote,
  ): Promise<PutResult> {
    const { promise, resolve, reject } = Promise.withResolvers<PutResult>();
    this.#waiting.push({ staged, unreadable, note, resolve, reject });
    if (this.#waiting.length === 1) this.#storeNext();
    return promise;
  }

  /** Stores what waits in its turn, which is later than now: what is put at once is stored at once. */
  #storeNext(): void {
    void this.exclusive(async () => {
      const group: Batch[] = [];
      let rows = 0;
      while (this.#waiting.length > 0 && (rows === 0 || rows < GROUP_ROWS)) {
        const batch = this.#waiting.shift()!;
        group.push(batch);
        rows += batch.staged.reduce((sum, staged) => sum + staged.rows, 0);
      }
      if (this.#waiting.length > 0) this.#storeNext();
      await this.#store(group);
    });
  }

  async #store(group: readonly Batch[]): Promise<void> {
    const { writer } = this.#database;
    const results: PutResult[] = [];
    const ordinal = this.#ordinal;
    try {
      await writer.run('BEGIN');
      try {
        const fresh = this.series.unstored();
        for (const s of fresh) {
          await writer.run('INSERT INTO series VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)', [
            s.id,
            s.kind,
            s.symbol,
            s.source,
            s.priceDecimals,
            s.sizeDecimals,
            s.unit,
            s.interval,
            s.adjusted,
          ]);
        }
        for (const batch of group) results.push(await this.#storeBatch(batch));
        this.#faults('before commit');
        await writer.run('COMMIT');
        this.series.stored(fresh);
      } catch (error) {
        // A failed COMMIT has ended its transaction already.
        await writer.run('ROLLBACK').catch(() => {});
        throw error;
      }
    } catch (error) {
      this.#ordinal = ordinal;
      this.#seen.forget();
      for (const batch of group) batch.reject(storageError(error));
      return;
    }
    this.#faults('after commit');
    for (const [i, batch] of group.entries()) batch.resolve(results[i]!);
  }

  async #storeBatch(batch: Batch): Promise<PutResult> {
    const sum = { stored: 0, replaced: 0, duplicates: 0, quarantined: 0 };
    for (const staged of batch.staged) {
      const quarantined = countQuarantined(staged);
      sum.quarantined += quarantined;
      if (quarantined > 0) await this.#quarantine(staged);
      const { key } = tableOf(staged.kind);
      const apart = quarantined > 0 && key?.includes('quarantined');
      const result = apart
        ? await this.#replaceApart(staged)
        : key
          ? await this.#replace(staged)
          : await this.#append(staged);
      sum.stored += result.stored;
      sum.replaced += result.replaced;
      sum.duplicates += result.duplicates;
    }
    if (batch.unreadable.length > 0) await this.#storeUnreadable(batch.unreadable);
    if (batch.note) await storeNote(this.#database, batch.note);
    return sum;
  }

  async #append(staged: Staged) {
    const rows = staged.kind === 'trade' ? await this.#seen.fresh(staged) : undefined;
    await this.#write(staged, tableOf(staged.kind).name, rows);
    const stored = rows?.length ?? staged.rows;
    return { stored, replaced: 0, duplicates: staged.rows - stored };
  }

  // A row that takes the place of another within the quarantine replaces none that was served.
  async #replaceApart(staged: Staged) {
    const flags = flagsOf(staged);
    const rows = (quarantined: boolean) =>
      Int32Array.from(flags.keys()).filter((i) => ((flags[i]! & QUARANTINE_BITS) !== 0) === quarantined);
    const good = await this.#replace(staged, rows(false));
    const bad = await this.#replace(staged, rows(true));
    return { ...good, stored: good.stored + bad.stored };
  }

  async #replace(staged: Staged, rows?: Int32Array) {
    const { kind } = staged;
    const { name, key } = tableOf(kind);
    const { writer } = this.#database;
    await writer.run(`CREATE OR REPLACE TEMP TABLE incoming AS FROM ${name} LIMIT 0`);
    await this.#write(staged, 'incoming', rows);
    const columns = ['series', ...key!];
    const expression = (at: string, column: string) =>
      column === 'quarantined' ? `(${QUARANTINED_SQL.replace('flags', `${at}.flags`)})` : `${at}.${column}`;
    const count = async (sql: string) => (await writer.run(sql)).rowsChanged;
    // Of several rows with one key in a put, the last one counts.
    const over = columns.map((column) => expression('i', column)).join(', ');
    const twice = await count(
      `DELETE FROM incoming WHERE ordinal IN (SELECT ordinal FROM incoming i QUALIFY row_number() OVER (PARTITION BY ${over} ORDER BY ordinal DESC) > 1)`,
    );
    const unchanged = kind === 'instrument' ? await count(unchangedInstruments()) : 0;
    const [range] = await this.#database.rows(
      'SELECT min(ts_event_us)::VARCHAR AS first, max(ts_event_us)::VARCHAR AS last FROM incoming',
      [],
      writer,
    );
    const same = columns
      .map((column) => `${expression('t', column)} IS NOT DISTINCT FROM ${expression('i', column)}`)
      .join(' AND ');
    // The range, which DuckDB checks against the bounds of whole row groups, spares a scan of the table.
    const replaced =
      range!['first'] === null
        ? 0
        : await count(
            `DELETE FROM ${name} t USING incoming i WHERE t.ts_event_us BETWEEN ${range!['first']} AND ${range!['last']} AND ${same}`,
          );
    await writer.run(`INSERT INTO ${name} FROM incoming`);
    const kept = (rows?.length ?? staged.rows) - twice - unchanged;
    return { stored: kept - replaced, replaced: replaced + twice, duplicates: unchanged };
  }

  async #write(staged: Staged, table: string, rows?: Int32Array): Promise<void> {
    const ordinals = new Float64Array(staged.rows);
    for (let i = 0; i < staged.rows; i++) ordinals[i] = this.#ordinal + i;
    this.#ordinal += staged.rows;
    let chunks = this.#chunks.get(staged.kind);
    if (!chunks) {
      chunks = new ChunkWriter(
        this.#database.duck,
        columnsOf(staged.kind).map((column) => column.type),
      );
      this.#chunks.set(staged.kind, chunks);
    }
    const catalog = table === 'incoming' ? 'temp' : undefined;
    const appender = await this.#database.writer.createAppender(table, undefined, catalog);
    const columns = staged.columns.toSpliced(ordinalAt(staged.kind), 0, ordinals);
    try {
      chunks.append(appender, columns, staged.rows, rows);
    } finally {
      appender.closeSync();
    }
  }

  async #quarantine(staged: Staged): Promise<void> {
    const names = columnsOf(staged.kind).map((column) => column.name);
    const flags = flagsOf(staged);
    const appender = await this.#database.writer.createAppender('quarantine');
    const value = (name: string, i: number) => staged.columns[names.indexOf(name)]![i];
    try {
      for (let i = 0; i < staged.rows; i++) {
        if ((flags[i]! & QUARANTINE_BITS) === 0) continue;
        const series = this.series.get(staged.columns[0]![i] as number);
        appender.appendVarchar(staged.kind);
        appender.appendVarchar(series.symbol);
        appender.appendVarchar(series.source);
        appender.appendBigInt(BigInt(value('ts_event_us', i) as number));
        appender.appendBigInt(BigInt(value('ts_receive_us', i) as number));
        appender.appendInteger(flags[i]!);
        appender.appendVarchar(flagNames(flags[i]!).join(','));
        appender.appendNull();
        appender.endRow();
      }
    } finally {
      appender.closeSync();
    }
  }

  async #storeUnreadable(entries: readonly Unreadable[]): Promise<void> {
    for (const e of entries) {
      await this.#database.writer.run(
        'INSERT INTO quarantine VALUES ($1, $2, $3, NULL, $4::BIGINT, $5, $6, $7)',
        [
          e.kind,
          e.symbol,
          e.source,
          e.tsReceiveUs,
          e.flags,
          e.reasons.join(','),
          e.content.slice(0, MAX_CONTENT),
        ],
      );
    }
  }
}

function flagsOf(staged: Staged): Float64Array {
  const at = columnsOf(staged.kind).findIndex((column) => column.name === 'flags');
  return staged.columns[at] as Float64Array;
}

function countQuarantined(staged: Staged): number {
  const flags = flagsOf(staged);
  let count = 0;
  for (let i = 0; i < flags.length; i++) if ((flags[i]! & QUARANTINE_BITS) !== 0) count++;
  return count;
}

/** SQL that takes descriptions away which say what the newest earlier one of the same source says. */
function unchangedInstruments(): string {
  const same = tableOf('instrument').columns.map(({ name }) => `t.${name} IS NOT DISTINCT FROM i.${name}`);
  return `DELETE FROM incoming WHERE ordinal IN (
    SELECT i.ordinal FROM incoming i ASOF JOIN instruments t ON t.series = i.series AND i.ts_event_us > t.ts_event_us WHERE ${same.join(' AND ')})`;
}
