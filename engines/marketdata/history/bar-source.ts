// Where bars of time come from: from the table, or from the trades that are stored where no such bars are.
import { TradeAggregator } from '../../../src/market/aggregate/aggregator.ts';
import type { AggregateBar } from '../../../src/market/aggregate/columns.ts';
import { TimeGrid } from '../../../src/market/aggregate/time-grid.ts';
import { FLAGS } from '../../../src/market/flags.ts';
import type { BarRecord, Trade } from '../../../src/market/records.ts';
import { numberOf } from '../../../src/market/scale.ts';
import type { Calendar } from '../../../src/market/sessions/calendar.ts';
import { DAY_US } from '../../../src/market/sessions/days.ts';
import type { History } from './history.ts';
import type { Batch, View } from './reader.ts';
import { LAST_US, type NamedRange } from './view.ts';

/** Times of bars, inclusive. */
export interface BarRange {
  readonly fromUs?: number | undefined;
  readonly toUs?: number | undefined;
  /** Default `repaired`. */
  readonly view?: View | undefined;
}

/** The bars of time of one symbol, source and length. */
export interface BarSource {
  /** Yields the bars of a range in order; at its ends there may be more, the first of them not whole. */
  read(range: BarRange): AsyncGenerator<readonly BarRecord[]>;
  /** The newest price at or before a time, as a bar; null when there is none. */
  at(us: number): Promise<BarRecord | null>;
  /** The first bar at or after a time; null when there is none. */
  next(us: number): Promise<BarRecord | null>;
}

/** Which bars. */
export interface BarSeries {
  readonly symbol: string;
  readonly names?: readonly NamedRange[] | undefined;
  readonly source: string;
  readonly intervalUs: number;
  readonly signal?: AbortSignal | undefined;
}

/** Returns the bars of the table. */
export function storedBars(
  history: History,
  { symbol, names, source, intervalUs, signal }: BarSeries,
): BarSource {
  const series = { kind: 'bar', symbol, names, source, interval: intervalUs, unit: 'time', signal } as const;
  return {
    read: (range) => history.records({ ...series, ...range }),
    at: (atUs) => history.recordAt({ ...series, atUs }),
    next: (fromUs) => first(history.records({ ...series, fromUs, limit: 1 })),
  };
}

/** No market is closed for longer. */
const LONGEST_CLOSED_US = 60 * DAY_US;

/** Columns of trades that bars are made of; bars of imbalance need `side` too. */
export const TRADE_COLUMNS = ['ts_event_us', 'price', 'size', 'price_decimals', 'size_decimals'];

/** Gives the trades of a batch to an aggregator, without sides where it has none; `at` is told the row of each before it is pushed. */
export function pushTrades(
  aggregator: TradeAggregator,
  { rows, columns }: Batch,
  at?: (row: number) => void,
): void {
  const { ts_event_us: tsUs, price, size, side } = columns as Record<string, Float64Array>;
  const { price_decimals: priceDecimals, size_decimals: sizeDecimals } = columns as Record<
    string,
    Float64Array
  >;
  for (let i = 0; i < rows; i++) {
    at?.(i);
    // A side that the venue does not say is NaN.
    const sign = side === undefined ? 0 : side[i]! > 0 ? 1 : side[i]! < 0 ? -1 : 0;
    const traded = numberOf(size![i]!, sizeDecimals![i]!);
    aggregator.push(tsUs![i]!, numberOf(price![i]!, priceDecimals![i]!), traded, sign);
  }
}

/**
 * Returns the bars that the stored trades make: intervals from the epoch or, with a calendar and of at most a day, from the open of each session.
 * The last one is as far as its trades go.
 */
export function barsOfStoredTrades(
  history: History,
  { symbol, names, source, intervalUs, signal }: BarSeries,
  calendar: Calendar | null,
): BarSource {
  const align = calendar !== null && intervalUs <= DAY_US ? 'session' : 'epoch';
  const series = { kind: 'trade', symbol, names, source, signal } as const;
  const spec = { unit: 'time', interval: intervalUs, align } as const;
  const grid = new TimeGrid(spec, calendar);
  const barOf = ({ tsUs, lastUs, open, high, low, close, volume, trades }: AggregateBar): BarRecord => ({
    kind: 'bar',
    symbol,
    source,
    tsEventUs: tsUs,
    tsReceiveUs: lastUs,
    sequence: null,
    flags: volume === 0 ? FLAGS.zero_volume.bit : 0,
    unit: 'time',
    interval: intervalUs,
    open,
    high,
    low,
    close,
    volume,
    trades,
    adjusted: [],
  });
  // Trades outside of the sessions make no bar: `find` is asked again from the session beside them.
  const nearest = async (
    find: (us: number) => Promise<Trade | null>,
    fromUs: number,
    beside: (us: number) => number | undefined,
  ) => {
    let us: number | undefined = fromUs;
    while (us !== undefined) {
      const trade = await find(us);
      if (trade === null) return null;
      if (grid.find(trade.tsEventUs)) {
        const price = numberOf(trade.price, trade.scale.price);
        const prices = { open: price, high: price, low: price, close: price };
        const of = { tsUs: grid.startUs, lastUs: trade.tsEventUs, volume: 0, notional: 0, trades: 1 };
        return barOf({ ...of, ...prices });
      }
      us = beside(trade.tsEventUs);
    }
    return null;
  };
  const closeBefore = (us: number) => {
    const last = [...calendar!.sessions(us - LONGEST_CLOSED_US, us)].at(-1);
    return last && last.closeUs - 1;
  };
  return {
    async *read({ fromUs, toUs, view }) {
      const bars: BarRecord[] = [];
      const aggregator = new TradeAggregator(spec, (bar) => void bars.push(barOf(bar)), calendar);
      // The last bar of the range begins at its end at the latest.
      const until = toUs === undefined ? undefined : Math.min(toUs + intervalUs - 1, LAST_US);
      for await (const batch of history.batches({
        ...series,
        fromUs,
        toUs: until,
        view,
        columns: TRADE_COLUMNS,
      })) {
        pushTrades(aggregator, batch);
        if (bars.length > 0) yield bars.splice(0);
      }
      aggregator.flush();
      yield bars;
    },
    at: (us) => nearest((atUs) => history.recordAt({ ...series, atUs }), us, closeBefore),
    next: (us) =>
      nearest(
        (fromUs) => first(history.records({ ...series, fromUs, limit: 1 })),
        us,
        (closedUs) => calendar!.next(closedUs)?.openUs,
      ),
  };
}

async function first<T>(batches: AsyncGenerator<readonly T[]>): Promise<T | null> {
  for await (const [one] of batches) return one ?? null;
  return null;
}
