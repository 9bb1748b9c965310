// What the Risk engine keeps, on every database: limits, breaches, orders that count once, memory that follows the disk.
import { afterEach, describe, expect, test } from 'bun:test';
import { Bus } from '../../src/bus/client.ts';
import { MemoryHub } from '../../src/bus/memory.ts';
import { partitionOf } from '../../src/bus/partition.ts';
import { topics } from '../../src/bus/topics.ts';
import { systemClock } from '../../src/core/clock.ts';
import { EVENT_TABLES } from '../../src/events/schema.ts';
import { Units } from '../../src/events/units.ts';
import { openDatabase } from '../../src/store/open.ts';
import { TestEngine } from '../../test/support/engine.ts';
import { eventually } from '../../test/support/eventually.ts';
import { orderEvent, publishValuation, valuation } from '../../test/support/risk-messages.ts';
import { breakTable, type EngineStore, logged, mend, STORES, useStore } from '../../test/support/stores.ts';
import definition from './index.ts';
import { MIGRATIONS, RiskStore } from './lib/store.ts';
import { RiskService } from './service.ts';

const held = (quantity: string) => [{ symbol: 'BTC', quantity, mark: '100000' }];

for (const { name, present, start } of STORES) {
  describe.skipIf(!present)(`the Risk engine on ${name}`, () => {
    let store: EngineStore;
    let engine: TestEngine;
    let env: Record<string, string>;
    useStore(start, async (at, settings) => {
      [store, env] = [at, settings];
      engine = await TestEngine.start(definition, env);
    });
    afterEach(() => engine.stop());

    const value = (...args: Parameters<typeof valuation>) => publishValuation(engine, ...args);
    const openOrders = async () => (await engine.get('/system/status')).body.open_orders as number;
    const limitsOf = async (id: string) => (await engine.get(`/limits/${id}`)).body.limits;

    test('keeps limits, their changes, peaks and open orders over a restart', async () => {
      await value('p', { equity: '1500000' });
      await engine.send('PUT', '/limits/p', { max_drawdown: 0.3 });
      await engine.append(topics.orders, orderEvent('p', 'order-1', 'accepted'));
      await eventually(async () => (await openOrders()) === 1, 'the open order counts');
      const before = [
        (await engine.post('/risk/check/p')).body,
        (await engine.get('/limits/p/changes')).body,
      ];
      await engine.restart(definition, env);
      const after = [(await engine.post('/risk/check/p')).body, (await engine.get('/limits/p/changes')).body];
      expect(after).toEqual([
        { ...before[0], processing_time_ms: expect.any(Number) },
        { ...before[1], changes: [expect.objectContaining({ id: 1 })] },
      ]);
      expect((await limitsOf('p')).max_drawdown).toBe(0.3);
      expect(await openOrders()).toBe(1);
    });

    test('tells the limits of a portfolio once, when it is seen first, and after each change', async () => {
      await value('p');
      await value('p', { equity: '1000001' });
      await engine.send('PUT', '/limits/p', { max_drawdown: 0.3 });
      await engine.restart(definition, env);
      await value('p', { equity: '1000002' });
      const told = () => logged(engine, topics.riskLimits);
      await eventually(async () => (await told()).length >= 2, 'both events are in the log');
      expect((await told()).map((e) => e.body.limits.max_drawdown)).toEqual([0.2, 0.3]);
    });

    test('refuses to change or delete a recorded change of limits', async () => {
      await value('p');
      await engine.send('PUT', '/limits/p', { max_drawdown: 0.3 });
      for (const sql of [
        "UPDATE {schema}limit_changes SET after = '{}'",
        'DELETE FROM {schema}limit_changes',
      ]) {
        await expect(store.run(engine, { sqlite: sql, postgres: sql })).rejects.toThrow('append-only');
      }
    });

    test('tells a breach once when it begins and once when it ends, also over a restart', async () => {
      const begun = await value('p', { positions: held('3') });
      await value('p', { equity: '1000001', positions: held('3') });
      await engine.restart(definition, env);
      await value('p', { equity: '1000002', positions: held('3') });
      await value('p', { equity: '1000002', positions: held('2') });
      const told = () => logged(engine, topics.breaches);
      await eventually(async () => (await told()).length >= 2, 'both events are in the log');
      const of = (status: string, notional: string, utilisation: number, equity: string) => ({
        limit: 'max_position_notional',
        status,
        value: notional,
        threshold: '250000',
        utilisation,
        equity,
      });
      const expected = [of('breach', '300000', 1.2, '1000000'), of('cleared', '200000', 0.8, '1000002')];
      expect((await told()).map((e) => e.body) as unknown[]).toEqual(
        expected.map((b) => ({ portfolio_id: 'p', ...b })),
      );
      expect((await told())[0]).toMatchObject({ ts_event_us: begun.ts_event_us });

      const { body: newest } = await engine.get('/breaches/p?limit=1');
      expect(newest.breaches).toEqual([{ id: 2, ts_event_us: expect.any(Number), ...expected[1]! }]);
      const { body: rest } = await engine.get(`/breaches/p?cursor=${newest.next_cursor}`);
      expect(rest).toEqual({
        portfolio_id: 'p',
        breaches: [{ id: 1, ts_event_us: begun.ts_event_us, ...expected[0]! }],
        next_cursor: null,
      });
      expect((await engine.get('/breaches/nobody')).status).toBe(404);
    });

    test('tells what a change of limits puts in breach, and that a limit was taken away', async () => {
      await value('p', { positions: held('2') });
      await engine.send('PUT', '/limits/p', { max_position_quantity: '1' });
      await engine.send('PUT', '/limits/p', { max_position_quantity: null });
      const { body } = await engine.get('/breaches/p');
      expect(body.breaches).toMatchObject([
        { limit: 'max_position_quantity', status: 'cleared', value: null, threshold: null },
        { limit: 'max_position_quantity', status: 'breach', value: '2', threshold: '1', utilisation: 2 },
      ]);
    });

    test('counts an order once, though it is delivered again', async () => {
      await value('p');
      const accepted = await engine.append(topics.orders, orderEvent('p', 'order-1', 'accepted'));
      const cancelled = await engine.append(topics.orders, orderEvent('p', 'order-1', 'cancelled'));
      await engine.append(topics.orders, orderEvent('p', 'order-2', 'accepted'));
      const counts = async () => (await engine.get('/events')).body.counts;
      await eventually(async () => (await counts()).applied === 3, 'three events are applied');
      expect(await openOrders()).toBe(1);
      // An owner that begins anew numbers its events anew: their places say nothing, their ids do.
      const stream = { topic: topics.orders.name, partition: partitionOf('p') };
      const again = [accepted, cancelled, accepted].map((e) => JSON.stringify(e));
      const fresh = engine.bus.seal(topics.orders, orderEvent('p', 'order-3', 'accepted'));
      await engine.hub.connectLog().append(stream, 'test2', 1, [...again, JSON.stringify(fresh)]);
      await eventually(async () => (await counts()).applied === 4, 'the new order is applied');
      expect(await openOrders()).toBe(2);
      expect(await counts()).toMatchObject({ applied: 4, duplicates: 3 });
    });

    test('brings memory back to what is stored when a batch cannot be stored', async () => {
      await value('p', { equity: '1100000' });
      await breakTable(store, engine, 'books');
      engine.bus.publish(topics.valuations, valuation('p', { equity: '5000000' }));
      engine.bus.publish(topics.valuations, valuation('q'));
      const check = async () => (await engine.post('/risk/check/p')).body;
      const failed = async () => (await engine.get('/system/status')).body.bus.handler_errors === 1;
      await eventually(failed, 'the batch has failed');
      expect((await check()).peak_equity).toBe('1100000');
      expect((await engine.get('/limits/q')).status).toBe(404);
      await mend(store, engine);
      await value('p', { equity: '1000000' });
      expect(await check()).toMatchObject({ equity: '1000000', peak_equity: '1100000' });
      expect(engine.messages(topics.riskPortfolioUpdates)).toHaveLength(2);
      expect((await logged(engine, topics.riskLimits)).map((e) => e.body.portfolio_id)).toEqual(['p']);
    });

    test('leaves limits and breaches as they were when a change cannot be stored', async () => {
      await value('p', { positions: held('2') });
      await breakTable(store, engine, 'limit_changes');
      const failed = await engine.send('PUT', '/limits/p', { max_position_notional: '1000' });
      expect(failed.status).toBeGreaterThanOrEqual(500);
      expect((await limitsOf('p')).max_position_notional).toBe('250000');
      expect((await engine.post('/risk/check/p')).body.status).toBe('warning');
      await mend(store, engine);
      expect((await engine.get('/breaches/p')).body.breaches).toEqual([]);
      await engine.send('PUT', '/limits/p', { max_position_notional: '1000' });
      expect((await engine.get('/breaches/p')).body.breaches).toHaveLength(1);
    });

    test('sends what was stored by a process that was killed before it could send it', async () => {
      await value('p');
      await eventually(async () => (await logged(engine, topics.riskLimits)).length === 1, 'the first event');
      const database = await openDatabase(engine.context.config, 'risk', {
        engine: MIGRATIONS,
        events: EVENT_TABLES,
      });
      // Its own hub hears nothing of what it says, and nobody is told that there is something for the log.
      const bus = new Bus('risk', new MemoryHub().connect());
      const units = new Units({ database, bus, onStored: () => {}, onUncertain: () => {} });
      const killed = await RiskService.open(new RiskStore(database), units, systemClock);
      await killed.changeLimits('p', { max_drawdown: 0.1 });
      await database.close();
      await bus.close();
      expect(await logged(engine, topics.riskLimits)).toHaveLength(1);
      await engine.restart(definition, env);
      await eventually(
        async () => (await logged(engine, topics.riskLimits)).length === 2,
        'the second event',
      );
      expect((await logged(engine, topics.riskLimits)).at(-1)!.body.limits).toEqual(await limitsOf('p'));
      expect((await limitsOf('p')).max_drawdown).toBe(0.1);
    });
  });
}
