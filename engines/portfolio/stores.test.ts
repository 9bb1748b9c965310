// What the Portfolio engine keeps and tells, on every database: fills that count once, positions, memory that follows the disk.
import { afterEach, describe, expect, test } from 'bun:test';
import { Bus } from '../../src/bus/client.ts';
import { MemoryHub } from '../../src/bus/memory.ts';
import { partitionOf } from '../../src/bus/partition.ts';
import { EngineStream } from '../../src/bus/stream.ts';
import { type BodyOf, topics } from '../../src/bus/topics.ts';
import { EngineMetrics } from '../../src/http/metrics.ts';
import { prepareEngine } from '../../src/http/server.ts';
import { runLockstep, TestEngine, testSpec, walkBars } from '../../test/support/engine.ts';
import { eventually } from '../../test/support/eventually.ts';
import { breakTable, type EngineStore, logged, mend, STORES, useStore } from '../../test/support/stores.ts';
import definition from './index.ts';

type FillBody = BodyOf<typeof topics.fills>;

const ID = 'portfolio_001';
const fill = (fill_id: string, over: Partial<FillBody> = {}): FillBody => ({
  fill_id,
  order_id: `order-${fill_id}`,
  portfolio_id: ID,
  symbol: 'AAA',
  side: 'buy',
  quantity: '2',
  price: '100',
  fee: '0.5',
  ts_event_us: 1000,
  ...over,
});

