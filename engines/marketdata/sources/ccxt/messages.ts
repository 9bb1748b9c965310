// The unified structures of ccxt as records. Their times are milliseconds.
import type {
  BarRecord,
  BookSnapshot,
  InstrumentRecord,
  Quote,
  Trade,
} from '../../../../src/market/records.ts';
import { decimalsOf } from '../../../../src/market/scale.ts';
import { decimalOf } from '../net/json.ts';
import type { Scales } from '../scales.ts';
import { finite } from '../skipped.ts';
import type { Market, OrderBook, Row, Ticker, Trade as Told } from './unified.ts';

/** What a record needs beside what the exchange said. */
export interface From {
  readonly symbol: string;
  readonly source: string;
  readonly scales: Scales;
  /** Absent for history: the time of the exchange then counts as that of receipt. */
  readonly receivedUs?: number;
}

function stamped({ symbol, source, receivedUs }: From, ms: number) {
  const tsEventUs = Math.round(ms * 1000);
  return { symbol, source, tsEventUs, tsReceiveUs: receivedUs ?? tsEventUs, flags: 0 };
}

/** Returns a trade, or null when it lacks time, price or size. */
export function tradeOf(from: From, trade: Told): Trade | null {
  const ms = finite(trade.timestamp);
  const exact = from.scales.exact(from.symbol, [trade.price], [trade.amount]);
  if (ms === null || !exact) return null;
  return {
    ...stamped(from, ms),
    kind: 'trade',
    sequence: null,
    scale: exact.scale,
    price: exact.prices[0]!,
    size: exact.sizes[0]!,
    side: trade.side === 'buy' || trade.side === 'sell' ? trade.side : null,
    id: textOf(trade.id),
  };
}

/** Returns what tells a trade from others: its id, or all that it says where it has none. */
export function keyOf({ id, timestamp, price, amount, side }: Told): string {
  return textOf(id) ?? `${timestamp} ${price} ${amount} ${side}`;
}

/** Returns a bar, or null when a number is missing. */
export function barOf(from: From, intervalUs: number, row: Row): BarRecord | null {
  const [ms, open, high, low, close, volume] = row.map(finite);
  if (ms == null || open == null || high == null || low == null || close == null || volume == null)
    return null;
  return {
    ...stamped(from, ms),
    kind: 'bar',
    sequence: null,
    unit: 'time',
    interval: intervalUs,
    open,
    high,
    low,
    close,
    volume,
    trades: null,
    adjusted: [],
  };
}

/** Returns the best prices of a ticker, or null when it has none. A side that is empty is 0; without a time, that of receipt. */
export function quoteOf(from: From, ticker: Ticker): Quote | null {
  const { bid, ask, bidVolume, askVolume } = ticker;
  if (bid === undefined && ask === undefined) return null;
  const exact = from.scales.exact(from.symbol, [bid ?? 0, ask ?? 0], [bidVolume ?? 0, askVolume ?? 0]);
  const ms = finite(ticker.timestamp) ?? (from.receivedUs === undefined ? null : from.receivedUs / 1000);
  if (ms === null || !exact) return null;
  return {
    ...stamped(from, ms),
    kind: 'quote',
    sequence: null,
    scale: exact.scale,
    bid: exact.prices[0]!,
    ask: exact.prices[1]!,
    bidSize: exact.sizes[0]!,
    askSize: exact.sizes[1]!,
  };
}

/** Returns the `depth` best levels of a book, or null when a level is no pair of numbers. */
export function snapshotOf(from: From, book: OrderBook, depth: number): BookSnapshot | null {
  const bids = book.bids.slice(0, depth);
  const asks = book.asks.slice(0, depth);
  const levels = [...bids, ...asks];
  const exact = from.scales.exact(
    from.symbol,
    levels.map((level) => level[0]),
    levels.map((level) => level[1]),
  );
  const ms = finite(book.timestamp) ?? (from.receivedUs === undefined ? null : from.receivedUs / 1000);
  if (ms === null || !exact) return null;
  const flat = exact.prices.flatMap((price, at) => [price, exact.sizes[at]!]);
  const nonce = finite(book.nonce);
  return {
    ...stamped(from, ms),
    kind: 'book_snapshot',
    sequence: nonce !== null && Number.isSafeInteger(nonce) ? nonce : null,
    scale: exact.scale,
    bids: flat.slice(0, bids.length * 2),
    asks: flat.slice(bids.length * 2),
    checksum: null,
  };
}

/** Returns a text that is not empty, else null. */
function textOf(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

/** How ccxt writes the precision of markets: as the smallest step. */
const TICK_SIZE = 4;

/** Returns the steps of price and size of a market as decimal text; null when the exchange does not say. */
export function stepsOf(
  market: Market,
  precisionMode: number,
): { price: string | null; size: string | null } {
  if (precisionMode !== TICK_SIZE) return { price: null, size: null };
  return { price: decimalOf(market.precision?.price), size: decimalOf(market.precision?.amount) };
}

/** Returns a market as an instrument, or null for a kind of market that has no prices. */
export function instrumentOf(
  from: From,
  market: Market,
  precisionMode: number,
  nowUs: number,
): InstrumentRecord | null {
  const nativeSymbol = textOf(market.symbol);
  if (nativeSymbol === null) return null;
  const steps = stepsOf(market, precisionMode);
  const classes = { spot: 'spot', swap: 'perpetual', future: 'future', option: 'option' } as const;
  return {
    kind: 'instrument',
    symbol: from.symbol,
    source: from.source,
    tsEventUs: nowUs,
    tsReceiveUs: nowUs,
    sequence: null,
    flags: 0,
    nativeSymbol,
    venue: from.source.slice('ccxt:'.length),
    assetClass: classes[market.type as keyof typeof classes] ?? 'other',
    base: textOf(market.base),
    quote: textOf(market.quote),
    scale: from.scales.atLeast(from.symbol, decimalsOf(steps.price ?? '0'), decimalsOf(steps.size ?? '0')),
    tickSize: steps.price,
    lotSize: steps.size,
    status: typeof market.active !== 'boolean' ? 'unknown' : market.active ? 'trading' : 'halted',
  };
}
