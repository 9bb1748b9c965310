// Kraken as a source: its public WebSocket v2 and REST interface, without a key.
import { calendarById } from '../../../../src/market/sessions/calendars.ts';
import { MINUTE_US } from '../../../../src/market/sessions/days.ts';
import type { SourceFactory } from '../port.ts';
import { INTERVALS_MIN, nativeSymbol, SOURCE } from './messages.ts';
import { HISTORICAL, KrakenRest } from './rest.ts';
import { bookLevels, KrakenStream } from './stream.ts';

export const kraken: SourceFactory = (context) => {
  const rest = new KrakenRest(context);
  return {
    id: SOURCE,
    title: 'Kraken',
    capabilities: {
      live: ['trade', 'quote', 'book_delta', 'book_snapshot', 'bar', 'instrument'],
      historical: HISTORICAL,
      intervalsUs: INTERVALS_MIN.map((minutes) => minutes * MINUTE_US),
      key: 'none',
      credentials: [],
      limits: { requestsPerMinute: 60, symbolsPerConnection: null },
      verified: 'recorded',
    },
    nativeSymbol,
    bookLevels,
    calendar: () => calendarById('24x7'),
    live: (sink) => new KrakenStream(context, sink),
    history: (request, signal) => rest.history(request, signal),
    instruments: (signal) => rest.instruments(signal),
  };
};
