// Sources, subscriptions, books, quality, latency and ingests through the port of the engine, on a local venue.
import { afterEach, expect, test } from 'bun:test';
import { topics } from '../../../src/bus/topics.ts';
import { systemClock } from '../../../src/core/clock.ts';
import { TestEngine } from '../../../test/support/engine.ts';
import { eventually } from '../../../test/support/eventually.ts';
import definition from '../index.ts';
import { BinanceDouble } from '../sources/binance/double.ts';

let engine: TestEngine;
let venue: BinanceDouble;

afterEach(async () => {
  await engine.stop();
  await venue.stop();
});

test('listens to a venue, serves what it says, stores it, and goes on after a restart', async () => {
  venue = new BinanceDouble(() => systemClock.nowUs());
  venue.book('BTCUSDT');
  engine = await TestEngine.start(definition);
  const endpoints = { rest: venue.endpoint('rest')!, stream: venue.endpoint('stream')! };
  expect((await engine.send('PUT', '/sources/binance', { endpoints })).body.endpoints).toEqual(endpoints);
  expect((await engine.send('PUT', '/sources/nobody', {})).status).toBe(404);
  venue.down = true;
  expect((await engine.send('PUT', '/sources/binance', { nonsense: 1 })).status).toBe(422);
  const request = { symbol: 'BTC-USDT', kinds: ['trades', 'book'], sources: ['binance'] };
  const added = await engine.post('/subscriptions', request);
  expect(added).toMatchObject({ status: 201, body: request });
  expect((await engine.get('/book/BTC-USDT')).body).toMatchObject({
    source: 'binance',
    state: 'waiting',
    reason: 'no snapshot yet',
    bids: [],
  });
  expect((await engine.get('/book/BTC-USDT?source=kraken')).status).toBe(404);
  venue.down = false;
  expect((await engine.post('/subscriptions', { ...request, kinds: ['macro'] })).body).toMatchObject({
    status: 422,
    errors: [{ pointer: '/kinds/0' }],
  });
  const heard = async () => {
    venue.trade('BTCUSDT', '100.05', '2', true);
    venue.update('BTCUSDT', 'b', [['99.90', '3']]);
    return (
      (await engine.get('/book/BTC-USDT')).body.state === 'live' &&
      engine.messages(topics.marketTrades).length > 0
    );
  };
  await eventually(heard, 'trades and a live book');
  expect((await engine.get('/book/BTC-USDT?depth=1')).body).toMatchObject({
    source: 'binance',
    bids: [{ price: '100', size: '1.5' }],
    asks: [{ price: '100.1', size: '2' }],
  });
  const { sources, routes } = (await engine.get('/sources')).body;
  expect(sources.find((s: { id: string }) => s.id === 'binance')).toMatchObject({
    health: 'connected',
    streams: 2,
  });
  expect(routes.map((r: { stream: string }) => r.stream).sort()).toEqual(['book', 'trade']);
  expect((await engine.get('/quality/BTC-USDT')).body.series.length).toBe(3);
  expect((await engine.get('/quality/ETH-USDT')).status).toBe(404);
  expect((await engine.get('/latency')).body.sources[0]).toMatchObject({ source: 'binance' });
  const before = engine.messages(topics.marketTrades).length;
  await engine.restart(definition);
  expect((await engine.get('/subscriptions')).body.subscriptions).toEqual([added.body]);
  await eventually(
    async () => (await heard()) && engine.messages(topics.marketTrades).length > before,
    'more trades',
  );
  const id = added.body.subscription_id;
  expect((await engine.send('DELETE', `/subscriptions/${id}`)).status).toBe(200);
  expect((await engine.send('DELETE', `/subscriptions/${id}`)).status).toBe(404);
  expect((await engine.get('/book/BTC-USDT')).status).toBe(404);
});

test('reads history of a venue into the store as a job', async () => {
  venue = new BinanceDouble(() => systemClock.nowUs());
  engine = await TestEngine.start(definition);
  const startMs = 1_700_000_040_000;
  venue.history.klines = Array.from({ length: 5 }, (_, i) => {
    const at = startMs + i * 60_000;
    return [at, '100', '102', '99', '101', '7', at + 59_999, '700', 12, '3', '300', '0'];
  });
  const endpoints = { rest: venue.endpoint('rest')! };
  await engine.send('PUT', '/sources/binance', { endpoints });
  const range = { from_us: startMs * 1000, to_us: (startMs + 299_999) * 1000 };
  const job = await engine.post('/ingest/binance', { symbol: 'BTCUSDT', kind: 'bars', ...range });
  expect(job.status).toBe(202);
  const state = async () => (await engine.get(job.body.progress_url)).body;
  await eventually(async () => ['completed', 'failed'].includes((await state()).state), 'the end of the job');
  expect(await state()).toMatchObject({ state: 'completed' });
  const bars = await engine.get('/bars/BTCUSDT?limit=10');
  expect(bars.body.bars).toHaveLength(5);
  expect(bars.body.bars[0]).toMatchObject({ ts_event_us: startMs * 1000, close: 101 });
  expect((await engine.post('/ingest/nobody', { symbol: 'X', kind: 'bars', ...range })).status).toBe(404);
  const macro = { symbol: 'X', kind: 'macro', ...range };
  expect((await engine.post('/ingest/binance', macro)).body.errors).toMatchObject([{ pointer: '/kind' }]);
  // Nothing waits in a queue for what cannot be asked for, whatever this machine knows.
  for (const name of ['FRED_API_KEY', 'FRED_API_KEY_FILE']) delete process.env[name];
  expect((await engine.post('/ingest/fred', macro)).body.errors).toMatchObject([
    { pointer: 'env/FRED_API_KEY' },
  ]);
});
