// Messages of Kraken's WebSocket v2 and REST interface as records. What is not as documented throws Unreadable.
import type {
  BarRecord,
  BookDelta,
  BookSnapshot,
  InstrumentRecord,
  Quote,
  Trade,
} from '../../../../src/market/records.ts';
import type { Scale } from '../../../../src/market/scale.ts';
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

export const SOURCE = 'kraken';

/** Lengths of bars in minutes. */
export const INTERVALS_MIN = [1, 5, 15, 30, 60, 240, 1440, 10_080, 21_600];

const shared = (symbol: string, tsEventUs: number, tsReceiveUs: number) => ({
  symbol,
  source: SOURCE,
  tsEventUs,
  tsReceiveUs,
  sequence: null,
  flags: 0,
});

/** Returns one trade of the channel `trade`; its side is that of who took. */
export function readTrade(row: Fields, symbol: string, scales: Scales, receivedUs: number): Trade {
  const id = idOf(row.trade_id, 'trade_id');
  return {
    kind: 'trade',
    ...shared(symbol, isoUs(row.timestamp, 'timestamp'), receivedUs),
    tsEventText: finerText(row.timestamp),
    sequence: wholeOrNull(row.trade_id, 'trade_id'),
    ...scales.exactly(symbol, (scale) => ({
      price: priceOf(scale, row.price),
      size: sizeOf(scale, row.qty),
    })),
    side: sideOf(row.side, 'buy', 'sell'),
    id,
  };
}

function sideOf(value: unknown, buy: string, sell: string): 'buy' | 'sell' {
  if (value !== buy && value !== sell) throw new Unreadable('side: neither buy nor sell');
  return value === buy ? 'buy' : 'sell';
}

/** Returns the best quote of the channel `ticker`. */
export function readTicker(row: Fields, symbol: string, scales: Scales, receivedUs: number): Quote {
  return {
    kind: 'quote',
    ...shared(
      symbol,
      row.timestamp === undefined ? receivedUs : isoUs(row.timestamp, 'timestamp'),
      receivedUs,
    ),
    ...scales.exactly(symbol, (scale) => ({
      bid: priceOf(scale, row.bid),
      bidSize: sizeOf(scale, row.bid_qty),
      ask: priceOf(scale, row.ask),
      askSize: sizeOf(scale, row.ask_qty),
    })),
  };
}

/** Returns a message of the channel `book`: a snapshot, or what changed. */
export function readBook(
  row: Fields,
  snapshot: boolean,
  symbol: string,
  scales: Scales,
  receivedUs: number,
): BookSnapshot | BookDelta {
  const book = {
    ...shared(
      symbol,
      row.timestamp === undefined ? receivedUs : isoUs(row.timestamp, 'timestamp'),
      receivedUs,
    ),
    ...scales.exactly(symbol, (scale) => ({ bids: levels(scale, row.bids), asks: levels(scale, row.asks) })),
    checksum: wholeOf(row.checksum, 'checksum'),
  };
  return snapshot
    ? { kind: 'book_snapshot', ...book }
    : { kind: 'book_delta', ...book, firstSequence: null, previousSequence: null };
}

function levels(scale: Parameters<typeof levelsOf>[0], value: unknown): number[] {
  return levelsOf(
    scale,
    listOf(value, 'levels'),
    (level) => objectOf(level, 'level').price,
    (level) => (level as Fields).qty,
  );
}

/** Returns one bar of the channel `ohlc`, as it stands. */
export function readOhlc(row: Fields, symbol: string, receivedUs: number): BarRecord {
  const interval = wholeOf(row.interval, 'interval') * MINUTE_US;
  const startUs = isoUs(row.interval_begin, 'interval_begin');
  return timeBar(
    { symbol, source: SOURCE, interval, receivedUs },
    startUs,
    row,
    wholeOf(row.trades, 'trades'),
  );
}

const STATUS: Readonly<Record<string, InstrumentRecord['status']>> = {
  online: 'trading',
  limit_only: 'trading',
  post_only: 'trading',
  cancel_only: 'halted',
  maintenance: 'halted',
  work_in_progress: 'halted',
  reduce_only: 'trading',
  delisted: 'delisted',
};

