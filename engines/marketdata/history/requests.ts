// What the routes of the history answer: JSON in pages, CSV and Arrow as streams, each with where it comes from.
import { InvalidOptionError, NotFoundError } from '../../../src/core/errors.ts';
import { adjustmentFor, type BarView, batchesOfView } from './bar-view.ts';
import type { History } from './history.ts';
import { columnsOf, jsonRows, OUTPUT, type OutputColumn } from './output.ts';
import { type Batch, type ReadQuery, rowOf } from './reader.ts';
import { type Format, PROVENANCE_HEADER, streamReply } from './replies.ts';
import { MAX_ROWS_JSON, type TicksQuery } from './schemas.ts';
import { FIRST_US, LAST_US, type NamedRange } from './view.ts';

const PAGE_ROWS = 1000;

/** What a reply is of. */
interface Provenance {
  readonly sources: readonly string[];
  readonly view: string;
  readonly [more: string]: unknown;
}

/**
 * Answers a request for trades or quotes. Throws NotFoundError for a symbol of which none is stored, InvalidOptionError for a page that is too large,
 * StorageUnavailableError.
 */
export async function ticks(
  history: History,
  kind: 'trade' | 'quote',
  symbol: string,
  query: TicksQuery,
  format: Format,
  signal: AbortSignal,
): Promise<Response> {
  checkRange(query);
  const source = sourceIn(query);
  const names = await history.namesOf(kind, symbol, { atUs: query.symbol_at_us, source });
  const symbols = symbolsOf(symbol, names);
  const series = history.writer.series.find(kind, symbols, source);
  const sources = [...new Set(series.map((s) => s.source))];
  if (sources.length === 0) throw new NotFoundError(`No ${kind}s of this symbol and source are stored`);
  const limit = query.limit ?? (format === 'json' ? PAGE_ROWS : undefined);
  checkPage(limit, format);
  const gone = new AbortController();
  const at = query.at_us !== undefined;
  const columns = OUTPUT[kind];
  const read: ReadQuery = {
    kind,
    symbol,
    names,
    source,
    view: query.view,
    fromUs: query.from_us,
    toUs: at ? query.at_us : query.to_us,
    limit: at ? 1 : limit,
    // A page of what is newest has no next one; a stream of everything begins at the beginning.
    newest: at || (query.from_us === undefined && query.cursor === undefined && limit !== undefined),
    after: query.cursor === undefined ? undefined : cursorOf(query.cursor),
    columns: [...columnsOf(columns), 'ordinal'],
    signal: AbortSignal.any([signal, gone.signal]),
  };
  const provenance: Provenance = { sources, view: query.view, ...namesIn(names) };
  if (format !== 'json') return streamReply(format, columns, history.batches(read), provenance, gone);
  const { rows, last } = await page(columns, history.batches(read));
  const full = !read.newest && rows.length === limit;
  const next_cursor = full ? cursorAt(last!.ts_event_us!, last!.ordinal!, source) : null;
  return jsonReply({ symbol, [`${kind}s`]: rows, next_cursor, provenance }, provenance);
}

/** Answers a request for bars. Fails as `ticks` does. */
export async function viewOfBars(
  history: History,
  view: Omit<BarView, 'signal'>,
  format: Format,
  signal: AbortSignal,
): Promise<Response> {
  checkPage(view.limit, format);
  if (view.resampleUs !== undefined && view.resampleUs % view.intervalUs !== 0) {
    const expected = `a multiple of ${view.intervalUs}`;
    throw new InvalidOptionError(`Expected ${expected} for resample_us, was another`, [
      { pointer: 'query/resample_us', expected },
    ]);
  }
  const gone = new AbortController();
  const whole: BarView = { ...view, signal: AbortSignal.any([signal, gone.signal]) };
  const adjustment = await adjustmentFor(history, whole);
  const provenance: Provenance = {
    sources: [view.source],
    view: view.view,
    interval_us: view.intervalUs,
    ...namesIn(view.names),
    ...(view.made ? { made_of: 'trades' } : {}),
    ...(view.resampleUs === undefined ? {} : { resample_us: view.resampleUs }),
    gaps: view.gaps,
    adjustment: view.adjustment,
    ...(view.adjustment === 'raw' ? {} : { applied: adjustment.applied, ignored: adjustment.ignored }),
  };
  const batches = batchesOfView(history, whole, adjustment);
  return barsReply(view, batches, provenance, format, gone);
}

