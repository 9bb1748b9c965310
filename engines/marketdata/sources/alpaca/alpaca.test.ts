import { expect, test } from 'bun:test';
import { flagNames } from '../../../../src/market/flags.ts';
import { SeriesGate } from '../../../../src/market/quality/gate.ts';
import type {
  BarRecord,
  CorporateAction,
  MarketRecord,
  Quote,
  Trade,
} from '../../../../src/market/records.ts';
import { decimalText } from '../../../../src/market/scale.ts';
import { DAY_US, MINUTE_US } from '../../../../src/market/sessions/days.ts';
import { eventually } from '../../../../test/support/eventually.ts';
import { Provider, readAll, testContext } from '../../../../test/support/provider.ts';
import type { HistoryRequest, SourceEvent } from '../port.ts';
import { AlpacaDouble, streamTime } from './double.ts';
import recorded from './fixtures/stocks.json' with { type: 'json' };
import { alpaca, alpacaSip } from './index.ts';

const KEYS = ['PKTESTKEYID0000000', 'secretsecretsecret/with+signs=='] as const;
const PAGES = {
  '/v2/stocks/bars': recorded.bars,
  '/v2/stocks/trades': recorded.trades,
  '/v2/stocks/quotes': recorded.quotes,
  '/v1/corporate-actions': recorded.corporate_actions,
};

function us(time: string): number {
  return Date.parse(time) * 1000;
}

function context(server: AlpacaDouble, keys: readonly [string, string] = KEYS) {
  return testContext(
    { rest: server.rest, stream: server.stream },
    { APCA_API_KEY_ID: keys[0], APCA_API_SECRET_KEY: keys[1] },
  );
}

function request(more: Partial<HistoryRequest>): HistoryRequest {
  return { kind: 'bar', symbol: 'AAPL', fromUs: us('2020-01-01'), toUs: us('2022-12-31'), ...more };
}

test('bars come page after page, as traded', async () => {
  await using server = new AlpacaDouble(KEYS, PAGES);
  const bars = await readAll<BarRecord>(alpaca(context(server)), request({ intervalUs: MINUTE_US }));
  expect(bars.map(({ tsEventUs, close }) => [tsEventUs, close])).toEqual([
    [us('2022-01-03T09:00:00Z'), 178.21],
    [us('2022-01-03T09:01:00Z'), 178.3],
    [us('2022-01-03T09:02:00Z'), 178.4],
  ]);
  expect(bars[0]).toMatchObject({ trades: 65, volume: 1118, adjusted: [], source: 'alpaca' });
  const asked = server.requests[0]!.url.searchParams;
  expect([asked.get('timeframe'), asked.get('feed'), asked.get('adjustment')]).toEqual([
    '1Min',
    'iex',
    'raw',
  ]);
  expect(server.requests[1]!.url.searchParams.get('page_token')).toBe('1');
});

test('trades keep nanoseconds as text and large numbers as they are; canceled ones are left out and counted', async () => {
  await using server = new AlpacaDouble(KEYS, PAGES);
  const given = context(server);
  const trades = await readAll<Trade>(alpacaSip(given), request({ kind: 'trade' }));
  expect(trades).toMatchObject([
    {
      tsEventUs: us('2022-01-03T09:00:00Z') + 86_175,
      tsEventText: '2022-01-03T09:00:00.086175744Z',
      id: '2022-01-03:P:1',
    },
    { tsEventUs: us('2022-01-03T09:00:00.200Z'), id: '2022-01-03:P:52983525029461' },
  ]);
  expect(trades[1]!.tsEventText).toBeUndefined();
  expect(trades.map(({ price, scale }) => decimalText(price, scale.price))).toEqual(['178.26', '178.2651']);
  expect(trades.map(({ size, scale }) => decimalText(size, scale.size))).toEqual(['246', '0.5']);
  expect(given.lines.join()).toContain('taken back by the exchange');
  expect(server.requests[0]!.url.searchParams.get('feed')).toBe('sip');
});

test('numbers of trades begin anew on every exchange and every day: none is taken for another', async () => {
  const trade = (t: string, x: string) => ({ t, x, p: 10, s: 100, c: ['@'], i: 7, z: 'A' });
  // 20:00 of New York on the 3rd is the 4th in UTC, and a day before the trade of the 4th.
  const list = [
    trade('2022-01-03T15:00:00Z', 'N'),
    trade('2022-01-03T15:00:00Z', 'P'),
    trade('2022-01-04T00:59:59Z', 'Q'),
    trade('2022-01-04T09:00:00Z', 'Q'),
  ];
  await using server = new AlpacaDouble(KEYS, { '/v2/stocks/trades': [{ trades: { AAPL: list } }] });
  const trades = await readAll<Trade>(alpacaSip(context(server)), request({ kind: 'trade' }));
  const gate = new SeriesGate({ kind: 'trade' });
  expect(trades.map((one) => flagNames(gate.check(one)))).toEqual([[], [], [], []]);
  // The same one again is.
  expect(flagNames(gate.check(trades[3]!))).toEqual(['duplicate']);
});

