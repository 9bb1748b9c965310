// The Market Data engine through its port and the bus.
import { afterEach, describe, expect, test } from 'bun:test';
import { gzipSync } from 'node:zlib';
import { tableFromIPC } from 'apache-arrow';
import { Bus } from '../../src/bus/client.ts';
import { EngineStream } from '../../src/bus/stream.ts';
import { topics } from '../../src/bus/topics.ts';
import { TestEngine, walkBars } from '../../test/support/engine.ts';
import { eventually } from '../../test/support/eventually.ts';
import definition from './index.ts';
import { INSTRUMENTS, SimulatedMarket } from './simulated.ts';

const csv = (bars = walkBars('X', 200)) =>
  [
    'time,open,high,low,close,volume',
    ...bars.map((b) => [b.ts_event_us, b.open, b.high, b.low, b.close, b.volume].join()),
  ].join('\n');

describe('marketdata engine', () => {
  let engine: TestEngine;
  afterEach(() => engine?.stop());

  async function upload(body: string | Uint8Array, query = '?symbol=BTC-PERP') {
    const response = await fetch(`${engine.url}/bars/import${query}`, {
      method: 'POST',
      body: body as BodyInit,
    });
    // biome-ignore lint/suspicious/noExplicitAny: replies of many shapes
    return { status: response.status, body: (await response.json()) as any };
  }

  test('imports a file, serves it as JSON and as Arrow, and keeps it over a restart', async () => {
    engine = await TestEngine.start(definition);
    const bars = walkBars('BTC-PERP', 200);
    const imported = await upload(gzipSync(`${csv(bars)}\n1,2,bad,4,5,6`));
    expect(imported.body).toMatchObject({
      rows: 201,
      imported: 200,
      replaced: 0,
      rejected: 1,
      errors: [{ line: 202, reason: 'high not a number' }],
    });
    expect((await upload(csv(bars))).body).toMatchObject({ imported: 200, replaced: 200 });
    await engine.restart(definition);
    const newest = await engine.get('/bars/BTC-PERP?limit=2');
    expect(newest.body.bars.map((b: { close: number }) => b.close)).toEqual(
      bars.slice(-2).map((b) => b.close),
    );
    const page = await engine.get('/bars/BTC-PERP?limit=3&from_us=0');
    const want = bars.slice(0, 3).map(({ ts_event_us, open, high, low, close, volume }) => ({
      ts_event_us,
      open,
      high,
      low,
      close,
      volume,
      trades: null,
      flags: [],
    }));
    expect(page.body).toMatchObject({
      symbol: 'BTC-PERP',
      interval_us: 60_000_000,
      source: 'file',
      bars: want,
      next_from_us: want[2]!.ts_event_us + 1,
    });
    const response = await fetch(`${engine.url}/bars/BTC-PERP?limit=200`, {
      headers: { accept: 'application/vnd.apache.arrow.stream' },
    });
    const arrow = tableFromIPC(new Uint8Array(await response.arrayBuffer()));
    expect([...(arrow.getChild('close')!.toArray() as Float64Array)]).toEqual(bars.map((b) => b.close));
    expect(arrow.schema.fields.map((f) => `${f.name}:${f.type}`)[0]).toBe(
      'ts_event_us:Timestamp<MICROSECOND, UTC>',
    );
    expect((await engine.get('/bars')).body.series).toMatchObject([{ symbol: 'BTC-PERP', bars: 200 }]);
  });

  test('stores nothing of a broken upload and answers with the right problem', async () => {
    engine = await TestEngine.start(definition, { NAUTILUS_MAX_IMPORT_BYTES: '20000' });
    expect((await upload(gzipSync(csv()).subarray(0, 900))).body).toMatchObject({
      status: 400,
      type: '/problems/malformed-body',
    });
    expect((await upload('no header')).body.status).toBe(400);
    expect((await upload(csv(walkBars('X', 2000)))).body).toMatchObject({
      status: 413,
      type: '/problems/too-large',
      limit_bytes: 20_000,
    });
    expect((await upload(csv(), '?symbol=SIM-BTC')).body).toMatchObject({
      status: 409,
      type: '/problems/conflict',
    });
    expect((await upload(csv(), '?symbol=bad%20name')).body).toMatchObject({
      status: 422,
      errors: [{ pointer: 'query/symbol' }],
    });
    expect((await engine.get('/bars')).body.series).toEqual([]);
    expect((await engine.get('/bars/BTC-PERP')).body.status).toBe(404);
  });

  test('replays stored bars in lockstep through the engines that live, and sums up what they did', async () => {
    engine = await TestEngine.start(definition);
    await upload(csv(walkBars('X', 300)));
    const [seen, bus] = [[] as number[], new Bus('portfolio', engine.hub.connect())];
    // Plays a portfolio engine that only watches.
    const stream = new EngineStream(bus, 'portfolio', {
      consumes: [topics.marketLiveData],
      emits: [],
      process: (batch) => void seen.push(...batch.map((e) => e.ts_event_us)),
      close: () => ({ ledger: { equity: '1000001.5', realised_pnl: '0', unrealised_pnl: '1.5', fees: '0' } }),
    });
    await stream.start();
    bus.publish(topics.presence, {
      engine: 'portfolio',
      port: 1,
      pid: 1,
      status: 'healthy',
      missing: [],
      version: '0',
      uptime_s: 1,
      rss_bytes: 1,
      lockstep: true,
    });
    await engine.received(topics.presence, 2);
    const hashes = new Set<string>();
    for (const barrier_bars of [1, 64]) {
      seen.length = 0;
      const started = await engine.post('/replays', {
        symbol: 'BTC-PERP',
        barrier_bars,
        engines: ['marketdata', 'portfolio'],
      });
      expect(started.status).toBe(202);
      const ended = async () => (await engine.get(started.body.progress_url)).body;
      await eventually(async () => (await ended()).state !== 'running', 'the replay to end');
      const { state, events_done, result } = await ended();
      expect([state, events_done, seen.length]).toEqual(['done', 300, 300]);
      expect(result).toMatchObject({ events: 300, fills: 0, pnl: { total: '1.5', equity: '1000001.5' } });
      expect(Object.keys(result.latency_us)).toEqual(['marketdata->portfolio market.live_data']);
      hashes.add(result.result_hash);
    }
    expect(hashes.size).toBe(1);
    await bus.close();
  });

  test('refuses replays that cannot run, and says which engines are missing', async () => {
    engine = await TestEngine.start(definition);
    await upload(csv());
    const cases: [object, number, string][] = [
      [{ symbol: 'NOPE' }, 404, 'not-found'],
      [{ symbol: 'BTC-PERP', from_us: 1, to_us: 2 }, 404, 'not-found'],
      [{ symbol: 'SIM-BTC' }, 404, 'not-found'],
      [{ symbol: 'BTC-PERP', engines: ['features', 'ml'] }, 503, 'dependency-unavailable'],
      [{ symbol: 'BTC-PERP', barrier_bars: 0 }, 422, 'invalid-option'],
      [{ symbol: 'BTC-PERP', starting_cash: 'NaN' }, 422, 'invalid-option'],
      [{ symbol: 'BTC-PERP', unknown: 1 }, 422, 'invalid-option'],
      [{}, 422, 'invalid-option'],
    ];
    for (const [body, status, slug] of cases) {
      const answer = await engine.post('/replays', body);
      expect([body, answer.status, answer.body.type]).toEqual([body, status, `/problems/${slug}`]);
    }
    expect(engine.messages(topics.marketLiveData)).toEqual([]);
    expect((await engine.get('/replays')).body).toEqual({ replays: [] });
    expect((await engine.get('/replays/none')).status).toBe(404);
  });

  test('replays the bars of the source that is asked for, else of the one with the most', async () => {
    engine = await TestEngine.start(definition);
    await upload(csv());
    const body = csv(walkBars('X', 300));
    await fetch(`${engine.url}/import?symbol=BTC-PERP&source=other`, { method: 'POST', body });
    const total = async (request: object) => {
      const ask = { symbol: 'BTC-PERP', mode: 'paced', speed: 0.001, ...request };
      const { body: started } = await engine.post('/replays', ask);
      await engine.send('DELETE', started.progress_url);
      return started.events_total;
    };
    expect([await total({}), await total({ source: 'file' })]).toEqual([300, 200]);
    const none = await engine.post('/replays', { symbol: 'BTC-PERP', mode: 'paced', source: 'nobody' });
    expect(none.status).toBe(404);
  });

  test('replays at a speed onto the live stream, in order and without a session, until it is cancelled', async () => {
    engine = await TestEngine.start(definition);
    await upload(csv());
    const fast = await engine.post('/replays', { symbol: 'BTC-PERP', mode: 'paced', speed: 1_000_000 });
    const bars = await engine.received(topics.marketLiveData, 200);
    expect(bars.map((e) => e.ts_event_us)).toEqual(walkBars('X', 200).map((b) => b.ts_event_us));
    expect(bars.every((e) => e.session === undefined && e.body.source === 'replay')).toBe(true);
    await eventually(async () => (await engine.get(fast.body.progress_url)).body.state === 'done', 'the end');
    const slow = await engine.post('/replays', { symbol: 'BTC-PERP', mode: 'paced', speed: 0.001 });
    expect((await engine.post('/replays', { symbol: 'BTC-PERP' })).status).toBe(409);
    const cancelled = await engine.send('DELETE', slow.body.progress_url);
    expect(cancelled.body).toMatchObject({ state: 'cancelled', events_total: 200 });
  });

  test('feeds the simulated market by default, named as simulated, and serves its recent bars', async () => {
    engine = await TestEngine.start(definition, {
      NAUTILUS_FEED: 'simulated',
      NAUTILUS_FEED_INTERVAL_MS: '10',
    });
    const bars = await engine.received(topics.marketLiveData, 40);
    expect(new Set(bars.map((e) => e.body.symbol)).size).toBe(8);
    expect(bars.every((e) => e.body.symbol.startsWith('SIM-') && e.body.source === 'simulated')).toBe(true);
    const served = await engine.get('/bars/SIM-BTC?limit=5');
    expect(served.body).toMatchObject({ source: 'simulated', interval_us: 10_000 });
    const from = `from_us=${served.body.bars[0].ts_event_us}`;
    const { next_cursor } = (await engine.get(`/bars/SIM-BTC?${from}&limit=1`)).body;
    const next = (await engine.get(`/bars/SIM-BTC?cursor=${next_cursor}&limit=1`)).body;
    expect(next.bars).toEqual((await engine.get(`/bars/SIM-BTC?${from}&limit=2`)).body.bars.slice(1));
    expect(next.bars).toHaveLength(1);
    const wrong = await engine.get('/bars/SIM-BTC?cursor=1-0');
    expect(wrong.body).toMatchObject({ status: 422, errors: [{ pointer: 'query/cursor' }] });
    expect(served.body.bars.length).toBeGreaterThan(0);
    const lines = await fetch(`${engine.url}/bars/SIM-BTC?from_us=0&limit=1`, {
      headers: { accept: 'text/csv' },
    });
    expect((await lines.text()).split('\n')[0]).toBe('ts_event_us,open,high,low,close,volume,trades,flags');
    expect((await engine.get('/bars/SIM-BTC?interval_us=60000000')).status).toBe(404);
    expect((await engine.get('/bars/SIM-BTC?gaps=fill&source=kraken')).body).toMatchObject({
      status: 422,
      errors: [{ pointer: 'query/source' }, { pointer: 'query/gaps' }],
    });
    expect((await engine.get('/bars/SIM-BTC?threshold=5')).body).toMatchObject({
      status: 422,
      errors: [{ pointer: 'query/threshold' }],
    });
    const asked = { symbol: 'SIM-BTC', kinds: ['bars'], store: false };
    expect(await engine.post('/subscriptions', asked)).toMatchObject({
      status: 201,
      body: { sources: ['simulated'], interval_us: 10_000 },
    });
    expect((await engine.post('/subscriptions', { ...asked, interval_us: 60e6 })).status).toBe(409);
  });
});

