// Messages of Binance, spot and USD-M futures, as records. What is not as documented throws Unreadable.
import type {
  BarRecord,
  BookDelta,
  BookSnapshot,
  Funding,
  InstrumentRecord,
  MarketRecord,
  Quote,
  Trade,
} from '../../../../src/market/records.ts';
import { decimalsOf } from '../../../../src/market/scale.ts';
import {
  decimalText,
  type Fields,
  levelsOf,
  listOf,
  nameOf,
  numberOf,
  objectOf,
  priceOf,
  sizeOf,
  Unreadable,
  wholeOf,
} from '../net/fields.ts';
import { timeBar } from '../net/time-bar.ts';
import type { Scales } from '../scales.ts';
import { INTERVALS, type Venue } from './venue.ts';

/** What a reader of messages needs to know. */
export interface Reading {
  readonly venue: Venue;
  readonly scales: Scales;
  /** Symbol of a native one; undefined when nobody wants it. */
  symbolOf(native: string): string | undefined;
}

// Spot counts microseconds when it is asked to, and milliseconds otherwise; futures always milliseconds.
const FIRST_MICROS = 1e14;

/** Returns a time in milliseconds or microseconds as microseconds. */
export function timeUs(value: unknown): number {
  const time = wholeOf(value, 'time');
  return time >= FIRST_MICROS ? time : time * 1000;
}

/** Returns the records of one message of a stream; none for what is not wanted any more or says nothing yet, as an open bar. */
export function readStream(data: Fields, reading: Reading, receivedUs: number): MarketRecord[] {
  const native = nameOf(data.s, 'symbol');
  const symbol = reading.symbolOf(native);
  if (symbol === undefined) return [];
  switch (data.e) {
    case 'trade':
      return [trade(data, data.t, symbol, reading, receivedUs)];
    case 'aggTrade':
      return [trade(data, data.a, symbol, reading, receivedUs)];
    case 'depthUpdate':
      return [delta(data, symbol, reading, receivedUs)];
    case 'kline':
      return bar(objectOf(data.k, 'k'), symbol, reading, receivedUs);
    case 'markPriceUpdate':
      return funding(data, symbol, reading, receivedUs);
    case 'bookTicker':
      return [quote(data, symbol, reading, receivedUs)];
    default:
      // Best quotes of spot name no event.
      if (data.e === undefined && data.A !== undefined) return [quote(data, symbol, reading, receivedUs)];
      throw new Unreadable('unknown event');
  }
}

function trade(
  data: Fields,
  id: unknown,
  symbol: string,
  { venue, scales }: Reading,
  receivedUs: number,
): Trade {
  if (typeof data.m !== 'boolean') throw new Unreadable('m: no side');
  const number = wholeOf(id, 'id');
  return {
    kind: 'trade',
    symbol,
    source: venue.id,
    tsEventUs: timeUs(data.T),
    tsReceiveUs: receivedUs,
    sequence: number,
    flags: 0,
    ...scales.exactly(symbol, (scale) => ({ price: priceOf(scale, data.p), size: sizeOf(scale, data.q) })),
    // `m`: the buyer was there before, so that the seller took.
    side: data.m ? 'sell' : 'buy',
    id: String(number),
  };
}

function quote(data: Fields, symbol: string, { venue, scales }: Reading, receivedUs: number): Quote {
  return {
    kind: 'quote',
    symbol,
    source: venue.id,
    // Spot says no time of its own.
    tsEventUs: data.T === undefined ? receivedUs : timeUs(data.T),
    tsReceiveUs: receivedUs,
    sequence: wholeOf(data.u, 'u'),
    flags: 0,
    ...scales.exactly(symbol, (scale) => ({
      bid: sideOf(scale.price(decimalText(data.b, 'b'))),
      bidSize: sizeOf(scale, data.B),
      ask: sideOf(scale.price(decimalText(data.a, 'a'))),
      askSize: sizeOf(scale, data.A),
    })),
  };
}

/** A side that is empty has price 0. */
function sideOf(ticks: number): number {
  if (!(ticks >= 0)) throw new Unreadable('price: below 0, or not exact');
  return ticks;
}

function delta(data: Fields, symbol: string, { venue, scales }: Reading, receivedUs: number): BookDelta {
  return {
    kind: 'book_delta',
    symbol,
    source: venue.id,
    tsEventUs: timeUs(data.T ?? data.E),
    tsReceiveUs: receivedUs,
    sequence: wholeOf(data.u, 'u'),
    firstSequence: wholeOf(data.U, 'U'),
    previousSequence: venue.futures ? wholeOf(data.pu, 'pu') : null,
    flags: 0,
    ...scales.exactly(symbol, (scale) => ({ bids: levels(scale, data.b), asks: levels(scale, data.a) })),
    checksum: null,
  };
}

function levels(scale: Parameters<typeof levelsOf>[0], value: unknown): number[] {
  return levelsOf(
    scale,
    listOf(value, 'levels'),
    (level) => listOf(level, 'level')[0],
    (level) => (level as unknown[])[1],
  );
}

