// Coinbase Advanced Trade as a source: its public WebSocket and REST interface, without a key.
import { calendarById } from '../../../../src/market/sessions/calendars.ts';
import type { SourceFactory } from '../port.ts';
import { GRANULARITIES, nativeSymbol, SOURCE } from './messages.ts';
import { CoinbaseRest, HISTORICAL, REQUESTS } from './rest.ts';
import { CoinbaseStream } from './stream.ts';

export const coinbase: SourceFactory = (context) => {
  const rest = new CoinbaseRest(context);
  return {
    id: SOURCE,
    title: 'Coinbase',
    capabilities: {
      live: ['trade', 'quote', 'book_delta', 'book_snapshot', 'bar'],
      historical: HISTORICAL,
      intervalsUs: Object.values(GRANULARITIES),
      key: 'none',
      credentials: [],
      limits: { requestsPerMinute: REQUESTS.perSecond * 60, symbolsPerConnection: null },
      verified: 'recorded',
    },
    nativeSymbol,
    calendar: () => calendarById('24x7'),
    live: (sink) => new CoinbaseStream(context, sink),
    history: (request, signal) => rest.history(request, signal),
    instruments: (signal) => rest.instruments(signal),
  };
};
