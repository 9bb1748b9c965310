// The history of the market: everything that this engine stores for good, behind one door.
import { join } from 'node:path';
import type { MarketKind, MarketRecord, RecordOf } from '../../../src/market/records.ts';
import { BarHistory } from './bars.ts';
import { HistoryDatabase } from './database.ts';
import { type ImportedQuality, type ImportNote, readImportedQuality, readNote } from './import-notes.ts';
import { type Quarantined, readQuarantine } from './quarantine.ts';
import { type Batch, type ReadQuery, readBatches, readRecords, recordAt } from './reader.ts';
import { namedRanges, type Rename, storedRenames } from './renames.ts';
import { type Maintenance, Roller } from './roller.ts';
import type { BulkColumns } from './staging.ts';
import type { SeriesKey } from './tables.ts';
import { LAST_US, type NamedRange } from './view.ts';
import { type Faults, HistoryWriter, type PutResult, type Unreadable } from './writer.ts';

/** Where the history lives and what it may use. */
export interface HistoryOptions {
  /** The engine's data folder. */
  readonly dataDir: string;
  readonly threads: number;
  /** MiB of memory for DuckDB; default 1024. */
  readonly memoryMb?: number;
  /** Most MiB of temporary files; default 8192. */
  readonly tempMb?: number;
  /** Days that records of a kind stay; for good where a kind is absent. */
  readonly keepDays?: Readonly<Partial<Record<MarketKind, number>>>;
  /** Tests: called at named points, where a process may be killed. */
  readonly faults?: Faults;
}

/** The open history. */
export class History {
  readonly bars: BarHistory;
  readonly roller: Roller;
  #renames: Promise<readonly Rename[]> | undefined;

  private constructor(
    readonly database: HistoryDatabase,
    readonly writer: HistoryWriter,
    { keepDays = {}, faults = () => {} }: HistoryOptions,
  ) {
    this.bars = new BarHistory(database, writer);
    this.roller = new Roller(database, writer, { keepDays, faults });
  }

  /** Opens (or makes) the history in a data folder. Throws StorageUnavailableError, also when another process has it open. */
  static async open(options: HistoryOptions): Promise<History> {
    const database = await HistoryDatabase.open({
      path: join(options.dataDir, 'marketdata.duckdb'),
      folder: join(options.dataDir, 'history'),
      threads: options.threads,
      memoryMb: options.memoryMb ?? 1024,
      tempMb: options.tempMb ?? 8192,
    });
    const history = new History(database, await HistoryWriter.open(database, options.faults), options);
    await history.roller.recover();
    return history;
  }

  /**
   * Stores records. Resolves when they survive kill -9 of this process; puts that wait share one transaction. A record whose flags ask
   * for quarantine is stored with its flags and in the table of the quarantine. Throws InvalidOptionError before anything is written for a record that no
   * column holds, StorageUnavailableError when nothing of the put was stored.
   */
  async put(
    records: readonly MarketRecord[],
    unreadable: readonly Unreadable[] = [],
    note?: ImportNote,
  ): Promise<PutResult> {
    const result = await this.writer.put(records, unreadable, note);
    if (records.some(({ kind }) => kind === 'corporate_action')) this.#renames = undefined;
    return result;
  }

  /** Returns how far the import of a file came; undefined for one that never began. */
  async importNote(id: string): Promise<ImportNote | undefined> {
    return readNote(this.database, id);
  }

  /** Resolves to what imports said of the newest series of a symbol, the newest first. */
  importedQuality(symbol: string): Promise<ImportedQuality[]> {
    return readImportedQuality(this.database, symbol);
  }

  /** Stores rows of one series given as columns (names of the table, integers in the scale of the series). Fails as `put` does. */
  async putColumns(series: SeriesKey, rows: number, columns: BulkColumns): Promise<PutResult> {
    return this.writer.putColumns(series, rows, columns);
  }

  /**
   * Returns the symbols of the instrument that had a symbol at a time, for queries; undefined when it has always had this one alone. Without a time the one
   * that has it now, or the last that had it.
   */
  async namesOf(
    kind: MarketKind,
    symbol: string,
    { atUs, source }: { readonly atUs?: number | undefined; readonly source?: string | undefined } = {},
  ): Promise<readonly NamedRange[] | undefined> {
    this.#renames ??= storedRenames(this.database);
    const renames = await this.#renames.catch((error) => {
      this.#renames = undefined;
      throw error;
    });
    const last = renames.findLast((r) => r.from === symbol || r.to === symbol);
    if (!last) return undefined;
    let us = atUs ?? LAST_US;
    if (atUs === undefined && last.from === symbol) {
      us = last.atUs - 1;
      const since = { kind, symbol, source, fromUs: last.atUs, limit: 1, columns: ['ts_event_us'] };
      for await (const { rows } of this.batches(since)) if (rows > 0) us = LAST_US;
    }
    return namedRanges(renames, symbol, us, (name) => this.writer.series.find(kind, name, source).length > 0);
  }

  /** Yields the records of a range in batches, in order of event time, then of arrival; bounded memory whatever the range. Throws StorageUnavailableError. */
  records<K extends MarketKind>(query: ReadQuery<K>): AsyncGenerator<RecordOf<K>[]> {
    return readRecords(this.database, query);
  }

  /** The same as columns of the table, in the scale of each row. */
  batches(query: ReadQuery): AsyncGenerator<Batch> {
    return readBatches(this.database, query);
  }

  /** Resolves to the newest record at or before `atUs`; null when there is none. */
  recordAt<K extends MarketKind>(
    query: ReadQuery<K> & { readonly atUs: number },
  ): Promise<RecordOf<K> | null> {
    return recordAt(this.database, query);
  }

  /** Resolves to the newest rows of the quarantine, 100 unless told. */
  quarantine(
    where: { readonly symbol?: string; readonly source?: string } = {},
    limit = 100,
  ): Promise<Quarantined[]> {
    return readQuarantine(this.database, where, limit);
  }

  /** Moves closed days to Parquet, merges closed months, forgets what is too old. Throws StorageUnavailableError; what was done until then stays done. */
  maintain(nowUs: number): Promise<Maintenance> {
    return this.roller.maintain(nowUs);
  }

  /** Waits for the writes under way, ends readers and closes the file. */
  async close(): Promise<void> {
    await this.roller.stop();
    await this.writer.idle();
    this.database.close();
  }
}
