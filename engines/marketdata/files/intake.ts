// What every record of a file passes on its way into the history: its book, the gate of its series, the counts of the report.
import type { OrderBook } from '../../../src/market/book/order-book.ts';
import { recordedBook } from '../../../src/market/book/recorded.ts';
import { FLAG_NAMES, FLAGS, type FlagName, flagNames } from '../../../src/market/flags.ts';
import { QUARANTINE, SeriesGate } from '../../../src/market/quality/gate.ts';
import type {
  BookDelta,
  BookSnapshot,
  MarketKind,
  MarketRecord,
  Quote,
} from '../../../src/market/records.ts';
import type { Calendar } from '../../../src/market/sessions/calendar.ts';
import { calendarById } from '../../../src/market/sessions/calendars.ts';
import type { ImportedSeries } from '../history/import-notes.ts';
import { flagged } from '../pipeline/flagged.ts';
import { sequenceOf } from '../pipeline/gates.ts';
import { isSimulated } from '../pipeline/simulated-source.ts';
import type { FileBatch, Refused } from './reading.ts';

/** Rows that are reported one by one; all are counted. */
export const MAX_REPORTED = 100;
/** Series of one file: each has a gate and perhaps a book in memory. */
export const MAX_SERIES = 10_000;

const SATURDAY = 6;
const DAY_US = 86_400e6;

interface Series {
  readonly kind: MarketKind;
  readonly symbol: string;
  readonly source: string;
  readonly intervalUs: number | null;
  readonly calendar: Calendar | null;
  readonly gate: SeriesGate;
  records: number;
  rejected: number;
  flagged: number;
  readonly flags: Partial<Record<FlagName, number>>;
  /** The shortest way from the venue's clock to that of the recorder; infinite where no record has both. */
  wayUs: number;
}

/** State of one book at the end of the file. */
export interface BookCount {
  readonly symbol: string;
  readonly source: string;
  readonly state: string;
  readonly reason: string;
  readonly snapshots: number;
  readonly resyncs: number;
  readonly deltas: number;
}

/** Judges and counts the records of one file, in their order. */
export class FileIntake {
  rows = 0;
  skipped = 0;
  imported = 0;
  rejected = 0;
  readonly reasons: Record<string, number> = {};
  readonly errors: Refused[] = [];
  readonly #quality = new Map<FlagName, number>(FLAG_NAMES.map((name) => [name, 0]));
  readonly #series = new Map<string, Series>();
  readonly #books = new Map<string, { symbol: string; source: string; book: OrderBook }>();
  readonly #nowUs: number;
  #last: Series | undefined;
  /** What the caller says of all instruments of the file. */
  readonly #given: Calendar | null;
  /** That, or what the first bars tell: of bars only. */
  #calendar: Calendar | null;

  /**
   * `calendar` is when the instruments of the file trade; bars with a Saturday are of a market without sessions when it is absent. What lies
   * beyond `nowUs`, the time of the import, has not happened; clocks of recorders may have been behind.
   */
  constructor(calendar: string | undefined, nowUs: number) {
    this.#given = calendar === undefined ? null : calendarById(calendar);
    this.#calendar = this.#given;
    this.#nowUs = nowUs;
  }

