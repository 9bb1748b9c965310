// What the Strategy engine keeps and tells, on every database: orders, fills, deployments, memory that follows the disk.
import { afterEach, describe, expect, test } from 'bun:test';
import { Elysia } from 'elysia';
import { Bus } from '../../src/bus/client.ts';
import type { Envelope } from '../../src/bus/envelope.ts';
import { MemoryHub } from '../../src/bus/memory.ts';
import { topics } from '../../src/bus/topics.ts';
import { EngineMetrics } from '../../src/http/metrics.ts';
import { prepareEngine } from '../../src/http/server.ts';
import { runLockstep, testSpec } from '../../test/support/engine.ts';
import { eventually } from '../../test/support/eventually.ts';
import { BUY, LiveMarket, PORTFOLIO, SYMBOL } from '../../test/support/live-market.ts';
import { breakTable, type EngineStore, logged, mend, STORES, useStore } from '../../test/support/stores.ts';
import definition from './index.ts';
import { StrategyService } from './service.ts';
import { startChain } from './test-chain.ts';
import { outOf } from './wire.ts';

const LIMIT = { ...BUY, type: 'limit', limit_price: '1' };
const DEPLOYMENT = { strategy: 'ma-cross', symbol: SYMBOL, portfolio_id: PORTFOLIO, options: {} };