function bar(k: Fields, symbol: string, { venue }: Reading, receivedUs: number): BarRecord[] {
  if (typeof k.x !== 'boolean') throw new Unreadable('x: neither open nor closed');
  if (!k.x) return [];
  const interval = INTERVALS[nameOf(k.i, 'i')];
  if (interval === undefined) throw new Unreadable('i: unknown interval');
  const told = { open: k.o, high: k.h, low: k.l, close: k.c, volume: k.v };
  return [timeBar({ symbol, source: venue.id, interval, receivedUs }, timeUs(k.t), told, wholeOf(k.n, 'n'))];
}

function funding(data: Fields, symbol: string, { venue }: Reading, receivedUs: number): Funding[] {
  // Contracts with a last day have no funding.
  if (data.r === '') return [];
  return [
    {
      kind: 'funding',
      symbol,
      source: venue.id,
      tsEventUs: timeUs(data.E),
      tsReceiveUs: receivedUs,
      sequence: null,
      flags: 0,
      rate: numberOf(data.r, 'r'),
      intervalUs: null,
      markPrice: numberOf(data.p, 'p'),
    },
  ];
}

/** Returns the book of `GET depth`. */
export function readDepth(
  body: unknown,
  symbol: string,
  { venue, scales }: Reading,
  receivedUs: number,
): BookSnapshot {
  const data = objectOf(body, 'depth');
  return {
    kind: 'book_snapshot',
    symbol,
    source: venue.id,
    tsEventUs: data.T === undefined ? receivedUs : timeUs(data.T),
    tsReceiveUs: receivedUs,
    sequence: wholeOf(data.lastUpdateId, 'lastUpdateId'),
    flags: 0,
    ...scales.exactly(symbol, (scale) => ({
      bids: levels(scale, data.bids),
      asks: levels(scale, data.asks),
    })),
    checksum: null,
  };
}

/** Returns one row of `GET klines`. */
export function readKline(row: unknown, symbol: string, interval: number, venue: Venue): BarRecord {
  const [start, open, high, low, close, volume, , , trades] = listOf(row, 'kline');
  const from = { symbol, source: venue.id, interval, receivedUs: null };
  return timeBar(from, timeUs(start), { open, high, low, close, volume }, wholeOf(trades, 'trades'));
}

/** Returns one row of `GET historicalTrades` (spot) or `GET aggTrades` (futures): the same trades as those of the stream, by id. */
export function readTrade(row: unknown, symbol: string, reading: Reading): Trade {
  const data = objectOf(row, 'trade');
  const fields = reading.venue.futures
    ? data
    : { p: data.price, q: data.qty, T: data.time, m: data.isBuyerMaker };
  const record = trade(fields, reading.venue.futures ? data.a : data.id, symbol, reading, 0);
  return { ...record, tsReceiveUs: record.tsEventUs };
}

/** Returns one row of `GET fundingRate`. */
export function readFunding(row: unknown, symbol: string, venue: Venue): Funding {
  const data = objectOf(row, 'funding');
  const us = timeUs(data.fundingTime);
  return {
    kind: 'funding',
    symbol,
    source: venue.id,
    tsEventUs: us,
    tsReceiveUs: us,
    sequence: null,
    flags: 0,
    rate: numberOf(data.fundingRate, 'fundingRate'),
    intervalUs: null,
    markPrice:
      data.markPrice === undefined || data.markPrice === '' ? null : numberOf(data.markPrice, 'markPrice'),
  };
}

/** Returns one instrument of `GET exchangeInfo`. */
export function readInstrument(row: unknown, venue: Venue, receivedUs: number): InstrumentRecord {
  const data = objectOf(row, 'symbol');
  const base = nameOf(data.baseAsset, 'baseAsset');
  const quote = nameOf(data.quoteAsset, 'quoteAsset');
  const filters = listOf(data.filters, 'filters').map((filter) => objectOf(filter, 'filter'));
  const tickSize = step(filters, 'PRICE_FILTER', 'tickSize');
  const lotSize = step(filters, 'LOT_SIZE', 'stepSize');
  const native = nameOf(data.symbol, 'symbol');
  // Dated contracts carry their last day: `BTCUSDT_260925`.
  const dated = native.includes('_') ? native.slice(native.indexOf('_')) : '';
  return {
    kind: 'instrument',
    symbol: `${base}-${quote}${dated}`,
    source: venue.id,
    tsEventUs: receivedUs,
    tsReceiveUs: receivedUs,
    sequence: null,
    flags: 0,
    nativeSymbol: native,
    venue: venue.id,
    assetClass: !venue.futures ? 'spot' : data.contractType === 'PERPETUAL' ? 'perpetual' : 'future',
    base,
    quote,
    scale: { price: decimalsOf(tickSize ?? '0'), size: decimalsOf(lotSize ?? '0') },
    tickSize,
    lotSize,
    status:
      data.status === 'TRADING'
        ? 'trading'
        : data.status === 'BREAK' || data.status === 'HALT'
          ? 'halted'
          : 'unknown',
  };
}

function step(filters: readonly Fields[], type: string, field: string): string | null {
  const filter = filters.find((each) => each.filterType === type);
  if (!filter) return null;
  const text = decimalText(filter[field], field);
  return Number(text) === 0 ? null : text.replace(/(\.\d*?)0+$/, '$1').replace(/\.$/, '');
}