/** Returns one pair of the channel `instrument`, with the precisions that checksums of its book are made with. */
export function readPair(row: Fields, receivedUs: number): InstrumentRecord {
  return instrument(
    nameOf(row.symbol, 'symbol'),
    {
      price: wholeOf(row.price_precision, 'price_precision'),
      size: wholeOf(row.qty_precision, 'qty_precision'),
    },
    decimalText(row.price_increment, 'price_increment'),
    decimalText(row.qty_increment, 'qty_increment'),
    row.status,
    receivedUs,
  );
}

/** Returns one pair of `GET AssetPairs`. */
export function readAssetPair(row: Fields, receivedUs: number): InstrumentRecord {
  const price = wholeOf(row.pair_decimals, 'pair_decimals');
  const size = wholeOf(row.lot_decimals, 'lot_decimals');
  const tick = row.tick_size === undefined ? null : decimalText(row.tick_size, 'tick_size');
  return instrument(
    nameOf(row.wsname, 'wsname').split('/').map(commonAsset).join('/'),
    { price, size },
    tick,
    size === 0 ? '1' : `0.${'1'.padStart(size, '0')}`,
    row.status,
    receivedUs,
  );
}

function instrument(
  native: string,
  scale: Scale,
  tickSize: string | null,
  lotSize: string,
  status: unknown,
  receivedUs: number,
): InstrumentRecord {
  const [base, quote] = native.split('/');
  if (base === undefined || quote === undefined) throw new Unreadable('symbol: no pair');
  return {
    kind: 'instrument',
    ...shared(`${base}-${quote}`, receivedUs, receivedUs),
    nativeSymbol: native,
    venue: SOURCE,
    assetClass: 'spot',
    base,
    quote,
    scale,
    tickSize,
    lotSize,
    status: STATUS[String(status)] ?? 'unknown',
  };
}

/** Returns one row of `GET OHLC`: time, open, high, low, close, vwap, volume, trades. */
export function readOhlcRow(row: unknown, symbol: string, interval: number): BarRecord {
  const [time, open, high, low, close, , volume, trades] = listOf(row, 'ohlc');
  const startUs = wholeOf(time, 'time') * 1_000_000;
  const from = { symbol, source: SOURCE, interval, receivedUs: null };
  return timeBar(from, startUs, { open, high, low, close, volume }, wholeOf(trades, 'trades'));
}

/** Returns one row of `GET Trades`: price, volume, time in seconds, side, kind of order, other, id. */
export function readTradeRow(row: unknown, symbol: string, scales: Scales): Trade {
  const [price, volume, time, side, , , id] = listOf(row, 'trade');
  const text = decimalText(time, 'time');
  const [seconds, fraction = ''] = text.split('.');
  const us = Number(seconds) * 1_000_000 + Number(fraction.padEnd(6, '0').slice(0, 6));
  return {
    kind: 'trade',
    ...shared(symbol, us, us),
    tsEventText: /\.\d{6}\d*[1-9]/.test(text) ? text : undefined,
    sequence: wholeOf(id, 'id'),
    ...scales.exactly(symbol, (scale) => ({ price: priceOf(scale, price), size: sizeOf(scale, volume) })),
    side: sideOf(side, 'b', 's'),
    id: idOf(id, 'id'),
  };
}

/** Names of REST that differ from those of the stream. */
const REST_ASSETS: Readonly<Record<string, string>> = { BTC: 'XBT', DOGE: 'XDG' };
const COMMON_ASSETS = Object.fromEntries(Object.entries(REST_ASSETS).map(([common, rest]) => [rest, common]));

function commonAsset(asset: string): string {
  return COMMON_ASSETS[asset] ?? asset;
}

/** `BTC-USD` is `BTC/USD`. */
export function nativeSymbol(symbol: string): string {
  return symbol.replace('-', '/').toUpperCase();
}

/** `BTC/USD` is `XBTUSD` for the REST interface. */
export function restPair(native: string): string {
  return native
    .split('/')
    .map((asset) => REST_ASSETS[asset] ?? asset)
    .join('');
}
