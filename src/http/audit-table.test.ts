// Where the audit log of an engine goes: into its schema of a Postgres that hosts may share, else into a file; never nowhere.
import { afterEach, describe, expect, test } from 'bun:test';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Elysia } from 'elysia';
import { TestEngine } from '../../test/support/engine.ts';
import { breakTable, type EngineStore, mend, STORES, useStore } from '../../test/support/stores.ts';
import { createLog } from '../core/log.ts';
import type { Database } from '../store/database.ts';
import { openDatabase } from '../store/open.ts';
import { type AuditEntry, AuditLog } from './audit.ts';
import { AuditTable } from './audit-table.ts';
import type { EngineDefinition } from './engine.ts';

const definition: EngineDefinition = {
  name: 'risk',
  port: 1,
  title: 'Risk',
  description: 'An engine of the tests.',
  migrations: ['CREATE TABLE things (id TEXT PRIMARY KEY);'],
  create: () => ({ routes: new Elysia().put('/limits/:portfolio_id', () => ({ done: true })) }),
};

for (const { name, present, start } of STORES) {
  describe.skipIf(!present)(`the audit log of an engine on ${name}`, () => {
    let store: EngineStore;
    let env: Record<string, string>;
    let engine: TestEngine | undefined;
    useStore(start, async (its, place) => {
      store = its;
      env = place;
    });
    afterEach(async () => {
      await engine?.stop();
      engine = undefined;
    });

    /** Lines of the table and of the file, as requests were named. */
    async function lines(of: TestEngine): Promise<{ table: AuditEntry[]; file: AuditEntry[] }> {
      const path = join(of.dataDir, 'audit', 'risk.jsonl');
      const text = existsSync(path) ? readFileSync(path, 'utf8').trim() : '';
      const file = text === '' ? [] : text.split('\n').map((line) => JSON.parse(line) as AuditEntry);
      if (name === 'SQLite') return { table: [], file };
      const database = await openDatabase(of.context.config, 'risk', {});
      const table = await database.all<AuditEntry>(
        'SELECT time, engine, key_id, key_name, method, route, status, request_id FROM audit_log ORDER BY id',
      );
      await database.close();
      return { table, file };
    }
    const put = async (of: TestEngine, id: string) => {
      const init = { method: 'PUT', headers: { 'x-request-id': id } };
      expect((await fetch(`${of.url}/limits/p1`, init)).status).toBe(200);
    };
    const idsOf = (entries: readonly AuditEntry[]) => entries.map((entry) => entry.request_id);

    test('has a line for each change, before its reply leaves', async () => {
      engine = await TestEngine.start(definition, env);
      await put(engine, 'change-1');
      await Promise.all(['change-2', 'change-3', 'change-4'].map((id) => put(engine!, id)));
      await engine.get('/health');
      const { table, file } = await lines(engine);
      const [here, elsewhere] = name === 'SQLite' ? [file, table] : [table, file];
      expect(elsewhere).toEqual([]);
      expect(idsOf(here).sort()).toEqual(['change-1', 'change-2', 'change-3', 'change-4']);
      expect(here[0]).toEqual({
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
        engine: 'risk',
        key_id: 'local',
        key_name: 'local',
        method: 'PUT',
        route: '/limits/:portfolio_id',
        status: 200,
        request_id: 'change-1',
      });
    });

    test.skipIf(name === 'SQLite')(
      'cannot be changed, and goes into the file while the table takes nothing',
      async () => {
        engine = await TestEngine.start(definition, env);
        await put(engine, 'change-1');
        for (const change of [
          "UPDATE {schema}audit_log SET key_name = 'x'",
          'DELETE FROM {schema}audit_log',
        ]) {
          await expect(store.run(engine, { sqlite: '', postgres: change })).rejects.toThrow('append-only');
        }
        await breakTable(store, engine, 'audit_log');
        await put(engine, 'change-2');
        await mend(store, engine);
        await put(engine, 'change-3');
        const { table, file } = await lines(engine);
        expect(idsOf(table)).toEqual(['change-1', 'change-3']);
        expect(idsOf(file)).toEqual(['change-2']);
        expect((await engine.get('/metrics')).body).toContain(
          'nautilus_audit_failures_total{engine="risk"} 0',
        );
      },
    );
  });
}

test('a database that does not answer keeps no reply waiting: the line is in the file', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'audit-'));
  const silent = { transaction: () => new Promise<never>(() => {}) } as unknown as Database;
  const log = createLog('test', 'silent');
  const audit = new AuditTable(silent, new AuditLog(folder, 'risk', log), log, 10);
  const own = { engine: 'risk', key_id: 'local', key_name: 'local', method: 'PUT', route: '/x', status: 200 };
  await audit.append({ ...own, time: '2026-01-01T00:00:00.000Z', request_id: 'late' });
  audit.close();
  expect(readFileSync(join(folder, 'audit', 'risk.jsonl'), 'utf8')).toContain('"late"');
  rmSync(folder, { recursive: true, force: true });
});
