// The tables of the registry on every database: what holds after any changes, and look-ups that do not grow.
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { NautilusError } from '../../../src/core/errors.ts';
import type { Database, SqlValue } from '../../../src/store/database.ts';
import { STORES, useStore } from '../../../test/support/stores.ts';
import { listSql, SQL } from './queries.ts';
import type { DeploymentRow } from './records.ts';
import { expected, fresh, IDS, type Model, type Step, step, taken } from './test-steps.ts';
import { aModel, aVersion, fillVersions, openStore, type TestStore } from './test-store.ts';

/** Compares a stored model with what it must be. */
async function compare({ store }: TestStore, id: string, model: Model): Promise<void> {
  const { queries } = store;
  const row = await queries.row(id);
  expect([id, row !== null && row.deleted_us === null]).toEqual([id, model.exists]);
  const history: [string, number | null][] = [];
  for (let before: number | undefined; ; ) {
    const page: DeploymentRow[] = await queries.deployments(id, 2, before);
    for (const { seq, kind, version } of page) {
      history.unshift([kind, version]);
      before = seq;
    }
    if (page.length < 2) break;
  }
  expect(history).toEqual(model.history);
  const versions = await queries.versions(id, 1000);
  expect(versions.map(({ version }) => version)).toEqual([...model.versions].sort((a, b) => b - a));
  const serving = versions.filter(({ stage }) => stage === 'production').map(({ version }) => version);
  expect(serving).toEqual(model.production === null ? [] : [model.production]);
  expect(row?.production_version ?? null).toBe(model.production);
  expect((await queries.production(id))?.version ?? null).toBe(model.production);
  expect(row?.newest_version ?? 0).toBe(model.newest);
  expect(new Map(Object.entries(await queries.aliases(id)))).toEqual(model.aliases);
  for (const [alias, version] of model.aliases)
    expect((await queries.named(id, alias)).version).toBe(version);
}

