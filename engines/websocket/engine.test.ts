// The WebSocket engine through its port and the bus: subscriptions, replays, routes.
import { afterEach, describe, expect, test } from 'bun:test';
import { Bus } from '../../src/bus/client.ts';
import { runLockstep, testSpec, topics, walkBars } from '../../test/support/engine.ts';
import { eventually } from '../../test/support/eventually.ts';
import { type Frame, Harness } from '../../test/support/websocket.ts';
import definition from './index.ts';

let harness: Harness;
afterEach(() => harness.stop());

describe('subscriptions', () => {
  test('welcomes with the catalogue, acknowledges, and delivers messages numbered from 1', async () => {
    harness = await Harness.start();
    const client = await harness.open();
    expect(client.frames[0]).toMatchObject({ type: 'welcome', heartbeat_interval_ms: 15_000 });
    const names = client.frames[0].topics.map((t: Frame) => t.name);
    expect(names).toContain('market.live_data');
    expect(names).toContain('system.engines');
    expect(names).not.toContain('lockstep.control');
    const ack = await client.ask({ type: 'subscribe', id: '1', topics: ['market.live_data', 'ml.*'] });
    expect(ack).toEqual({ type: 'ack', id: '1', action: 'subscribe', topics: ['market.live_data', 'ml.*'] });
    harness.publishBars('BTC-PERP', 5);
    await eventually(() => client.messages().length === 5, 'five bars');
    expect(client.messages().map((m) => m.seq)).toEqual([1, 2, 3, 4, 5]);
    expect(client.messages()[0]).toMatchObject({
      topic: 'market.live_data',
      ts_event_us: walkBars('BTC-PERP', 1)[0]!.ts_event_us,
      body: { ...walkBars('BTC-PERP', 1)[0]!, source: 'simulated' },
    });
    expect(client.messages()[0].session).toBeUndefined();
  });

  test('sends many messages of one turn as one batch', async () => {
    harness = await Harness.start();
    const client = await harness.open();
    await client.ask({ type: 'subscribe', id: '1', topics: ['market.*'] });
    harness.publishBars('A', 300);
    await eventually(() => client.messages().length === 300, 'all bars');
    expect(client.frames.filter((f) => f.type === 'batch').length).toBe(1);
  });

  test('filters by symbol for one client while another gets all', async () => {
    harness = await Harness.start();
    const [some, all] = [await harness.open(), await harness.open()];
    await some.ask({ type: 'subscribe', id: '1', topics: ['market.*'], filter: { symbol: ['B'] } });
    await all.ask({ type: 'subscribe', id: '1', topics: ['market.*'] });
    harness.publishBars('A', 3);
    harness.publishBars('B', 2);
    await eventually(() => all.messages().length === 5 && some.messages().length === 2, 'bars');
    expect(some.messages().map((m) => [m.seq, m.body.symbol])).toEqual([
      [1, 'B'],
      [2, 'B'],
    ]);
  });

  test('stops after unsubscribe, and names only what it took away', async () => {
    harness = await Harness.start();
    const client = await harness.open();
    await client.ask({ type: 'subscribe', id: '1', topics: ['market.*', 'ml.*'] });
    const ack = await client.ask({ type: 'unsubscribe', id: '2', topics: ['market.*', 'risk.*'] });
    expect(ack).toEqual({ type: 'ack', id: '2', action: 'unsubscribe', topics: ['market.*'] });
    harness.publishBars('A', 3);
    harness.engine.bus.flush();
    expect(await client.ask({ type: 'ping', id: '3' })).toMatchObject({ type: 'pong', id: '3' });
    expect(client.messages()).toEqual([]);
    expect((await harness.engine.get('/connections')).body.connections[0].subscriptions).toEqual(['ml.*']);
  });

  test('forwards what no replay waits for, and has no questions between engines', async () => {
    harness = await Harness.start();
    const client = await harness.open();
    const names = client.frames[0].topics.map((t: Frame) => t.name);
    expect(names.filter((name: string) => /validation/.test(name))).toEqual([]);
    await client.ask({ type: 'subscribe', id: '1', topics: ['system.jobs', 'portfolio.positions'] });
    const job = { engine: 'ml', kind: 'train', state: 'active', attempt: 1, attempts: 2 } as const;
    const rest = { progress: null, error: null };
    const { bus } = harness.engine;
    bus.publish(topics.jobs, { ...job, ...rest, job_id: 'replayed' }, { session: 's', step: 1 });
    bus.publish(topics.jobs, { ...job, ...rest, job_id: 'live' });
    await client.until((f) => f.topic === 'system.jobs');
    expect(client.messages().map((m) => m.body.job_id)).toEqual(['live']);
  });

  test('reads records of the market only while a client wants them, and tells it when they come', async () => {
    harness = await Harness.start();
    const followed = async () => (await harness.engine.get('/system/status')).body.topics_on_demand;
    expect(await followed()).toEqual([]);
    const [one, other] = [await harness.open(), await harness.open()];
    await one.ask({ type: 'subscribe', id: '1', topics: ['market.trades', 'market.live_data'] });
    await other.ask({ type: 'subscribe', id: '1', topics: ['market.*s'] });
    expect(await followed()).toEqual(expect.arrayContaining(['market.trades', 'market.quotes']));
    harness.engine.bus.publish(topics.marketTrades, { symbol: 'A', source: 's', trades: [] });
    await one.until((f) => f.topic === 'market.trades');
    await other.until((f) => f.topic === 'market.trades');
    await other.ask({ type: 'unsubscribe', id: '2', topics: ['market.*s'] });
    await eventually(async () => (await followed()).length === 1, 'one topic');
    one.close();
    await eventually(async () => (await followed()).length === 0, 'no topic');
  });

  test('forwards presence and lifecycle, which no replay carries', async () => {
    harness = await Harness.start();
    const client = await harness.open();
    await client.ask({ type: 'subscribe', id: '1', topics: ['system.*'] });
    await client.until((f) => f.topic === 'system.engines' && f.body.engine === 'websocket');
  });
});

