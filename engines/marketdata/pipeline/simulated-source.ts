// The simulated market as a source like any other: bars of invented instruments, at a fixed pace.
import { ConflictError, InvalidOptionError } from '../../../src/core/errors.ts';
import type { Bar } from '../../../src/market/bar.ts';
import type { BarRecord } from '../../../src/market/records.ts';
import type { LiveFeed } from '../live-feed.ts';
import { INSTRUMENTS, SIMULATED } from '../simulated.ts';
import type { SourceAdapter, SourceFactory } from '../sources/port.ts';
import type { Subscription } from './subscription.ts';

const SYMBOLS: ReadonlySet<string> = new Set(INSTRUMENTS.map((i) => i.symbol));

/** Whether the simulated market has an instrument. */
export function isSimulated(symbol: string): boolean {
  return SYMBOLS.has(symbol);
}

/** Throws ConflictError: real records under the name of an invented instrument could be neither served nor replayed. */
export function refuseSimulated(symbol: string | undefined): void {
  if (symbol !== undefined && isSimulated(symbol))
    throw new ConflictError(`Expected a symbol other than those of the simulated market, such as ${symbol}`);
}

/** Returns what makes the source of `feed`. */
export function simulatedSource(feed: LiveFeed): SourceFactory {
  return ({ clock }): SourceAdapter => ({
    id: SIMULATED,
    title: 'Simulated market',
    capabilities: {
      live: ['bar'],
      historical: [],
      intervalsUs: [feed.intervalUs],
      key: 'none',
      credentials: [],
      limits: { requestsPerMinute: null, symbolsPerConnection: null },
      // Made here, so that nothing is assumed about anybody else.
      verified: 'recorded',
    },
    nativeSymbol: (symbol) => symbol,
    live(sink) {
      let symbols: ReadonlySet<string> = new Set();
      feed.listen((bars) => {
        const wanted = bars.filter((bar) => symbols.has(bar.symbol));
        if (wanted.length > 0) sink.records(wanted.map((bar) => barRecord(bar, clock.nowUs())));
      });
      feed.start();
      sink.event({ event: 'connected' });
      return {
        want(all) {
          symbols = new Set(all.map((wanted) => wanted.symbol));
          for (const { symbol, kind } of all) {
            if (kind === 'bar' && isSimulated(symbol)) continue;
            const reason = 'the simulated market has bars of its own instruments only';
            sink.event({ event: 'refused', symbol, kind, reason });
          }
        },
        resync() {
          throw new InvalidOptionError('Expected a source with order books, was the simulated market');
        },
        async close() {
          feed.stop();
        },
      };
    },
  });
}

/** What is listened to of the simulated market without anybody asking; kept nowhere, since the market can be made again. */
export function simulatedSubscriptions(intervalUs: number): Subscription[] {
  return INSTRUMENTS.map(({ symbol }) => ({
    subscription_id: `${SIMULATED}-${symbol}`,
    symbol,
    kinds: ['bars'],
    sources: [SIMULATED],
    native_symbols: {},
    interval_us: intervalUs,
    store: false,
    created_us: 0,
  }));
}

function barRecord(bar: Bar, nowUs: number): BarRecord {
  const { symbol, ts_event_us, interval_us, open, high, low, close, volume } = bar;
  return {
    kind: 'bar',
    symbol,
    source: SIMULATED,
    tsEventUs: ts_event_us,
    tsReceiveUs: nowUs,
    sequence: null,
    flags: 0,
    unit: 'time',
    interval: interval_us,
    open,
    high,
    low,
    close,
    volume,
    trades: null,
    adjusted: [],
  };
}
