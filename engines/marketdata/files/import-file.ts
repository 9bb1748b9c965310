// Imports one file: told by its bytes, read whole once before anything is stored, judged record by record, stored in parts that go on after a crash.
import { basename } from 'node:path';
import { csvRecords } from '../../../src/core/csv.ts';
import { ConflictError, MalformedBodyError, NotFoundError, TooLargeError } from '../../../src/core/errors.ts';
import { gunzipped, startOf } from '../../../src/core/gunzip.ts';
import { turn } from '../../../src/core/turn.ts';
import { unzipped, type ZipEntry, zipEntry } from '../../../src/core/unzip.ts';
import type { MarketRecord } from '../../../src/market/records.ts';
import { FILE_SOURCE } from '../history/bars.ts';
import type { History } from '../history/history.ts';
import type { ImportNote } from '../history/import-notes.ts';
import { refuseSimulated } from '../pipeline/simulated-source.ts';
import { arrowRows } from './arrow.ts';
import { BinanceCapture } from './binance-capture.ts';
import type { TableKind } from './columns.ts';
import { type Format, formatOf, HEAD_BYTES, isGzip, isZip, MAX_EXPANSION } from './formats.ts';
import { FileIntake } from './intake.ts';
import { parquetRowsApart } from './parquet-process.ts';
import type { FileBatch } from './reading.ts';
import type { ImportReport } from './schemas.ts';
import { type TableRows, tableRecords } from './tables.ts';

/** What is known of a file beside its bytes. */
export interface ImportSpec {
  /** Told by the first bytes when absent. */
  readonly format?: Format | undefined;
  /** What the rows of a table are; told by its columns when absent. */
  readonly kind?: TableKind | undefined;
  readonly symbol?: string | undefined;
  /** Source that the records are said to be of; `file`, and for captures the venue, when absent. */
  readonly source?: string | undefined;
  readonly interval_us?: number | undefined;
  /** Zone of times without one; UTC when absent. */
  readonly time_zone?: string | undefined;
  /** Decimals that prices are written without: 4 for `973100` that is 97.31. */
  readonly price_decimals?: number | undefined;
  /** Calendar by which bars are missing or outside of their session. */
  readonly calendar?: string | undefined;
}

export interface ImportParts {
  /** Where accepted records go; null stores nothing. */
  readonly history: History | null;
  /** Most bytes of the file; what it unpacks to may be {@link MAX_EXPANSION} times that. */
  readonly maxBytes: number;
  /** What the report calls the file; the last part of its path when absent. */
  readonly name?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Bytes of the file that were read, and its size. */
  readonly progress?: (done: number, total: number, stage: 'checking' | 'storing') => void;
}

/** Records of one transaction. Fixed, so that a part begins at the same record whenever the file is read. */
const PART = 50_000;
/** Files of ticks, seconds and minutes within the archives of LEAN: the date of their times is in their name. */
const INTRADAY = /^\d{8}_.*(tick|second|minute)/;
const SHOWN_NAME = 200;
const SHOWN_SERIES = 1000;

const running = new Set<string>();

/**
 * Imports the file at `path`. It is read to its end before the first record is stored, so that a file which is refused (damaged, too large, no
 * such format) leaves nothing. An import that was killed goes on where it ended when the same file is imported again; one that was finished stores
 * bars again and nothing else. Throws NotFoundError, MalformedBodyError, TooLargeError, InvalidOptionError, ConflictError, StorageUnavailableError and the reason of `signal`.
 */
