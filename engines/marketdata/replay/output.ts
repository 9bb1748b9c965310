// What a replay tells: records as the pipeline publishes them, order books rebuilt at market time. Everybody sees its source as `replay`.
import { recordedBook } from '../../../src/market/book/recorded.ts';
import { QUARANTINE } from '../../../src/market/quality/gate.ts';
import type { BookDelta, BookSnapshot, MarketRecord } from '../../../src/market/records.ts';
import { type BookChange, BookDesk } from '../pipeline/book-desk.ts';
import type { MakeGate } from '../pipeline/gates.ts';
import type { Publisher } from '../pipeline/publisher.ts';
import { QualityDesk } from '../pipeline/quality-desk.ts';

/** Source of everything that a replay publishes. */
export const REPLAY = 'replay';

const ENDED = 'replay ended';

/** Tells of books of a replay that can end them itself no more. */
export function tellGone(publisher: Publisher, symbols: readonly string[], nowUs: number): void {
  for (const symbol of symbols) {
    const book = { symbol, source: REPLAY, state: 'waiting' as const, reason: ENDED, sequence: null };
    const said = { ...book, ts_event_us: nowUs, ts_receive_us: nowUs, bids: [], asks: [] };
    publisher.book(said, () => said);
  }
  publisher.flush();
}

/** What became of the records of a replay. */
export interface OutputCounts {
  published: number;
  quarantined: number;
  /** Changes of books that could not be applied, or not yet. */
  unused: number;
  /** Records before the place of a seek that only rebuilt books. */
  rebuilt: number;
}

export interface OutputParts {
  readonly publisher: Publisher;
  /** The gate of the pipeline when absent. */
  readonly makeGate?: MakeGate | undefined;
}

const CHECK_US = 1_000_000;

/** Publishes what it is given; the times of its books are those of the records alone, so that the speed changes nothing. */
export class ReplayOutput {
  readonly counts: OutputCounts = { published: 0, quarantined: 0, unused: 0, rebuilt: 0 };
  /** Records published, by kind. */
  readonly byKind: Record<string, number> = {};
  readonly #parts: OutputParts;
  #books: BookDesk;
  #quality: QualityDesk;
  // Of each symbol that has a book: the source that it came from.
  readonly #sources = new Map<string, string>();
  readonly #told = new Set<string>();
  #checkedUs = Number.NEGATIVE_INFINITY;

  constructor(parts: OutputParts) {
    this.#parts = parts;
    this.#books = this.#newBooks();
    this.#quality = new QualityDesk(parts.makeGate);
  }

  /** Takes a record into its book without telling anybody. */
  rebuild(record: MarketRecord, timeUs: number): void {
    this.counts.rebuilt++;
    this.#quality.check(record, timeUs);
    if (this.#isCheckDue(timeUs)) this.#books.check(timeUs);
    if (record.kind === 'book_delta' || record.kind === 'book_snapshot') {
      this.#sources.set(record.symbol, record.source);
      this.#books.take(record, timeUs);
    } else if (record.kind === 'quote') this.#books.quote(record, timeUs);
  }

  /** Takes a record and publishes it; `quiet` quotes serve the book of their symbol and are not published. */
  take(said: MarketRecord, timeUs: number, quiet = false): void {
    const flags = this.#quality.check(said, timeUs);
    const record = flags === said.flags ? said : { ...said, flags };
    if (this.#isCheckDue(timeUs)) for (const change of this.#books.check(timeUs)) this.#bookChanged(change);
    if (record.kind === 'book_delta' || record.kind === 'book_snapshot') this.#book(record, timeUs);
    else {
      if (record.kind === 'quote') {
        const change = this.#books.quote(record, timeUs);
        if (change) this.#bookChanged(change);
      }
      if (quiet) return;
      if ((flags & QUARANTINE) !== 0) {
        this.counts.quarantined++;
        return;
      }
      this.#count(record);
      this.#parts.publisher.add(record, REPLAY);
    }
  }

  /** Publishes every book as it is now: after a seek. */
  tellBooks(): void {
    for (const [symbol, source] of this.#sources) this.#tell(source, symbol);
    this.flush();
  }

  /** Begins all books anew. Those that were told of are told to be gone, so that nobody takes their levels for current ones. */
  reset(reason: string, timeUs: number): void {
    for (const [symbol, source] of this.#sources) {
      for (const change of this.#books.reset(source, reason, timeUs))
        if (change.symbol === symbol && this.#told.has(symbol)) this.#bookChanged(change);
    }
    this.flush();
    this.#sources.clear();
    this.#told.clear();
    this.#books = this.#newBooks();
    this.#quality = new QualityDesk(this.#parts.makeGate);
    this.#checkedUs = Number.NEGATIVE_INFINITY;
  }

  /** States and counts of the books, by symbol. */
  books(): Record<string, { state: string; reason: string | null; counts: Record<string, number> }> {
    return Object.fromEntries(
      [...this.#sources].flatMap(([symbol, source]) => {
        const said = this.#books.said(source, symbol, 0);
        if (!said) return [];
        const { state, reason } = said;
        return [[symbol, { state, reason, counts: this.#books.countsOf(source, symbol) }]];
      }),
    );
  }

  flush(): void {
    this.#parts.publisher.flush();
  }

  #book(record: BookDelta | BookSnapshot, timeUs: number): void {
    const { publisher } = this.#parts;
    this.#sources.set(record.symbol, record.source);
    const step = this.#books.take(record, timeUs);
    if (step.flags !== 0) this.#quality.add(record, step.flags);
    if (step.change) this.#bookChanged(step.change);
    if (!step.applied) {
      this.counts.unused++;
      return;
    }
    this.#count(record);
    this.#told.add(record.symbol);
    const said = { ...step.said(), source: REPLAY };
    const delta = record.kind === 'book_delta' ? { delta: record } : {};
    publisher.book(said, () => said, { ...delta, anew: step.anew });
  }

  // A book that is live is told with the record that made it so.
  #bookChanged({ source, symbol, state, previous, reason }: BookChange): void {
    const kind = 'book';
    const told = { source: REPLAY, event: 'book' as const, symbol, kind, state, previous, reason };
    this.#parts.publisher.news({ ...told, value: null, threshold: null });
    if (state !== 'live') this.#tell(source, symbol);
  }

  #tell(source: string, symbol: string): void {
    const said = this.#books.said(source, symbol);
    if (!said) return;
    this.#told.add(symbol);
    const told = { ...said, source: REPLAY };
    this.#parts.publisher.book(told, () => told);
  }

  // Silence is looked for at fixed steps of market time, whatever the speed.
  #isCheckDue(timeUs: number): boolean {
    if (timeUs < this.#checkedUs + CHECK_US) return false;
    this.#checkedUs = timeUs;
    return true;
  }

  #count({ kind }: MarketRecord): void {
    this.counts.published++;
    this.byKind[kind] = (this.byKind[kind] ?? 0) + 1;
  }

  // Nobody can be asked for another snapshot: the next one of the recording heals a book.
  #newBooks(): BookDesk {
    return new BookDesk({ makeBook: recordedBook, resync: () => {} });
  }
}
