// What an operator sees of the running system: one order followed through all engines, hops, and `nautilus top`.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { join } from 'node:path';
import { ENGINE_NAMES } from '../../src/cli/engines.ts';
import { eventually } from '../support/eventually.ts';
import { TestSystem } from '../support/system.ts';

setDefaultTimeout(120_000);

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const TRACEPARENT = `00-${TRACE}-00f067aa0ba902b7-01`;

// Messages have many shapes.
// biome-ignore lint/suspicious/noExplicitAny: see above
type Message = any;

describe('the observed system', () => {
  let system: TestSystem;
  beforeAll(async () => {
    system = await TestSystem.start([], {
      NAUTILUS_FEED: 'simulated',
      NAUTILUS_FEED_INTERVAL_MS: '100',
      MONITORING_INTERVAL: '1',
    });
    await eventually(
      async () => JSON.stringify((await system.request('websocket', '/snapshot')).body).includes('SIM-BTC'),
      'bars of the simulated market',
    );
  });
  afterAll(() => system.stop());

  test('lets one order be followed by one id from its request to clients, whatever engine speaks', async () => {
    const { port } = await system.engine('websocket');
    const messages: Message[] = [];
    const socket = new WebSocket(`ws://127.0.0.1:${port}/ws`);
    let subscribed = false;
    socket.onmessage = ({ data }) => {
      const frame = JSON.parse(data as string);
      if (frame.type === 'welcome')
        socket.send(JSON.stringify({ type: 'subscribe', id: '1', topics: ['*'] }));
      if (frame.type === 'ack') subscribed = true;
      messages.push(...(frame.type === 'batch' ? frame.messages : [frame]));
    };
    await eventually(() => subscribed, 'a subscription');
    const strategy = await system.engine('strategy');
    const response = await fetch(`http://127.0.0.1:${strategy.port}/orders`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', traceparent: TRACEPARENT },
      body: JSON.stringify(order('portfolio_001', '0.01')),
    });
    expect(response.status).toBe(201);
    const { order_id } = (await response.json()) as { order_id: string };
    expect(response.headers.get('traceparent')).toMatch(new RegExp(`^00-${TRACE}-[0-9a-f]{16}-01$`));
    const ofTrace = () => messages.filter((m) => m.correlation_id === TRACE);
    const chain = [
      'strategy.orders',
      'strategy.fills',
      'portfolio.valuations',
      'portfolio.positions',
      'analytics.metrics',
      'risk.portfolio_updates',
    ];
    await eventually(
      () => chain.every((topic) => ofTrace().some((m) => m.topic === topic)),
      `a message with the id of the trace on each of ${chain.join(', ')}`,
    );
    socket.close();
    const orders = ofTrace().filter((m) => m.topic === 'strategy.orders');
    expect(orders.map((m) => [m.body.order_id, m.body.status])).toEqual([
      [order_id, 'accepted'],
      [order_id, 'filled'],
    ]);
    for (const { topic, body } of ofTrace()) {
      expect(chain).toContain(topic);
      expect(body.portfolio_id).toBe('portfolio_001');
    }
    const valued = ofTrace().find((m) => m.topic === 'portfolio.valuations');
    expect(valued.body.fills).toBe(1);
    const sent = ofTrace().map((m) => m.ts_sent_us);
    expect(Math.max(...sent) - Math.min(...sent)).toBeLessThan(20_000_000);
  });

  test('tells each hop in the metrics and the status of who receives it', async () => {
    const { port } = await system.engine('strategy');
    const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    for (const [from, topic] of [
      ['marketdata', 'market.live_data'],
      ['features', 'features.values'],
      ['ml', 'ml.predictions'],
    ]) {
      expect(metrics).toMatch(
        new RegExp(
          `nautilus_hop_latency_seconds_count\\{from="${from}",topic="${topic}",engine="strategy"\\} [1-9]`,
        ),
      );
    }
    const { activity } = (await system.request('strategy', '/system/status')).body;
    const hop = activity.hops.find((h: Message) => h.topic === 'ml.predictions');
    expect(hop.p50_us).toBeWithin(1, 5_000_000);
  });

  test('has every engine tell what the machine is doing, by its route and to clients of the bus', async () => {
    const { port } = await system.engine('websocket');
    const told = new Map<string, Message>();
    const socket = new WebSocket(`ws://127.0.0.1:${port}/ws`);
    socket.onmessage = ({ data }) => {
      const frame = JSON.parse(data as string);
      const subscribe = { type: 'subscribe', id: '1', topics: ['hardware.metrics', 'ml.hardware_metrics'] };
      if (frame.type === 'welcome') socket.send(JSON.stringify(subscribe));
      for (const { topic, body } of frame.type === 'batch' ? frame.messages : [frame])
        if (body) told.set(`${topic} ${body.engine}`, body);
    };
    const expected = [...ENGINE_NAMES.map((name) => `hardware.metrics ${name}`), 'ml.hardware_metrics ml'];
    await eventually(() => expected.every((name) => told.has(name)), 'word of every engine');
    socket.close();
    expect([...told.keys()].sort()).toEqual(expected.sort());
    for (const name of ENGINE_NAMES) {
      const { body } = await system.request(name, '/hardware/utilization');
      expect(body).toMatchObject({ engine: name, host: told.get(`hardware.metrics ${name}`).host });
      expect(body.memory.process_bytes).toBeGreaterThan(1_000_000);
    }
  });

  test('serves the metrics that the documentation lists, and no others', async () => {
    const page = await Bun.file(join(import.meta.dir, '../../docs/observability.md')).text();
    const rows = [...page.matchAll(/^\| `(nautilus_\w+)` \| (\w+) \| .*? \| (.+) \|$/gm)];
    const served = new Map<string, string>();
    for (const { port } of await system.engines()) {
      const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
      for (const [, name, help] of text.matchAll(/^# HELP (\S+) (.+)$/gm)) {
        served.set(name!, `${new RegExp(`^# TYPE ${name} (.+)$`, 'm').exec(text)![1]}: ${help}`);
      }
    }
    const documented = Object.fromEntries(rows.map(([, name, type, help]) => [name, `${type}: ${help}`]));
    expect(Object.fromEntries(served)).toEqual(documented);
  });

  test('shows every engine at work in `top --once`, as a table and as JSON', async () => {
    const json = await system.run(['top', '--once', '--json']);
    expect(json.code).toBe(0);
    const { engines, total, interval_s } = JSON.parse(json.stdout) as Message;
    expect(engines.map((e: Message) => e.name)).toEqual([...ENGINE_NAMES]);
    expect(interval_s).toBeGreaterThanOrEqual(1);
    for (const engine of engines) {
      expect(engine).toMatchObject({ status: 'healthy', dropped: 0, errors_per_s: 0 });
      expect(engine.cpu_percent).toBeGreaterThan(0);
      expect(engine.messages_in_per_s).toBeGreaterThan(0);
      expect(engine.messages_out_per_s).toBeGreaterThan(0);
      expect(engine.hop_p99_us).toBeGreaterThan(0);
    }
    expect(total.status).toBe('9/9 healthy');
    const plain = await system.run(['top', '--once']);
    expect(plain.code).toBe(0);
    const lines = plain.stdout.trim().split('\n');
    expect(lines).toHaveLength(12);
    expect(lines[1]).toMatch(/^ENGINE +STATUS +PID +CPU %/);
    expect(plain.stdout).not.toContain('\x1b');
  });
});

test('engines run without metrics when they are off, and `top` says so when none run', async () => {
  const system = await TestSystem.start(['--only', 'features'], { METRICS_ENABLED: 'false' });
  const { port } = await system.engine('features');
  expect((await fetch(`http://127.0.0.1:${port}/metrics`)).status).toBe(404);
  const { engines } = JSON.parse((await system.run(['top', '--json'])).stdout) as Message;
  expect(engines[0]).toMatchObject({ status: 'healthy', requests_per_s: null, hop_p99_us: null });
  expect(engines[0].cpu_percent).toBeGreaterThanOrEqual(0);
  await system.run(['down']);
  const { code, stdout } = await system.run(['top', '--once']);
  expect([code, stdout]).toEqual([1, expect.stringContaining('No engines run on')]);
  await system.stop();
});

function order(portfolio_id: string, quantity: string) {
  return { portfolio_id, symbol: 'SIM-BTC', side: 'buy', type: 'market', quantity };
}
