import { expect, test } from 'bun:test';
import type { BarRecord, InstrumentRecord, MarketRecord } from '../../../../src/market/records.ts';
import { decimalText } from '../../../../src/market/scale.ts';
import { DAY_US, MINUTE_US } from '../../../../src/market/sessions/days.ts';
import { eventually } from '../../../../test/support/eventually.ts';
import { readAll, testContext, withoutWaits } from '../../../../test/support/provider.ts';
import type { HistoryRequest, SourceEvent } from '../port.ts';
import { contractOf, nativeSymbol } from './contracts.ts';
import { type BarsAsked, TwsDouble } from './double.ts';
import { ib } from './index.ts';

function us(time: string): number {
  return Date.parse(time) * 1000;
}

function source(server: TwsDouble) {
  return ib(testContext({}, { IB_PORT: server.port }, withoutWaits(us('2024-03-12T00:00:00Z'))));
}

function request(more: Partial<HistoryRequest>): HistoryRequest {
  return {
    kind: 'bar',
    symbol: 'AAPL',
    fromUs: us('2024-03-07T00:00:00Z'),
    toUs: us('2024-03-11T23:00:00Z'),
    intervalUs: DAY_US,
    ...more,
  };
}

test('names are stocks, currencies or coins unless they say more', () => {
  const names = ['AAPL', 'BRK.B', 'BRK-B', 'EUR-USD', 'BTC-USD', 'FUT:ES:CME:USD:202406'];
  expect(names.map(nativeSymbol)).toEqual([
    'STK:AAPL:SMART:USD',
    'STK:BRK B:SMART:USD',
    'STK:BRK B:SMART:USD',
    'CASH:EUR:IDEALPRO:USD',
    'CRYPTO:BTC:PAXOS:USD',
    'FUT:ES:CME:USD:202406',
  ]);
  expect(contractOf('FUT:ES:CME:USD:202406').contract).toMatchObject({
    lastTradeDateOrContractMonth: '202406',
  });
  for (const wrong of ['AAPL', 'FUT:ES:CME:USD', 'OPT:A:B:USD', 'STK:A:SMART:USD:202401', 'STK::SMART:USD'])
    expect(() => contractOf(wrong)).toThrow('native_symbol');
});

test('days come as dates, adjusted for splits, and the connection ends with the request', async () => {
  await using server = await TwsDouble.listen(() => [
    ['20240307', 169.15, 170.73, 168.49, 169, 40_000_000, 169.4, 210_000],
    ['20240308', 169, 173.7, 168.94, 170.73, 50_000_000, 171.2, 260_000],
    ['20240312', 172, 173, 171, 172.5, 1000, 172.1, 100],
  ]);
  const bars = await readAll<BarRecord>(source(server), request({}));
  expect(bars).toMatchObject([
    { tsEventUs: us('2024-03-07'), close: 169, volume: 40_000_000, trades: 210_000, adjusted: ['split'] },
    { tsEventUs: us('2024-03-08'), open: 169, high: 173.7 },
  ]);
  expect(server.asked).toEqual([
    {
      symbol: 'AAPL',
      secType: 'STK',
      exchange: 'SMART',
      currency: 'USD',
      end: '20240312-00:00:00',
      size: '1 day',
      duration: '1 Y',
      shown: 'TRADES',
    },
  ]);
  expect(server.clientId).toBe('10');
  await eventually(() => server.open === 0, 'the end of the connection');
});

test('minutes are asked for by days, and each bar comes once', async () => {
  const rows = [...Array(4).keys()].map((day) => [
    String(us('2024-03-07T14:30:00Z') / 1e6 + day * 86_400),
    1,
    2,
    0.5,
    1.5,
    -1,
    1,
    3,
  ]);
  await using server = await TwsDouble.listen(() => rows);
  const bars = await readAll<BarRecord>(
    source(server),
    request({ symbol: 'EUR-USD', intervalUs: MINUTE_US }),
  );
  expect(bars.map(({ tsEventUs }) => new Date(tsEventUs / 1000).toISOString())).toEqual([
    '2024-03-07T14:30:00.000Z',
    '2024-03-08T14:30:00.000Z',
    '2024-03-09T14:30:00.000Z',
    '2024-03-10T14:30:00.000Z',
  ]);
  expect(bars[0]).toMatchObject({ volume: 0, adjusted: [] });
  expect(server.asked.map(({ end }) => end.slice(0, 8))).toEqual([
    '20240308',
    '20240309',
    '20240310',
    '20240311',
    '20240311',
  ]);
  expect(server.asked[0]).toMatchObject({
    secType: 'CASH',
    shown: 'MIDPOINT',
    duration: '2 D',
    size: '1 min',
  });
});