for (const { name, present, start } of STORES) {
  describe.skipIf(!present)(`the Portfolio engine on ${name}`, () => {
    let store: EngineStore;
    let env: Record<string, string>;
    let engine: TestEngine;
    useStore(start, async (at, settings) => {
      [store, env] = [at, settings];
      engine = await TestEngine.start(definition, env);
    });
    afterEach(() => engine.stop());

    const get = async (path: string) => (await engine.get(path)).body;
    const fillsOf = async (id = ID) => (await get(`/portfolios/${id}`)).fills as number;
    const applied = async () => (await get('/events')).counts.applied as number;
    const positions = () => logged(engine, topics.positions);

    test('keeps portfolios, fills and marks over a restart', async () => {
      const made = await engine.post('/portfolios', {
        portfolio_id: 'p',
        name: 'P',
        starting_cash: '500.50',
      });
      expect([made.status, made.body.starting_cash]).toEqual([201, '500.5']);
      await engine.append(topics.fills, fill('a', { portfolio_id: 'p' }), { tsEventUs: 1000 });
      await engine.append(topics.fills, fill('b', { portfolio_id: 'p', side: 'sell', quantity: '0.5' }), {
        tsEventUs: 1000,
      });
      await eventually(async () => (await fillsOf('p')) === 2, 'two fills');
      const bar = { symbol: 'AAA', interval_us: 1, open: 1, high: 120, low: 1, close: 120, volume: 1 };
      const body = { ...bar, ts_event_us: 2000, source: 'test' };
      engine.bus.publish(topics.marketLiveData, body, { tsEventUs: 2000 });
      await eventually(async () => (await get('/portfolios/p')).ts_event_us === 2000, 'the bar');
      const paths = ['/portfolios', '/portfolios/p', '/portfolios/p/fills'];
      const before = await Promise.all(paths.map(get));
      await engine.restart(definition, env);
      expect(await Promise.all(paths.map(get))).toEqual(before);
      expect(before[1].unrealised_pnl).toBe('30');
      const first = await get('/portfolios/p/fills?limit=1');
      const rest = await get(`/portfolios/p/fills?limit=1&after=${first.next_after}`);
      expect([...first.fills, ...rest.fills].map((f) => f.fill_id)).toEqual(['a', 'b']);
    });

    test('a fill counts once, however it comes again, and its position is told once', async () => {
      const a = await engine.append(topics.fills, fill('a'));
      // The same execution under another id, as an owner without durable events sends it.
      await engine.append(topics.fills, fill('a'));
      const sold = fill('b', { side: 'sell', quantity: '2', price: '110' });
      await engine.append(topics.fills, sold);
      await eventually(async () => (await applied()) === 3, 'three events');
      await engine.restart(definition, env);
      // An owner that begins anew numbers its events anew.
      const stream = { topic: topics.fills.name, partition: partitionOf(ID) };
      const c = engine.bus.seal(topics.fills, fill('c'));
      await engine.hub.connectLog().append(stream, 'test2', 1, [JSON.stringify(a), JSON.stringify(c)]);
      await eventually(async () => (await fillsOf()) === 3, 'the third fill');
      expect((await get(`/portfolios/${ID}`)).cash).toBe(String(1_000_000 - 200 + 220 - 200 - 1.5));
      await eventually(async () => (await positions()).length === 3, 'three positions');
      expect((await positions()).map(({ body }) => body)).toEqual([
        {
          portfolio_id: ID,
          fill_id: 'a',
          fills: 1,
          symbol: 'AAA',
          quantity: '2',
          average_price: '100',
          realised_pnl: '0',
          cash: '999799.5',
        },
        {
          portfolio_id: ID,
          fill_id: 'b',
          fills: 2,
          symbol: 'AAA',
          quantity: '0',
          average_price: null,
          realised_pnl: '20',
          cash: '1000019',
        },
        {
          portfolio_id: ID,
          fill_id: 'c',
          fills: 3,
          symbol: 'AAA',
          quantity: '2',
          average_price: '100',
          realised_pnl: '20',
          cash: '999818.5',
        },
      ]);
    });

    test('fills that come before their portfolio count when it is made, and are told then', async () => {
      await engine.append(topics.fills, fill('early', { portfolio_id: 'p' }));
      await eventually(async () => (await applied()) === 1, 'the event');
      expect(await positions()).toEqual([]);
      const { body } = await engine.post('/portfolios', {
        portfolio_id: 'p',
        name: 'P',
        starting_cash: '1000',
      });
      expect(body).toMatchObject({ cash: '799.5', fills: 1 });
      await eventually(async () => (await positions()).length === 1, 'the position');
      expect((await engine.post('/portfolios', { ...body, name: 'P' })).status).toBe(422);
      expect(
        (await engine.post('/portfolios', { portfolio_id: 'p', name: 'P', starting_cash: '1' })).status,
      ).toBe(409);
    });

    test('a fill that cannot be stored has not happened, and is applied once it can', async () => {
      await breakTable(store, engine, 'fills');
      await engine.append(topics.fills, fill('a'));
      await eventually(async () => (await get('/events')).counts.retries > 0, 'a retry');
      expect(await fillsOf()).toBe(0);
      await mend(store, engine);
      await eventually(async () => (await fillsOf()) === 1, 'the fill');
      await eventually(async () => (await positions()).length === 1, 'the position');
    });

    test('a portfolio that cannot be stored is not there', async () => {
      await breakTable(store, engine, 'portfolios');
      const request = { portfolio_id: 'p', name: 'P', starting_cash: '1000' };
      expect((await engine.post('/portfolios', request)).status).toBeGreaterThanOrEqual(500);
      expect((await engine.get('/portfolios/p')).status).toBe(404);
      await mend(store, engine);
      expect((await engine.post('/portfolios', request)).status).toBe(201);
    });

    test('what was stored by a process that was killed before it could send it is sent by the next one', async () => {
      // Its own hub hears nothing of what it says.
      const hub = new MemoryHub();
      const bus = new Bus('portfolio', hub.connect());
      const metrics = new EngineMetrics('portfolio', bus);
      const host = { ...engine.context, bus, metrics, eventLog: hub.connectLog(), leases: hub.leases };
      const { parts, durable } = await prepareEngine(definition, host);
      const envelope = engine.bus.seal(topics.fills, fill('a'));
      await durable!.events.units.run((unit) =>
        parts.participant!.process([envelope], {
          spec: undefined,
          tx: unit.tx,
          publish: (topic, body) => void unit.publish(topic, body),
        }),
      );
      await durable!.database.close();
      await bus.close();
      expect(await positions()).toEqual([]);
      await engine.restart(definition, env);
      await eventually(async () => (await positions()).length === 1, 'the position');
      expect(await fillsOf()).toBe(1);
    });

    test('live fills of a history that a replay has emptied are passed over, later ones count', async () => {
      const coordinator = new Bus('marketdata', engine.hub.connect());
      const strategy = new Bus('strategy', engine.hub.connect());
      await new EngineStream(strategy, 'strategy', {
        consumes: [topics.marketLiveData],
        emits: [topics.fills],
        open: () => ({ live_until_us: strategy.nowUs() }),
        process() {},
      }).start();
      await engine.append(topics.fills, fill('a'));
      await eventually(async () => (await fillsOf()) === 1, 'the first fill');
      const late = engine.bus.seal(topics.fills, fill('late'));
      const spec = testSpec('portfolio', {
        participants: ['marketdata', 'strategy', 'portfolio'],
        reset: true,
        starting_cash: '5000',
      });
      const feed = walkBars('BTC-PERP', 5).map((bar) => ({
        body: { ...bar, source: 'replay' },
        tsEventUs: bar.ts_event_us,
      }));
      await runLockstep(coordinator, spec, topics.marketLiveData, feed, {});
      await engine.restart(definition, env);
      const stream = { topic: topics.fills.name, partition: partitionOf(ID) };
      await engine.hub.connectLog().append(stream, 'test', 2, [JSON.stringify(late)]);
      await engine.append(topics.fills, fill('new'));
      const stored = async () => (await get(`/portfolios/${ID}/fills`)).fills;
      await eventually(async () => (await stored()).length > 0, 'the new fill');
      expect(await stored()).toMatchObject([{ fill_id: 'new' }]);
      expect(await get(`/portfolios/${ID}`)).toMatchObject({ starting_cash: '5000', cash: '4799.5' });
      await Promise.all([coordinator.close(), strategy.close()]);
    });
  });
}
