// A registry's tables for tests: on any database, without an engine around them.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Envelope } from '../../../src/bus/envelope.ts';
import type { Unit, UnitRunner } from '../../../src/bus/unit.ts';
import { loadConfig } from '../../../src/core/config.ts';
import type { Database } from '../../../src/store/database.ts';
import { openDatabase } from '../../../src/store/open.ts';
import { MIGRATIONS } from '../migrations.ts';
import type { NewModel, NewVersion } from './records.ts';
import { RegistryStore } from './store.ts';

/** A store, its database, and what it has said. */
export interface TestStore {
  readonly database: Database;
  readonly store: RegistryStore;
  readonly units: UnitRunner;
  readonly said: unknown[];
  close(): Promise<void>;
}

/** Opens a store with the settings of a database; the clock counts 1, 2, 3, ... */
export async function openStore(env: Record<string, string>): Promise<TestStore> {
  const dataDir = mkdtempSync(join(tmpdir(), 'registry-'));
  const database = await openDatabase(loadConfig({ NAUTILUS_DATA_DIR: dataDir, ...env }), 'ml', {
    engine: MIGRATIONS,
  });
  const said: unknown[] = [];
  const units: UnitRunner = {
    async run(work) {
      const now: unknown[] = [];
      const publish: Unit['publish'] = (topic, body) => {
        topic.schema.parse(body);
        now.push(body);
        return {} as Envelope<typeof body>;
      };
      const value = await database.transaction((tx) => work({ tx, publish }));
      said.push(...now);
      return value;
    },
  };
  let us = 0;
  const store = new RegistryStore({ database, units, clock: { nowUs: () => ++us } });
  return {
    database,
    store,
    units,
    said,
    async close() {
      await database.close();
      rmSync(dataDir, { recursive: true });
    },
  };
}

/** A model of this id. */
export function aModel(model_id: string, over: Partial<NewModel> = {}): NewModel {
  const plain = { description: '', model_type: 'regression', task: 'regression', family: null } as const;
  return { model_id, name: model_id, ...plain, options: {}, configuration: {}, tags: [], ...over };
}

/** A version whose artefact has this digit as its hash. */
export function aVersion(digit: number | string = 0): NewVersion {
  return {
    artefact: { sha256: `${digit}`.padStart(64, '0'), bytes: 10 },
    signature: {
      input: { name: 'input', type: 'float32', columns: 1, names: null },
      output: { name: 'output', type: 'float32', columns: 1, meaning: null, classes: null },
      task: null,
      opsets: { '': 18 },
      operators: ['Add'],
      parameters: 1,
    },
    probe: { rows: 1, inputs: null, outputs: 'AAAAAA==' },
    lineage: {},
    metrics: { mse: 0.5 },
  };
}

/** Stores so many versions, 100 of each model `m0`, `m1`, ... */
export async function fillVersions(database: Database, versions: number): Promise<void> {
  const count = `WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ?)`;
  await database.transaction((tx) => {
    tx.write(
      `INSERT INTO models (model_id, name, description, model_type, task, options, configuration, revision, newest_version,
         deployment_seq, created_us, updated_us)
       ${count} SELECT 'm' || i, 'm', '', 'regression', 'regression', '{}', '{}', 1, 100, 0, 1, 1 FROM n`,
      versions / 100 - 1,
    );
    tx.write(
      `INSERT INTO model_versions (model_id, version, stage, artefact_sha256, artefact_bytes, signature, probe, metrics,
         lineage, created_us, updated_us)
       ${count} SELECT 'm' || (i / 100), i % 100 + 1, 'none', 'sha' || i, 1, '{}', '{}', '{}', '{}', 1, 1 FROM n`,
      versions - 1,
    );
    tx.write("INSERT INTO model_tags (tag, model_id) SELECT 'common', model_id FROM models");
  });
  if (database.dialect === 'postgres') await database.all('ANALYZE');
}