export async function importFile(path: string, spec: ImportSpec, parts: ImportParts): Promise<ImportReport> {
  const started = performance.now();
  const { history } = parts;
  refuseSimulated(spec.symbol);
  const name = (parts.name ?? basename(path)).slice(0, SHOWN_NAME);
  const importedUs = Date.now() * 1000;
  const file = await FileToImport.open(path, spec, parts);
  const intake = new FileIntake(spec.calendar, importedUs);
  const stored = { replaced: 0, already: 0 };
  if (history === null) {
    for await (const batch of file.batches('checking')) intake.take(batch);
  } else {
    const id = await file.check();
    if (running.has(id)) throw new ConflictError('This file is being imported already');
    running.add(id);
    try {
      const shelf = await Shelf.open(history, id);
      for await (const batch of file.batches('storing')) {
        await shelf.add(intake.take(batch));
      }
      await shelf.finish({ file: name, importedUs, series: intake.series() });
      stored.replaced = shelf.replaced;
      stored.already = shelf.already;
    } finally {
      running.delete(id);
    }
  }
  if (file.truncated !== null) intake.damaged(file.truncated);
  const states = intake.books();
  const series = intake.series();
  return {
    file: name,
    format: file.format,
    bytes: file.bytes.size,
    dry_run: history === null,
    rows: intake.rows,
    records: intake.rows - intake.skipped,
    imported: intake.imported,
    rejected: intake.rejected,
    replaced: stored.replaced,
    already_stored: stored.already,
    quality: intake.quality(),
    books: {
      snapshots: states.reduce((sum, book) => sum + book.snapshots, 0),
      resyncs: states.reduce((sum, book) => sum + book.resyncs, 0),
      states: states.slice(0, SHOWN_SERIES),
    },
    series: series.slice(0, SHOWN_SERIES),
    series_total: series.length,
    reasons: intake.reasons,
    errors: intake.errors.sort((a, b) => a.line - b.line),
    truncated: file.truncated !== null,
    processing_time_ms: Math.round(performance.now() - started),
  };
}

// One file, its format, and how its records are read.
class FileToImport {
  /** Why a capture ended before its end. */
  truncated: string | null = null;

  private constructor(
    readonly path: string,
    /** Its bytes as they were when it was opened: a recorder may still be writing. */
    readonly bytes: Blob,
    readonly format: Format,
    /** Whether the format is within gzip or zip. */
    readonly packed: boolean,
    /** The file within a zip. */
    readonly entry: ZipEntry | null,
    readonly spec: ImportSpec,
    readonly parts: ImportParts,
  ) {}

  static async open(path: string, spec: ImportSpec, parts: ImportParts): Promise<FileToImport> {
    const file = Bun.file(path);
    if (!(await file.exists())) throw new NotFoundError('The file is gone: send it again');
    const bytes = file.slice(0, file.size);
    const maxBytes = parts.maxBytes * MAX_EXPANSION;
    if (bytes.size > parts.maxBytes)
      throw new TooLargeError(`Expected a file of at most ${parts.maxBytes} bytes`, parts.maxBytes);
    const start = await bytes.slice(0, 4).bytes();
    const entry = isZip(start) ? await zipEntry(bytes, maxBytes) : null;
    if (entry && INTRADAY.test(entry.name))
      throw new MalformedBodyError('Expected times with their date, was a LEAN file of times since midnight');
    const body = entry
      ? unzipped(bytes, entry)
      : gunzipped(chunksOf(bytes), { maxBytes, what: 'the file', onDamage: () => {} });
    const { head, rest } = await startOf(body, HEAD_BYTES);
    await rest[Symbol.asyncIterator]().return?.();
    if (head.length === 0) throw new MalformedBodyError('Expected a file with records, was empty');
    const found = formatOf(head);
    const format = spec.format ?? found;
    if (format === null)
      throw new MalformedBodyError('Expected a file of CSV, Parquet, Arrow or Binance capture lines');
    const text = (one: Format | null) => one === 'csv' || one === 'binance-capture';
    if (format !== found && !(text(format) && text(found)))
      throw new MalformedBodyError(`Expected a file of format ${format} by its first bytes`);
    const packed = entry !== null || isGzip(start);
    if (format === 'parquet' && packed)
      throw new MalformedBodyError('Expected Parquet as it is, was gzip or zip: it is compressed within');
    return new FileToImport(path, bytes, format, packed, entry, spec, parts);
  }

