import { describe, expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { ManualTime } from '../../../../src/core/timers.ts';
import type { BarRecord, MarketRecord, Trade } from '../../../../src/market/records.ts';
import { decimalText } from '../../../../src/market/scale.ts';
import { MINUTE_US } from '../../../../src/market/sessions/days.ts';
import { sharedData } from '../../../../test/shared-data.ts';
import { eventually } from '../../../../test/support/eventually.ts';
import { Provider, readAll, testContext } from '../../../../test/support/provider.ts';
import type { HistoryRequest, SourceEvent, SourceSink } from '../port.ts';
import { type Recorded, RecordedKraken } from './double.ts';
import { ccxt } from './index.ts';

const path = (name: string) => sharedData(`payloads/kraken/${name}.json`);
// Recorded messages that not every machine has: the tests skip without them.
const present = path('http_trades') !== null;
const read = (name: string) => JSON.parse(readFileSync(path(name)!, 'utf8'));

function recordings(): Recorded {
  return {
    trades: read('http_trades').result.XBTUSDT,
    ohlc: read('http_ohlc').result.XBTUSDT,
    pair: read('http_asset_pairs').result.XBTUSDT,
  };
}

function source(server: RecordedKraken) {
  const context = { ...testContext({}), endpoint: (name: string) => server.endpoint(name) };
  // Kraken's pace of one request a second would only be waited for.
  return ccxt('ccxt:kraken', 1)!(context);
}

function request(more: Partial<HistoryRequest>): HistoryRequest {
  return { kind: 'trade', symbol: 'BTC-USDT', fromUs: 1.7627e15, toUs: 1.7629e15, ...more };
}

/** What a stream says. */
function heard() {
  const records: MarketRecord[] = [];
  const events: SourceEvent[] = [];
  const sink: SourceSink = {
    records: (batch) => void records.push(...batch),
    event: (event) => void events.push(event),
  };
  return { records, events, sink };
}

test('an exchange that ccxt does not have is no source', () => {
  expect(ccxt('ccxt:nowhere')).toBeNull();
  expect(ccxt('ccxt:../base/Exchange')).toBeNull();
  expect(ccxt('kraken')).toBeNull();
  expect(ccxt('ccxt:kraken')).not.toBeNull();
});

test('an exchange without streams is asked again and again, and what came before is not told twice', async () => {
  // Bit2C answers as its documentation says (https://bit2c.co.il/home/api): the newest trades each time.
  let newest = 3;
  let away = false;
  await using server = new Provider(({ pathname }) => {
    if (away) return new Response('Service Unavailable', { status: 503 });
    if (!pathname.startsWith('/Exchanges/BtcNis/')) return Response.json({}, { status: 404 });
    const trade = (tid: number) => ({
      date: 1_704_067_200 + tid,
      price: 157_000.5,
      amount: 0.0125,
      isBid: true,
      tid,
    });
    return Response.json([newest - 1, newest].map(trade));
  });
  const time = new ManualTime(1.7041e15);
  const context = testContext({ rest: server.base }, {}, { clock: time, timers: time });
  const { records, events, sink } = heard();
  const session = ccxt('ccxt:bit2c', 1)!(context).live!(sink);
  session.want([{ symbol: 'BTC-NIS', kind: 'trade' }]);
  await eventually(() => records.length === 2 && time.waiting === 1, 'the first answer');
  newest = 4;
  time.advance(2000);
  await eventually(() => records.length === 3, 'the second answer');
  away = true;
  const lost = () => events.filter(({ event }) => event === 'disconnected').length;
  await eventually(() => time.waiting === 1, 'the wait for the next');
  time.advance(2000);
  await eventually(() => lost() === 1 && time.waiting === 1, 'a loss');
  away = false;
  newest = 5;
  time.advance(2000);
  await eventually(() => records.length === 4, 'the answer after the loss');
  expect(records.map((record) => (record as Trade).id)).toEqual(['2', '3', '4', '5']);
  expect(records[0]).toMatchObject({ symbol: 'BTC-NIS', side: 'buy', tsEventUs: 1_704_067_202_000_000 });
  await session.close();
});

describe.skipIf(!present)('ccxt with Kraken', () => {
  test('trades of a range come once each, page after page', async () => {
    const recorded = recordings();
    await using server = new RecordedKraken(recorded, 300);
    const trades = await readAll<Trade>(source(server), request({}));
    // Kraken's own filter is by whole seconds: every row of every page counts.
    expect(trades.map(({ id }) => id)).toEqual(recorded.trades.map((row) => String(row[6])));
    expect(server.requests.filter((each) => each.includes('Trades?')).length).toBeGreaterThan(3);
    const first = trades[0]!;
    expect(decimalText(first.price, first.scale.price)).toBe('105433.6');
    expect(decimalText(first.size, first.scale.size)).toBe('0.00027625');
    expect(first).toMatchObject({ side: 'buy', source: 'ccxt:kraken', tsEventUs: 1_762_795_433_971_000 });
    const part = await readAll<Trade>(source(server), request({ toUs: trades[9]!.tsEventUs }));
    expect(part.map(({ id }) => id)).toEqual(
      trades.filter((trade) => trade.tsEventUs <= trades[9]!.tsEventUs).map(({ id }) => id),
    );
  });

  test('bars are those of the exchange, at their start', async () => {
    const recorded = recordings();
    await using server = new RecordedKraken(recorded);
    const bars = await readAll<BarRecord>(
      source(server),
      request({ kind: 'bar', intervalUs: MINUTE_US, toUs: 1.7628e15 }),
    );
    const within = recorded.ohlc.filter((row) => Number(row[0]) <= 1.7628e9);
    expect(bars.length).toBe(within.length);
    expect(bars[0]).toMatchObject({ tsEventUs: Number(within[0]![0]) * 1e6, open: Number(within[0]![1]) });
    await expect(
      readAll(source(server), request({ kind: 'bar', intervalUs: 7 * MINUTE_US })),
    ).rejects.toMatchObject({ slug: 'invalid-option' });
  });

  test('what fails is an error of this project: refused, limited, away', async () => {
    await using server = new RecordedKraken(recordings());
    await expect(readAll(source(server), request({ symbol: 'NO-SUCH' }))).rejects.toMatchObject({
      slug: 'provider-error',
    });
    server.failure = { status: 200, body: '{"error":["EAPI:Rate limit exceeded"]}' };
    await expect(readAll(source(server), request({}))).rejects.toMatchObject({ slug: 'too-many-requests' });
    server.failure = { status: 503, body: 'Service Unavailable' };
    await expect(readAll(source(server), request({}))).rejects.toMatchObject({
      slug: 'dependency-unavailable',
    });
  });

  test('a live stream follows trades, quotes and books, and comes back after a loss', async () => {
    await using server = new RecordedKraken(recordings());
    const { records, events, sink } = heard();
    const session = source(server).live!(sink);
    const of = (kind: string) => records.filter((record) => record.kind === kind);
    session.want([
      { symbol: 'BTC-USD', kind: 'trade' },
      { symbol: 'BTC-USD', kind: 'quote' },
      { symbol: 'BTC-USD', kind: 'book_snapshot' },
    ]);
    await eventually(() => server.subscribed.length === 3, 'three subscriptions');
    for (const name of ['ws_trade_update', 'ws_ticker_snapshot', 'ws_book_snapshot'])
      server.say(readFileSync(path(name)!, 'utf8'));
    await eventually(() => records.length === 4, 'two trades, a quote and a book');
    expect(['trade', 'quote', 'book_snapshot'].map((kind) => of(kind).length)).toEqual([2, 1, 1]);
    expect(of('trade')[0]).toMatchObject({ symbol: 'BTC-USD', side: 'buy', id: '10218208' });
    const quote = of('quote')[0] as Extract<MarketRecord, { kind: 'quote' }>;
    expect(decimalText(quote.bid, quote.scale.price)).toBe('105944.2');
    expect(decimalText(quote.askSize, quote.scale.size)).toBe('3.2');
    const book = of('book_snapshot')[0] as Extract<MarketRecord, { kind: 'book_snapshot' }>;
    expect(decimalText(book.bids[0]!, book.scale.price)).toBe('105944.2');
    server.drop();
    await eventually(() => events.some(({ event }) => event === 'disconnected'), 'a loss');
    await eventually(() => server.subscribed.length >= 6, 'subscriptions anew');
    server.say(readFileSync(path('ws_trade_update')!, 'utf8').replaceAll('102182', '102999'));
    await eventually(() => of('trade').length === 4, 'trades of the new connection');
    expect(events.filter(({ event }) => event === 'disconnected')).toHaveLength(1);
    // One damaged message is no last word on anything.
    server.say('{"channel":"trade","type":"update","data":[{"symbol":"NO/SUCH"}]}');
    await eventually(
      () => events.filter(({ event }) => event === 'garbage').length === 3,
      'garbage, for each',
    );
    await eventually(() => server.subscribed.length >= 6, 'calls anew');
    await eventually(() => {
      server.say(readFileSync(path('ws_trade_update')!, 'utf8').replaceAll('102182', '103000'));
      return of('trade').length === 6;
    }, 'trades after the garbage');
    expect(events.filter(({ event }) => event === 'refused')).toEqual([]);
    await session.close();
    await eventually(() => server.sockets.size === 0, 'no connection');
  });

  test('live bars are handed on once and whole: not those of before, not one that a loss cut', async () => {
    await using server = new RecordedKraken(recordings());
    const { records, sink } = heard();
    const session = source(server).live!(sink);
    const minute = (at: number, close: number) => ({
      symbol: 'BTC/USD',
      ...{ open: 1, high: 9, low: 1, close, vwap: 1, volume: 2, trades: 3, interval: 1 },
      interval_begin: new Date(Date.UTC(2100, 0, 1, 0, at)).toISOString(),
    });
    const say = (type: string, ...data: object[]) =>
      server.say(JSON.stringify({ channel: 'ohlc', type, data }));
    const closes = () => records.map((bar) => [(bar as BarRecord).tsEventUs / 6e7, (bar as BarRecord).close]);
    const first = Date.UTC(2100, 0, 1) / 6e4;
    session.want([{ symbol: 'BTC-USD', kind: 'bar', intervalUs: MINUTE_US }]);
    await eventually(() => server.subscribed.length === 1, 'the subscription');
    say('snapshot', minute(0, 1), minute(1, 2), minute(2, 3));
    say('update', minute(2, 4));
    say('update', minute(3, 5));
    await eventually(() => records.length === 1, 'the bar that is over');
    server.drop();
    await eventually(() => server.subscribed.length === 2, 'the subscription anew');
    say('snapshot', minute(3, 6), minute(4, 7));
    await eventually(() => records.length === 2, 'the bar that ended meanwhile');
    say('update', minute(5, 8));
    await eventually(() => records.length === 3, 'the next bar');
    expect(closes()).toEqual([
      [first + 2, 4],
      [first + 3, 6],
      [first + 4, 7],
    ]);
    await session.close();
  });

  test('a stream that is closed while it begins leaves nothing open', async () => {
    await using server = new RecordedKraken(recordings());
    const { records, events, sink } = heard();
    const session = source(server).live!(sink);
    session.want([{ symbol: 'BTC-USD', kind: 'trade' }]);
    await session.close();
    expect([server.connections, server.requests, records, events]).toEqual([0, [], [], []]);
  });

  test('a symbol that the exchange does not have is refused once', async () => {
    await using server = new RecordedKraken(recordings());
    const { events, sink } = heard();
    const session = source(server).live!(sink);
    session.want([{ symbol: 'NO-SUCH', kind: 'trade' }]);
    await eventually(() => events.length > 0, 'a refusal');
    expect(events).toMatchObject([{ event: 'refused', symbol: 'NO-SUCH' }]);
    // Another name of it is another thing.
    session.want([{ symbol: 'NO-SUCH', kind: 'trade', nativeSymbol: 'BTC/USD' }]);
    await eventually(() => server.subscribed.length === 1, 'a subscription by its name');
    await session.close();
  });

  test('markets are instruments with their steps', async () => {
    await using server = new RecordedKraken(recordings());
    const found = await source(server).instruments!(new AbortController().signal);
    expect(found.map(({ symbol }) => symbol).sort()).toEqual(['BTC-USD', 'BTC-USDT']);
    expect(found[0]).toMatchObject({
      venue: 'kraken',
      assetClass: 'spot',
      tickSize: '0.1',
      lotSize: '0.00000001',
    });
    const one = await readAll(source(server), request({ kind: 'instrument', symbol: 'BTC-USDT' }));
    expect(one).toMatchObject([{ symbol: 'BTC-USDT', nativeSymbol: 'BTC/USDT', tickSize: '0.1' }]);
  });
});
