// The REST interface of Kraken: bars, trades by pages, pairs.

import { InvalidOptionError } from '../../../../src/core/errors.ts';
import type { BarRecord, InstrumentRecord, MarketRecord, Trade } from '../../../../src/market/records.ts';
import { MINUTE_US } from '../../../../src/market/sessions/days.ts';
import { type Fields, listOf, objectOf, Unreadable } from '../net/fields.ts';
import { PageGuard } from '../net/pages.ts';
import type { Refusal, RestClient } from '../net/rest-client.ts';
import { sourceRest } from '../net/source-rest.ts';
import { unreadable } from '../net/unreadable.ts';
import type { HistoryRequest, SourceContext } from '../port.ts';
import { noHistory } from '../requests.ts';
import { Scales } from '../scales.ts';
import {
  INTERVALS_MIN,
  nativeSymbol,
  readAssetPair,
  readOhlcRow,
  readTradeRow,
  restPair,
} from './messages.ts';

const TITLE = 'Kraken';
/** Kinds that there is history of. */
export const HISTORICAL = ['trade', 'bar'] as const;
const BASE = 'https://api.kraken.com';
/** Most bars that it has of any interval, with the one that is not over. */
const BARS = 720;
const PAGE = 1000;
const LIMITED = /^E(API:Rate limit|General:Temporary lockout|Service: ?(Throttled|Busy|Unavailable|Timeout))/;

/** Errors come with status 200, in a list; those that begin with W are warnings. */
function refusal(body: unknown): Refusal | null {
  const { error } = (body ?? {}) as { error?: unknown };
  if (!Array.isArray(error)) return { reason: 'no list of errors' };
  const errors = error.filter((text): text is string => typeof text === 'string' && !text.startsWith('W'));
  if (errors.length === 0) return null;
  return { reason: errors.join(', '), limited: errors.some((text) => LIMITED.test(text)) };
}

export class KrakenRest {
  readonly #context: SourceContext;
  readonly #rest: RestClient;

  constructor(context: SourceContext) {
    this.#context = context;
    this.#rest = sourceRest(context, {
      provider: TITLE,
      base: BASE,
      limit: { burst: 3, perSecond: 1 },
      refusal,
    });
  }

  async instruments(signal: AbortSignal): Promise<readonly InstrumentRecord[]> {
    const result = await this.#get('AssetPairs', {}, signal);
    const nowUs = this.#context.clock.nowUs();
    // Pairs without a name of the stream are not traded in public.
    return unreadable(TITLE, () =>
      Object.values(result)
        .map((row) => objectOf(row, 'pair'))
        .filter((row) => row.wsname !== undefined)
        .map((row) => readAssetPair(row, nowUs)),
    );
  }

  history(request: HistoryRequest, signal: AbortSignal): AsyncIterable<readonly MarketRecord[]> {
    if (request.kind === 'bar') return this.#bars(request, signal);
    if (request.kind === 'trade') return this.#trades(request, signal);
    throw noHistory(TITLE, request, HISTORICAL);
  }

  async *#bars(request: HistoryRequest, signal: AbortSignal): AsyncIterable<readonly BarRecord[]> {
    const intervalUs = request.intervalUs ?? MINUTE_US;
    const interval = intervalUs / MINUTE_US;
    if (!INTERVALS_MIN.includes(interval))
      throw new InvalidOptionError(`Expected an interval that ${TITLE} has, was another`, [
        { pointer: '/interval_us', expected: `${INTERVALS_MIN.join(', ')} minutes` },
      ]);
    const nowUs = this.#context.clock.nowUs();
    const oldestUs = (Math.floor(nowUs / intervalUs) - (BARS - 1)) * intervalUs;
    // Part of the range would look like all of it.
    if (request.fromUs < oldestUs)
      throw new InvalidOptionError(
        `Expected a range within the last ${BARS} bars, which are all that ${TITLE} has, was older; trades reach further back`,
        [{ pointer: '/from_us', expected: `at least ${oldestUs}` }],
      );
    const since = Math.floor(request.fromUs / 1e6) - interval * 60;
    const rows = await this.#rows('OHLC', { pair: pairOf(request), interval, since }, signal);
    const bars = unreadable(TITLE, () =>
      rows.list.map((row) => readOhlcRow(row, request.symbol, intervalUs)),
    );
    const wanted = bars.filter(
      ({ tsEventUs }) =>
        tsEventUs >= request.fromUs && tsEventUs <= request.toUs && tsEventUs + intervalUs <= nowUs,
    );
    if (wanted.length > 0) yield wanted;
  }

  async *#trades(request: HistoryRequest, signal: AbortSignal): AsyncIterable<readonly Trade[]> {
    const guard = new PageGuard<Trade>(TITLE, (trade) => trade.sequence!);
    const scales = new Scales();
    // What comes is after `since`, in nanoseconds, which only text holds.
    let since = String(BigInt(request.fromUs) * 1000n - 1n);
    for (;;) {
      const { list, last } = await this.#rows(
        'Trades',
        { pair: pairOf(request), since, count: PAGE },
        signal,
      );
      const rows = unreadable(TITLE, () => list.map((row) => readTradeRow(row, request.symbol, scales)));
      const fresh = guard.fresh(rows);
      const wanted = fresh.filter(
        (trade) => trade.tsEventUs >= request.fromUs && trade.tsEventUs <= request.toUs,
      );
      if (wanted.length > 0) yield wanted;
      if (rows.length < PAGE || rows.some((trade) => trade.tsEventUs > request.toUs)) return;
      // Several trades may share the last moment of a page: it is asked for again, and what came before is passed over.
      since = String(BigInt(last) - 1n);
    }
  }

  /** Returns the rows of the one pair asked for, and the id to go on from. */
  async #rows(
    path: string,
    query: Readonly<Record<string, string | number>>,
    signal: AbortSignal,
  ): Promise<{ list: readonly unknown[]; last: string }> {
    const result = await this.#get(path, query, signal);
    return unreadable(TITLE, () => {
      const key = Object.keys(result).find((name) => name !== 'last');
      if (key === undefined) throw new Unreadable('result: no pair');
      const { last } = result;
      if (!/^\d+$/.test(String(last))) throw new Unreadable('last: no number');
      return { list: listOf(result[key], key), last: String(last) };
    });
  }

  async #get(
    path: string,
    query: Readonly<Record<string, string | number>>,
    signal: AbortSignal,
  ): Promise<Fields> {
    const body = await this.#rest.json(`/0/public/${path}`, { query, signal });
    return unreadable(TITLE, () => objectOf(objectOf(body).result, 'result'));
  }
}

function pairOf(request: HistoryRequest): string {
  return restPair(request.nativeSymbol ?? nativeSymbol(request.symbol));
}
