// The two markets of Binance as data: what differs between spot and USD-M futures.
import type { MarketKind } from '../../../../src/market/records.ts';
import { MINUTE_US } from '../../../../src/market/sessions/days.ts';
import type { Wanted } from '../port.ts';

/** One market. Addresses, limits and names are those of https://developers.binance.com/docs. */
export interface Venue {
  readonly id: 'binance' | 'binance-usdm';
  readonly title: string;
  readonly rest: string;
  readonly stream: string;
  /** Paths of the stream; each is a connection of its own. */
  readonly paths: readonly string[];
  readonly kinds: readonly MarketKind[];
  readonly historical: readonly MarketKind[];
  readonly api: string;
  /** Levels of a side that a snapshot may be asked for, least first, and what each weighs. */
  readonly depths: readonly (readonly [levels: number, weight: number])[];
  readonly infoWeight: number;
  readonly klinesWeight: number;
  readonly tradesWeight: number;
  /** Weight of requests per minute of one address. */
  readonly weightPerMinute: number;
  /** Messages that are sent in any second, less than allowed as answers to the venue's pings count too, and streams of one connection. */
  readonly sendsPerSecond: number;
  readonly streams: number;
  readonly futures: boolean;
}

export const SPOT: Venue = {
  id: 'binance',
  title: 'Binance spot',
  rest: 'https://api.binance.com',
  stream: 'wss://stream.binance.com:9443',
  paths: ['/stream?timeUnit=MICROSECOND'],
  kinds: ['trade', 'quote', 'book_delta', 'book_snapshot', 'bar'],
  historical: ['trade', 'bar'],
  api: '/api/v3',
  depths: [
    [100, 5],
    [500, 25],
    [1000, 50],
    [5000, 250],
  ],
  infoWeight: 20,
  klinesWeight: 2,
  tradesWeight: 25,
  weightPerMinute: 6000,
  sendsPerSecond: 4,
  streams: 1024,
  futures: false,
};

export const USDM: Venue = {
  id: 'binance-usdm',
  title: 'Binance USD-M futures',
  rest: 'https://fapi.binance.com',
  stream: 'wss://fstream.binance.com',
  // Books and best quotes come by the first, what is computed (aggregated trades, bars, mark prices) by the second.
  paths: ['/public/stream', '/market/stream'],
  kinds: ['trade', 'quote', 'book_delta', 'book_snapshot', 'bar', 'funding'],
  historical: ['trade', 'bar', 'funding'],
  api: '/fapi/v1',
  depths: [
    [50, 2],
    [100, 5],
    [500, 10],
    [1000, 20],
  ],
  infoWeight: 1,
  klinesWeight: 5,
  tradesWeight: 20,
  weightPerMinute: 2400,
  sendsPerSecond: 8,
  streams: 1024,
  futures: true,
};

const DEFAULT_LEVELS = 1000;

/** Returns the levels of a snapshot that hold `wished`, or the most that there are. */
export function bookLevels({ depths }: Venue, wished = DEFAULT_LEVELS): number {
  return (depths.find(([levels]) => levels >= wished) ?? depths.at(-1)!)[0];
}

/** Lengths of bars by their name. */
export const INTERVALS: Readonly<Record<string, number>> = {
  '1s': MINUTE_US / 60,
  '1m': MINUTE_US,
  '3m': 3 * MINUTE_US,
  '5m': 5 * MINUTE_US,
  '15m': 15 * MINUTE_US,
  '30m': 30 * MINUTE_US,
  '1h': 60 * MINUTE_US,
  '2h': 120 * MINUTE_US,
  '4h': 240 * MINUTE_US,
  '6h': 360 * MINUTE_US,
  '8h': 480 * MINUTE_US,
  '12h': 720 * MINUTE_US,
  '1d': 1440 * MINUTE_US,
  '3d': 4320 * MINUTE_US,
  '1w': 10_080 * MINUTE_US,
};

/** Returns the name of a length of bars at this market, null when it has none. Futures have no bars of a second. */
export function intervalName(venue: Venue, intervalUs: number): string | null {
  const name = Object.keys(INTERVALS).find((key) => INTERVALS[key] === intervalUs);
  return name === undefined || (venue.futures && name === '1s') ? null : name;
}

/** Returns the name of the stream that brings what is wanted; null when there is none. */
export function streamName(venue: Venue, wanted: Wanted, native: string): string | null {
  const symbol = native.toLowerCase();
  switch (wanted.kind) {
    case 'trade':
      return venue.futures ? `${symbol}@aggTrade` : `${symbol}@trade`;
    case 'quote':
      return `${symbol}@bookTicker`;
    case 'book_delta':
    case 'book_snapshot':
      return `${symbol}@depth@100ms`;
    case 'bar': {
      const name = intervalName(venue, wanted.intervalUs ?? MINUTE_US);
      return name === null ? null : `${symbol}@kline_${name}`;
    }
    case 'funding':
      return venue.futures ? `${symbol}@markPrice@1s` : null;
    default:
      return null;
  }
}

/** Returns which of the paths a stream is on. */
export function pathOf(venue: Venue, stream: string): string {
  return venue.paths.length > 1 && !/@(depth|bookTicker)/.test(stream) ? venue.paths[1]! : venue.paths[0]!;
}

/** `BTC-USDT` is `BTCUSDT`. */
export function nativeSymbol(symbol: string): string {
  return symbol.replaceAll(/[-/]/g, '').toUpperCase();
}
