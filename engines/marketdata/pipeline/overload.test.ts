// More than can be stored or read: what waits is bounded, what is lost is counted and told, publishing goes on.
import { afterEach, describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { Registry } from '../../../src/http/prom.ts';
import type { MarketRecord, Trade } from '../../../src/market/records.ts';
import { registerPipeline } from './metrics.ts';
import { Storing } from './storing.ts';
import { Rig, SYMBOL } from './test-rig.ts';
import { ScriptedSource } from './test-source.ts';

/** A history that stores nothing until it may. */
function heldStore() {
  const stored: MarketRecord[] = [];
  const open = Promise.withResolvers<void>();
  const put = async (records: readonly MarketRecord[]) => {
    await open.promise;
    stored.push(...records);
  };
  return { stored, put, open: () => open.resolve() };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('a burst that the history does not keep up with', () => {
  let rig: Rig;
  afterEach(() => rig.stop());

  test('is published whole; the newest records are stored, all others counted and told of', async () => {
    const source = new ScriptedSource('a');
    const { stored, put, open } = heldStore();
    const capacity = 4000;
    rig = await Rig.start([source], { put, storeCapacity: capacity });
    await rig.subscribe({ sources: ['a'] });
    const sent = 20_000;
    for (let at = 0; at < sent; at += 1000) {
      const trade = (_: unknown, i: number) =>
        source.trade(rig.nowUs - sent + at + i, 100 + (i % 3), { sequence: at + i });
      source.say(...Array.from({ length: 1000 }, trade));
      await turn();
      expect(rig.service.storing.waiting).toBeLessThanOrEqual(capacity);
    }
    expect((await rig.trades()).length).toBe(sent);
    const registry = new Registry();
    registerPipeline(registry, rig.service);
    expect(await registry.metrics()).toContain(
      `nautilus_market_store_waiting ${rig.service.storing.waiting}\n`,
    );
    open();
    await rig.service.storing.idle();
    const metrics = await registry.metrics();
    expect(metrics).toContain(`nautilus_market_stored_total ${stored.length}\n`);
    expect(metrics).toContain('nautilus_market_store_waiting 0\n');
    const { lost } = rig.service.sources();
    expect(lost.store_full).toBeGreaterThan(0);
    expect(stored.length + lost.store_full!).toBe(sent);
    const told = (await rig.news('dropped')).map(({ state, reason, value }) => [state, reason, value]);
    expect(told.every(([state, reason]) => state === 'store' && reason === 'full')).toBe(true);
    expect(told.reduce((sum, [, , value]) => sum + (value as number), 0)).toBe(lost.store_full!);
    const numbers = stored.map(({ sequence }) => sequence!);
    expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
    expect(numbers.at(-1)).toBe(sent - 1);
    expect(stored.every(({ symbol }) => symbol === SYMBOL)).toBe(true);
  });
});

test('whatever comes and fails: never more than fits waits, in order, and every record is stored or told as lost', async () => {
  const source = new ScriptedSource('a');
  const steps = fc.array(
    fc.oneof(
      fc.integer({ min: 1, max: 12 }),
      fc.constantFrom('turn' as const, 'fail' as const, 'work' as const),
    ),
    { maxLength: 40 },
  );
  await fc.assert(
    fc.asyncProperty(steps, fc.integer({ min: 1, max: 20 }), async (all, capacity) => {
      const stored: number[] = [];
      const lost = { full: 0, failed: 0 };
      let fails = false;
      const storing = new Storing({
        capacity,
        put: async (records) => {
          await turn();
          if (fails) throw new Error('disk full');
          stored.push(...records.map((record) => (record as Trade).price));
        },
        onLost: (records, reason) => {
          lost[reason] += records;
        },
      });
      let n = 0;
      for (const step of all) {
        if (step === 'turn') await turn();
        else if (typeof step === 'string') fails = step === 'fail';
        else for (let i = 0; i < step; i++) storing.add(source.trade(1, n++));
        expect(storing.waiting).toBeLessThanOrEqual(capacity);
      }
      await storing.idle();
      expect(stored).toEqual(stored.toSorted((a, b) => a - b));
      expect(storing.counts).toEqual({ stored: stored.length, ...lost });
      expect(stored.length + lost.full + lost.failed).toBe(n);
    }),
    { numRuns: 60 },
  );
});
