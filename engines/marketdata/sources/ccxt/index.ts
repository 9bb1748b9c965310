// Any exchange of ccxt: `ccxt:<exchange>`, public data through one interface.
import { InvalidOptionError } from '../../../../src/core/errors.ts';
import type { BarRecord, InstrumentRecord, MarketRecord, Trade } from '../../../../src/market/records.ts';
import { decimalsOf } from '../../../../src/market/scale.ts';
import { calendarById } from '../../../../src/market/sessions/calendars.ts';
import type { HistoryRequest, SourceAdapter, SourceContext, SourceFactory } from '../port.ts';
import { batches, noHistory } from '../requests.ts';
import { Scales } from '../scales.ts';
import { SkippedRows } from '../skipped.ts';
import { type Loaded, loadExchange, moduleOf } from './load.ts';
import { barOf, type From, instrumentOf, keyOf, stepsOf, tradeOf } from './messages.ts';
import { CcxtSession, type Opened } from './stream.ts';
import type { Exchange, Row as Ohlcv, Trade as Told } from './unified.ts';

const LIVE = ['trade', 'quote', 'book_snapshot', 'bar'] as const;
const HISTORICAL = ['bar', 'trade', 'instrument'] as const;
const PAGE = 500;

/** Returns the factory of `ccxt:<exchange>`, or null when ccxt has no such exchange. Tests give another `rateLimitMs` than the exchange's own. */
export function ccxt(id: string, rateLimitMs?: number): SourceFactory | null {
  const exchange = id.startsWith('ccxt:') ? id.slice('ccxt:'.length) : '';
  return moduleOf(exchange) === null
    ? null
    : (context) => {
        const { requestsPerMinute } = context;
        const setMs = requestsPerMinute === undefined ? rateLimitMs : 60_000 / requestsPerMinute;
        return adapter(exchange, context, setMs);
      };
}

function adapter(id: string, context: SourceContext, rateLimitMs: number | undefined): SourceAdapter {
  const source = `ccxt:${id}`;
  const title = `${id} (ccxt)`;
  let loading: Promise<Loaded> | undefined;
  const opened: Opened = {
    source,
    context,
    scales: new Scales(),
    load() {
      loading ??= loadExchange(id, context, rateLimitMs);
      return loading;
    },
    native: ({ symbol, nativeSymbol: given }) => given ?? nativeSymbol(symbol),
    timeframe,
  };
  return {
    id: source,
    title,
    capabilities: {
      live: LIVE,
      historical: HISTORICAL,
      key: 'none',
      credentials: [],
      limits: { requestsPerMinute: null, symbolsPerConnection: null },
      verified: 'recorded',
    },
    nativeSymbol,
    calendar: () => calendarById('24x7'),
    live: (sink) => new CcxtSession(opened, sink),
    history(request, signal) {
      if (request.kind === 'bar') return bars(opened, request, signal);
      if (request.kind === 'trade') return trades(opened, request, signal);
      if (request.kind === 'instrument') return instrument(opened, request);
      throw noHistory(title, request, HISTORICAL);
    },
    async instruments(signal) {
      const { exchange, failure } = await opened.load();
      const precisionMode = exchange.precisionMode;
      await exchange.loadMarkets().catch((error: unknown) => Promise.reject(failure(error)));
      signal.throwIfAborted();
      const found: InstrumentRecord[] = [];
      for (const market of Object.values(exchange.markets ?? {})) {
        const from = { symbol: ownSymbol(String(market.symbol)), source, scales: opened.scales };
        const record = instrumentOf(from, market, precisionMode, context.clock.nowUs());
        if (record) found.push(record);
      }
      return found;
    },
  };
}

/** Yields a market as it is now, whatever the range. */
async function* instrument(
  opened: Opened,
  request: HistoryRequest,
): AsyncGenerator<readonly InstrumentRecord[]> {
  const { exchange, failure } = await opened.load();
  const { source, scales, context } = opened;
  try {
    await exchange.loadMarkets();
    const market = exchange.market(opened.native(request));
    const from = { symbol: request.symbol, source, scales };
    const record = instrumentOf(from, market, exchange.precisionMode, context.clock.nowUs());
    if (record) yield [record];
  } catch (error) {
    throw failure(error);
  }
}

