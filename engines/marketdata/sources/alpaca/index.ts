// Alpaca through its SDK: bars, trades, quotes and corporate actions of US stocks, live and historical.
import type { marketData } from '@alpacahq/alpaca-trade-api';
import { InvalidOptionError, ProviderError } from '../../../../src/core/errors.ts';
import type { CorporateAction, MarketRecord } from '../../../../src/market/records.ts';
import { calendarById } from '../../../../src/market/sessions/calendars.ts';
import { DAY_US, MINUTE_US } from '../../../../src/market/sessions/days.ts';
import type { HistoryRequest, SourceAdapter, SourceContext, SourceFactory } from '../port.ts';
import { batches, noHistory, within } from '../requests.ts';
import { Scales } from '../scales.ts';
import { objectOf, SkippedRows } from '../skipped.ts';
import { AlpacaClient, type Feed, KEY_ID, REQUESTS_PER_MINUTE, SECRET, TITLE } from './client.ts';
import { actionsOf, barOf, type From, quoteOf, type Row, tradeOf } from './messages.ts';
import { AlpacaSession } from './stream.ts';

const LIVE = ['trade', 'quote', 'bar'] as const;
const HISTORICAL = ['bar', 'trade', 'quote', 'corporate_action'] as const;
const HOUR_US = 60 * MINUTE_US;
const PAGE_ROWS = 10_000;
const PAGE_ACTIONS = 1000;

/** `alpaca`: the exchange IEX, without a subscription. */
export const alpaca: SourceFactory = (context) => adapter('alpaca', 'iex', context);

/** `alpaca-sip`: all exchanges, with a subscription. */
export const alpacaSip: SourceFactory = (context) => adapter('alpaca-sip', 'sip', context);

function adapter(id: string, feed: Feed, context: SourceContext): SourceAdapter {
  let opened: AlpacaClient | undefined;
  const open = () => {
    opened ??= new AlpacaClient(context);
    return opened;
  };
  const scales = new Scales();
  return {
    id,
    title: `${TITLE} (${feed.toUpperCase()})`,
    capabilities: {
      live: LIVE,
      historical: HISTORICAL,
      key: 'required',
      credentials: [KEY_ID, SECRET],
      limits: { requestsPerMinute: REQUESTS_PER_MINUTE, symbolsPerConnection: feed === 'iex' ? 30 : null },
      verified: 'documentation',
    },
    nativeSymbol,
    // US stocks only, from early morning to evening.
    calendar: () => calendarById('us-equities-extended'),
    live: (sink) =>
      new AlpacaSession({ source: id, feed, context, client: open(), scales, native: nativeSymbol }, sink),
    history(request, signal) {
      if (!(HISTORICAL as readonly string[]).includes(request.kind))
        throw noHistory(TITLE, request, HISTORICAL);
      const timeframe = request.kind === 'bar' ? timeframeOf(request) : '';
      const from = { symbol: request.symbol, source: id, scales };
      const reading = { client: open(), context, request, from, feed, signal };
      return request.kind === 'corporate_action' ? actions(reading) : rows(reading, timeframe);
    },
  };
}

/** Classes of shares have a dot: `BRK.B`. */
function nativeSymbol(symbol: string): string {
  return symbol.toUpperCase().replace(/-([A-Z])$/, '.$1');
}

/** `5Min`, `2Hour`, `1Day`. */
function timeframeOf({ intervalUs }: HistoryRequest): string {
  if (intervalUs === DAY_US) return '1Day';
  const minutes = (intervalUs ?? 0) / MINUTE_US;
  const hours = (intervalUs ?? 0) / HOUR_US;
  if (Number.isInteger(minutes) && minutes >= 1 && minutes <= 59) return `${minutes}Min`;
  if (Number.isInteger(hours) && hours >= 1 && hours <= 23) return `${hours}Hour`;
  const expected = '1 to 59 minutes, 1 to 23 hours or a day in microseconds';
  throw new InvalidOptionError(`Expected ${expected} for interval_us from ${TITLE}`, [
    { pointer: '/interval_us', expected, received: intervalUs === undefined ? 'missing' : 'number' },
  ]);
}

interface Reading {
  readonly client: AlpacaClient;
  readonly context: SourceContext;
  readonly request: HistoryRequest;
  readonly from: From;
  readonly feed: Feed;
  readonly signal: AbortSignal;
}

