// The REST interface of Binance: depth snapshots, history by pages, instruments, within its weights.
import { InvalidOptionError } from '../../../../src/core/errors.ts';
import type {
  BarRecord,
  Funding,
  InstrumentRecord,
  MarketRecord,
  Trade,
} from '../../../../src/market/records.ts';
import { MINUTE_US } from '../../../../src/market/sessions/days.ts';
import { listOf, objectOf, wholeOf } from '../net/fields.ts';
import { PageGuard } from '../net/pages.ts';
import { requestLimiter, within } from '../net/rate-limiter.ts';
import type { RestClient } from '../net/rest-client.ts';
import { sourceRest } from '../net/source-rest.ts';
import { unreadable } from '../net/unreadable.ts';
import type { HistoryRequest, SourceContext } from '../port.ts';
import { noHistory } from '../requests.ts';
import { Scales } from '../scales.ts';
import { type Reading, readFunding, readInstrument, readKline, readTrade } from './messages.ts';
import { intervalName, nativeSymbol, type Venue } from './venue.ts';

const PAGE = 1000;
const HOUR_MS = 3_600_000;

/** Requests to one market; all of them share its rate limit. */
export class BinanceRest {
  readonly #venue: Venue;
  readonly #context: SourceContext;
  readonly #rest: RestClient;
  /** Told when requests have to wait. */
  onWait: (waitMs: number) => void = () => {};

