// Alpha Vantage: daily and intraday bars as traded, splits and dividends of stocks.
import { ProviderError } from '../../../../src/core/errors.ts';
import type { BarRecord, CorporateAction, MarketRecord } from '../../../../src/market/records.ts';
import { calendarById } from '../../../../src/market/sessions/calendars.ts';
import { DAY_US, MINUTE_US, Zone } from '../../../../src/market/sessions/days.ts';
import { requiredCredentials } from '../net/credentials.ts';
import type { RestClient } from '../net/rest-client.ts';
import { sourceRest } from '../net/source-rest.ts';
import type { HistoryRequest, SourceAdapter, SourceContext } from '../port.ts';
import { batches, intervalName, noHistory, within } from '../requests.ts';
import { SkippedRows } from '../skipped.ts';
import { actionsOf, barsOf, refusalOf } from './messages.ts';

const ID = 'alphavantage';
const TITLE = 'Alpha Vantage';
const KEY = 'ALPHAVANTAGE_API_KEY';
const KINDS = ['bar', 'corporate_action'] as const;
/** Names of the lengths of bars by microseconds; a day is a function of its own. */
const INTERVALS: Readonly<Record<number, string>> = {
  [MINUTE_US]: '1min',
  [5 * MINUTE_US]: '5min',
  [15 * MINUTE_US]: '15min',
  [30 * MINUTE_US]: '30min',
  [60 * MINUTE_US]: '60min',
  [DAY_US]: 'daily',
};
/** A ticker with or without its class; names of foreign exchanges have three letters behind the dot (`TSCO.LON`). */
const US_STOCK = /^[A-Z]{1,5}([.-][A-Z])?$/;
/** Days that the short answer surely has: its 100 rows are of trading days. */
const COMPACT_DAYS = 100;
/** Before it there is no intraday history. */
const FIRST_MONTH = '2000-01';

/** Makes the source `alphavantage`. */
export function alphavantage(context: SourceContext): SourceAdapter {
  let opened: AlphaVantage | undefined;
  const open = () => (opened ??= new AlphaVantage(context));
  return {
    id: ID,
    title: TITLE,
    capabilities: {
      live: [],
      historical: KINDS,
      intervalsUs: Object.keys(INTERVALS).map(Number),
      key: 'required',
      credentials: [KEY],
      limits: { requestsPerMinute: 60, symbolsPerConnection: null },
      verified: 'documentation',
    },
    nativeSymbol: (symbol) => symbol.toUpperCase(),
    calendar: (native) => (US_STOCK.test(native) ? calendarById('us-equities-extended') : null),
    history(request, signal) {
      if (request.kind === 'bar') {
        const name = intervalName(TITLE, request, INTERVALS);
        return name === 'daily' ? open().daily(request, signal) : open().intraday(request, name, signal);
      }
      if (request.kind === 'corporate_action') return open().actions(request, signal);
      throw noHistory(TITLE, request, KINDS);
    },
  };
}

class AlphaVantage {
  readonly #context: SourceContext;
  readonly #client: RestClient;
  readonly #key: string;
  readonly #zone = new Zone('America/New_York');

  constructor(context: SourceContext) {
    const { [KEY]: key } = requiredCredentials(context, TITLE, [KEY]);
    this.#context = context;
    this.#key = key;
    this.#client = sourceRest(context, {
      provider: TITLE,
      base: 'https://www.alphavantage.co',
      // Keys without a plan get one request a second, whatever their limit of a day is.
      limit: { burst: 1, perSecond: 1 },
      // Refusals repeat the key.
      secrets: [key],
      refusal: refusalOf,
    });
  }

  async *daily(request: HistoryRequest, signal: AbortSignal): AsyncGenerator<readonly BarRecord[]> {
    const ageDays = (this.#context.clock.nowUs() - request.fromUs) / DAY_US;
    const query = {
      function: 'TIME_SERIES_DAILY',
      outputsize: ageDays <= COMPACT_DAYS ? 'compact' : 'full',
    };
    const skipped = new SkippedRows();
    const body = await this.#ask(request, query, signal);
    const bars = barsOf(request.symbol, DAY_US, body, this.#context.clock.nowUs(), skipped);
    yield* this.#handOut(request, bars, skipped, signal);
  }

  async *intraday(
    request: HistoryRequest,
    interval: string,
    signal: AbortSignal,
  ): AsyncGenerator<readonly BarRecord[]> {
    const skipped = new SkippedRows();
    for (const month of this.#months(request)) {
      const query = {
        function: 'TIME_SERIES_INTRADAY',
        interval,
        month,
        outputsize: 'full',
        // As traded: adjustments are the caller's choice.
        adjusted: 'false',
        extended_hours: 'true',
      };
      const body = await this.#ask(request, query, signal);
      const nowUs = this.#context.clock.nowUs();
      const bars = barsOf(request.symbol, request.intervalUs!, body, nowUs, skipped);
      yield* this.#handOut(request, bars, skipped, signal);
    }
  }

  async *actions(request: HistoryRequest, signal: AbortSignal): AsyncGenerator<readonly CorporateAction[]> {
    const query = { function: 'TIME_SERIES_DAILY_ADJUSTED', outputsize: 'full' };
    const skipped = new SkippedRows();
    const actions = actionsOf(request.symbol, await this.#ask(request, query, signal), skipped);
    yield* this.#handOut(request, actions, skipped, signal);
  }

  #ask(request: HistoryRequest, query: Record<string, string>, signal: AbortSignal): Promise<unknown> {
    const symbol = request.nativeSymbol ?? request.symbol.toUpperCase();
    const asked = { ...query, symbol, datatype: 'json', apikey: this.#key };
    return this.#client.json('/query', { query: asked, signal });
  }

  async *#handOut<R extends MarketRecord>(
    request: HistoryRequest,
    records: readonly R[] | null,
    skipped: SkippedRows,
    signal: AbortSignal,
  ): AsyncGenerator<readonly R[]> {
    if (!records)
      throw new ProviderError(`Expected a time series from ${TITLE}, was another answer`, TITLE, 200);
    skipped.tell(this.#context.log, ID, request.symbol);
    yield* batches(within(request, records), signal);
  }

  /** Months of New York that the range touches, up to the present one: `2024-01`. */
  *#months({ fromUs, toUs }: HistoryRequest): Generator<string> {
    const monthOf = (us: number) => new Date(this.#zone.localDay(us) * 86_400_000).toISOString().slice(0, 7);
    const last = monthOf(Math.min(toUs, this.#context.clock.nowUs()));
    const first = monthOf(fromUs);
    for (let month = first < FIRST_MONTH ? FIRST_MONTH : first; month <= last; ) {
      yield month;
      const [year, number] = month.split('-').map(Number) as [number, number];
      month = number === 12 ? `${year + 1}-01` : `${year}-${String(number + 1).padStart(2, '0')}`;
    }
  }
}
