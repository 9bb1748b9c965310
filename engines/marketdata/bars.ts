// Answers requests for bars: as stored, made of shorter ones or of trades, or those of the simulated market.
import { InvalidOptionError, NotFoundError } from '../../src/core/errors.ts';
import type { Bar } from '../../src/market/bar.ts';
import type { BarHistory } from './history/bars.ts';
import type { History } from './history/history.ts';
import type { Batch } from './history/reader.ts';
import type { Format } from './history/replies.ts';
import {
  barsReply,
  checkPage,
  checkRange,
  cursorOf,
  sourceIn,
  symbolsOf,
  viewOfBars,
} from './history/requests.ts';
import { isThreshold, thresholdBars } from './history/threshold-bars.ts';
import type { BarsQuery } from './schemas.ts';
import { SIMULATED } from './simulated.ts';

/**
 * Answers a request for stored bars. Throws NotFoundError for a symbol or length that nothing is stored of and nothing stored makes, InvalidOptionError,
 * StorageUnavailableError.
 */
export async function storedBars(
  history: History,
  symbol: string,
  asked: BarsQuery,
  format: Format,
  signal: AbortSignal,
): Promise<Response> {
  checkRange(asked);
  const query = { ...asked, source: sourceIn(asked) };
  if (isThreshold(query)) return thresholdBars(history, symbol, query, format, signal);
  const which = { atUs: query.symbol_at_us, source: query.source };
  const [ofBars, ofTrades] = [
    await history.namesOf('bar', symbol, which),
    await history.namesOf('trade', symbol, which),
  ];
  const symbols = symbolsOf(symbol, ofBars);
  const all = [...symbols, ...symbolsOf(symbol, ofTrades)];
  const trades = await history.bars.madeFrom(all, query.interval_us, query.source);
  const { intervalUs, resampleUs } =
    trades === null
      ? lengthsOf(history.bars, symbols, query)
      : { intervalUs: query.interval_us!, resampleUs: query.resample_us };
  const source = trades ?? query.source ?? (await history.bars.sourceOf(symbols, intervalUs));
  const { to_us: toUs, limit, view, adjustment, gaps, calendar } = query;
  const fromUs = beginOf(query);
  const newest = fromUs === undefined;
  const names = trades === null ? ofBars : ofTrades;
  const range = { symbol, names, intervalUs, source, fromUs, toUs, limit, newest };
  const how = { view, adjustment, gaps, resampleUs, calendar, made: trades !== null };
  return viewOfBars(history, { ...range, ...how }, format, signal);
}

function beginOf({ from_us, cursor }: BarsQuery): number | undefined {
  return cursor === undefined ? from_us : cursorOf(cursor).tsUs;
}

/** Returns the length of stored bars that is asked for, else the only one. Throws InvalidOptionError where several are stored, NotFoundError for others. */
export function intervalOf(
  bars: BarHistory,
  symbols: string | readonly string[],
  asked: number | undefined,
  source?: string,
): number {
  const stored = bars.lengths(symbols, source);
  if (stored.length === 0) throw new NotFoundError('No bars of this symbol: import some first');
  const list = stored.join(', ');
  if (asked !== undefined) {
    if (stored.includes(asked)) return asked;
    throw new NotFoundError(`No bars of this interval; stored: ${list} us`);
  }
  if (stored.length === 1) return stored[0]!;
  throw new InvalidOptionError('Expected interval_us, since several intervals of this symbol are stored', [
    { pointer: 'query/interval_us', expected: `one of ${list}` },
  ]);
}

// A length that is not stored is made of the longest stored one that it is a multiple of.
function lengthsOf(
  bars: BarHistory,
  symbols: readonly string[],
  { interval_us: asked, resample_us, source }: BarsQuery,
) {
  const stored = bars.lengths(symbols, source);
  if (asked !== undefined && resample_us === undefined && !stored.includes(asked)) {
    const part = stored.filter((length) => asked % length === 0).at(-1);
    if (part !== undefined) return { intervalUs: part, resampleUs: asked };
  }
  return { intervalUs: intervalOf(bars, symbols, asked, source), resampleUs: resample_us };
}

/** What the simulated market remembers of one symbol. */
export interface SimulatedBars {
  readonly bars: readonly Bar[];
  readonly intervalUs: number;
}

/** Answers a request for bars of the simulated market. Throws InvalidOptionError for what is done to stored bars alone, NotFoundError for another length. */
export function simulatedBars(
  { bars, intervalUs }: SimulatedBars,
  symbol: string,
  query: BarsQuery,
  format: Format,
): Promise<Response> {
  checkRange(query);
  checkPage(query.limit, format);
  checkPlain(query);
  const { to_us = Number.MAX_SAFE_INTEGER, limit, interval_us } = query;
  const fromUs = beginOf(query);
  if (interval_us !== undefined && interval_us !== intervalUs)
    throw new NotFoundError(`No bars of this interval; the simulated market has ${intervalUs} us`);
  const within = bars.filter((b) => b.ts_event_us >= (fromUs ?? 0) && b.ts_event_us <= to_us);
  const newest = fromUs === undefined;
  const chosen = newest ? within.slice(-limit) : within.slice(0, limit);
  const head = { symbol, intervalUs, source: SIMULATED, limit, newest };
  return barsReply(head, inOneBatch(chosen), { sources: [SIMULATED], view: 'repaired' }, format);
}

const NUMBERS = ['ts_event_us', 'open', 'high', 'low', 'close', 'volume'] as const;

async function* inOneBatch(bars: readonly Bar[]): AsyncGenerator<Batch> {
  const numbers = NUMBERS.map((name) => [name, Float64Array.from(bars, (bar) => bar[name])] as const);
  const trades = new Float64Array(bars.length).fill(Number.NaN);
  const flags = new Float64Array(bars.length);
  if (bars.length > 0)
    yield { rows: bars.length, columns: { ...Object.fromEntries(numbers), trades, flags } };
}

const FOR_STORED = ['source', 'symbol_at_us', 'resample_us', 'calendar'] as const;

function checkPlain(query: BarsQuery): void {
  const errors = FOR_STORED.filter((name) => query[name] !== undefined).map(errorOf);
  if (query.adjustment !== 'raw') errors.push(errorOf('adjustment'));
  if (query.gaps !== 'none') errors.push(errorOf('gaps'));
  if (isThreshold(query)) errors.push(errorOf('unit'));
  if (query.cursor !== undefined && cursorOf(query.cursor).source !== SIMULATED)
    errors.push({ pointer: 'query/cursor', expected: 'the next_cursor of a page of this symbol' });
  if (errors.length > 0)
    throw new InvalidOptionError(
      'Expected a plain range: bars of the simulated market come as they are',
      errors,
    );
}

function errorOf(name: string) {
  return { pointer: `query/${name}`, expected: 'nothing for a symbol of the simulated market' };
}