  constructor(venue: Venue, context: SourceContext) {
    this.#venue = venue;
    this.#context = context;
    const limiter = requestLimiter(context, within(venue.weightPerMinute, 60), (ms) => this.onWait(ms));
    this.#rest = sourceRest(context, {
      provider: venue.title,
      base: venue.rest,
      limit: limiter,
      onHeaders: (headers) => {
        const used = Number(headers.get('x-mbx-used-weight-1m'));
        if (used > 0) limiter.used(used, venue.weightPerMinute);
      },
    });
  }

  /** Returns the body of a depth snapshot of `levels`, one of those that the venue has. */
  depth(native: string, levels: number, signal: AbortSignal): Promise<unknown> {
    const query = { symbol: native, limit: levels };
    const [, weight] = this.#venue.depths.find(([of]) => of === levels)!;
    return this.#rest.json(`${this.#venue.api}/depth`, { query, weight, signal });
  }

  async instruments(signal: AbortSignal): Promise<readonly InstrumentRecord[]> {
    const { api, infoWeight, title } = this.#venue;
    const body = await this.#rest.json(`${api}/exchangeInfo`, { weight: infoWeight, signal });
    const nowUs = this.#context.clock.nowUs();
    return unreadable(title, () =>
      listOf(objectOf(body).symbols, 'symbols').map((row) => readInstrument(row, this.#venue, nowUs)),
    );
  }

  history(request: HistoryRequest, signal: AbortSignal): AsyncIterable<readonly MarketRecord[]> {
    switch (request.kind) {
      case 'bar':
        return this.#bars(request, signal);
      case 'trade':
        return this.#trades(request, signal);
      case 'funding':
        if (this.#venue.futures) return this.#funding(request, signal);
    }
    throw noHistory(this.#venue.title, request, this.#venue.historical);
  }

  async *#bars(request: HistoryRequest, signal: AbortSignal): AsyncIterable<readonly BarRecord[]> {
    const intervalUs = request.intervalUs ?? MINUTE_US;
    const interval = intervalName(this.#venue, intervalUs);
    if (interval === null)
      throw new InvalidOptionError(`Expected an interval that ${this.#venue.title} has, was another`, [
        { pointer: '/interval_us', expected: 'the length of a bar of this source' },
      ]);
    const guard = new PageGuard<BarRecord>(this.#venue.title, (bar) => bar.tsEventUs);
    const weight = this.#venue.klinesWeight;
    for (let fromUs = request.fromUs; fromUs <= request.toUs; fromUs = guard.last + 1) {
      const query = {
        symbol: native(request),
        interval,
        startTime: upMs(fromUs),
        endTime: downMs(request.toUs),
        limit: PAGE,
      };
      const rows = await this.#page('klines', query, weight, signal, (row) =>
        readKline(row, request.symbol, intervalUs, this.#venue),
      );
      // The last bar may not be over yet.
      const nowUs = this.#context.clock.nowUs();
      const fresh = guard.fresh(rows).filter((bar) => bar.tsEventUs + intervalUs <= nowUs);
      if (fresh.length > 0) yield fresh;
      if (rows.length < PAGE) return;
    }
  }

  async *#funding(request: HistoryRequest, signal: AbortSignal): AsyncIterable<readonly Funding[]> {
    const guard = new PageGuard<Funding>(this.#venue.title, (point) => point.tsEventUs);
    for (let fromUs = request.fromUs; fromUs <= request.toUs; fromUs = guard.last + 1) {
      const query = {
        symbol: native(request),
        startTime: upMs(fromUs),
        endTime: downMs(request.toUs),
        limit: PAGE,
      };
      const rows = await this.#page('fundingRate', query, 1, signal, (row) =>
        readFunding(row, request.symbol, this.#venue),
      );
      const fresh = guard.fresh(rows);
      if (fresh.length > 0) yield fresh;
      if (rows.length < PAGE) return;
    }
  }

  // Trades by id, from the first at or after the start: ids have no gaps, while many trades may have one time.
  async *#trades(request: HistoryRequest, signal: AbortSignal): AsyncIterable<readonly Trade[]> {
    const { title, futures, tradesWeight } = this.#venue;
    const reading: Reading = { venue: this.#venue, scales: new Scales(), symbolOf: () => request.symbol };
    const guard = new PageGuard<Trade>(title, (trade) => trade.sequence!);
    let fromId = await this.#firstTrade(request, signal);
    while (fromId !== null) {
      const query = { symbol: native(request), fromId, limit: PAGE };
      const rows = await this.#page(
        futures ? 'aggTrades' : 'historicalTrades',
        query,
        tradesWeight,
        signal,
        (row) => readTrade(row, request.symbol, reading),
      );
      const fresh = guard.fresh(rows);
      const wanted = fresh.filter(
        (trade) => trade.tsEventUs >= request.fromUs && trade.tsEventUs <= request.toUs,
      );
      if (wanted.length > 0) yield wanted;
      if (rows.length < PAGE || rows.some((trade) => trade.tsEventUs > request.toUs)) return;
      fromId = guard.last + 1;
    }
  }

  /** Returns the id of the first trade at or after the start, null when there is none in the range. Futures are looked at an hour a time, as the venue asks. */
  async #firstTrade(request: HistoryRequest, signal: AbortSignal): Promise<number | null> {
    const endMs = Math.min(downMs(request.toUs), downMs(this.#context.clock.nowUs()));
    const { futures, tradesWeight, title } = this.#venue;
    const spanMs = futures ? HOUR_MS : Number.POSITIVE_INFINITY;
    for (let startMs = downMs(request.fromUs); startMs <= endMs; startMs += spanMs) {
      const endTime = Math.min(startMs + spanMs - 1, endMs);
      const query = { symbol: native(request), startTime: startMs, endTime, limit: 1 };
      const weight = futures ? tradesWeight : 4;
      const [first] = await this.#page('aggTrades', query, weight, signal, (row) => objectOf(row, 'trade'));
      if (first) return unreadable(title, () => wholeOf(futures ? first.a : first.f, 'aggTrades id'));
    }
    return null;
  }

  async #page<T>(
    path: string,
    query: Readonly<Record<string, string | number>>,
    weight: number,
    signal: AbortSignal,
    read: (row: unknown) => T,
  ): Promise<readonly T[]> {
    const body = await this.#rest.json(`${this.#venue.api}/${path}`, { query, weight, signal });
    return unreadable(this.#venue.title, () => listOf(body, path).map(read));
  }
}

function native(request: HistoryRequest): string {
  return request.nativeSymbol ?? nativeSymbol(request.symbol);
}

function upMs(us: number): number {
  return Math.ceil(us / 1000);
}

function downMs(us: number): number {
  return Math.floor(us / 1000);
}