describe('simulated market', () => {
  test('gives the same bars for the same seed, consistent and positive', () => {
    const [a, b, c] = [new SimulatedMarket(7, 1e6), new SimulatedMarket(7, 1e6), new SimulatedMarket(8, 1e6)];
    const bars = Array.from({ length: 500 }, (_, i) => a.next(i));
    expect(Array.from({ length: 500 }, (_, i) => b.next(i))).toEqual(bars);
    expect(Array.from({ length: 500 }, (_, i) => c.next(i))).not.toEqual(bars);
    for (const bar of bars.flat()) {
      expect(
        bar.low > 0 && bar.low <= Math.min(bar.open, bar.close) && bar.high >= Math.max(bar.open, bar.close),
      ).toBe(true);
    }
  });

  test('goes on from its saved state with the same bars as without the break', () => {
    const [whole, first, second] = [7, 7, 7].map((seed) => new SimulatedMarket(seed, 1e6));
    const bars = Array.from({ length: 20 }, (_, i) => whole!.next(i));
    for (let i = 0; i < 10; i++) first!.next(i);
    second!.restore(JSON.parse(JSON.stringify(first!.state)));
    expect(Array.from({ length: 10 }, (_, i) => second!.next(i + 10))).toEqual(bars.slice(10));
  });

  test('correlates instruments as their loadings say, within sampling error', () => {
    const market = new SimulatedMarket(1, 1e6);
    const n = 20_000;
    const returns = INSTRUMENTS.map(() => new Float64Array(n));
    for (let i = 0; i < n; i++) {
      const bars = market.next(i);
      for (const [k, bar] of bars.entries()) returns[k]![i] = Math.log(bar.close / bar.open);
    }
    const centred = returns.map((x) => {
      const mean = x.reduce((sum, v) => sum + v, 0) / n;
      return x.map((v) => v - mean);
    });
    const dot = (x: Float64Array, y: Float64Array) => x.reduce((sum, v, i) => sum + v * y[i]!, 0);
    const correlation = (x: number, y: number) =>
      dot(centred[x]!, centred[y]!) /
      Math.sqrt(dot(centred[x]!, centred[x]!) * dot(centred[y]!, centred[y]!));
    // Standard error of a correlation is below 1/sqrt(n) = 0.007; prices are rounded, which adds a little noise.
    expect(Math.abs(correlation(0, 1) - 0.8 * 0.85)).toBeLessThan(0.03);
    expect(Math.abs(correlation(0, 7) - 0.8 * -0.35)).toBeLessThan(0.05);
  });
});
