// Where the returns of a portfolio come from: the body, a table, or the bars of the stream.
import {
  InsufficientHistoryError,
  InvalidOptionError,
  NautilusError,
  pointerPart,
  ShapeMismatchError,
  TooLargeError,
} from '../../../../src/core/errors.ts';
import type { Frame } from '../../../../src/learning/tables/frame.ts';
import { DAY_US, durationUs, inferPeriodsPerYear, YEAR_US } from '../../../../src/trading/periods.ts';
import { type AlignedReturns, ReturnHistory } from '../../../../src/trading/return-history.ts';
import type { DatasetStore } from '../../datasets/store.ts';
import type { MarketHistory } from '../../market-history.ts';
import { refused } from './book.ts';
import type { PortfolioRequest } from './schemas.ts';

/** Fewer returns than this make no risk worth the name. */
export const MIN_HISTORY = 30;
/** Most returns that are taken of a table: the newest ones. */
export const MAX_HISTORY = 2520;
/** Most numbers of a table that a request reads. */
export const MAX_CELLS = 2_000_000;

/** Returns of symbols, whatever they come from. */
export interface Source {
  readonly source: 'returns' | 'dataset' | 'stream';
  /** Returns kept of a symbol; 0 for one that is unknown. */
  readonly length: (symbol: string) => number;
  readonly price: (symbol: string) => number | undefined;
  /** Returns what all symbols share. Throws ShapeMismatchError, InvalidOptionError. */
  readonly aligned: (symbols: readonly string[]) => AlignedReturns;
  /** Microseconds of one bar of the symbols that were aligned. */
  readonly intervalUs: (symbols: readonly string[], aligned: AlignedReturns) => number;
}

/** What sources are made from. */
export interface HistoryParts {
  readonly history: MarketHistory;
  readonly datasets: Pick<DatasetStore, 'get' | 'open'>;
}

/** Returns where a body says that returns of `symbols` come from. Throws NotFoundError, DatasetIntegrityError, TooLargeError for a table. */
export async function sourceOf(
  body: PortfolioRequest,
  symbols: readonly string[],
  { history, datasets }: HistoryParts,
): Promise<Source> {
  if (body.returns) return postedSource(body.returns, durationUs(body.returns_interval));
  if (body.dataset_id === undefined) return streamSource(history);
  const { rows, columns } = await datasets.get(body.dataset_id);
  if (rows * columns.length > MAX_CELLS) {
    throw new TooLargeError(
      `Expected a table of at most ${MAX_CELLS} numbers for an assessment`,
      MAX_CELLS * Float64Array.BYTES_PER_ELEMENT,
    );
  }
  const { frame } = await datasets.open(body.dataset_id);
  return tableSource(frame, symbols, body.price_column.toLowerCase());
}

/** Posted returns: one distance, ending now as far as anybody knows, so that their times are counted from 0. */
function postedSource(posted: Readonly<Record<string, readonly number[]>>, intervalUs: number): Source {
  const of = new Map(Object.entries(posted));
  return {
    source: 'returns',
    length: (symbol) => of.get(symbol)?.length ?? 0,
    price: () => undefined,
    intervalUs: () => intervalUs,
    aligned(symbols) {
      const lists = symbols.map((symbol) => of.get(symbol)!);
      const bars = lists[0]?.length ?? 0;
      for (const [i, list] of lists.entries()) {
        if (list.length === bars) continue;
        const expected = `${bars} returns, as many as of the first symbol`;
        throw new ShapeMismatchError(`Expected ${expected}`, [
          { pointer: `/returns/${pointerPart(symbols[i]!)}`, expected },
        ]);
      }
      const returns = new Float64Array(bars * lists.length);
      for (const [i, list] of lists.entries())
        for (let bar = 0; bar < bars; bar++) returns[bar * lists.length + i] = list[bar]!;
      return { returns, bars, times: Float64Array.from({ length: bars }, (_, i) => (i + 1) * intervalUs) };
    },
  };
}

function streamSource(history: MarketHistory): Source {
  return {
    source: 'stream',
    length: (symbol) => history.length(symbol),
    price: (symbol) => history.mark(symbol)?.price,
    aligned: (symbols) => history.aligned(symbols),
    intervalUs(symbols) {
      const [first, ...others] = symbols.map((symbol) => history.intervalUs(symbol)!);
      if (others.some((one) => one !== first))
        throw new InvalidOptionError('Expected symbols whose bars have one length on the stream');
      return first!;
    },
  };
}

/** A table with a column of symbols, or with one column of closes for each; of others than `symbols` nothing is kept. */
function tableSource(frame: Frame, symbols: readonly string[], priceColumn: string): Source {
  const history = new ReturnHistory({ bars: MAX_HISTORY, maxSymbols: Number.POSITIVE_INFINITY });
  const isLong = frame.series.some((name) => name !== '');
  const named = frame.columns.get(priceColumn);
  if (isLong && !named) throw refused('/price_column', 'a column of the table');
  // Columns have lower-case names, and symbols are what the body says.
  const place = (symbol: string) => (isLong ? symbol : symbol.toLowerCase());
  const take = (symbol: string, close: number, row: number) => {
    if (close > 0) history.update({ symbol, close, source: 'table', interval_us: 0 }, frame.tsUs[row]!);
  };
  const wanted = new Set(symbols.map(place));
  const isWanted = frame.series.map((name) => wanted.has(name));
  const columns = [...frame.columns].filter(([name]) => wanted.has(name));
  for (let row = 0; row < frame.rows; row++) {
    const of = frame.seriesOf[row]!;
    if (!isLong) for (const [name, values] of columns) take(name, values[row]!, row);
    else if (isWanted[of]) take(frame.series[of]!, named![row]!, row);
  }
  return {
    source: 'dataset',
    length: (symbol) => history.length(place(symbol)),
    price: (symbol) => history.mark(place(symbol))?.price,
    aligned: (some) => history.aligned(some.map(place)),
    intervalUs: (_, { times }) => medianGap(times),
  };
}

function medianGap(times: Float64Array): number {
  const gaps = times.slice(1).map((time, i) => time - times[i]!);
  gaps.sort();
  return gaps[gaps.length >> 1] ?? 0;
}

/** Returns `asked`, or the bars of a year: of posted returns by their distance alone, else as `inferPeriodsPerYear` says. */
export function periodsOf(
  asked: number | undefined,
  source: Source,
  times: Float64Array,
  intervalUs: number,
) {
  if (asked !== undefined) return asked;
  if (source.source === 'returns') return intervalUs === DAY_US ? 252 : YEAR_US / intervalUs;
  return inferPeriodsPerYear(times).periods_per_year;
}

/** 422: a position has no history, with its place in the body. */
export class UnknownSymbolError extends NautilusError {
  constructor(pointer: string, source: Source['source']) {
    const where = { returns: 'in returns', dataset: 'in the table', stream: 'on market.live_data' }[source];
    const expected = `a symbol with at least 2 bars ${where}; unknown: exclude leaves it out`;
    super('unknown-symbol', 422, 'Unknown symbol', `Expected ${expected} for ${pointer}`, {
      errors: [{ pointer, expected }],
    });
  }
}

/** Throws InsufficientHistoryError when symbols share too few bars. */
export function checkBars(bars: number): void {
  if (bars >= MIN_HISTORY) return;
  throw new InsufficientHistoryError(
    `Expected at least ${MIN_HISTORY} returns at times that all positions share, was ${bars}`,
    MIN_HISTORY,
    bars,
  );
}