for (const { name, present, start } of STORES) {
  describe.skipIf(!present)(`the tables of the registry on ${name}`, () => {
    let env: Record<string, string>;
    useStore(start, async (_, given) => {
      env = given;
    });

    test('after any changes in any order one version of a deployed model serves, and no deployment is lost', async () => {
      const opened = await openStore(env);
      let run = 0;
      const kinds = { deploy: 0, rollback: 0, delete: 0 };
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 30, maxLength: 60 }), async (steps) => {
          run++;
          const said = opened.said.length;
          const models = new Map(IDS.map((one) => [one, fresh()]));
          for (const { id: short, ...rest } of [{ do: 'create', id: 'a', pick: 0 } as Step, ...steps]) {
            const may = expected(models.get(short)!, { ...rest, id: short } as Step);
            const error = await taken(opened.store, { ...rest, id: `${short}-${run}` } as Step).then(
              () => null,
              (caught: unknown) => caught,
            );
            if (error !== null && !(error instanceof NautilusError)) throw error;
            expect([rest, error === null]).toEqual([rest, may]);
          }
          for (const [short, model] of models) await compare(opened, `${short}-${run}`, model);
          const deployed = [...models.values()].flatMap(({ history }) =>
            history.filter(([, v]) => v !== null),
          );
          expect(opened.said.length - said).toBe(deployed.length);
          for (const { history } of models.values()) {
            for (const [kind] of history) kinds[kind as keyof typeof kinds]++;
          }
        }),
        { numRuns: 60 },
      );
      // The changes were of all kinds.
      expect(Math.min(...Object.values(kinds))).toBeGreaterThan(0);
      await opened.close();
    }, 120_000);

    test('a refused change leaves nothing behind, and a deployment that came later is refused', async () => {
      const opened = await openStore(env);
      const { store } = opened;
      await store.createModel(aModel('a', { tags: ['x'] }), aVersion());
      const before = await store.queries.model('a');
      const aliases = { good: 1, bad: 7 };
      await expect(store.update('a', { name: 'other', aliases }, null)).rejects.toThrow('/aliases/bad');
      await expect(store.update('a', { name: 'other' }, before.revision + 1)).rejects.toThrow('revision');
      await expect(store.createModel(aModel('a'), aVersion())).rejects.toThrow('taken');
      await expect(store.createVersion('nobody', aVersion())).rejects.toThrow('registered model');
      const wanted = {
        kind: 'deploy',
        version: 1,
        target: 'cpu',
        precision: 'float32',
        fallback: null,
        below: null,
      } as const;
      await expect(store.deploy('a', { ...wanted, seq: 3 })).rejects.toThrow('meanwhile');
      expect(await store.queries.model('a')).toEqual(before);
      expect(await store.queries.tags('a')).toEqual(['x']);
      expect(opened.said).toEqual([]);
      // Two that were tried at once: the second finds that it came late.
      const both = [wanted, wanted].map((one) => store.deploy('a', { ...one, seq: 0 }));
      expect((await Promise.allSettled(both)).map(({ status }) => status).sort()).toEqual([
        'fulfilled',
        'rejected',
      ]);
      expect(opened.said).toHaveLength(1);
      // The same again is the same deployment, as after a lost reply.
      expect((await store.deploy('a', { ...wanted, seq: 1 })).seq).toBe(1);
      await opened.close();
    });

    test('the history of deployments cannot be changed', async () => {
      const { store, database, close } = await openStore(env);
      await store.createModel(aModel('a'), aVersion());
      await store.deploy('a', {
        kind: 'deploy',
        version: 1,
        target: 'cpu',
        precision: 'float32',
        fallback: null,
        below: null,
        seq: 0,
      });
      for (const sql of ['UPDATE model_deployments SET version = 2', 'DELETE FROM model_deployments']) {
        await expect(database.transaction((tx) => tx.all(sql))).rejects.toThrow('append-only');
      }
      expect(await store.queries.deployments('a', 10)).toHaveLength(1);
      await close();
    });

    test('lists are limited by name, type, stage and tag, and paged by id', async () => {
      const { store, close } = await openStore(env);
      const { queries } = store;
      await store.createModel(aModel('alpha', { name: 'First 100%', tags: ['x', 'y'] }), aVersion());
      await store.createModel(aModel('beta', { model_type: 'portfolio_risk', tags: ['x'] }), aVersion());
      await store.createModel(aModel('gamma', { name: 'a_b' }));
      await store.deploy('beta', {
        kind: 'deploy',
        version: 1,
        target: 'auto',
        precision: 'float32',
        fallback: null,
        below: null,
        seq: 0,
      });
      const ids = async (filter: object) =>
        (await queries.list({ after: '', limit: 10, ...filter })).map(({ model_id }) => model_id);
      expect(await ids({})).toEqual(['alpha', 'beta', 'gamma']);
      expect(await ids({ after: 'alpha', limit: 1 })).toEqual(['beta']);
      expect(await ids({ tag: 'x' })).toEqual(['alpha', 'beta']);
      expect(await ids({ tag: 'x', stage: 'production' })).toEqual(['beta']);
      expect(await ids({ stage: 'none' })).toEqual(['alpha']);
      expect(await ids({ type: 'portfolio_risk' })).toEqual(['beta']);
      expect(await ids({ name: 'FIRST' })).toEqual(['alpha']);
      // Signs of patterns are letters like any other.
      expect([await ids({ name: '0%' }), await ids({ name: '_' }), await ids({ name: 'a%' })]).toEqual([
        ['alpha'],
        ['gamma'],
        [],
      ]);
      await store.delete('alpha', { force: false, revision: null });
      expect(await ids({ tag: 'x' })).toEqual(['beta']);
      await close();
    });

    test('look-ups among 100,000 versions read rows of an index', async () => {
      const { store, database, close } = await openStore(env);
      await fillVersions(database, 100_000);
      for (const [look, { sql, values }] of Object.entries(looks())) {
        const plan = await planOf(database, sql, values);
        expect([look, plan, isScan(plan)]).toEqual([look, plan, false]);
      }
      expect((await store.queries.named('m7', '99')).version).toBe(99);
      expect((await store.queries.named('m7', 'latest')).version).toBe(100);
      // The check sees a look-up without an index.
      const slow = await planOf(database, 'SELECT 1 FROM model_versions WHERE artefact_bytes = ?', [1]);
      expect(isScan(slow)).toBe(true);
      await close();
    }, 120_000);
  });
}

/** Every look-up, with values that are there. */
function looks(): Record<string, { readonly sql: string; readonly values: readonly SqlValue[] }> {
  const values: Record<keyof typeof SQL, readonly SqlValue[]> = {
    model: ['m7'],
    version: ['m7', 50],
    production: ['m7'],
    alias: ['m7', 'champion'],
    versions: ['m7', 50, 10],
    aliases: ['m7'],
    tags: ['m7'],
    deployment: ['m7', 1],
    deployments: ['m7', 10, 10],
    answering: ['rare', 'portfolio_risk', 'horizon:1d'],
    byArtefact: ['sha7'],
    byVariant: ['sha5'],
    variants: ['m7', 50, 60],
  };
  const named = Object.entries(SQL).map(([look, sql]) => {
    return [look, { sql: sql as string, values: values[look as keyof typeof SQL] }] as const;
  });
  const filter = { after: '', limit: 100 } as const;
  return {
    ...Object.fromEntries(named),
    tagged: listSql({ ...filter, tag: 'rare' }),
    staged: listSql({ ...filter, stage: 'production' }),
    typed: listSql({ ...filter, type: 'portfolio_risk' }),
  };
}

/** How the database finds the rows of a statement. */
async function planOf(database: Database, sql: string, values: readonly SqlValue[]): Promise<string> {
  const isSqlite = database.dialect === 'sqlite';
  const rows = await database.all<Record<string, string>>(
    `EXPLAIN ${isSqlite ? 'QUERY PLAN ' : ''}${sql}`,
    ...values,
  );
  return rows.map((row) => (isSqlite ? row.detail : row['QUERY PLAN'])).join('\n');
}

// Small tables are read as a whole by Postgres on purpose.
function isScan(plan: string): boolean {
  return /^SCAN|Seq Scan on model_versions/m.test(plan);
}