test('quotes have empty sides as zero, and a range is kept to the microsecond', async () => {
  await using server = new AlpacaDouble(KEYS, PAGES);
  const quotes = await readAll<Quote>(alpaca(context(server)), request({ kind: 'quote' }));
  expect(
    quotes.map(({ bid, ask, scale }) => [bid, ask].map((price) => decimalText(price, scale.price))),
  ).toEqual([
    ['177.92', '0'],
    ['177.92', '178.8'],
  ]);
  const late = request({ kind: 'quote', fromUs: us('2022-01-03T09:00:00Z') + 28_161 });
  expect(await readAll<Quote>(alpaca(context(server)), late)).toHaveLength(1);
});

test('splits, dividends and renames come by their day, each for the symbol that it is of', async () => {
  await using server = new AlpacaDouble(KEYS, PAGES);
  const given = context(server);
  const actions = (symbol: string) =>
    readAll<CorporateAction>(alpaca(given), request({ kind: 'corporate_action', symbol }));
  expect(await actions('AAPL')).toMatchObject([
    { action: 'dividend', amount: 0.82, tsEventUs: us('2020-08-07') },
    { action: 'split', ratio: 4, tsEventUs: us('2020-08-31') },
  ]);
  expect(await actions('GE')).toMatchObject([{ action: 'split', ratio: 0.125, tsEventUs: us('2021-08-02') }]);
  expect(await actions('FB')).toMatchObject([
    { action: 'rename', renamedTo: 'META', tsEventUs: us('2022-06-09') },
  ]);
  // Asked for META, Alpaca tells of the rename as well: it is not META that got another name.
  expect(await actions('META')).toEqual([]);
  expect(given.lines.join()).toContain('"of another symbol":4');
});

test('a page that comes again is an error, not the end of the history', async () => {
  await using server = new Provider(() => Response.json({ ...recorded.bars[0], next_page_token: 'again' }));
  const given = testContext(
    { rest: server.base },
    { APCA_API_KEY_ID: KEYS[0], APCA_API_SECRET_KEY: KEYS[1] },
  );
  const read = readAll(alpaca(given), request({ intervalUs: MINUTE_US }));
  await expect(read).rejects.toMatchObject({ slug: 'provider-error' });
  expect(server.requests).toHaveLength(2);
});

test('keys never come into errors or logs, refused or missing', async () => {
  await using server = new AlpacaDouble(['other', 'keys'], PAGES);
  const given = context(server);
  const error = await readAll(alpaca(given), request({ intervalUs: DAY_US })).catch((thrown) => thrown);
  expect(error).toMatchObject({ slug: 'provider-error', extras: { provider_status: 403 } });
  expect(error.message).toContain('forbidden for');
  const shown = JSON.stringify([error.message, error.stack, error.extras, given.lines]);
  for (const key of KEYS) expect(shown).not.toContain(key);
  const without = alpaca(testContext({}));
  expect(() => without.history!(request({ intervalUs: DAY_US }), new AbortController().signal)).toThrow(
    'Expected APCA_API_KEY_ID and APCA_API_SECRET_KEY',
  );
  expect(() => without.history!(request({ intervalUs: 7 }), new AbortController().signal)).toThrow(
    'interval_us',
  );
});

test('the stream tells trades, quotes and bars, changes what it listens to, and comes back', async () => {
  await using server = new AlpacaDouble(KEYS, PAGES);
  const records: MarketRecord[] = [];
  const events: SourceEvent[] = [];
  const given = context(server);
  const session = alpaca(given).live!({
    records: (batch) => void records.push(...batch),
    event: (event) => void events.push(event),
  });
  session.want([
    { symbol: 'AAPL', kind: 'trade' },
    { symbol: 'AAPL', kind: 'quote' },
    { symbol: 'AAPL', kind: 'bar', intervalUs: MINUTE_US },
    { symbol: 'AAPL', kind: 'book_delta' },
  ]);
  await eventually(() => server.subscribed.length === 3, 'three subscriptions');
  expect(events).toContainEqual({
    event: 'refused',
    symbol: 'AAPL',
    kind: 'book_delta',
    reason: 'Alpaca has no live book_delta',
  });
  const t = streamTime(1_641_200_400, 86_175_744);
  server.send([
    { T: 't', S: 'AAPL', i: 96_921, x: 'D', p: 126.55, s: 1, t, c: ['@', 'I'], z: 'C' },
    { T: 'q', S: 'AAPL', bx: 'Q', bp: 126.5, bs: 3, ax: 'Q', ap: 126.6, as: 2, t, c: ['R'], z: 'C' },
    { T: 'b', S: 'AAPL', o: 126, h: 127, l: 125.5, c: 126.55, v: 1000, n: 12, vw: 126.2, t },
    { T: 't', S: 'MSFT', i: 1, x: 'D', p: 1, s: 1, t, c: [], z: 'C' },
  ]);
  await eventually(() => records.length === 3, 'a trade, a quote and a bar');
  expect(records[0]).toMatchObject({
    kind: 'trade',
    id: '2022-01-03:D:96921',
    tsEventUs: 1_641_200_400_086_175,
    tsEventText: '2022-01-03T09:00:00.086175744Z',
  });
  expect(records[2]).toMatchObject({ kind: 'bar', interval: MINUTE_US, close: 126.55 });
  server.drop();
  await eventually(() => server.subscribed.length >= 6, 'subscriptions anew');
  expect(events.some(({ event }) => event === 'disconnected')).toBeTrue();
  session.want([{ symbol: 'AAPL', kind: 'trade' }]);
  await eventually(() => server.subscribed.includes('unsubscribe quotes AAPL'), 'the end of a subscription');
  server.send([{ T: 't', S: 'AAPL', i: 96_922, x: 'D', p: 126.5512, s: 1, t, c: [], z: 'C' }]);
  await eventually(() => records.length === 4, 'a trade of the new connection');
  await session.close();
  for (const key of KEYS) expect(JSON.stringify([events, given.lines])).not.toContain(key);
});