describe('replays', () => {
  const feed = walkBars('BTC-PERP', 500).map((bar) => ({
    body: { ...bar, source: 'replay' },
    tsEventUs: bar.ts_event_us,
  }));
  // The harness publishes as "test", while the barrier counts what the owner of the topic says.
  const owner = topics.marketLiveData.owner;

  test('takes part behind the barrier and tells clients of the course', async () => {
    harness = await Harness.start();
    const bus = new Bus(owner, harness.engine.hub.connect());
    const client = await harness.open();
    await client.ask({ type: 'subscribe', id: '1', topics: ['market.*'] });
    harness.publishBars('BTC-PERP', 3);
    harness.engine.bus.flush();
    const outcome = await runLockstep(
      bus,
      testSpec('websocket', { participants: [owner, 'websocket'] }),
      topics.marketLiveData,
      feed,
    );
    await bus.close();
    expect(outcome.summaries.websocket).toEqual({ messages: { 'market.live_data': 500 } });
    await client.until((f) => f.type === 'replay' && f.state === 'finished');
    const course = client.frames.filter((f) => f.type === 'replay');
    expect(course.map((f) => [f.state, f.symbol, f.bars])).toEqual([
      ['running', 'BTC-PERP', 0],
      ['finished', 'BTC-PERP', 500],
    ]);
    const replayed = client.messages().filter((m) => m.session === 'session-1');
    expect(replayed.map((m) => m.ts_event_us)).toEqual(feed.map((item) => item.tsEventUs));
    // All messages come between the two frames of the course.
    expect(client.frames.indexOf(course[1])).toBe(client.frames.length - 1);
    const { body } = await harness.engine.get('/snapshot');
    expect(body.replay).toMatchObject({ state: 'finished', bars: 500 });
    expect(body.symbols[0].bars.close).toEqual(feed.map((item) => item.body.close));
  });

  test('says that a replay was given up, also when the engine that drove it is gone', async () => {
    harness = await Harness.start();
    const client = await harness.open();
    const begin = async (session: string, bars: number) => {
      const spec = testSpec('websocket', { session });
      harness.engine.bus.publish(topics.lockstepControl, { kind: 'open', spec });
      harness.engine.bus.publish(topics.lockstepControl, { kind: 'begin', session, data: {} });
      await client.until((f) => f.type === 'replay' && f.session === session && f.bars === bars);
    };
    await begin('one', 0);
    harness.engine.bus.publish(topics.lockstepControl, {
      kind: 'abort',
      session: 'one',
      reason: 'cancelled',
    });
    await client.until((f) => f.type === 'replay' && f.session === 'one' && f.state === 'aborted');
    await begin('two', 0);
    const exit = { engine: owner, event: 'exited', pid: 1, exit_code: 1, detail: '' } as const;
    harness.engine.bus.publish(topics.lifecycle, exit);
    await client.until((f) => f.type === 'replay' && f.session === 'two' && f.state === 'aborted');
  });
});

