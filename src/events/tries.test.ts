// An event that ends the process of its consumer, or is never done, again and again: found, set aside, and the rest goes on.
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '../../test/support/eventually.ts';
import { STORES, useStore } from '../../test/support/stores.ts';
import { loadConfig } from '../core/config.ts';
import { StorageUnavailableError } from '../core/errors.ts';
import type { Database } from '../store/database.ts';
import { FencedError } from './consumed.ts';
import { Counter, fillOf, Owner, Shared } from './test-parts.ts';
import { Tries } from './tries.ts';

const IDS = Array.from({ length: 20 }, (_, i) => `f${String(i + 1).padStart(3, '0')}`);
const STREAM = { topic: 'strategy.fills', partition: 3 };

for (const { name, present, start } of STORES) {
  describe.skipIf(!present)(`tries of events on ${name}`, () => {
    let env: Record<string, string>;
    let folder: string;
    let shared: Shared;
    let running: { stop(): Promise<void> }[];
    useStore(start, async (_, place) => {
      env = place;
    });
    beforeEach(() => {
      folder = mkdtempSync(join(tmpdir(), 'tries-'));
      shared = new Shared();
      running = [];
    });
    afterEach(async () => {
      for (const part of running.reverse()) await part.stop();
      rmSync(folder, { recursive: true, force: true });
    });

    const config = () => loadConfig({ ...env, NAUTILUS_DATA_DIR: folder });
    const owner = async () => kept(await new Owner(shared, 'strategy', config()).open());
    const counter = (wrap?: (db: Database) => Database) =>
      new Counter(shared, 'portfolio', config(), wrap).open();
    function kept<T extends { stop(): Promise<void> }>(part: T): T {
      running.push(part);
      return part;
    }
    const has = (by: Counter, ids: readonly string[]) =>
      eventually(async () => JSON.stringify(await by.facts()) === JSON.stringify(ids), `${ids.length} facts`);

    /** Starts consumers, each until it reaches the event `poison` and dies of it; returns how many did, and the one that did not. */
    async function untilItLives(poison: () => string): Promise<{ deaths: number; last: Counter }> {
      for (let deaths = 0; ; deaths++) {
        const one = await counter();
        const dead = Promise.withResolvers<never>();
        // Not an error that the process would live to see.
        dead.promise.catch(() => {});
        let isDying = false;
        one.hanging = ({ fill_id }) => {
          if (fill_id !== poison()) return undefined;
          isDying = true;
          return dead.promise;
        };
        await one.start();
        await eventually(async () => isDying || (await one.events.deadLetters.count()) > 0, 'death or more');
        if (!isDying) return { deaths, last: kept(one) };
        const gone = one.kill();
        dead.reject(new StorageUnavailableError('the process is dead'));
        await gone;
      }
    }

    test('find the one among many that ends the process, and set it aside', async () => {
      const from = await (await owner()).start();
      for (const id of IDS) await from.trade(fillOf(id));
      const { deaths, last } = await untilItLives(() => 'f012');
      // One in a batch, five alone.
      expect(deaths).toBe(6);
      await has(
        last,
        IDS.filter((id) => id !== 'f012'),
      );
      expect(last.totals.get('p')).toBe(19);
      const [letter] = await last.events.deadLetters.list('parked', 10);
      expect(letter).toMatchObject({ topic: 'strategy.fills', position: 12, attempts: 5 });
      expect(letter!.reason).toContain('did not end, or ended the process, 5 times');
      expect(last.events.missing()).toEqual([]);
      last.hanging = () => undefined;
      await last.events.deadLetters.replay(letter!.id);
      await has(last, IDS);
      expect(await last.database.all('SELECT * FROM event_tries')).toEqual([]);
    });

    test('also count what dies in a stream that was trusted', async () => {
      const from = await (await owner()).start();
      await from.trade(fillOf('f001'));
      let poison = '';
      const first = await (await counter()).start();
      await has(first, ['f001']);
      await first.stop();
      poison = 'f002';
      await from.trade(fillOf('f002'));
      await from.trade(fillOf('f003'));
      const { deaths, last } = await untilItLives(() => poison);
      expect(deaths).toBeLessThanOrEqual(6);
      await has(last, ['f001', 'f003']);
    });

    /** Makes each try of a fill fail, and the third one wait for `held`. */
    function failing(to: Counter, id: string, held: Promise<void>): { calls: number } {
      const seen = { calls: 0 };
      to.hanging = ({ fill_id }) => {
        if (fill_id !== id) return undefined;
        seen.calls++;
        // The first was that of the batch.
        if (seen.calls === 4) return held;
        throw new Error('not now');
      };
      return seen;
    }

    test('are told of by health and by name while they last', async () => {
      const from = await (await owner()).start();
      const to = kept(await counter());
      const held = Promise.withResolvers<void>();
      const seen = failing(to, 'f001', held.promise);
      await to.start();
      await from.trade(fillOf('f001'));
      await eventually(() => seen.calls === 4, 'the third try');
      expect(to.events.missing()).toEqual(['event application']);
      const { topic } = STREAM;
      expect((await to.events.overview()).failing).toMatchObject([{ topic, position: 1, tries: 2 }]);
      held.resolve();
      await has(to, ['f001']);
      await eventually(() => to.events.missing().length === 0, 'all is well again');
      expect((await to.events.overview()).failing).toEqual([]);
    });

    test('survive the process: those that failed and those that ended it are counted together', async () => {
      const from = await (await owner()).start();
      const first = await counter();
      const dead = Promise.withResolvers<void>();
      const seen = failing(first, 'f001', dead.promise);
      await first.start();
      await from.trade(fillOf('f001'));
      await eventually(() => seen.calls === 4, 'the third try');
      const gone = first.kill();
      dead.reject(new StorageUnavailableError('the process is dead'));
      await gone;
      const { deaths, last } = await untilItLives(() => 'f001');
      expect(deaths).toBe(2);
      expect(await last.events.deadLetters.count()).toBe(1);
    });

    test('are not used up by a database that does not store', async () => {
      let refusals = 0;
      const wrap = (db: Database): Database => ({
        dialect: db.dialect,
        all: (sql, ...values) => db.all(sql, ...values),
        get: (sql, ...values) => db.get(sql, ...values),
        close: () => db.close(),
        transaction: (work) =>
          db.transaction((tx) =>
            work({
              all: (sql, ...values) => tx.all(sql, ...values),
              get: (sql, ...values) => tx.get(sql, ...values),
              write: (sql, ...values) => {
                if (sql.includes('consumed_events') && refusals-- > 0)
                  throw new StorageUnavailableError('No space is left');
                tx.write(sql, ...values);
              },
            }),
          ),
      });
      const from = await (await owner()).start();
      const to = kept(await counter(wrap));
      refusals = 8;
      await to.start();
      await from.trade(fillOf('f001'));
      await eventually(async () => (await to.facts()).length === 1, 'applied');
      expect(refusals).toBeLessThanOrEqual(0);
      expect(await to.events.deadLetters.count()).toBe(0);
    });

    test('cost a stream that goes well one write for each holder', async () => {
      let begun = 0;
      const wrap = (db: Database): Database => ({
        dialect: db.dialect,
        all: (sql, ...values) => db.all(sql, ...values),
        get: (sql, ...values) => db.get(sql, ...values),
        close: () => db.close(),
        transaction: (work) =>
          db.transaction((tx) =>
            work({
              all: (sql, ...values) => tx.all(sql, ...values),
              write: (sql, ...values) => tx.write(sql, ...values),
              get: (sql, ...values) => {
                if (sql.includes('INTO event_tries')) begun++;
                return tx.get(sql, ...values);
              },
            }),
          ),
      });
      const from = await (await owner()).start();
      const to = await kept(await counter(wrap)).start();
      for (const id of IDS) {
        await from.trade(fillOf(id));
        await has(to, IDS.slice(0, IDS.indexOf(id) + 1));
      }
      expect(begun).toBe(1);
    });

    test('of a holder that was overtaken are refused', async () => {
      const { database } = kept(await counter());
      const place = { ...STREAM, generation: 'g', position: 0 };
      const [older, newer] = [await Tries.of(STREAM, database), await Tries.of(STREAM, database)];
      await newer.begin(database, { ...place, epoch: 2 }, 1, 5, false);
      expect(older.begin(database, { ...place, epoch: 1 }, 1, 5, false)).rejects.toThrow(FencedError);
      const next = await Tries.of(STREAM, database);
      expect([1, 5, 6].map((position) => next.isDoubtful('g', position))).toEqual([true, true, false]);
      expect(next.failures('g', 1)).toBe(0);
    });

    test('of a dead letter that does not end are told of, and leave it where it is', async () => {
      const from = await (await owner()).start();
      const to = kept(await counter());
      to.failing = () => {
        throw new Error('cannot');
      };
      await to.start();
      await from.trade(fillOf('f001'));
      await eventually(async () => (await to.events.deadLetters.count()) === 1, 'set aside');
      const held = Promise.withResolvers<void>();
      to.hanging = () => held.promise;
      const replay = to.events.deadLetters.replay(1).catch((error: unknown) => error);
      await eventually(() => to.hung.includes('strategy.fills'), 'told of');
      expect(to.events.missing()).toContain('event application');
      expect(await to.events.deadLetters.count()).toBe(1);
      held.resolve();
      expect(String(await replay)).toContain('cannot');
    });
  });
}