  /** Reads the file to its end without storing. Returns what tells this import from others: its bytes and what is known of them. */
  async check(): Promise<string> {
    const hash = new Bun.CryptoHasher('sha256');
    hash.update(
      JSON.stringify([
        this.format,
        this.spec.kind,
        this.spec.symbol,
        this.spec.source,
        this.spec.interval_us,
        this.spec.time_zone,
        this.spec.price_decimals,
      ]),
    );
    for await (const chunk of this.#bytes('checking')) hash.update(chunk);
    if (this.format === 'binance-capture') {
      for await (const _ of gunzipped(this.#bytes('checking'), { ...this.#limit(), onDamage: () => {} }))
        await turn();
    } else for await (const _ of this.#rows('checking'));
    return hash.digest('hex');
  }

  async *batches(stage: 'checking' | 'storing'): AsyncGenerator<FileBatch> {
    const { symbol, source, kind, interval_us: intervalUs, time_zone: timeZone } = this.spec;
    const priceDecimals = this.spec.price_decimals;
    if (this.format !== 'binance-capture') {
      const options = { kind, symbol, source: source ?? FILE_SOURCE, intervalUs, timeZone, priceDecimals };
      return yield* tableRecords(this.#rows(stage), options);
    }
    const capture = new BinanceCapture({ symbol, source, maxBytes: this.#limit().maxBytes });
    for await (const batch of capture.batches(this.#bytes(stage))) {
      yield batch;
      await turn();
    }
    this.truncated = capture.damaged;
  }

  #rows(stage: 'checking' | 'storing'): AsyncIterable<TableRows> {
    const { maxBytes } = this.#limit();
    if (this.format === 'csv') return csvRecords(this.#bytes(stage), maxBytes);
    if (this.format === 'parquet')
      return parquetRowsApart(this.path, { maxBytes, signal: this.parts.signal });
    const tail = (length: number) => this.bytes.slice(-length).bytes();
    const body = gunzipped(this.#bytes(stage), this.#limit());
    return arrowRows(body, maxBytes, this.packed ? undefined : tail);
  }

  #limit() {
    return { maxBytes: this.parts.maxBytes * MAX_EXPANSION, what: this.format };
  }

  async *#bytes(stage: 'checking' | 'storing'): AsyncGenerator<Uint8Array> {
    const { bytes, entry } = this;
    let done = 0;
    for await (const chunk of entry ? unzipped(bytes, entry) : chunksOf(bytes)) {
      this.parts.signal?.throwIfAborted();
      done += chunk.byteLength;
      this.parts.progress?.(done, entry?.size ?? bytes.size, stage);
      yield chunk;
    }
  }
}

function chunksOf(bytes: Blob): AsyncIterable<Uint8Array> {
  return bytes.stream() as unknown as AsyncIterable<Uint8Array>;
}

// Puts records into the history in parts of a fixed length, each with the note of how far the import is.
class Shelf {
  replaced = 0;
  already = 0;
  readonly #history: History;
  readonly #id: string;
  #waiting: MarketRecord[] = [];
  #place = 0;

  private constructor(
    history: History,
    id: string,
    readonly from: number,
    readonly finished: boolean,
  ) {
    this.#history = history;
    this.#id = id;
  }

  static async open(history: History, id: string): Promise<Shelf> {
    const note = await history.importNote(id);
    return new Shelf(history, id, note?.records ?? 0, note?.finished ?? false);
  }

  async add(records: readonly MarketRecord[]): Promise<void> {
    for (const record of records) {
      this.#waiting.push(record);
      if (this.#waiting.length >= PART) await this.#put();
    }
  }

  async finish(quality: NonNullable<ImportNote['quality']>): Promise<void> {
    await this.#put(quality);
  }

  // With what was found wrong when these are the last records.
  async #put(quality?: ImportNote['quality']): Promise<void> {
    const finished = quality !== undefined;
    const all = this.#waiting;
    this.#waiting = [];
    const place = this.#place;
    this.#place += all.length;
    const fresh = this.finished
      ? all.filter((r) => r.kind === 'bar')
      : all.slice(Math.max(0, this.from - place));
    this.already += all.length - fresh.length;
    if (fresh.length === 0 && !finished) return;
    const note = {
      id: this.#id,
      records: this.#place,
      finished: finished || this.finished,
      ...(quality && { quality }),
    };
    const { replaced, duplicates } = await this.#history.put(fresh, [], note);
    this.replaced += replaced;
    this.already += duplicates;
  }
}