  /** Returns the records of a batch with the flags that were found, those for quarantine among them. */
  take(batch: FileBatch): MarketRecord[] {
    const { records, lines, refused, skipped } = batch;
    this.rows += records.length + refused.length + skipped;
    this.skipped += skipped;
    for (const one of refused) {
      this.#count('malformed');
      this.#reject(one.line, one.reason);
    }
    const judged: MarketRecord[] = [];
    for (const [i, record] of records.entries()) {
      if (isSimulated(record.symbol)) {
        this.#count('malformed');
        this.#reject(lines[i]!, 'symbol of the simulated market');
        continue;
      }
      const series = this.#seriesOf(record, batch);
      if (series === null) {
        this.#count('malformed');
        this.#reject(lines[i]!, `more than ${MAX_SERIES} series`);
        continue;
      }
      const flags = series.gate.check(record, this.#nowUs) | this.#bookFlags(record);
      series.records++;
      const wayUs = record.tsReceiveUs - record.tsEventUs;
      // A time of receipt that is that of the venue was not written.
      if (wayUs !== 0 && wayUs < series.wayUs && (flags & QUARANTINE) === 0) series.wayUs = wayUs;
      if (flags === 0) this.imported++;
      else {
        series.flagged++;
        for (const name of flagNames(flags)) {
          this.#count(name);
          series.flags[name] = (series.flags[name] ?? 0) + 1;
        }
        if ((flags & QUARANTINE) === 0) this.imported++;
        else {
          series.rejected++;
          this.#reject(lines[i]!, flagNames(flags & QUARANTINE).join(', '));
        }
      }
      judged.push(flagged(record, flags));
    }
    return judged;
  }

  /** Counts a fault of the file itself, which is no row of it. */
  damaged(reason: string): void {
    this.rows++;
    this.#count('malformed');
    this.#reject(this.rows, reason);
  }

  /** Records by flag, 0 among them. */
  quality(): Record<FlagName, number> {
    return Object.fromEntries(this.#quality) as Record<FlagName, number>;
  }

  series(): ImportedSeries[] {
    return [...this.#series.values()].map((series) => {
      const { gate, calendar, intervalUs, records, rejected, wayUs, ...names } = series;
      const { score, coverage, missing, reasons, firstUs, lastUs } = gate.report(this.#nowUs);
      return {
        ...names,
        interval_us: intervalUs,
        calendar: calendar?.id ?? null,
        records,
        imported: records - rejected,
        rejected,
        score,
        coverage,
        missing,
        reasons: [...reasons],
        first_ts_us: firstUs,
        last_ts_us: lastUs,
        shortest_way_us: Number.isFinite(wayUs) ? wayUs : null,
      };
    });
  }

  books(): BookCount[] {
    return [...this.#books.values()].map(({ symbol, source, book }) => {
      const { snapshots, resyncs, deltas } = book.counters;
      return { symbol, source, state: book.state, reason: book.reason, snapshots, resyncs, deltas };
    });
  }

  #count(name: FlagName): void {
    this.#quality.set(name, this.#quality.get(name)! + 1);
  }

  #reject(line: number, reason: string): void {
    this.rejected++;
    this.reasons[reason] = (this.reasons[reason] ?? 0) + 1;
    if (this.errors.length < MAX_REPORTED) this.errors.push({ line, reason });
  }

  // Null where there are too many.
  #seriesOf(record: MarketRecord, batch: FileBatch): Series | null {
    const { kind, symbol, source } = record;
    // Mostly the one of the record before.
    const last = this.#last;
    if (last?.kind === kind && last.symbol === symbol && last.source === source) return last;
    const key = `${kind} ${source} ${symbol}`;
    let series = this.#series.get(key);
    if (series) {
      this.#last = series;
      return series;
    }
    if (this.#series.size >= MAX_SERIES) return null;
    const intervalUs = record.kind === 'bar' ? record.interval : null;
    // One that never closes tells of the others in its file, of which the first rows may be of fewer days.
    if (kind === 'bar') this.#calendar ??= calendarOf(symbol, batch.records);
    const calendar = kind === 'bar' ? this.#calendar : this.#given;
    const gate = new SeriesGate({
      kind,
      calendar,
      sequence: sequenceOf(kind, source),
      without: batch.without ?? [],
    });
    const counts = { records: 0, rejected: 0, flagged: 0, flags: {}, wayUs: Number.POSITIVE_INFINITY };
    series = { kind, symbol, source, intervalUs, calendar, gate, ...counts };
    this.#series.set(key, series);
    return series;
  }

  // What the book of a record found wrong with it.
  #bookFlags(record: MarketRecord): number {
    const { kind, symbol, source } = record;
    if (kind !== 'book_delta' && kind !== 'book_snapshot' && kind !== 'quote') return 0;
    const key = `${source} ${symbol}`;
    let entry = this.#books.get(key);
    if (!entry) {
      // Quotes alone make no book.
      if (kind === 'quote') return 0;
      const book = recordedBook(source);
      entry = { symbol, source, book };
      this.#books.set(key, entry);
    }
    const { flags } = entry.book.apply(record as BookDelta | BookSnapshot | Quote);
    // A quote that the book did not expect is the book's fault.
    if (record.kind === 'quote') return 0;
    // The gate tells a gap by the numbers of the change itself; the book tells it again, once it has waited in vain.
    const linked = record.kind === 'book_delta' && (record.firstSequence ?? record.previousSequence) !== null;
    return linked ? flags & ~FLAGS.gap.bit : flags;
  }
}

// A market that traded on a Saturday of UTC, when every other one is closed, never closes.
function calendarOf(symbol: string, records: readonly MarketRecord[]): Calendar | null {
  const saturday = (us: number) => (Math.floor(us / DAY_US) + 4) % 7 === SATURDAY;
  const always = records.some(
    (r) => r.kind === 'bar' && r.symbol === symbol && r.interval < DAY_US && saturday(r.tsEventUs),
  );
  return always ? calendarById('24x7') : null;
}
