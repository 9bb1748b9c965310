// What the Analytics engine keeps, on every database: curves, figures, memory that follows the disk.
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'bun:test';
import { type BodyOf, topics } from '../../src/bus/topics.ts';
import type { Database } from '../../src/store/database.ts';
import { openDatabase } from '../../src/store/open.ts';
import { TestEngine } from '../../test/support/engine.ts';
import { eventually } from '../../test/support/eventually.ts';
import { breakTable, type EngineStore, mend, STORES, useStore } from '../../test/support/stores.ts';
import definition from './index.ts';
import { AnalyticsStore, MIGRATIONS } from './store.ts';

const START_US = 1_640_991_660_000_000;
const MINUTE_US = 60_000_000;

function valuation(id: string, equity: string): BodyOf<typeof topics.valuations> {
  const figures = { cash: '500', fees: '1.5', realised_pnl: '2.25', unrealised_pnl: '3', fills: 1 };
  return { portfolio_id: id, starting_cash: '1000', equity, positions: [], ...figures };
}

for (const { name, present, start } of STORES) {
  describe.skipIf(!present)(`the Analytics engine on ${name}`, () => {
    let store: EngineStore;
    let engine: TestEngine;
    let env: Record<string, string>;
    useStore(start, async (at, settings) => {
      [store, env] = [at, settings];
      engine = await TestEngine.start(definition, env);
    });
    afterEach(() => engine.stop());

    /** Publishes one point for each equity, a minute apart, and waits for the word on it. */
    async function tell(id: string, equities: readonly string[], fromMinute = 0): Promise<void> {
      const before = engine.messages(topics.analyticsMetrics).length;
      for (const [i, equity] of equities.entries()) {
        const tsEventUs = START_US + (fromMinute + i) * MINUTE_US;
        engine.bus.publish(topics.valuations, valuation(id, equity), { tsEventUs });
      }
      await engine.received(topics.analyticsMetrics, before + equities.length);
    }
    async function calculate(id: string) {
      return { ...(await engine.post(`/analytics/calculate/${id}`)).body, processing_time_ms: 0 };
    }

    test('goes on after a restart with curves and sums as they were', async () => {
      await tell('p', ['1000', '1010', '1005', '990']);
      await tell('q', ['7']);
      const before = [await calculate('p'), (await engine.get('/analytics/p/equity')).body];
      await engine.restart(definition, env);
      expect([await calculate('p'), (await engine.get('/analytics/p/equity')).body]).toEqual(before);
      await tell('p', ['1020'], 4);
      expect(engine.messages(topics.analyticsMetrics).at(-1)!.body.observations).toBe(5);
      expect((await calculate('p')).observations).toBe(5);
      expect((await calculate('q')).observations).toBe(1);
    });

    test('lists portfolios by the bytes of their ids', async () => {
      for (const id of ['b', 'B', 'é', 'a-1', '_']) await tell(id, ['1000', '1001']);
      const { body } = await engine.get('/analytics?limit=3&offset=1');
      expect(body.portfolios.map((p: { portfolio_id: string }) => p.portfolio_id)).toEqual(['_', 'a-1', 'b']);
      expect(body.portfolios[0]).toMatchObject({ observations: 2, ts_event_us: START_US + MINUTE_US });
      expect(body.total).toBe(5);
    });

    test('follows from memory exactly what is stored when a batch cannot be stored', async () => {
      await tell('p', ['1000', '1010']);
      await breakTable(store, engine, 'curve');
      for (const [id, equity] of [
        ['p', '5000'],
        ['new', '1'],
      ] as const) {
        const meta = { tsEventUs: START_US + 9 * MINUTE_US };
        engine.bus.publish(topics.valuations, valuation(id, equity), meta);
      }
      const followed = async () => (await engine.get('/system/status')).body.portfolios_followed;
      await eventually(async () => (await followed()) === 0, 'memory is dropped');
      await mend(store, engine);
      await tell('p', ['1005'], 2);
      expect(engine.messages(topics.analyticsMetrics).at(-1)!.body).toMatchObject({
        observations: 3,
        equity: '1005',
      });
      expect(await calculate('p')).toMatchObject({ observations: 3, equity: '1005' });
      expect((await engine.get('/analytics')).body.total).toBe(1);
    });
  });

  describe.skipIf(!present)(`the curves of the Analytics engine on ${name}`, () => {
    let store: EngineStore;
    let engine: TestEngine;
    let database: Database;
    let curves: AnalyticsStore;
    beforeAll(async () => {
      store = await start();
      engine = await TestEngine.start(definition, store.env());
      database = await openDatabase(engine.context.config, 'analytics', { engine: MIGRATIONS });
      curves = new AnalyticsStore(database);
    });
    afterAll(async () => {
      await database?.close();
      await engine?.stop();
      await store?.stop();
    });

    test('are read whole over several statements, within their span', async () => {
      const { key } = await database.transaction(async (tx) => {
        const made = await curves.add(tx, 'long', valuation('long', '1'));
        for (let i = 0; i < 45_000; i++) curves.putPoint(tx, made, i * MINUTE_US, i / 8);
        return { key: made };
      });
      const row = (await curves.get('long'))!;
      const span = { fromUs: 5 * MINUTE_US, toUs: 44_998 * MINUTE_US };
      const size = await curves.countPoints(key, span);
      expect(size).toBe(44_994);
      const curve = (await curves.curve(row, span, size))!;
      expect(curve.equity).toEqual(Float64Array.from({ length: size }, (_, i) => (i + 5) / 8));
      expect(curve.timestampsUs.at(-1)).toBe(span.toUs);
    });

    test('are not mixed with what comes after they were emptied', async () => {
      const key = await database.transaction((tx) => curves.add(tx, 'reset', valuation('reset', '1')));
      await database.transaction((tx) => curves.putPoint(tx, key, 1, 1));
      const row = (await curves.get('reset'))!;
      await database.transaction((tx) => {
        curves.emptyCurve(tx, key);
        curves.putPoint(tx, key, 1, 2);
      });
      expect(await curves.curve(row, { fromUs: 0, toUs: 9 }, 1)).toBeNull();
      const again = await curves.curve((await curves.get('reset'))!, { fromUs: 0, toUs: 9 }, 1);
      expect(again!.equity).toEqual(Float64Array.of(2));
    });
  });
}
