// OpenTelemetry over the running system: one order is one trace through its engines, and a collector that is away changes nothing.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { ENGINE_NAMES } from '../../src/cli/engines.ts';
import { walkBars } from '../support/engine.ts';
import { eventually } from '../support/eventually.ts';
import { OtlpReceiver, type ReceivedSpan } from '../support/otlp.ts';
import { barsFile, TestSystem } from '../support/system.ts';

setDefaultTimeout(120_000);

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const SPAN = '00f067aa0ba902b7';
const SECRET = 'collector-secret';
const FEED = { NAUTILUS_FEED: 'simulated', NAUTILUS_FEED_INTERVAL_MS: '100' };

async function placeOrder(system: TestSystem, headers: Record<string, string> = {}): Promise<number> {
  await eventually(
    async () => JSON.stringify((await system.request('websocket', '/snapshot')).body).includes('SIM-BTC'),
    'bars of the simulated market',
  );
  const { port } = await system.engine('strategy');
  const order = {
    portfolio_id: 'portfolio_001',
    symbol: 'SIM-BTC',
    side: 'buy',
    type: 'market',
    quantity: '0.01',
  };
  const response = await fetch(`http://127.0.0.1:${port}/orders`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(order),
  });
  return response.status;
}

describe('the system with a collector', () => {
  const receiver = new OtlpReceiver();
  let system: TestSystem;
  beforeAll(async () => {
    system = await TestSystem.start([], {
      ...FEED,
      ...receiver.env,
      OTEL_EXPORTER_OTLP_HEADERS: `authorization=${SECRET}`,
    });
  });
  afterAll(async () => {
    await system.stop();
    await receiver.stop();
  });

  test('shows one order as one trace: request, portfolio, then analytics and risk', async () => {
    expect(await placeOrder(system, { traceparent: `00-${TRACE}-${SPAN}-01` })).toBe(201);
    const trace = () => receiver.spans.filter((span) => span.traceId === TRACE);
    const find = (service: string, name: string): ReceivedSpan | undefined =>
      trace().find((span) => span.service === `nautilus-${service}` && span.name === name);
    const hops = [
      ['strategy', 'POST /orders'],
      // Orders and fills come from the event log, valuations over the bus.
      ['risk', 'process strategy.orders'],
      ['portfolio', 'process strategy.fills'],
      ['analytics', 'process portfolio.valuations'],
      ['risk', 'process portfolio.valuations'],
    ] as const;
    await eventually(
      () => hops.every(([service, name]) => find(service, name)),
      `spans of ${hops.map((hop) => hop.join(': ')).join(', ')}`,
    );
    const [request, limits, portfolio, analytics, risk] = hops.map(([service, name]) => find(service, name)!);
    expect(request!.parentSpanId).toBe(SPAN);
    expect(limits!.parentSpanId).toBe(request!.spanId);
    expect(portfolio!.parentSpanId).toBe(request!.spanId);
    expect(analytics!.parentSpanId).toBe(portfolio!.spanId);
    expect(risk!.parentSpanId).toBe(portfolio!.spanId);
    for (const span of [limits!, portfolio!, analytics!, risk!]) {
      expect(span.kind).toBe(5);
      expect(span.startMs).toBeGreaterThanOrEqual(request!.startMs);
    }
    // Engines export on their own, so that a child may come before its parent.
    await eventually(() => {
      const ids = new Set([SPAN, ...trace().map((span) => span.spanId)]);
      return trace().every((span) => ids.has(span.parentSpanId));
    }, 'the parent of every span');
  });

  test('sends the metrics of every engine', async () => {
    await eventually(
      () => ENGINE_NAMES.every((name) => receiver.metrics.some((m) => m.service === `nautilus-${name}`)),
      'metrics of nine engines',
    );
    expect(receiver.exports.every((e) => e.headers.get('authorization') === SECRET)).toBe(true);
  });

  test('makes no spans of a replay', async () => {
    const file = barsFile(system.dataDir, walkBars('BTC-PERP', 300));
    const replay = await system.run(['replay', file, '--symbol', 'BTC-PERP', '--portfolio', 'other']);
    expect(replay.code).toBe(0);
    expect(receiver.spans.filter((span) => span.kind === 5 && span.traceId !== TRACE)).toEqual([]);
  });

  test('keeps the key of the collector out of its log', () => {
    expect(system.log).not.toContain(SECRET);
  });
});

test('a collector that is away is told once for each engine and signal, and orders work as ever', async () => {
  const system = await TestSystem.start([], {
    ...FEED,
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://user:${SECRET}@127.0.0.1:1`,
    OTEL_EXPORTER_OTLP_TIMEOUT: '200',
    OTEL_BSP_SCHEDULE_DELAY: '20',
    OTEL_METRIC_EXPORT_INTERVAL: '100',
  });
  const told = () => system.log.split('\n').filter((line) => line.includes('telemetry cannot be exported'));
  expect(await placeOrder(system)).toBe(201);
  await eventually(
    () => ENGINE_NAMES.every((name) => told().some((l) => l.includes(`"engine":"${name}"`))),
    'a line of every engine',
  );
  for (let i = 0; i < 5; i++) expect(await placeOrder(system)).toBe(201);
  const signals = told().map((line) => {
    const { engine, signal, endpoint, reason } = JSON.parse(line);
    expect([endpoint, reason]).toEqual(['http://127.0.0.1:1', expect.stringMatching(/^[A-Z][A-Za-z]+$/)]);
    return `${engine} ${signal}`;
  });
  expect(new Set(signals).size).toBe(signals.length);
  expect(system.log).not.toContain(SECRET);
  await system.stop();
});