test('what is beyond the limit of symbols is refused by name and not asked for again, the rest goes on', async () => {
  await using server = new AlpacaDouble(KEYS, PAGES);
  server.symbolLimit = 1;
  const records: MarketRecord[] = [];
  const events: SourceEvent[] = [];
  const given = context(server);
  const session = alpaca(given).live!({
    records: (batch) => void records.push(...batch),
    event: (event) => void events.push(event),
  });
  session.want([{ symbol: 'AAPL', kind: 'trade' }]);
  await eventually(() => server.subscribed.length === 1, 'the first subscription');
  session.want(['AAPL', 'MSFT'].map((symbol) => ({ symbol, kind: 'trade' })));
  await eventually(() => events.some(({ event }) => event === 'refused'), 'a refusal');
  expect(events.filter(({ event }) => event === 'refused')).toEqual([
    { event: 'refused', symbol: 'MSFT', kind: 'trade', reason: 'symbol limit exceeded' },
  ]);
  await eventually(() => server.subscribed.includes('unsubscribe trades MSFT'), 'that it is given up');
  server.drop();
  await eventually(() => server.subscribed.length === 4, 'a subscription anew');
  expect(server.subscribed[3]).toBe('subscribe trades AAPL');
  const t = streamTime(1_641_200_400, 0);
  server.send([
    { T: 't', S: 'AAPL', i: 1, x: 'D', p: 126.55, s: 1, t, c: [], z: 'C' },
    { T: 'x', S: 'AAPL', i: 1, x: 'D', p: 126.55, s: 1, a: 'C', t, z: 'C' },
  ]);
  await eventually(() => given.lines.join().includes('took back'), 'a trade that was taken back');
  expect(records).toHaveLength(1);
  await session.close();
});

test('a name that the SDK does not take, and an address that is none, are refused and throw nothing', async () => {
  await using server = new AlpacaDouble(KEYS, PAGES);
  const refused = async (stream: string, native: string) => {
    const events: SourceEvent[] = [];
    const given = {
      ...context(server),
      endpoint: (name: string) => (name === 'stream' ? stream : server.rest),
    };
    const session = alpaca(given).live!({ records: () => {}, event: (event) => void events.push(event) });
    session.want([{ symbol: 'AAPL', kind: 'trade', nativeSymbol: native }]);
    await eventually(() => events.length > 0, 'a refusal');
    await session.close();
    return events;
  };
  const refusal = { event: 'refused', symbol: 'AAPL', kind: 'trade' };
  expect(await refused(server.stream, ' ')).toMatchObject([refusal]);
  expect(await refused('ftp://127.0.0.1', 'AAPL')).toMatchObject([refusal]);
});

test('keys that are refused end the stream, and say so for all that is wanted', async () => {
  await using server = new AlpacaDouble(['other', 'keys'], PAGES);
  const events: SourceEvent[] = [];
  const session = alpaca(context(server)).live!({
    records: () => {},
    event: (event) => void events.push(event),
  });
  session.want([{ symbol: 'AAPL', kind: 'trade' }]);
  await eventually(() => events.some(({ event }) => event === 'refused'), 'a refusal');
  expect(events.find(({ event }) => event === 'refused')).toMatchObject({ symbol: 'AAPL', kind: 'trade' });
  session.want(['AAPL', 'MSFT'].map((symbol) => ({ symbol, kind: 'trade' })));
  expect(events.at(-1)).toMatchObject({ event: 'refused', symbol: 'MSFT' });
  await session.close();
});