/** Sessions of New York in March 2024 as IB tells of them: a duration of days counts back whole sessions, the one that has begun among them; a minute that the end cuts is a part of one. */
function bySessions({ end, duration }: BarsAsked): readonly (readonly unknown[])[] {
  const endUs = us(end.replace(/(....)(..)(..)-/, '$1-$2-$3T').concat('Z'));
  const opens = ['2024-03-06', '2024-03-07', '2024-03-08'].map((day) => us(`${day}T14:30:00Z`));
  const begun = opens.filter((openUs) => openUs < endUs).slice(-Number(duration.split(' ')[0]));
  const minutes = begun.flatMap((openUs) => [...Array(390).keys()].map((n) => openUs + n * MINUTE_US));
  return minutes
    .filter((at) => at < endUs)
    .map((at) => [String(at / 1e6), 1, 2, 0.5, 1.5, at + MINUTE_US > endUs ? 4 : 10, 1, 3]);
}

test('a range that begins and ends within sessions is whole', async () => {
  await using server = await TwsDouble.listen(bySessions);
  const fromUs = us('2024-03-06T16:59:30Z');
  const toUs = us('2024-03-08T16:59:00Z');
  const bars = await readAll<BarRecord>(source(server), request({ intervalUs: MINUTE_US, fromUs, toUs }));
  // From 12:00 to 16:00 on the 6th, the 7th, from 9:30 to 12:00 on the 8th.
  expect(bars).toHaveLength(240 + 390 + 150);
  expect([bars[0]!.tsEventUs, bars.at(-1)!.tsEventUs]).toEqual([us('2024-03-06T17:00:00Z'), toUs]);
  expect(new Set(bars.map(({ volume }) => volume))).toEqual(new Set([10]));
  // One connection for all parts: TWS frees the number of a client only some time after it has gone.
  expect([server.asked.length, server.connections]).toEqual([3, 1]);
});

test('a contract is an instrument with its steps', async () => {
  await using server = await TwsDouble.listen();
  const found = await readAll<InstrumentRecord>(source(server), request({ kind: 'instrument' }));
  expect(found).toMatchObject([
    {
      symbol: 'AAPL',
      nativeSymbol: 'STK:AAPL:SMART:USD',
      venue: 'NASDAQ',
      assetClass: 'equity',
      quote: 'USD',
      tickSize: '0.01',
      lotSize: '0.0001',
      scale: { price: 2, size: 4 },
    },
  ]);
  server.refused = 'NOPE';
  const refused = readAll(source(server), request({ kind: 'instrument', symbol: 'NOPE' }));
  await expect(refused).rejects.toMatchObject({ slug: 'not-found' });
});

test('what TWS refuses is told by its kind; no data is none', async () => {
  const answers = [
    [
      162,
      'Historical Market Data Service error message:HMDS query returned no data: AAPL@SMART Trades',
      null,
    ],
    [200, 'No security definition has been found for the request', 'not-found'],
    [
      162,
      'Historical Market Data Service error message:Historical data request pacing violation',
      'too-many-requests',
    ],
    [
      162,
      'Historical Market Data Service error message:No market data permissions for NYSE STK',
      'provider-error',
    ],
  ] as const;
  for (const [code, message, slug] of answers) {
    await using server = await TwsDouble.listen(() => ({ code, message }));
    const reading = readAll(source(server), request({})).catch((thrown) => thrown.slug);
    expect(await reading).toEqual(slug ?? []);
  }
});

test('a missing or wrong variable, and a port where nobody listens, are told', async () => {
  const { signal } = new AbortController();
  expect(() => ib(testContext({})).history!(request({}), signal)).toThrow('Expected IB_PORT');
  expect(() => ib(testContext({}, { IB_PORT: '99999' })).history!(request({}), signal)).toThrow('IB_PORT');
  const server = await TwsDouble.listen();
  const gone = source(server);
  await server[Symbol.asyncDispose]();
  await expect(readAll(gone, request({}))).rejects.toMatchObject({ slug: 'dependency-unavailable' });
});