/** `BTC-USD` is `BTC/USD` in ccxt; what has a slash is taken as it is (`BTC/USDT:USDT`). */
function nativeSymbol(symbol: string): string {
  return symbol.includes('/') ? symbol : symbol.replace('-', '/');
}

function ownSymbol(native: string): string {
  return /^[^/:]+\/[^/:]+$/.test(native) ? native.replace('/', '-') : native;
}

function timeframe(exchange: Exchange, intervalUs: number | undefined): string {
  const names = Object.keys(exchange.timeframes ?? {});
  const name = names.find((each) => exchange.parseTimeframe(each) * 1_000_000 === intervalUs);
  if (name !== undefined) return name;
  const expected = `the length of one of ${names.join(', ')} in microseconds`;
  throw new InvalidOptionError(`Expected ${expected} for interval_us from ccxt:${exchange.id}`, [
    { pointer: '/interval_us', expected, received: intervalUs === undefined ? 'missing' : 'number' },
  ]);
}

/** Asks for page after page from `fromUs` on; each begins at the time of the last row that came. */
async function* pages<Row, R extends MarketRecord>(
  opened: Opened,
  request: HistoryRequest,
  signal: AbortSignal,
  ask: (exchange: Exchange, symbol: string, sinceMs: number) => Promise<readonly Row[]>,
  keyOf: (row: Row) => string,
  record: (from: From, row: Row) => R | null,
): AsyncGenerator<readonly R[]> {
  const { exchange, failure } = await opened.load();
  const symbol = opened.native(request);
  const from: From = { symbol: request.symbol, source: opened.source, scales: opened.scales };
  const skipped = new SkippedRows();
  // Rows of the time at which two pages meet come in both.
  let met = new Set<string>();
  let sinceMs = Math.ceil(request.fromUs / 1000);
  try {
    await exchange.loadMarkets();
    const steps = stepsOf(exchange.market(symbol), exchange.precisionMode);
    opened.scales.atLeast(request.symbol, decimalsOf(steps.price ?? '0'), decimalsOf(steps.size ?? '0'));
    while (sinceMs * 1000 <= request.toUs) {
      signal.throwIfAborted();
      const rows: { readonly key: string; readonly made: R }[] = [];
      for (const row of await ask(exchange, symbol, sinceMs)) {
        const made = record(from, row);
        if (!made) skipped.skip('no time, price or size');
        else if (made.tsEventUs >= sinceMs * 1000) rows.push({ key: keyOf(row), made });
      }
      rows.sort((a, b) => a.made.tsEventUs - b.made.tsEventUs);
      const fresh = rows.filter(({ key, made }) => !met.has(key) && made.tsEventUs <= request.toUs);
      yield* batches(
        fresh.map(({ made }) => made),
        signal,
      );
      const lastUs = rows.at(-1)?.made.tsEventUs;
      if (lastUs === undefined) break;
      met = new Set(rows.filter(({ made }) => made.tsEventUs === lastUs).map(({ key }) => key));
      // A page without anything new would come again for ever: on to the next moment, where an empty one tells the end.
      sinceMs = Math.round(lastUs / 1000) + (fresh.length === 0 ? 1 : 0);
    }
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    throw failure(error);
  }
  skipped.tell(opened.context.log, opened.source, request.symbol);
}

async function* bars(
  opened: Opened,
  request: HistoryRequest,
  signal: AbortSignal,
): AsyncGenerator<readonly BarRecord[]> {
  const { exchange } = await opened.load();
  const name = timeframe(exchange, request.intervalUs);
  const nowUs = opened.context.clock.nowUs();
  // The bar of the present interval is not over.
  const toUs = Math.min(request.toUs, nowUs - request.intervalUs!);
  yield* pages<Ohlcv, BarRecord>(
    opened,
    { ...request, toUs },
    signal,
    (from, symbol, sinceMs) => from.fetchOHLCV(symbol, name, sinceMs, PAGE),
    (row) => String(row[0]),
    (from, row) => barOf(from, request.intervalUs!, row),
  );
}

function trades(
  opened: Opened,
  request: HistoryRequest,
  signal: AbortSignal,
): AsyncGenerator<readonly Trade[]> {
  return pages<Told, Trade>(
    opened,
    request,
    signal,
    (exchange, symbol, sinceMs) => exchange.fetchTrades(symbol, sinceMs, PAGE),
    keyOf,
    tradeOf,
  );
}
