// The tables of searches on every database: each trial ends once, what is given up stays so, and old searches go whole.
import { afterEach, describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Config, loadConfig } from '../../../src/core/config.ts';
import type { Database } from '../../../src/store/database.ts';
import { openDatabase } from '../../../src/store/open.ts';
import { STORES, useStore } from '../../../test/support/stores.ts';
import { MIGRATIONS } from '../migrations.ts';
import { SearchStore } from './store.ts';
import { completed, failedFor, searchRow } from './test-run.ts';

const POINT = { alpha: 1, other: 'b' };

for (const { name, present, start } of STORES) {
  describe.skipIf(!present)(`the tables of searches on ${name}`, () => {
    let dataDir: string;
    let config: Config;
    let database: Database;
    let store: SearchStore;
    useStore(start, async (_, env) => {
      dataDir = mkdtempSync(join(tmpdir(), 'searches-'));
      config = loadConfig({ NAUTILUS_DATA_DIR: dataDir, ...env });
      database = await openDatabase(config, 'ml', { engine: MIGRATIONS });
      let us = 0;
      store = new SearchStore({ database, clock: { nowUs: () => ++us } as never });
    });
    afterEach(async () => {
      await database.close();
      rmSync(dataDir, { recursive: true, force: true });
    });

    const made = async (kind: 'automl' | 'hyperopt' = 'automl') => {
      const { search_id, settings } = searchRow();
      await store.create({ search_id, kind, settings });
      return search_id;
    };

    const keep = (id: string, choice: string, model_id: string, version: number) =>
      database.transaction((tx) => store.keepVersion(tx, id, choice, { model_id, version }));

    test('count each trial once, whoever ends it first', async () => {
      const id = await made();
      expect(await store.begin(id)).toMatchObject({ state: 'running', started_us: 2, finished_us: null });
      for (const number of [0, 1]) await store.propose(id, number, POINT);
      await expect(store.propose(id, 1, POINT)).rejects.toThrow();
      expect(await store.assign(id, 0, 'job')).toBe('running');
      const ended = await Promise.all([
        store.endTrial(id, 0, completed(POINT)),
        store.endTrial(id, 0, failedFor('/problems/a')),
      ]);
      expect(ended.filter(Boolean)).toHaveLength(1);
      const [first, second] = await store.trials(id);
      const state = ended[0] ? 'complete' : 'failed';
      expect(first).toMatchObject({ number: 0, point: POINT, state, job_id: 'job', outcome: { state } });
      expect(await store.trial(id, 1)).toEqual(second!);
      expect([second!.state, second!.outcome]).toEqual(['running', null]);
      expect((await store.trials(id, 1)).map(({ number }) => number)).toEqual([1]);
    });

    test('keep given up what is given up, and what ended before', async () => {
      const id = await made();
      for (const number of [0, 1]) await store.propose(id, number, POINT);
      await store.endTrial(id, 0, completed(POINT));
      await store.giveUp(id);
      expect(await store.assign(id, 1, 'job')).toBe('cancelled');
      expect(await store.endTrial(id, 1, completed(POINT))).toBe(false);
      expect((await store.trials(id)).map(({ state }) => state)).toEqual(['complete', 'cancelled']);
    });

    test('end a search once, with its trials', async () => {
      const id = await made();
      await store.propose(id, 0, POINT);
      expect([await store.unfinished(), await store.open()]).toEqual([1, [id]]);
      const reason = { type: '/problems/cancelled', detail: 'no more' };
      expect(await store.end(id, 'cancelled', { reason })).toBe(true);
      expect(await store.end(id, 'completed', { result: { best: 0 } })).toBe(false);
      expect(await store.get(id)).toMatchObject({ state: 'cancelled', reason });
      expect(await store.result(id)).toBeNull();
      expect((await store.trial(id, 0))!.state).toBe('cancelled');
      // What has ended does not begin again.
      expect((await store.begin(id)).state).toBe('cancelled');
      expect(await store.unfinished()).toBe(0);
    });

    test('list the newest first, by kind and page, and forget old ones with all that they have', async () => {
      const ids = [await made(), await made('hyperopt'), await made()];
      const listed = async (...query: Parameters<SearchStore['list']>) =>
        (await store.list(...query)).map(({ search_id }) => search_id);
      expect(await listed(undefined, 2, undefined)).toEqual([ids[2]!, ids[1]!]);
      expect(await listed(undefined, 2, ids[1])).toEqual([ids[0]!]);
      expect(await listed('hyperopt', 2, undefined)).toEqual([ids[1]!]);
      expect(await listed('automl', 2, ids[2])).toEqual([ids[0]!]);
      for (const id of ids.slice(0, 2)) await store.end(id, 'completed', { result: { best: 1 } });
      await store.propose(ids[0]!, 0, POINT);
      await keep(ids[0]!, 'stack', 'model', 1);
      expect(await store.result(ids[1]!)).toEqual({ best: 1 });
      await store.prune(1);
      // The one that has not ended stays.
      expect(await listed(undefined, 9, undefined)).toEqual([ids[2]!, ids[1]!]);
      expect([await store.has(ids[0]!), await store.has(ids[1]!)]).toEqual([false, true]);
      expect([await store.trials(ids[0]!), await store.version(ids[0]!, 'stack', undefined)]).toEqual([
        [],
        null,
      ]);
      await expect(store.get(ids[0]!)).rejects.toMatchObject({ slug: 'not-found' });
    });

    test('remember the version of a choice in each model, and the model that had it first', async () => {
      const id = await made();
      await keep(id, 'trial-1', 'a', 1);
      await keep(id, 'trial-1', 'b', 4);
      await keep(id, 'trial-1', 'b', 5);
      expect(await store.version(id, 'trial-1', 'b')).toEqual({ model_id: 'b', version: 5 });
      expect(await store.version(id, 'trial-1', undefined)).toEqual({ model_id: 'a', version: 1 });
      expect(await store.version(id, 'trial-2', undefined)).toBeNull();
    });

    test('are held by one transaction at a time, of whatever process', async () => {
      // Only one process has a file of SQLite open.
      const other =
        database.dialect === 'sqlite' ? database : await openDatabase(config, 'ml', { engine: MIGRATIONS });
      const id = await made();
      /** Makes a version of a choice that has none. */
      const register = (db: Database, choice: string, model_id: string) =>
        db.transaction(async (tx) => {
          store.hold(tx, id);
          const known = await store.version(id, choice, undefined, tx);
          if (known) return known.model_id;
          store.keepVersion(tx, id, choice, { model_id, version: 1 });
          return model_id;
        });
      try {
        for (let trial = 0; trial < 10; trial++) {
          const choice = `trial-${trial}`;
          const both = await Promise.all([register(database, choice, 'a'), register(other, choice, 'b')]);
          expect(new Set(both).size).toBe(1);
        }
      } finally {
        if (other !== database) await other.close();
      }
    });
  });
}
