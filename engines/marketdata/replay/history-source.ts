// Stored history as the source of a replay: all kinds and symbols merged in the order in which they could be known.
import { type FieldError, InvalidOptionError, NotFoundError } from '../../../src/core/errors.ts';
import type { MacroPoint, MarketKind, MarketRecord } from '../../../src/market/records.ts';
import type { History } from '../history/history.ts';
import { ASKED, type Asked, streamsOf } from '../pipeline/kinds.ts';
import { merged } from './merged.ts';
import type { PacedRequest } from './schemas.ts';
import type { ReplaySource, Unreadable } from './source.ts';

/** Series that one replay reads at once; each holds a query open. */
const MAX_SERIES = 64;
/** Changes of a book may have earlier times than the snapshot before them: that of some venues is the time of its arrival. */
const BEFORE_SNAPSHOT_US = 10_000_000;

/** One series of the history. */
interface Series {
  readonly kind: MarketKind;
  readonly symbol: string;
  readonly source: string;
  /** Bars only. */
  readonly intervalUs: number | undefined;
}

// Of records of one time, books come first: who hears of a trade has the book that it met.
const ORDER: readonly MarketKind[] = [
  'instrument',
  'corporate_action',
  'book_snapshot',
  'book_delta',
  'quote',
];

/** Series of the history, read in step. */
export class HistorySource implements ReplaySource {
  readonly judged = true;
  readonly #history: History;
  readonly #series: readonly Series[];
  readonly #toUs: number | undefined;

  private constructor(history: History, series: readonly Series[], toUs: number | undefined) {
    this.#history = history;
    this.#series = series;
    this.#toUs = toUs;
  }

  /**
   * Finds the series of a request. Throws NotFoundError where a symbol has none, InvalidOptionError where several sources or lengths of bars
   * have it and the request does not choose, or where there are too many.
   */
  static find(history: History, request: PacedRequest): HistorySource {
    const kinds = kindsOf(request.kinds ?? ASKED);
    const series = (request.symbols ?? []).flatMap((symbol) => seriesOf(history, symbol, kinds, request));
    if (series.length > MAX_SERIES)
      refuse('/symbols', `at most ${MAX_SERIES} series (symbols times kinds)`, String(series.length));
    return new HistorySource(history, series, request.to_us);
  }

  async *read(fromUs: number | null, signal: AbortSignal): AsyncGenerator<readonly MarketRecord[]> {
    const starts = new Map<string, number>();
    if (fromUs !== null) {
      for (const { kind, symbol, source } of this.#series) {
        if (kind !== 'book_snapshot') continue;
        const last = await this.#history.recordAt({ kind, symbol, source, atUs: fromUs, signal });
        if (last) starts.set(symbol, last.tsEventUs - BEFORE_SNAPSHOT_US);
      }
    }
    const readers = this.#series.map(({ kind, symbol, source, intervalUs = 0 }) => {
      if (kind === 'macro') return this.#vintages(symbol, source, fromUs, signal);
      // Quotes prove books, so that they are read from where the book is.
      const early = kind === 'book_snapshot' || kind === 'book_delta' || kind === 'quote';
      return this.#history.records({
        kind,
        symbol,
        source,
        fromUs:
          (early ? starts.get(symbol) : undefined) ?? (fromUs === null ? undefined : fromUs - intervalUs),
        toUs: this.#toUs === undefined ? undefined : this.#toUs - intervalUs,
        ...(intervalUs === 0 ? {} : { unit: 'time', interval: intervalUs }),
        signal,
      });
    });
    yield* merged(readers, knownUs);
  }

  timeOf(record: MarketRecord): number {
    return knownUs(record);
  }

  /** Yields the points of an economic series in the order in which they became known. All are held at once: a series has thousands, not millions. */
  async *#vintages(
    symbol: string,
    source: string,
    fromUs: number | null,
    signal: AbortSignal,
  ): AsyncGenerator<readonly MacroPoint[]> {
    const points: MacroPoint[] = [];
    for await (const batch of this.#history.records({ kind: 'macro', symbol, source, signal }))
      for (const point of batch) if (point.asOfUs >= (fromUs ?? Number.NEGATIVE_INFINITY)) points.push(point);
    yield points.sort((a, b) => a.asOfUs - b.asOfUs);
  }

  unreadable(): Unreadable {
    return { rejected: 0, reasons: {}, damaged: null };
  }
}

/** When a record could be known first: a bar at its end, a point of an economic series with its vintage. Told earlier, they would tell the future. */
function knownUs(record: MarketRecord): number {
  if (record.kind === 'macro') return record.asOfUs;
  return record.kind === 'bar' && record.unit === 'time'
    ? record.tsEventUs + record.interval
    : record.tsEventUs;
}

/** Kinds in the order in which those of one time are told. */
function kindsOf(asked: readonly Asked[]): MarketKind[] {
  const kinds = asked.flatMap((group) =>
    streamsOf(group).flatMap((stream): MarketKind[] =>
      stream === 'book' ? ['book_snapshot', 'book_delta', 'quote'] : [stream],
    ),
  );
  const place = (kind: MarketKind) => (ORDER.indexOf(kind) + ORDER.length + 1) % (ORDER.length + 1);
  return [...new Set(kinds)].sort((a, b) => place(a) - place(b));
}

function seriesOf(
  history: History,
  symbol: string,
  kinds: readonly MarketKind[],
  request: PacedRequest,
): Series[] {
  const stored = kinds.flatMap((kind) =>
    history.writer.series
      .find(kind, symbol, request.source)
      .filter(
        (s) => kind !== 'bar' || (s.unit === 'time' && (request.interval_us ?? s.interval) === s.interval),
      ),
  );
  if (stored.length === 0)
    throw new NotFoundError(`Nothing of ${symbol} is stored that the request asks for: import it first`);
  const sources = [...new Set(stored.map((s) => s.source))];
  if (sources.length > 1) refuse('/source', `one of ${sources.join(', ')} for ${symbol}`, 'absent');
  const intervals = [...new Set(stored.flatMap((s) => (s.kind === 'bar' ? [s.interval] : [])))];
  if (intervals.length > 1) refuse('/interval_us', `one of ${intervals.join(', ')} for ${symbol}`, 'absent');
  const source = sources[0]!;
  // A series has a number for each scale that it had; one reader has them all.
  return kinds
    .filter((kind) => stored.some((s) => s.kind === kind))
    .map((kind) => ({ kind, symbol, source, intervalUs: kind === 'bar' ? intervals[0] : undefined }));
}

function refuse(pointer: string, expected: string, received: string): never {
  const error: FieldError = { pointer, expected, received };
  throw new InvalidOptionError(`Expected ${expected} for ${pointer}, was ${received}`, [error]);
}