for (const { name, present, start } of STORES) {
  describe.skipIf(!present)(`the Strategy engine on ${name}`, () => {
    let store: EngineStore;
    let env: Record<string, string>;
    let market: LiveMarket;
    useStore(start, async (at, settings) => {
      [store, env] = [at, settings];
      market = await LiveMarket.start(env);
      await market.tellPortfolio();
      await market.advance();
    });
    afterEach(() => market.engine.stop());

    const post = async (order: object = BUY) => (await market.engine.post('/orders', order)).body.order_id;
    const list = async (path: string) => (await market.engine.get(path)).body;
    const statesInLog = async () =>
      (await logged(market.engine, topics.orders)).map(({ body }) => `${body.order_id} ${body.status}`);

    test('keeps orders, fills, limits and deployments over a restart', async () => {
      const filled = await post();
      await market.advance();
      const open = await post(LIMIT);
      const gone = await post(LIMIT);
      expect((await market.engine.send('DELETE', `/orders/${gone}`)).body.status).toBe('cancelled');
      expect((await market.engine.post('/deployments', DEPLOYMENT)).status).toBe(201);
      await market.setLimits({ max_position_quantity: '3' }, { ...BUY, quantity: '100' });
      const paths = ['/orders', '/fills', '/deployments', `/orders/${open}`];
      const before = await Promise.all(paths.map(list));
      await market.restart(env);
      const bare = ({ processing_time_ms: _, ...rest }: { processing_time_ms?: number }) => rest;
      expect((await Promise.all(paths.map(list))).map(bare)).toEqual(before.map(bare));
      expect(before[0].orders.map((o: { status: string }) => o.status)).toContain('filled');
      expect((await market.status()).open_orders).toBe(1);
      await market.advance();
      expect((await market.engine.post('/orders', BUY)).body).toMatchObject({
        limit: 'max_position_quantity',
      });
      expect((await market.engine.send('DELETE', `/orders/${filled}`)).status).toBe(409);
      expect((await market.engine.send('DELETE', `/orders/${open}`)).status).toBe(200);
    });

    test('lists orders and fills by pages, newest first', async () => {
      for (let i = 1; i <= 3; i++) await post({ ...BUY, quantity: i });
      await market.advance();
      for (const kind of ['orders', 'fills']) {
        const first = await list(`/${kind}?limit=2&portfolio_id=${PORTFOLIO}`);
        const rest = await list(`/${kind}?limit=2&cursor=${first.next_cursor}`);
        const quantities = [...first[kind], ...rest[kind]].map((row) => row.quantity);
        expect([kind, quantities, rest.next_cursor]).toEqual([kind, ['3', '2', '1'], null]);
      }
      expect((await list('/orders?status=accepted')).orders).toEqual([]);
    });

    test('every change of an order and every fill reaches the log, in order', async () => {
      const id = await post();
      await market.advance();
      await eventually(async () => (await logged(market.engine, topics.fills)).length === 1, 'the fill');
      expect(await statesInLog()).toEqual([`${id} accepted`, `${id} filled`]);
      const [fill] = await logged(market.engine, topics.fills);
      expect((await list('/fills')).fills).toEqual([fill!.body]);
      expect(market.engine.messages(topics.fills).map((e) => e.id)).toEqual([fill!.id]);
    });

    test('an order that cannot be stored has not happened', async () => {
      await breakTable(store, market.engine, 'orders');
      expect((await market.engine.post('/orders', BUY)).status).toBeGreaterThanOrEqual(500);
      expect((await market.status()).open_orders).toBe(0);
      await mend(store, market.engine);
      const id = await post();
      await eventually(async () => (await statesInLog()).length === 1, 'the order is told');
      expect(await statesInLog()).toEqual([`${id} accepted`]);
    });

    test('a fill that cannot be stored has not happened: the next bar fills the order once', async () => {
      const id = await post();
      await breakTable(store, market.engine, 'fills');
      market.publish(market.bars[1]!);
      const errors = async () => (await market.status()).bus.handler_errors;
      await eventually(async () => (await errors()) > 0, 'the batch has failed');
      expect((await list(`/orders/${id}`)).status).toBe('accepted');
      expect((await market.status()).open_orders).toBe(1);
      await mend(store, market.engine);
      market.publish(market.bars[2]!);
      await eventually(async () => (await list(`/orders/${id}`)).status === 'filled', 'the order is filled');
      await eventually(async () => (await statesInLog()).length === 2, 'both states are told');
      expect(await statesInLog()).toEqual([`${id} accepted`, `${id} filled`]);
      expect(await logged(market.engine, topics.fills)).toHaveLength(1);
    });

    test('what was stored by a process that was killed before it could send it is sent by the next one', async () => {
      // Its own hub hears nothing of what it says.
      const hub = new MemoryHub();
      const bus = new Bus('strategy', hub.connect());
      const metrics = new EngineMetrics('strategy', bus);
      let service!: StrategyService;
      const prepared = await prepareEngine(
        {
          ...definition,
          async create(context) {
            service = await StrategyService.create(context);
            return { routes: new Elysia() };
          },
        },
        { ...market.engine.context, bus, metrics, eventLog: hub.connectLog(), leases: hub.leases },
      );
      const { database, events } = prepared.durable!;
      const [bar] = market.bars;
      const envelope = {
        topic: topics.marketLiveData.name,
        ts_event_us: bar!.ts_event_us,
        body: bar,
      } as Envelope;
      await events.units.run((unit) =>
        service.trader.participant.process([envelope], { spec: undefined, ...outOf(unit) }),
      );
      const { order_id } = await service.placeOrder({ ...BUY, side: 'buy', type: 'market' });
      await database.close();
      await bus.close();
      expect(await statesInLog()).toEqual([]);
      await market.restart(env);
      await eventually(async () => (await statesInLog()).length === 1, 'the order is told');
      expect(await statesInLog()).toEqual([`${order_id} accepted`]);
    });

    test('a replay leaves its orders and fills, and no event in the log', async () => {
      const coordinator = await startChain(market.engine.hub);
      const spec = testSpec('strategy', {
        portfolio_id: 'replayed',
        symbol: SYMBOL,
        participants: ['marketdata', 'features', 'ml', 'strategy'],
        strategy_options: { fast: 'ema_12', slow: 'ema_26' },
      });
      const feed = market.bars.map((bar) => ({
        body: { ...bar, source: 'replay' },
        tsEventUs: bar.ts_event_us,
      }));
      const { summaries } = await runLockstep(coordinator, spec, topics.marketLiveData, feed, {});
      const counts = summaries.strategy as Record<string, number>;
      expect(counts.fills).toBeGreaterThan(3);
      expect((await list('/fills?portfolio_id=replayed&limit=1000')).fills).toHaveLength(counts.fills!);
      expect((await list('/orders?portfolio_id=replayed&limit=1000')).orders).toHaveLength(counts.orders!);
      expect(await logged(market.engine, topics.fills)).toEqual([]);
      await market.restart(env);
      expect((await list('/fills?portfolio_id=replayed&limit=1000')).fills).toHaveLength(counts.fills!);
    });
  });
}
