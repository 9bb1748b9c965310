// What the Factor engine keeps, on every database: its windows, and memory that follows the disk.
import { afterEach, describe, expect, test } from 'bun:test';
import { PANEL_BARS } from '../../src/factors/index.ts';
import { TestEngine, walkBars } from '../../test/support/engine.ts';
import { eventually } from '../../test/support/eventually.ts';
import { publishBars, seenBars } from '../../test/support/factor-bars.ts';
import { breakTable, type EngineStore, mend, STORES, useStore } from '../../test/support/stores.ts';
import definition from './index.ts';

for (const { name, present, start } of STORES) {
  describe.skipIf(!present)(`the Factor engine on ${name}`, () => {
    let store: EngineStore;
    let engine: TestEngine;
    let env: Record<string, string>;
    useStore(start, async (at, settings) => {
      [store, env] = [at, settings];
      engine = await TestEngine.start(definition, env);
    });
    afterEach(() => engine.stop());

    const values = async (symbol: string) =>
      (await engine.get(`/factors/values?symbols=${symbol}`)).body.values[0];

    test('has the same windows after a restart, of symbols that changed their source too', async () => {
      publishBars(engine, walkBars('A', PANEL_BARS + 200));
      publishBars(engine, walkBars('B', 90));
      await seenBars(engine, 'A', PANEL_BARS + 200);
      await seenBars(engine, 'B', 90);
      publishBars(engine, walkBars('B', 70), 'venue');
      await seenBars(engine, 'B', 70);
      const before = [await values('A'), await values('B')];
      await engine.restart(definition, env);
      const after = [await values('A'), await values('B')];
      for (const [i, { factors, ...rest }] of before.entries()) {
        expect(after[i]).toMatchObject(rest);
        // The market is summed in another order; every other number is the same.
        for (const [factor, value] of Object.entries(factors as Record<string, number | null>)) {
          if (value === null) expect(after[i].factors[factor]).toBeNull();
          else expect(after[i].factors[factor]).toBeCloseTo(value, 10);
        }
      }
    });

    test('goes back to what is stored when bars cannot be stored, and on from there', async () => {
      const bars = walkBars('A', 60);
      publishBars(engine, bars.slice(0, 40));
      await seenBars(engine, 'A', 40);
      const stored = await values('A');
      await breakTable(store, engine, 'symbols');
      publishBars(engine, walkBars('NEW', 5));
      publishBars(engine, bars.slice(40, 50));
      publishBars(engine, walkBars('A', 3), 'venue');
      const lost = () => engine.context.bus.stats().handler_errors > 0;
      await eventually(lost, 'a batch that could not be stored');
      await eventually(async () => (await values('A')).bars === 40, 'the bars that are stored');
      expect(await values('A')).toEqual(stored);
      expect((await engine.get('/factors/values?symbols=NEW')).status).toBe(404);
      await mend(store, engine);
      publishBars(engine, bars.slice(40));
      await seenBars(engine, 'A', 60);
    });
  });
}