/** Yields bars, trades or quotes, a page of the provider at a time. */
async function* rows(reading: Reading, timeframe: string): AsyncGenerator<readonly MarketRecord[]> {
  const { context, request, from, feed, signal } = reading;
  const native = request.nativeSymbol ?? nativeSymbol(request.symbol);
  const nowUs = context.clock.nowUs();
  // The bar of the present interval is not over.
  const toUs = request.kind === 'bar' ? Math.min(request.toUs, nowUs - request.intervalUs!) : request.toUs;
  if (toUs < request.fromUs) return;
  const skipped = new SkippedRows();
  const asked = {
    symbols: native,
    start: dateOf(request.fromUs, Math.floor),
    end: dateOf(toUs, Math.ceil),
    limit: PAGE_ROWS,
    feed: feed as marketData.StockHistoricalFeed,
    sort: 'asc' as const,
  };
  for await (const body of pages(reading, (pageToken) => async ({ stocks }) => {
    const page = pageToken === undefined ? asked : { ...asked, pageToken };
    if (request.kind === 'trade') return stocks.stockTradesRaw(page, { signal });
    if (request.kind === 'quote') return stocks.stockQuotesRaw(page, { signal });
    return stocks.stockBarsRaw({ ...page, timeframe, adjustment: 'raw' }, { signal });
  })) {
    const found = objectOf(body[`${request.kind}s`]);
    if (!found)
      throw new ProviderError(`Expected ${request.kind}s from ${TITLE}, was another answer`, TITLE, 200);
    const records: MarketRecord[] = [];
    const list = found[native];
    for (const row of Array.isArray(list) ? list : []) {
      const made = recordOf(from, request, objectOf(row) ?? {});
      if (typeof made === 'string') skipped.skip(made);
      // Milliseconds are all that the SDK takes for a range.
      else if (made.tsEventUs >= request.fromUs && made.tsEventUs <= toUs) records.push(made);
    }
    yield* batches(records, signal);
  }
  skipped.tell(context.log, from.source, request.symbol);
}

function recordOf(from: From, request: HistoryRequest, row: Row): MarketRecord | string {
  if (request.kind === 'trade') return tradeOf(from, row);
  return request.kind === 'quote' ? quoteOf(from, row) : barOf(from, request.intervalUs!, row);
}

async function* actions(reading: Reading): AsyncGenerator<readonly CorporateAction[]> {
  const { context, request, from, signal } = reading;
  const skipped = new SkippedRows();
  const native = request.nativeSymbol ?? nativeSymbol(request.symbol);
  const asked = {
    symbols: native,
    types: 'forward_split,reverse_split,cash_dividend,name_change',
    start: dateOf(request.fromUs, Math.floor),
    end: dateOf(request.toUs, Math.ceil),
    limit: PAGE_ACTIONS,
    sort: 'asc' as const,
  };
  const found: CorporateAction[] = [];
  for await (const body of pages(
    reading,
    (pageToken) =>
      ({ actions: api }) =>
        api.corporateActionsRaw(pageToken === undefined ? asked : { ...asked, pageToken }, { signal }),
  )) {
    const page = actionsOf(from, native, body, skipped);
    if (!page)
      throw new ProviderError(`Expected corporate actions from ${TITLE}, was another answer`, TITLE, 200);
    found.push(...page);
  }
  skipped.tell(context.log, from.source, request.symbol);
  // Pages are of kinds, not of time.
  found.sort((a, b) => a.tsEventUs - b.tsEventUs);
  yield* batches(within(request, found), signal);
}

type Call = Parameters<AlpacaClient['body']>[0];

/** Asks for page after page by the tokens of the provider. Throws {@link ProviderError} for a token that comes again: asking on would never end, and what follows is missing. */
async function* pages(
  { client, signal }: Reading,
  call: (pageToken: string | undefined) => Call,
): AsyncGenerator<Row> {
  const seen = new Set<string>();
  let token: string | undefined;
  for (;;) {
    signal.throwIfAborted();
    const body = objectOf(await client.body(call(token), signal));
    if (!body) throw new ProviderError(`Expected a page from ${TITLE}, was another answer`, TITLE, 200);
    yield body;
    const next = body.next_page_token;
    if (typeof next !== 'string' || next === '') return;
    if (seen.has(next))
      throw new ProviderError(`Expected a next page from ${TITLE}, was an earlier one again`, TITLE, 200);
    seen.add(next);
    token = next;
  }
}

function dateOf(us: number, round: (ms: number) => number): Date {
  return new Date(round(Math.max(0, Math.min(us, Date.UTC(9999, 0, 1) * 1000)) / 1000));
}
