// The Strategy engine without its port: health by the clock, a disk that refuses, a portfolio held by a replay.
import { afterEach, beforeEach, describe, expect, spyOn, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Elysia } from 'elysia';
import { Bus } from '../../src/bus/client.ts';
import type { Envelope } from '../../src/bus/envelope.ts';
import { MemoryHub } from '../../src/bus/memory.ts';
import { type Topic, topics } from '../../src/bus/topics.ts';
import { ManualClock } from '../../src/core/clock.ts';
import { loadConfig } from '../../src/core/config.ts';
import { createLog } from '../../src/core/log.ts';
import type { Durable } from '../../src/http/durable.ts';
import { EngineMetrics } from '../../src/http/metrics.ts';
import { prepareEngine } from '../../src/http/server.ts';
import { testSpec, walkBars } from '../../test/support/engine.ts';
import { eventually } from '../../test/support/eventually.ts';
import definition from './index.ts';
import { StrategyService } from './service.ts';
import { StrategyStore } from './store.ts';
import { outOf } from './wire.ts';

const SYMBOL = 'SIM-BTC';
const PORTFOLIO = 'p1';
const BARS = walkBars(SYMBOL, 10);
const BUY = { portfolio_id: PORTFOLIO, symbol: SYMBOL, side: 'buy', quantity: '2', type: 'market' } as const;
const DEPLOYMENT = { strategy: 'ma-cross', symbol: SYMBOL, portfolio_id: PORTFOLIO, options: {} };

let hub: MemoryHub;
let clock: ManualClock;
let bus: Bus;
let folder: string;
let durable: Durable;
let service: StrategyService;
let published: Envelope[];

beforeEach(async () => {
  hub = new MemoryHub();
  clock = new ManualClock(1_000_000);
  bus = new Bus('strategy', hub.connect());
  folder = mkdtempSync(join(tmpdir(), 'strategy-'));
  published = [];
  await new Bus('test', hub.connect()).subscribe('strategy.*', (batch) => void published.push(...batch));
  const config = loadConfig({ NAUTILUS_FEED: 'none', NAUTILUS_DATA_DIR: folder });
  const log = createLog('strategy', 'silent');
  const metrics = new EngineMetrics('strategy', bus);
  const host = { bus, clock, config, log, metrics, eventLog: hub.connectLog(), leases: hub.leases };
  const prepared = await prepareEngine(
    {
      ...definition,
      async create(context) {
        service = await StrategyService.create(context);
        return { routes: new Elysia() };
      },
    },
    host,
  );
  durable = prepared.durable!;
  durable.events.units.onFailure(() => service.trader.reload());
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
  await bus.close();
  await durable.database.close();
  rmSync(folder, { recursive: true });
});

/** Hands messages of one live bar to the participant, as the stream does. */
function live(index: number): Promise<void> {
  const bar = BARS[index]!;
  const envelope = (topic: Topic<unknown>, body: object) =>
    ({ topic: topic.name, ts_event_us: bar.ts_event_us, correlation_id: 'c', body }) as Envelope;
  const batch = [
    envelope(topics.marketLiveData, bar),
    envelope(topics.featureValues, { symbol: SYMBOL, features: {} }),
    envelope(topics.mlPredictions, { symbol: SYMBOL, prediction: null, confidence: 0 }),
  ];
  return durable.events.units.run((unit) =>
    service.trader.participant.process(batch, { spec: undefined, ...outOf(unit) }),
  );
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
    await service.deploy(DEPLOYMENT);
    expect(service.missing()).toEqual(['features', 'ml']);
    await hear('features');
    expect(service.missing()).toEqual(['ml']);
    await hear('ml');
    clock.advance(3.9e6);
    expect(service.missing()).toEqual([]);
    clock.advance(0.2e6);
    expect(service.missing()).toEqual(['features', 'ml']);
  });
  test('gives the others four seconds after its own start', async () => {
    await service.deploy(DEPLOYMENT);
    clock.advance(3.9e6);
    expect(service.missing()).toEqual([]);
    clock.advance(0.2e6);
    expect(service.missing()).toEqual(['features', 'ml']);
  });
});

