// Messages of Coinbase Advanced Trade, stream and REST, as records. What is not as documented throws Unreadable.
import type {
  BarRecord,
  BookDelta,
  BookSnapshot,
  InstrumentRecord,
  Quote,
  Trade,
} from '../../../../src/market/records.ts';
import { decimalsOf } from '../../../../src/market/scale.ts';
import { MINUTE_US } from '../../../../src/market/sessions/days.ts';
import {
  decimalText,
  type Fields,
  finerText,
  idOf,
  isoUs,
  levelsOf,
  listOf,
  nameOf,
  objectOf,
  priceOf,
  sizeOf,
  Unreadable,
  wholeOf,
  wholeOrNull,
} from '../net/fields.ts';
import { timeBar } from '../net/time-bar.ts';
import type { Scales } from '../scales.ts';

export const SOURCE = 'coinbase';

/** Lengths of bars by their name at the REST interface. */
export const GRANULARITIES: Readonly<Record<string, number>> = {
  ONE_MINUTE: MINUTE_US,
  FIVE_MINUTE: 5 * MINUTE_US,
  FIFTEEN_MINUTE: 15 * MINUTE_US,
  THIRTY_MINUTE: 30 * MINUTE_US,
  ONE_HOUR: 60 * MINUTE_US,
  TWO_HOUR: 120 * MINUTE_US,
  FOUR_HOUR: 240 * MINUTE_US,
  SIX_HOUR: 360 * MINUTE_US,
  ONE_DAY: 1440 * MINUTE_US,
};

/** Bars of the stream have this length only. */
export const STREAM_BAR_US = 5 * MINUTE_US;

/** The time of a message of the stream. */
export interface Stamp {
  readonly tsEventUs: number;
  readonly tsEventText: string | undefined;
  readonly tsReceiveUs: number;
  readonly sequence: number;
}

/** Returns time and number of a message: the number counts the messages of the connection. */
export function stampOf(message: Fields, receivedUs: number): Stamp {
  return {
    tsEventUs: isoUs(message.timestamp, 'timestamp'),
    tsEventText: finerText(message.timestamp),
    tsReceiveUs: receivedUs,
    sequence: wholeOf(message.sequence_num, 'sequence_num'),
  };
}

/** Returns a trade of the stream or of REST. The side that the venue tells is that of the maker; here it is that of who took. */
export function readTrade(row: Fields, symbol: string, scales: Scales, receivedUs: number | null): Trade {
  const us = isoUs(row.time, 'time');
  const maker = row.side;
  if (maker !== 'BUY' && maker !== 'SELL') throw new Unreadable('side: neither BUY nor SELL');
  return {
    kind: 'trade',
    symbol,
    source: SOURCE,
    tsEventUs: us,
    tsEventText: finerText(row.time),
    tsReceiveUs: receivedUs ?? us,
    sequence: wholeOrNull(row.trade_id, 'trade_id'),
    flags: 0,
    ...scales.exactly(symbol, (scale) => ({
      price: priceOf(scale, row.price),
      size: sizeOf(scale, row.size),
    })),
    side: maker === 'SELL' ? 'buy' : 'sell',
    id: idOf(row.trade_id, 'trade_id'),
  };
}

/** Returns the best quote of the channel `ticker`; a side without orders is empty text. */
export function readTicker(row: Fields, symbol: string, scales: Scales, stamp: Stamp): Quote {
  return {
    kind: 'quote',
    symbol,
    source: SOURCE,
    ...stamp,
    flags: 0,
    ...scales.exactly(symbol, (scale) => ({
      bid: row.best_bid === '' ? 0 : priceOf(scale, row.best_bid),
      bidSize: row.best_bid === '' ? 0 : sizeOf(scale, row.best_bid_quantity),
      ask: row.best_ask === '' ? 0 : priceOf(scale, row.best_ask),
      askSize: row.best_ask === '' ? 0 : sizeOf(scale, row.best_ask_quantity),
    })),
  };
}

const SIDES: Readonly<Record<string, 'bids' | 'asks'>> = { bid: 'bids', offer: 'asks', ask: 'asks' };

/** Returns all that one message says of one book: a snapshot, or what changed. `previous` is the number of the message about it before. */
export function readBook(
  updates: readonly unknown[],
  snapshot: boolean,
  symbol: string,
  scales: Scales,
  stamp: Stamp,
  previous: number | null,
): BookSnapshot | BookDelta {
  const sides = { bids: [] as Fields[], asks: [] as Fields[] };
  for (const update of updates) {
    const level = objectOf(update, 'update');
    const side = SIDES[String(level.side)];
    if (side === undefined) throw new Unreadable('side: neither bid nor offer');
    sides[side].push(level);
  }
  // Whole books go best levels first, whatever their order in the message.
  if (snapshot) {
    sides.bids.sort((a, b) => Number(b.price_level) - Number(a.price_level));
    sides.asks.sort((a, b) => Number(a.price_level) - Number(b.price_level));
  }
  const book = {
    symbol,
    source: SOURCE,
    ...stamp,
    flags: 0,
    ...scales.exactly(symbol, (scale) => ({
      bids: levels(scale, sides.bids),
      asks: levels(scale, sides.asks),
    })),
    checksum: null,
  };
  return snapshot
    ? { kind: 'book_snapshot', ...book }
    : { kind: 'book_delta', ...book, firstSequence: null, previousSequence: previous };
}

function levels(scale: Parameters<typeof levelsOf>[0], sides: readonly Fields[]): number[] {
  return levelsOf(
    scale,
    sides,
    (level) => (level as Fields).price_level,
    (level) => (level as Fields).new_quantity,
  );
}

/** Returns a candle of the stream or of REST; `receivedUs` null for history. */
export function readCandle(
  row: Fields,
  symbol: string,
  interval: number,
  receivedUs: number | null,
): BarRecord {
  const startUs = wholeOf(row.start, 'start') * 1_000_000;
  return timeBar({ symbol, source: SOURCE, interval, receivedUs }, startUs, row, null);
}

/** Returns one product of `GET products`. */
export function readProduct(row: Fields, receivedUs: number): InstrumentRecord {
  const native = nameOf(row.product_id, 'product_id');
  const tickSize = decimalText(row.price_increment ?? row.quote_increment, 'price_increment');
  const lotSize = decimalText(row.base_increment, 'base_increment');
  return {
    kind: 'instrument',
    symbol: native,
    source: SOURCE,
    tsEventUs: receivedUs,
    tsReceiveUs: receivedUs,
    sequence: null,
    flags: 0,
    nativeSymbol: native,
    venue: SOURCE,
    assetClass: row.product_type === 'SPOT' ? 'spot' : row.product_type === 'FUTURE' ? 'future' : 'other',
    base: assetOf(row.base_currency_id),
    quote: assetOf(row.quote_currency_id),
    scale: { price: decimalsOf(tickSize), size: decimalsOf(lotSize) },
    tickSize,
    lotSize,
    status:
      row.trading_disabled === true || row.is_disabled === true
        ? 'halted'
        : row.status === 'online' || row.status === ''
          ? 'trading'
          : row.status === 'delisted'
            ? 'delisted'
            : 'unknown',
  };
}

/** Futures name no base currency. */
function assetOf(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

/** Rows of a list in a body of REST. */
export function rowsOf(body: unknown, name: string): Fields[] {
  return listOf(objectOf(body)[name], name).map((row) => objectOf(row, name));
}

/** `BTC-USD` is its own name there. */
export function nativeSymbol(symbol: string): string {
  return symbol.replace('/', '-').toUpperCase();
}
