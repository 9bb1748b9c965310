// Replays through the port of the engine.
import { afterEach, describe, expect, test } from 'bun:test';
import { copyFileSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Bus } from '../../../src/bus/client.ts';
import type { Envelope } from '../../../src/bus/envelope.ts';
import { type BodyOf, lockstepReportTopic, topics } from '../../../src/bus/topics.ts';
import { captureLines, capturePath, gzipLines } from '../../../test/support/captures.ts';
import { TestEngine, walkBars } from '../../../test/support/engine.ts';
import { eventually } from '../../../test/support/eventually.ts';
import definition from '../index.ts';

const spot = capturePath('spot');
const missing = spot === null ? ' (skipped: no ../shared/data)' : '';

describe('the routes of replays', () => {
  let engine: TestEngine;
  afterEach(() => engine?.stop());

  async function importBars() {
    const rows = walkBars('X', 50).map((b) =>
      [b.ts_event_us, b.open, b.high, b.low, b.close, b.volume].join(),
    );
    const body = ['time,open,high,low,close,volume', ...rows].join('\n');
    await fetch(`${engine.url}/bars/import?symbol=X&wait=true`, { method: 'POST', body });
  }

  test.skipIf(spot === null)(
    `a capture of the import folder is paused, moved, sped up and ended; a restart ends it${missing}`,
    async () => {
      engine = await TestEngine.start(definition);
      await importBars();
      const recorded = Buffer.from(gzipLines((await captureLines('spot', 300))!));
      await fetch(`${engine.url}/import`, { method: 'POST', body: recorded });
      // The levels that the snapshot and the changes of the recording add up to.
      const bookOf = (query: string) => engine.get(`/book/BTCUSDT${query}`);
      expect((await bookOf('')).status).toBe(404);
      expect(await bookOf('?at_us=1723161256500000&depth=1')).toMatchObject({
        status: 200,
        body: {
          source: 'binance',
          state: 'live',
          sequence: 50093240368,
          bids: [{ price: '61828.01', size: '0.12755' }],
          asks: [{ price: '61828.02', size: '3.12617' }],
        },
      });
      expect((await bookOf('?at_us=1')).status).toBe(404);
      const folder = join(engine.dataDir, 'import');
      mkdirSync(folder);
      copyFileSync(spot!, join(folder, 'spot.gz'));
      symlinkSync(spot!, join(folder, 'link.gz'));
      writeFileSync(join(folder, 'bars.csv'), 'time,open,high,low,close\n2024-01-01,1,2,1,2\n');
      const ask = { mode: 'paced', capture: 'spot.gz', kinds: ['trades', 'book'] };
      for (const [change, status] of [
        [{ capture: 'link.gz' }, 422],
        [{ capture: '../marketdata.duckdb' }, 422],
        [{ capture: 'none.gz' }, 404],
        [{ speed: 1001 }, 422],
        [{ capture: 'bars.csv' }, 422],
        [{ mode: 'slow' }, 422],
        [{ source: 'binance' }, 422],
        [{ capture: undefined }, 422],
      ] as const)
        expect((await engine.post('/replay', { ...ask, ...change })).status).toBe(status);

      const started = await engine.post('/replay', { ...ask, paused: true });
      expect(started).toMatchObject({ status: 202, body: { mode: 'paced', speed: 1 } });
      const url = started.body.progress_url;
      const until = (state: string) =>
        eventually(async () => (await engine.get(url)).body.state === state, `the replay is ${state}`);
      await until('paused');
      const { position_us } = (await engine.get(url)).body;
      expect(engine.messages(topics.marketTrades)).toEqual([]);
      expect((await engine.post('/replay', ask)).status).toBe(409);
      expect((await engine.post('/replays', { symbol: 'X' })).status).toBe(409);
      expect((await engine.send('PATCH', url, {})).status).toBe(422);
      const live = { symbol: 'BTCUSDT', kinds: ['trades'], sources: ['binance'] };
      expect((await engine.post('/subscriptions', live)).status).toBe(409);

      const place = position_us + 30_000_000;
      expect((await engine.send('PATCH', url, { seek_us: place })).body.state).toBe('seeking');
      await until('paused');
      expect((await engine.get(url)).body).toMatchObject({ position_us: place, records: { published: 0 } });
      const [book] = await engine.received(topics.marketBooks, 1);
      expect(book!.body).toMatchObject({ symbol: 'BTCUSDT', source: 'replay' });
      await engine.send('PATCH', url, { speed: 'max', paused: false });
      await until('done');
      const done = (await engine.get(url)).body;
      expect(done).toMatchObject({ error: null, books: {}, unreadable: { rejected: 0, damaged: null } });
      const trades = () => engine.messages(topics.marketTrades).flatMap((message) => message.body.trades);
      await eventually(() => trades().length === done.published.trade, 'all trades have come');
      expect(trades().every((trade) => trade.ts_receive_us >= place)).toBe(true);

      const last = await engine.post('/replay', ask);
      expect((await engine.send('DELETE', last.body.progress_url)).body.state).toBe('cancelled');
      expect((await engine.send('PATCH', last.body.progress_url, { paused: true })).status).toBe(409);
      expect((await engine.get('/replay')).body.replays).toHaveLength(2);
      // A replay ends with its engine, which says afterwards what became of it.
      const stopped = await engine.post('/replay', ask);
      await engine.restart(definition);
      expect((await engine.get(url)).body).toEqual(done);
      const states = (await engine.get('/replay')).body.replays.map((r: { state: string }) => r.state);
      expect(states).toEqual(['cancelled', 'cancelled', 'done']);
      expect((await engine.send('PATCH', stopped.body.progress_url, { paused: true })).status).toBe(409);
      expect((await engine.send('DELETE', stopped.body.progress_url)).body.state).toBe('cancelled');
      expect((await engine.send('DELETE', '/replay/none')).status).toBe(404);
    },
  );

  test('bars in lockstep are the same replay as that of /replays', async () => {
    engine = await TestEngine.start(definition);
    await importBars();
    const ask = { mode: 'lockstep', symbol: 'X' };
    // Without the engine of the ledger there would be no result: nobody waits for it.
    for (const engines of [[], ['marketdata']])
      expect(await engine.post('/replay', { ...ask, engines })).toMatchObject({
        status: 422,
        body: { errors: [{ pointer: '/engines' }] },
      });
    expect((await engine.post('/replay', ask)).body.detail).toContain('portfolio missing');
    for (const path of ['/replays', '/replays/queue'])
      expect(await engine.post(path, { symbol: 'X', from_us: 2, to_us: 1 })).toMatchObject({
        status: 422,
        body: { errors: [{ pointer: '/to_us' }] },
      });
    const portfolio = new Bus('portfolio', engine.hub.connect());
    // An engine that is ready, and then says nothing more.
    await portfolio.subscribe(topics.lockstepControl, (batch) => {
      for (const { body } of batch as readonly Envelope<BodyOf<typeof topics.lockstepControl>>[]) {
        if (body.kind !== 'open') continue;
        const { session } = body.spec;
        portfolio.publish(lockstepReportTopic('portfolio'), { kind: 'ready', session, data: {} });
      }
    });
    const presence = { engine: 'portfolio', port: 1, pid: 1, status: 'healthy' as const, missing: [] };
    portfolio.publish(topics.presence, {
      ...presence,
      version: '0',
      uptime_s: 1,
      rss_bytes: 1,
      lockstep: true,
    });
    await engine.received(topics.presence, 2);
    const started = await engine.post('/replay', ask);
    expect(started).toMatchObject({ status: 202, body: { mode: 'lockstep', events_total: 50 } });
    const url = `/replay/${started.body.replay_id}`;
    expect((await engine.send('PATCH', url, { paused: true })).status).toBe(409);
    expect((await engine.send('DELETE', url)).body).toMatchObject({ mode: 'lockstep', state: 'cancelled' });
    const { body } = await engine.get(started.body.progress_url);
    expect((await engine.get(url)).body).toEqual(body);
    await portfolio.close();
    await engine.restart(definition);
    expect((await engine.get(url)).body).toEqual(body);
    expect((await engine.get('/replays')).body.replays).toEqual([body]);
  });

  test('bars at a pace are not told of a symbol that comes live, and not beside them', async () => {
    engine = await TestEngine.start(definition);
    await importBars();
    await engine.send('PUT', '/sources/binance', { enabled: false });
    const live = { symbol: 'X', kinds: ['trades'], sources: ['binance'] };
    const added = await engine.post('/subscriptions', live);
    const paced = { symbol: 'X', mode: 'paced', speed: 0.001 };
    expect(await engine.post('/replays', paced)).toMatchObject({ status: 409 });
    await engine.send('DELETE', `/subscriptions/${added.body.subscription_id}`);
    expect(await engine.post('/replays', paced)).toMatchObject({ status: 202 });
    expect(await engine.post('/subscriptions', live)).toMatchObject({ status: 409 });
  });

  test('symbols of the simulated market are live and cannot be replayed', async () => {
    engine = await TestEngine.start(definition);
    const reply = await engine.post('/replay', { mode: 'paced', symbols: ['SIM-BTC'] });
    expect(reply).toMatchObject({ status: 409, body: { type: '/problems/conflict' } });
  });
});