test('trades and quotes come tick by tick, and again after a loss of the connection', async () => {
  await using server = await TwsDouble.listen();
  server.refused = 'MSFT';
  const records: MarketRecord[] = [];
  const events: SourceEvent[] = [];
  const session = source(server).live!({
    records: (batch) => void records.push(...batch),
    event: (event) => void events.push(event),
  });
  session.want([
    { symbol: 'AAPL', kind: 'trade' },
    { symbol: 'AAPL', kind: 'quote' },
    { symbol: 'MSFT', kind: 'trade' },
    { symbol: 'AAPL', kind: 'book_delta' },
  ]);
  await eventually(() => server.ticks.size === 2, 'two subscriptions');
  await eventually(() => events.filter(({ event }) => event === 'refused').length === 2, 'two refusals');
  expect(events).toContainEqual({
    event: 'refused',
    symbol: 'MSFT',
    kind: 'trade',
    reason: '354: Requested market data is not subscribed.',
  });
  server.send(99, server.numberOf('AAPL AllLast'), 2, 1_709_908_200, 170.73, 100, 0, 'NASDAQ', '');
  server.send(99, server.numberOf('AAPL BidAsk'), 3, 1_709_908_201, 170.72, 170.745, 3, 5, 0);
  await eventually(() => records.length === 2, 'a trade and a quote');
  expect(records[0]).toMatchObject({
    kind: 'trade',
    symbol: 'AAPL',
    source: 'ib',
    tsEventUs: us('2024-03-08T14:30:00Z'),
  });
  const quote = records[1] as Extract<MarketRecord, { kind: 'quote' }>;
  expect([quote.bid, quote.ask].map((price) => decimalText(price, quote.scale.price))).toEqual([
    '170.72',
    '170.745',
  ]);
  server.drop();
  await eventually(() => server.connections === 2 && server.ticks.size === 2, 'subscriptions anew');
  expect(events.filter(({ event }) => event === 'disconnected')).toHaveLength(1);
  server.send(99, server.numberOf('AAPL AllLast'), 2, 1_709_908_260, 170.8, 1, 0, 'NASDAQ', '');
  await eventually(() => records.length === 3, 'a trade of the new connection');
  session.want([{ symbol: 'AAPL', kind: 'trade' }]);
  await eventually(() => server.ticks.size === 1, 'the end of a subscription');
  const before = server.numberOf('AAPL AllLast');
  session.want([{ symbol: 'AAPL', kind: 'trade', nativeSymbol: 'STK:AAPL:NYSE:USD' }]);
  await eventually(() => ![before, undefined].includes(server.numberOf('AAPL AllLast')), 'another contract');
  await session.close();
  await eventually(() => server.open === 0, 'the end of the connection');
});

test('a warning ends nothing, and what TWS says of its own connection to IB is heard', async () => {
  await using server = await TwsDouble.listen();
  const records: MarketRecord[] = [];
  const events: SourceEvent[] = [];
  const session = source(server).live!({
    records: (batch) => void records.push(...batch),
    event: (event) => void events.push(event),
  });
  session.want([{ symbol: 'AAPL', kind: 'quote' }]);
  await eventually(() => server.ticks.size === 1, 'a subscription');
  const error = (id: string, code: number, message: string) => server.send(4, 2, id, code, message, '');
  error('-1', 2104, 'Market data farm connection is OK:usfarm');
  error(server.numberOf('AAPL BidAsk')!, 10167, 'Displaying delayed market data');
  error('-1', 1100, 'Connectivity between IB and TWS has been lost');
  await eventually(() => events.some(({ event }) => event === 'disconnected'), 'a loss');
  expect(events.map(({ event }) => event)).toEqual(['connected', 'disconnected']);
  // One more wish meanwhile does not make what is heard come twice.
  session.want(['AAPL', 'MSFT'].map((symbol) => ({ symbol, kind: 'quote' })));
  await eventually(() => server.ticks.size === 2, 'another subscription');
  server.send(99, server.numberOf('AAPL BidAsk'), 3, 1_709_908_201, 170.72, -1, 3, 0, 0);
  await eventually(() => records.length > 0, 'a quote');
  // An empty side, and no record twice.
  expect(records).toMatchObject([{ kind: 'quote', bid: 17_072, ask: 0, askSize: 0 }]);
  error('-1', 1101, 'Connectivity between IB and TWS has been restored - data lost');
  await eventually(() => server.connections === 2 && server.ticks.size === 2, 'subscriptions anew');
  expect(events.map(({ event }) => event)).toEqual(['connected', 'disconnected', 'connected']);
  await session.close();
});

test('a number that another program has is the reason that is told', async () => {
  await using server = await TwsDouble.listen(() => []);
  server.taken = true;
  const refused = readAll(source(server), request({}));
  await expect(refused).rejects.toThrow('client id is already in use');
});
