import { afterEach, expect, test } from 'bun:test';
import { TestEngine } from '../../../test/support/engine.ts';
import { ingested } from '../../../test/support/ingest.ts';
import { Provider } from '../../../test/support/provider.ts';
import marketdata from '../index.ts';
import chart from './yahoo/fixtures/chart.json' with { type: 'json' };

let engine: TestEngine;
afterEach(() => engine.stop());

test('what a provider of history says is stored and served by the engine', async () => {
  await using server = new Provider(() => Response.json(chart.daily));
  engine = await TestEngine.start(marketdata);
  const set = await engine.send('PUT', '/sources/yahoo', { endpoints: { rest: server.base } });
  expect(set.status).toBe(200);
  const range = { symbol: 'AAPL', from_us: 1.5962e15, to_us: 1.5995e15 };
  expect(
    await ingested(engine, 'yahoo', { ...range, kind: 'bars', interval_us: 86_400_000_000 }),
  ).toMatchObject({
    records: 3,
    // From the 7th to the 31st of August, and by the calendar of US stocks.
    flags: { gap: 1 },
  });
  expect(await ingested(engine, 'yahoo', { ...range, kind: 'corporate_actions' })).toMatchObject({
    stored: 2,
  });
  const { actions } = (await engine.get('/corporate-actions/AAPL')).body;
  expect(actions).toMatchObject([
    { action: 'dividend', amount: 0.82, source: 'yahoo' },
    { action: 'split', ratio: 4 },
  ]);
  const { bars } = (await engine.get('/bars/AAPL?interval_us=86400000000')).body;
  expect(bars.map((bar: { close: number }) => bar.close)).toEqual([111.112503, 129.039993, 134.179993]);
});

test('an exchange of ccxt is a source by its name, another name is none', async () => {
  engine = await TestEngine.start(marketdata);
  const found = await engine.send('PUT', '/sources/ccxt:bitstamp', { enabled: false });
  expect([found.status, found.body.id]).toEqual([200, 'ccxt:bitstamp']);
  expect((await engine.send('PUT', '/sources/ccxt:nowhere', { enabled: false })).status).toBe(404);
});