/** Answers with bars; `gone` ends what makes them when the client is no longer there. */
export async function barsReply(
  of: Pick<BarView, 'symbol' | 'intervalUs' | 'resampleUs' | 'source' | 'limit' | 'newest'>,
  batches: AsyncGenerator<Batch>,
  provenance: Provenance,
  format: Format,
  gone = new AbortController(),
): Promise<Response> {
  if (format !== 'json') return streamReply(format, OUTPUT.bar, batches, headed(provenance), gone);
  const { rows } = await page(OUTPUT.bar, batches);
  const last = rows.at(-1)?.['ts_event_us'] as number | undefined;
  const { symbol, source, resampleUs, intervalUs } = of;
  const next_from_us = !of.newest && rows.length === of.limit ? last! + 1 : null;
  const next_cursor = next_from_us === null ? null : cursorAt(next_from_us, 0, source);
  const interval_us = resampleUs ?? intervalUs;
  const body = { symbol, interval_us, source, bars: rows, next_from_us, next_cursor, provenance };
  return jsonReply(body, headed(provenance));
}

/** Returns the symbols that a query reads. */
export function symbolsOf(symbol: string, names?: readonly NamedRange[]): readonly string[] {
  return names ? [...new Set(names.map((name) => name.symbol))] : [symbol];
}

/** Returns what a reply says of the symbols that it was read under: nothing where that is the one asked for. */
export function namesIn(names: readonly NamedRange[] | undefined) {
  if (!names) return {};
  const named = names.map(({ symbol, fromUs, toUs }) => ({
    symbol,
    from_us: fromUs === FIRST_US ? null : fromUs,
    to_us: toUs === LAST_US ? null : toUs,
  }));
  return { symbols: named };
}

/** Where a page goes on. */
interface Cursor {
  readonly tsUs: number;
  readonly ordinal: number;
  /** Of the page before; undefined where that was of all. */
  readonly source: string | undefined;
}

/** Returns where a cursor of a page goes on. */
export function cursorOf(cursor: string): Cursor {
  const [, tsUs, ordinal, source] = /^(-?\d+)-(\d+)(?:-(.+))?$/.exec(cursor)!;
  const named = source && Buffer.from(source, 'base64url').toString();
  return { tsUs: Number(tsUs), ordinal: Number(ordinal), source: named };
}

/** Returns the cursor of the page behind a record; its source stays that of this page, whatever another has by then. */
export function cursorAt(tsUs: number, ordinal: number, source: string | undefined): string {
  const place = `${tsUs}-${ordinal}`;
  return source === undefined ? place : `${place}-${Buffer.from(source).toString('base64url')}`;
}

/** Returns the source that a request names, or the page that it goes on from. Throws InvalidOptionError when it names another than that. */
export function sourceIn(query: { source?: string | undefined; cursor?: string | undefined }) {
  const before = query.cursor === undefined ? undefined : cursorOf(query.cursor).source;
  if (before === undefined || query.source === undefined || query.source === before)
    return query.source ?? before;
  const expected = 'the source of the page that the cursor comes from, or none';
  throw new InvalidOptionError(`Expected ${expected} for source`, [{ pointer: 'query/source', expected }]);
}

// A header holds little: how many actions were applied, not each.
function headed({ applied, ignored, ...rest }: Provenance): Provenance {
  const counts = Array.isArray(applied)
    ? { applied: applied.length, ignored: (ignored as unknown[]).length }
    : {};
  return { ...rest, ...counts };
}

/** Throws InvalidOptionError for a range that ends before it begins. */
export function checkRange({
  from_us,
  to_us,
}: {
  from_us?: number | undefined;
  to_us?: number | undefined;
}): void {
  if (from_us === undefined || to_us === undefined || to_us >= from_us) return;
  const expected = 'a time not before from_us';
  throw new InvalidOptionError(`Expected ${expected} for to_us`, [{ pointer: 'query/to_us', expected }]);
}

/** Throws InvalidOptionError for a page of JSON that is too large. */
export function checkPage(limit: number | undefined, format: Format): void {
  if (format !== 'json' || limit === undefined || limit <= MAX_ROWS_JSON) return;
  const expected = `at most ${MAX_ROWS_JSON} as JSON`;
  throw new InvalidOptionError(`Expected ${expected} for limit; ask for Arrow or CSV beyond`, [
    { pointer: 'query/limit', expected },
  ]);
}

/** Returns the rows of a page and the columns of the last one. */
export async function page(columns: readonly OutputColumn[], batches: AsyncGenerator<Batch>) {
  const rows: ReturnType<typeof jsonRows> = [];
  let last: Record<string, number> | undefined;
  for await (const batch of batches) {
    for (const row of jsonRows(columns, batch)) rows.push(row);
    const at = batch.rows - 1;
    last = rowOf(batch, at) as Record<string, number>;
  }
  return { rows, last };
}

/** Returns a page with where it comes from. */
export function jsonReply(body: unknown, provenance: Provenance): Response {
  return Response.json(body, { headers: { [PROVENANCE_HEADER]: JSON.stringify(provenance) } });
}
