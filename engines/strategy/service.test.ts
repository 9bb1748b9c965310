// The Strategy engine without its port: health by the clock, a disk that refuses, a portfolio held by a replay.
import { afterEach, beforeEach, describe, expect, spyOn, test } from 'bun:test';
import { Bus } from '../../src/bus/client.ts';
import type { Envelope } from '../../src/bus/envelope.ts';
import { MemoryHub } from '../../src/bus/memory.ts';
import { type Topic, topics } from '../../src/bus/topics.ts';
import { ManualClock } from '../../src/core/clock.ts';
import { loadConfig } from '../../src/core/config.ts';
import { createLog } from '../../src/core/log.ts';
import { EngineMetrics } from '../../src/http/metrics.ts';
import { testSpec, walkBars } from '../../test/support/engine.ts';
import { eventually } from '../../test/support/eventually.ts';
import { StrategyService } from './service.ts';
import { StrategyStore } from './store.ts';

const SYMBOL = 'SIM-BTC';
const PORTFOLIO = 'p1';
const BARS = walkBars(SYMBOL, 10);
const BUY = { portfolio_id: PORTFOLIO, symbol: SYMBOL, side: 'buy', quantity: '2', type: 'market' } as const;
const DEPLOYMENT = { strategy: 'ma-cross', symbol: SYMBOL, portfolio_id: PORTFOLIO, options: {} };

let hub: MemoryHub;
let clock: ManualClock;
let bus: Bus;
let store: StrategyStore;
let service: StrategyService;
let published: Topic<unknown>[];

beforeEach(async () => {
  hub = new MemoryHub();
  clock = new ManualClock(1_000_000);
  bus = new Bus('strategy', hub.connect());
  store = new StrategyStore(':memory:');
  published = [];
  const config = loadConfig({ NAUTILUS_FEED: 'none' });
  const log = createLog('strategy', 'silent');
  const metrics = new EngineMetrics('strategy', bus);
  service = new StrategyService(store, { bus, clock, config, log, metrics });
  await service.start();
  bus.publish(topics.valuations, {
    portfolio_id: PORTFOLIO,
    starting_cash: '1000000',
    cash: '1000000',
    fees: '0',
    realised_pnl: '0',
    unrealised_pnl: '0',
    equity: '1000000',
    fills: 0,
    positions: [],
  });
  await eventually(() => service.trader.knows(PORTFOLIO), 'the portfolio is known');
});
afterEach(async () => {
  service.stop();
  await bus.close();
});

/** Hands messages of one live bar to the participant, as the stream does. */
function live(index: number): void {
  const bar = BARS[index]!;
  const envelope = (topic: Topic<unknown>, body: object) =>
    ({ topic: topic.name, ts_event_us: bar.ts_event_us, correlation_id: 'c', body }) as Envelope;
  const publisher = { spec: undefined, publish: (topic: Topic<unknown>) => void published.push(topic) };
  const batch = [
    envelope(topics.marketLiveData, bar),
    envelope(topics.featureValues, { symbol: SYMBOL, features: {} }),
    envelope(topics.mlPredictions, { symbol: SYMBOL, prediction: null, confidence: 0 }),
  ];
  void service.trader.participant.process(batch, publisher);
}

async function hear(engine: string): Promise<void> {
  const seconds = clock.nowUs() / 1e6;
  const other = new Bus(engine, hub.connect());
  other.publish(topics.presence, {
    engine,
    port: 1,
    pid: 1,
    status: 'healthy',
    missing: [],
    version: '0',
    uptime_s: seconds,
    rss_bytes: 1,
    lockstep: true,
  });
  other.flush();
  await eventually(() => !service.missing().includes(engine), `${engine} is heard`);
}

describe('health', () => {
  test('names features and ml once a deployment has waited four seconds for their presence', async () => {
    clock.advance(10e6);
    expect(service.missing()).toEqual([]);
    service.deploy(DEPLOYMENT);
    expect(service.missing()).toEqual(['features', 'ml']);
    await hear('features');
    expect(service.missing()).toEqual(['ml']);
    await hear('ml');
    clock.advance(3.9e6);
    expect(service.missing()).toEqual([]);
    clock.advance(0.2e6);
    expect(service.missing()).toEqual(['features', 'ml']);
  });
  test('gives the others four seconds after its own start', () => {
    service.deploy(DEPLOYMENT);
    clock.advance(3.9e6);
    expect(service.missing()).toEqual([]);
    clock.advance(0.2e6);
    expect(service.missing()).toEqual(['features', 'ml']);
  });
});

describe('a batch that cannot be stored', () => {
  test('has not happened: nothing is published and the order is still open', () => {
    live(0);
    const { order_id } = service.placeOrder(BUY);
    const refusing = spyOn(store, 'saveFill').mockImplementation(() => {
      throw new Error('disk full');
    });
    expect(() => live(1)).toThrow('disk full');
    expect(published).toEqual([]);
    expect(service.order(order_id).status).toBe('accepted');
    expect(service.fills({ limit: 10 }).fills).toEqual([]);
    expect(service.status()).toMatchObject({ open_orders: 1 });
    refusing.mockRestore();
    live(2);
    expect(service.order(order_id).status).toBe('filled');
    expect(published.map((topic) => topic.name)).toEqual(['strategy.orders', 'strategy.fills']);
  });
});

describe('a portfolio in a replay', () => {
  const spec = testSpec('strategy', { portfolio_id: PORTFOLIO, symbol: SYMBOL, reset: true });

  test('takes no orders, cancellations or deployments from elsewhere until the replay ends', () => {
    live(0);
    const { order_id } = service.placeOrder({ ...BUY, type: 'limit', limit_price: '1' });
    service.trader.participant.begin!(spec, {});
    expect(() => service.placeOrder(BUY)).toThrow('A replay runs on this portfolio');
    expect(() => service.deploy(DEPLOYMENT)).toThrow('A replay runs on this portfolio');
    // The reset has emptied the history, open orders included.
    expect(() => service.order(order_id)).toThrow('No order');
    service.trader.participant.close!(spec);
    expect(service.placeOrder(BUY).status).toBe('accepted');
  });
  test('is refused while a live deployment trades it', () => {
    service.deploy(DEPLOYMENT);
    expect(() => service.trader.participant.open!(spec)).toThrow('p1 trades SIM-BTC live by ma-cross');
  });
  test('keeps its own orders from being cancelled by request', () => {
    service.trader.participant.begin!(spec, {});
    const [bar] = BARS;
    const record = {
      order: {
        ...BUY,
        order_id: 'o',
        status: 'accepted' as const,
        reasons: [],
        ts_event_us: bar!.ts_event_us,
      },
      correlationId: 'c',
    };
    store.saveOrder(record, spec.session);
    expect(() => service.cancelOrder('o')).toThrow('A replay runs on this portfolio');
  });
  test('is free again when the replay is broken off', () => {
    service.trader.participant.begin!(spec, {});
    service.trader.participant.abort!(spec);
    expect(service.trader.replay).toBeNull();
  });
});
