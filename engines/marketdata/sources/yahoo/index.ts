// Yahoo Finance through yahoo-finance2: bars, splits and dividends of stocks, funds, indices, currencies and coins.
import type { ChartOptions, ChartResultArray } from 'yahoo-finance2/modules/chart';
import { NautilusError, ProviderError } from '../../../../src/core/errors.ts';
import type { BarRecord, CorporateAction } from '../../../../src/market/records.ts';
import type { Calendar } from '../../../../src/market/sessions/calendar.ts';
import { calendarById } from '../../../../src/market/sessions/calendars.ts';
import { DAY_US, MINUTE_US } from '../../../../src/market/sessions/days.ts';
import type { RestClient } from '../net/rest-client.ts';
import { said } from '../net/said.ts';
import { sourceRest } from '../net/source-rest.ts';
import type { HistoryRequest, SourceAdapter, SourceContext } from '../port.ts';
import { batches, intervalName, noHistory, within } from '../requests.ts';
import { SkippedRows } from '../skipped.ts';
import { actionsOf, barsOf } from './messages.ts';

const ID = 'yahoo';
const TITLE = 'Yahoo Finance';
const KINDS = ['bar', 'corporate_action'] as const;
const INTERVALS = {
  [MINUTE_US]: '1m',
  [2 * MINUTE_US]: '2m',
  [5 * MINUTE_US]: '5m',
  [15 * MINUTE_US]: '15m',
  [30 * MINUTE_US]: '30m',
  [60 * MINUTE_US]: '60m',
  [90 * MINUTE_US]: '90m',
  [DAY_US]: '1d',
} as const;
/** Yahoo states no limit; it blocks addresses that ask much more often. */
const REQUESTS_PER_MINUTE = 60;
/** Longest range of one request: eight days of minutes, 60 days of longer bars within a day. */
const MINUTES_US = 7 * DAY_US;
const INTRADAY_US = 59 * DAY_US;

/** The one call of the SDK that is used. */
type Chart = (symbol: string, options: ChartOptions, signal: AbortSignal) => Promise<ChartResultArray>;

/** Makes the source `yahoo`. */
export function yahoo(context: SourceContext): SourceAdapter {
  let opened: Yahoo | undefined;
  const open = () => (opened ??= new Yahoo(context));
  return {
    id: ID,
    title: TITLE,
    capabilities: {
      live: [],
      historical: KINDS,
      intervalsUs: Object.keys(INTERVALS).map(Number),
      key: 'none',
      credentials: [],
      limits: { requestsPerMinute: REQUESTS_PER_MINUTE, symbolsPerConnection: null },
      verified: 'documentation',
    },
    nativeSymbol,
    calendar: calendarOf,
    history(request, signal) {
      if (request.kind === 'bar') {
        const name = intervalName(TITLE, request, INTERVALS) as Interval;
        return open().bars(request, name, signal);
      }
      if (request.kind === 'corporate_action') return open().actions(request, signal);
      throw noHistory(TITLE, request, KINDS);
    },
  };
}

type Interval = (typeof INTERVALS)[keyof typeof INTERVALS];

/** Classes of shares have a dash: `BRK-B`. Other dots are the exchange's: `VOD.L`. */
function nativeSymbol(symbol: string): string {
  return symbol.toUpperCase().replace(/\.([AB])$/, '-$1');
}

/** Tickers without a place trade in the US; of the indices only those that are made of such are known. */
const US_STOCK = /^[A-Z]{1,5}(-[A-Z]{1,2})?$|^\^(GSPC|DJI|IXIC|NDX|RUT)$/;
const COIN = /^[A-Z0-9]{1,10}-(USD|EUR|GBP|CAD|AUD|JPY)$/;

/** Bars are asked for without the hours before and after. Currencies, futures and other places: not known. */
function calendarOf(native: string): Calendar | null {
  if (COIN.test(native)) return calendarById('24x7');
  return US_STOCK.test(native) ? calendarById('us-equities') : null;
}

class Yahoo {
  readonly #context: SourceContext;
  readonly #client: RestClient;
  #chart: Promise<Chart> | undefined;

