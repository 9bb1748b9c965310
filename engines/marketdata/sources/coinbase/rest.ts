// The public REST interface of Coinbase Advanced Trade: candles, trades, products.
import { InvalidOptionError, ProviderError } from '../../../../src/core/errors.ts';
import type { BarRecord, InstrumentRecord, MarketRecord, Trade } from '../../../../src/market/records.ts';
import { MINUTE_US } from '../../../../src/market/sessions/days.ts';
import { PageGuard } from '../net/pages.ts';
import { within } from '../net/rate-limiter.ts';
import type { RestClient } from '../net/rest-client.ts';
import { sourceRest } from '../net/source-rest.ts';
import { unreadable } from '../net/unreadable.ts';
import type { HistoryRequest, SourceContext } from '../port.ts';
import { noHistory } from '../requests.ts';
import { Scales } from '../scales.ts';
import { GRANULARITIES, nativeSymbol, readCandle, readProduct, readTrade, rowsOf } from './messages.ts';

const TITLE = 'Coinbase';
/** Kinds that there is history of. */
export const HISTORICAL = ['trade', 'bar'] as const;
const BASE = 'https://api.coinbase.com';
const PATH = '/api/v3/brokerage/market/products';
/** Ten a second are allowed. */
export const REQUESTS = within(9, 1, 2);
/** Candles of one answer. */
const CANDLES = 350;
/** Trades of one answer: its newest. */
const TRADES = 1000;
const HOUR_S = 3600;
const DAY_S = 86_400;

export class CoinbaseRest {
  readonly #context: SourceContext;
  readonly #rest: RestClient;

  constructor(context: SourceContext) {
    this.#context = context;
    this.#rest = sourceRest(context, {
      provider: TITLE,
      base: BASE,
      limit: REQUESTS,
    });
  }

  async instruments(signal: AbortSignal): Promise<readonly InstrumentRecord[]> {
    const body = await this.#rest.json(PATH, { signal });
    const nowUs = this.#context.clock.nowUs();
    return unreadable(TITLE, () => rowsOf(body, 'products').map((row) => readProduct(row, nowUs)));
  }

  history(request: HistoryRequest, signal: AbortSignal): AsyncIterable<readonly MarketRecord[]> {
    if (request.kind === 'bar') return this.#bars(request, signal);
    if (request.kind === 'trade') return this.#trades(request, signal);
    throw noHistory(TITLE, request, HISTORICAL);
  }

  // A range of time for each page: a product that was not traded for a while has no candles there, which is no end.
  async *#bars(request: HistoryRequest, signal: AbortSignal): AsyncIterable<readonly BarRecord[]> {
    const intervalUs = request.intervalUs ?? MINUTE_US;
    const granularity = Object.keys(GRANULARITIES).find((name) => GRANULARITIES[name] === intervalUs);
    if (granularity === undefined)
      throw new InvalidOptionError(`Expected an interval that ${TITLE} has, was another`, [
        { pointer: '/interval_us', expected: '1, 5, 15, 30 min, 1, 2, 4, 6 h or 1 day' },
      ]);
    const guard = new PageGuard<BarRecord>(TITLE, (bar) => bar.tsEventUs);
    const path = `${productPath(request)}/candles`;
    const interval = intervalUs / 1e6;
    const nowUs = this.#context.clock.nowUs();
    const end = Math.floor(Math.min(request.toUs, nowUs) / 1e6);
    for (let start = Math.floor(request.fromUs / 1e6); start <= end; start += CANDLES * interval) {
      const query = {
        start,
        end: Math.min(start + CANDLES * interval - 1, end),
        granularity,
        limit: CANDLES,
      };
      const body = await this.#rest.json(path, { query, signal });
      const bars = unreadable(TITLE, () =>
        rowsOf(body, 'candles').map((row) => readCandle(row, request.symbol, intervalUs, null)),
      );
      const wanted = guard
        .fresh(bars)
        .filter(
          ({ tsEventUs }) =>
            tsEventUs >= request.fromUs && tsEventUs <= request.toUs && tsEventUs + intervalUs <= nowUs,
        );
      if (wanted.length > 0) yield wanted;
    }
  }

  // An answer has the newest trades of its range, so that a range with more than fit is asked for in smaller parts.
  async *#trades(request: HistoryRequest, signal: AbortSignal): AsyncIterable<readonly Trade[]> {
    const guard = new PageGuard<Trade>(TITLE, (trade) => trade.sequence ?? Number.NaN);
    const scales = new Scales();
    const path = `${productPath(request)}/ticker`;
    // Whole seconds, the last of the range among them.
    const last = Math.floor(Math.min(request.toUs, this.#context.clock.nowUs()) / 1e6) + 1;
    let span = HOUR_S;
    for (let start = Math.floor(request.fromUs / 1e6); start < last; ) {
      const end = Math.min(start + span, last);
      const body = await this.#rest.json(path, { query: { limit: TRADES, start, end }, signal });
      const rows = unreadable(TITLE, () =>
        rowsOf(body, 'trades').map((row) => readTrade(row, request.symbol, scales, null)),
      );
      if (rows.length >= TRADES) {
        if (end - start <= 1)
          throw new ProviderError(
            `Expected fewer than ${TRADES} trades of one second from ${TITLE}, was more than it tells`,
            TITLE,
            200,
          );
        span = Math.max(1, Math.floor((end - start) / 4));
        continue;
      }
      const wanted = guard
        .fresh(rows)
        .filter(({ tsEventUs }) => tsEventUs >= request.fromUs && tsEventUs <= request.toUs);
      if (wanted.length > 0) yield wanted;
      // The last second is asked for again: whether its end belongs to a range is not documented. Known trades are passed over.
      start = end;
      if (rows.length < TRADES / 4) span = Math.min(span * 2, DAY_S);
    }
  }
}

function productPath(request: HistoryRequest): string {
  return `${PATH}/${encodeURIComponent(request.nativeSymbol ?? nativeSymbol(request.symbol))}`;
}
