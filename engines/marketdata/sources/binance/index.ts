// Binance spot and USD-M futures as sources: their public streams and REST interface, without a key.
import { calendarById } from '../../../../src/market/sessions/calendars.ts';
import type { SourceAdapter, SourceFactory } from '../port.ts';
import { BinanceRest } from './rest.ts';
import { BinanceStream } from './stream.ts';
import { bookLevels, INTERVALS, nativeSymbol, SPOT, USDM, type Venue } from './venue.ts';

/** Returns the source of a market. */
export function marketOf(venue: Venue): SourceFactory {
  return (context): SourceAdapter => {
    const rest = new BinanceRest(venue, context);
    return {
      id: venue.id,
      title: venue.title,
      capabilities: {
        live: venue.kinds,
        historical: venue.historical,
        intervalsUs: Object.entries(INTERVALS)
          .filter(([name]) => !venue.futures || name !== '1s')
          .map(([, us]) => us),
        key: 'none',
        credentials: [],
        limits: { requestsPerMinute: venue.weightPerMinute, symbolsPerConnection: venue.streams },
        verified: 'recorded',
      },
      nativeSymbol,
      bookLevels: (wished) => bookLevels(venue, wished),
      calendar: () => calendarById('24x7'),
      live: (sink) => new BinanceStream(venue, context, sink, rest),
      history: (request, signal) => rest.history(request, signal),
      instruments: (signal) => rest.instruments(signal),
    };
  };
}

export const binance = marketOf(SPOT);
export const binanceUsdm = marketOf(USDM);