describe('a batch that cannot be stored', () => {
  test('has not happened: nothing is published and the order is still open', async () => {
    await live(0);
    const { order_id } = await service.placeOrder(BUY);
    await eventually(() => published.length === 1, 'the accepted order is told');
    const refusing = spyOn(StrategyStore.prototype, 'saveFill').mockImplementation(() => {
      throw new Error('disk full');
    });
    await expect(live(1)).rejects.toThrow('disk full');
    refusing.mockRestore();
    expect((await service.order(order_id)).status).toBe('accepted');
    expect((await service.fills({ limit: 10 })).fills).toEqual([]);
    expect(service.status()).toMatchObject({ open_orders: 1 });
    await live(2);
    expect((await service.order(order_id)).status).toBe('filled');
    await eventually(() => published.length === 3, 'the fill is told');
    expect(published.map((e) => e.topic)).toEqual(['strategy.orders', 'strategy.orders', 'strategy.fills']);
  });
  test('leaves the newest bar known, so that orders are taken at once', async () => {
    await live(0);
    await expect(service.trader.change(() => Promise.reject(new Error('lost')))).rejects.toThrow('lost');
    expect((await service.placeOrder(BUY)).status).toBe('accepted');
  });
  test('takes no other change of its commit with it', async () => {
    await live(0);
    const orders = [service.placeOrder(BUY), service.placeOrder(BUY)];
    const failing = service.trader.change((_, { tx }) => {
      tx.write("INSERT INTO settings (name, value) VALUES ('used', 'twice')");
    });
    expect((await Promise.allSettled([...orders, failing])).map((o) => o.status)).toEqual([
      'fulfilled',
      'fulfilled',
      'rejected',
    ]);
    expect(service.status()).toMatchObject({ open_orders: 2 });
    await live(1);
    expect((await service.fills({ limit: 10 })).fills).toHaveLength(2);
  });
});

describe('a portfolio in a replay', () => {
  const spec = testSpec('strategy', { portfolio_id: PORTFOLIO, symbol: SYMBOL, reset: true });
  const LIMIT = { ...BUY, type: 'limit', limit_price: '1' } as const;

  test('takes no orders, cancellations or deployments from elsewhere until the replay ends', async () => {
    await live(0);
    const { order_id } = await service.placeOrder(LIMIT);
    await service.trader.participant.open!(spec);
    await service.trader.participant.begin!(spec, {});
    await expect(service.placeOrder(BUY)).rejects.toThrow('A replay runs on this portfolio');
    await expect(service.deploy(DEPLOYMENT)).rejects.toThrow('A replay runs on this portfolio');
    // The reset has emptied the history, open orders included; those who follow orders hear of their end.
    await expect(service.order(order_id)).rejects.toThrow('No order');
    await eventually(() => published.length === 2, 'the cancelled order is told');
    expect(published.at(-1)!.body).toMatchObject({ order_id, status: 'cancelled' });
    await service.trader.participant.close!(spec);
    expect((await service.placeOrder(BUY)).status).toBe('accepted');
  });
  test('is refused while a live deployment trades it', async () => {
    await service.deploy(DEPLOYMENT);
    await expect(service.trader.participant.open!(spec)).rejects.toThrow(
      'p1 trades SIM-BTC live by ma-cross',
    );
    expect(service.trader.replay).toBeNull();
  });
  test('fills nothing live between the opening and the end, and goes on when the replay is refused elsewhere', async () => {
    await live(0);
    const { order_id } = await service.placeOrder(BUY);
    await service.trader.participant.open!(spec);
    await live(1);
    expect((await service.order(order_id)).status).toBe('accepted');
    await service.trader.participant.abort!(spec);
    await live(2);
    expect((await service.order(order_id)).status).toBe('filled');
  });
  test('keeps its own orders from being cancelled by request', async () => {
    await service.trader.participant.begin!(spec, {});
    const order = { ...BUY, order_id: 'o', status: 'accepted' as const, reasons: [], ts_event_us: 1 };
    const store = new StrategyStore(durable.database);
    await durable.database.transaction((tx) =>
      store.saveOrder(tx, { order, correlationId: 'c' }, spec.session),
    );
    await expect(service.cancelOrder('o')).rejects.toThrow('A replay runs on this portfolio');
  });
  test('is free again when the replay is broken off', async () => {
    await service.trader.participant.begin!(spec, {});
    await service.trader.participant.abort!(spec);
    expect(service.trader.replay).toBeNull();
  });
  test('stands where the database says when a replay is broken off after a unit that was not stored', async () => {
    await live(0);
    await service.trader.participant.begin!(spec, {});
    await expect(service.trader.change(() => Promise.reject(new Error('lost')))).rejects.toThrow('lost');
    await service.trader.participant.abort!(spec);
    expect(service.trader.live.books.get(PORTFOLIO)!.ledger.snapshot()).toMatchObject({ cash: '1000000' });
    expect((await service.placeOrder(BUY)).status).toBe('accepted');
  });
});