  constructor(context: SourceContext) {
    this.#context = context;
    this.#client = sourceRest(context, {
      provider: TITLE,
      base: 'https://query2.finance.yahoo.com',
      limit: { burst: 5, perSecond: REQUESTS_PER_MINUTE / 60 },
    });
  }

  async *bars(
    request: HistoryRequest,
    interval: Interval,
    signal: AbortSignal,
  ): AsyncGenerator<readonly BarRecord[]> {
    const { symbol, fromUs } = request;
    const intervalUs = request.intervalUs!;
    const nowUs = this.#context.clock.nowUs();
    const toUs = Math.min(request.toUs, nowUs);
    const stepUs =
      intervalUs === DAY_US ? Number.POSITIVE_INFINITY : intervalUs === MINUTE_US ? MINUTES_US : INTRADAY_US;
    const skipped = new SkippedRows();
    let lastUs = Number.NEGATIVE_INFINITY;
    for (let at = fromUs; at <= toUs; at += stepUs) {
      const chart = await this.#ask(request, interval, at, Math.min(toUs, at + stepUs), signal);
      // Ranges touch, and a chart of days begins with the session that its start is in.
      const found = within({ ...request, toUs }, barsOf(symbol, intervalUs, chart, nowUs, skipped));
      const bars = found.filter(({ tsEventUs }) => tsEventUs > lastUs);
      lastUs = bars.at(-1)?.tsEventUs ?? lastUs;
      yield* batches(bars, signal);
    }
    skipped.tell(this.#context.log, ID, symbol);
  }

  async *actions(request: HistoryRequest, signal: AbortSignal): AsyncGenerator<readonly CorporateAction[]> {
    const { symbol, fromUs } = request;
    const nowUs = this.#context.clock.nowUs();
    if (fromUs > nowUs) return;
    const skipped = new SkippedRows();
    // To the present, whatever is asked for: later splits are needed to tell what was paid.
    const chart = await this.#ask(request, '1d', fromUs, nowUs, signal);
    const actions = actionsOf(symbol, chart, skipped);
    skipped.tell(this.#context.log, ID, symbol);
    yield* batches(within(request, actions), signal);
  }

  async #ask(
    request: HistoryRequest,
    interval: Interval,
    fromUs: number,
    toUs: number,
    signal: AbortSignal,
  ): Promise<ChartResultArray> {
    this.#chart ??= load(this.#client);
    const chart = await this.#chart;
    signal.throwIfAborted();
    const period1 = Math.floor(fromUs / 1e6);
    try {
      return await chart(
        encodeURIComponent(request.nativeSymbol ?? nativeSymbol(request.symbol)),
        {
          period1,
          period2: Math.max(period1, Math.floor(toUs / 1e6)) + 1,
          interval,
          includePrePost: false,
          events: 'div|split',
          return: 'array',
        },
        signal,
      );
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof NautilusError) throw error;
      const why = said((error as Error).message);
      throw new ProviderError(`Expected a chart from ${TITLE}, was another answer: ${why}`, TITLE, 200);
    }
  }
}

/** Loads the SDK with its charts only: 50 ms and 20 MB at the first request. It asks through `client`, and writes nothing itself. */
async function load(client: RestClient): Promise<Chart> {
  const { default: create } = await import('yahoo-finance2/createYahooFinance');
  const { default: chart } = await import('yahoo-finance2/modules/chart');
  const quiet = () => {};
  const Sdk = create({ modules: { chart } });
  const sdk = new Sdk({
    fetch: (async (input: string | URL | Request, init?: RequestInit) => {
      const { pathname, searchParams } = new URL(input instanceof Request ? input.url : input);
      // Yahoo answers nobody without the name that the SDK gives itself.
      const headers = Object.fromEntries(new Headers(init?.headers));
      const query = Object.fromEntries(searchParams);
      return new Response(await client.text(pathname, { query, headers, signal: init?.signal ?? undefined }));
    }) as typeof fetch,
    logger: { info: quiet, warn: quiet, error: quiet, debug: quiet, dir: quiet },
    validation: { logErrors: false, logOptionsErrors: false },
    versionCheck: false,
    suppressNotices: ['yahooSurvey'],
  });
  return (symbol, options, signal) =>
    sdk.chart(symbol, { ...options, return: 'array' }, { fetchOptions: { signal } });
}