describe('routes', () => {
  test('lists nine engines: heard from, ended, and not yet heard', async () => {
    harness = await Harness.start();
    const presence = {
      engine: 'ml',
      port: 8400,
      pid: 77,
      status: 'degraded' as const,
      missing: ['model'] as string[],
      version: '0.1.0',
      uptime_s: 3,
      rss_bytes: 1000,
      lockstep: true,
    };
    harness.engine.bus.publish(topics.presence, presence);
    harness.engine.bus.publish(topics.presence, { ...presence, engine: 'risk', port: 8200, pid: 78 });
    const exited = { engine: 'risk', event: 'exited', pid: 78, exit_code: null, detail: '' } as const;
    harness.engine.bus.publish(topics.lifecycle, exited);
    await eventually(async () => {
      const { engines } = (await harness.engine.get('/snapshot')).body;
      return engines.some((e: Frame) => e.engine === 'risk' && e.status === 'down');
    }, 'the exit');
    const { engines } = (await harness.engine.get('/snapshot')).body;
    expect(engines.length).toBe(9);
    const by = Object.fromEntries(engines.map((e: Frame) => [e.engine, e]));
    expect(by.ml).toMatchObject({ status: 'degraded', port: 8400, missing: ['model'], rss_bytes: 1000 });
    expect(by.websocket.status).toBe('healthy');
    expect(by.factor).toMatchObject({ status: 'unknown', port: null, silent_s: null });
    harness.engine.bus.publish(topics.presence, {
      ...presence,
      engine: 'risk',
      port: 8200,
      pid: 79,
      uptime_s: 0,
    });
    await eventually(async () => {
      const again = (await harness.engine.get('/snapshot')).body.engines;
      return again.some((e: Frame) => e.engine === 'risk' && e.status === 'degraded');
    }, 'the restarted engine');
  });

  test('keeps the snapshot with nobody connected, and bounds its bars', async () => {
    harness = await Harness.start();
    harness.publishBars('BTC-PERP', 700);
    await eventually(
      async () => (await harness.engine.get('/snapshot')).body.symbols.length === 1,
      'the bars',
    );
    const { body } = await harness.engine.get('/snapshot');
    expect(body.symbols[0]).toMatchObject({
      symbol: 'BTC-PERP',
      source: 'simulated',
      interval_us: 60_000_000,
    });
    expect(body.symbols[0].bars.close).toEqual(
      walkBars('BTC-PERP', 700)
        .slice(-600)
        .map((b) => b.close),
    );
    expect((await harness.engine.get('/snapshot?bars=2')).body.symbols[0].bars.ts_us.length).toBe(2);
    for (const bad of [
      '/snapshot?bars=601',
      '/snapshot?bar=1',
      '/connections?limit=0',
      '/connections?offset=x',
    ]) {
      expect([bad, (await harness.engine.get(bad)).status]).toEqual([bad, 422]);
    }
  });

  test('lists connections page by page', async () => {
    harness = await Harness.start();
    const ids = [];
    for (let i = 0; i < 3; i++) ids.push((await harness.open()).frames[0].connection_id);
    const { body } = await harness.engine.get('/connections?limit=2&offset=1');
    expect(body).toMatchObject({ count: 3, limit: 2, offset: 1 });
    expect(body.connections.map((c: Frame) => c.connection_id)).toEqual(ids.slice(1));
    const metrics = await harness.engine.get('/metrics');
    expect(metrics.body).toContain('nautilus_ws_connections{engine="websocket"} 3');
    expect((await harness.engine.get('/system/status')).body.connections).toBe(3);
  });

  test('serves the page and its files and nothing else of the file system', async () => {
    harness = await Harness.start();
    const page = await fetch(`${harness.engine.url}/`);
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
    const html = await page.text();
    const files = [...html.matchAll(/(?:src|href)="(\/console\/[^"]+)"/g)].map((m) => m[1]!);
    expect(files.length).toBeGreaterThan(3);
    for (const file of files) expect([file, (await harness.engine.get(file)).status]).toEqual([file, 200]);
    expect((await fetch(`${harness.engine.url}/console/app.js`)).headers.get('content-type')).toContain(
      'text/javascript',
    );
    for (const bad of [
      '/console/engine.test.ts',
      '/console/..%2fpackage.json',
      '/console/%2e%2e/package.json',
    ]) {
      expect([bad, (await harness.engine.get(bad)).status]).toEqual([bad, 404]);
    }
  });

  test('says goodbye to its clients when it stops', async () => {
    harness = await Harness.start();
    const client = await harness.open();
    await harness.engine.restart(definition);
    await eventually(() => client.closed !== undefined, 'a close');
    expect(client.closed!.code).toBe(1001);
  });
});
