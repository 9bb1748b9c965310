// Interactive Brokers through TWS or IB Gateway and the SDK @stoqey/ib: bars, contracts, live trades and quotes.
import { type RateLimiter, requestLimiter } from '../net/rate-limiter.ts';
import type { SourceAdapter, SourceContext } from '../port.ts';
import { intervalName, noHistory } from '../requests.ts';
import { Scales } from '../scales.ts';
import { calendarOf, contractOf, nativeSymbol } from './contracts.ts';
import { Gateway, PORT, TITLE } from './gateway.ts';
import { bars, SIZES } from './history.ts';
import { instruments } from './instruments.ts';
import { IbSession } from './stream.ts';

const HISTORICAL = ['bar', 'instrument'] as const;
/** At most six requests for one contract within two seconds. */
const PACE = { burst: 2, perSecond: 2 };
/** Subscriptions tick by tick that an account without further ones has. */
const TICK_SUBSCRIPTIONS = 3;

/** Makes the source `ib`. */
export function ib(context: SourceContext): SourceAdapter {
  let opened: { readonly gateway: Gateway; readonly limiter: RateLimiter } | undefined;
  const open = () => {
    opened ??= { gateway: new Gateway(context), limiter: requestLimiter(context, PACE) };
    return opened;
  };
  const scales = new Scales();
  const names = Object.fromEntries(Object.entries(SIZES).map(([us, [size]]) => [us, size]));
  return {
    id: 'ib',
    title: TITLE,
    capabilities: {
      live: ['trade', 'quote'],
      historical: HISTORICAL,
      intervalsUs: Object.keys(SIZES).map(Number),
      key: 'required',
      credentials: [PORT],
      limits: { requestsPerMinute: PACE.perSecond * 60, symbolsPerConnection: TICK_SUBSCRIPTIONS },
      verified: 'documentation',
    },
    nativeSymbol,
    calendar: calendarOf,
    live: (sink) => new IbSession(context, open().gateway, scales, sink),
    history(request, signal) {
      if (request.kind !== 'bar' && request.kind !== 'instrument')
        throw noHistory(TITLE, request, HISTORICAL);
      if (request.kind === 'bar') intervalName(TITLE, request, names);
      contractOf(request.nativeSymbol ?? nativeSymbol(request.symbol));
      const { gateway, limiter } = open();
      return request.kind === 'bar'
        ? bars(context, gateway, limiter, request, signal)
        : instruments(context, gateway, scales, request, signal);
    },
  };
}
