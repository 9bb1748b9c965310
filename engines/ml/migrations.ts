// The schema of the engine's tables, oldest step first; a step that has run is never changed.
import type { Migrations } from '../../src/store/database.ts';
import { EXPERIMENT_TABLES } from './experiments/tables.ts';
import { MONITORING_TABLES } from './monitoring/tables.ts';
import { REGISTRY_TABLES } from './registry/tables.ts';
import { SEARCH_TABLES } from './search/tables.ts';

/** Steps of the schema. `serving` has one row: the number of the newest deployment, held while it changes. */
export const MIGRATIONS: Migrations = [
  `CREATE TABLE deployments (
     seq BIGINT PRIMARY KEY, model_id TEXT NOT NULL, model_version TEXT NOT NULL, artefact_sha256 TEXT NOT NULL,
     previous_version TEXT, since_us BIGINT NOT NULL);
   CREATE TABLE serving (name TEXT PRIMARY KEY, seq BIGINT NOT NULL);`,
  ...REGISTRY_TABLES,
  ...SEARCH_TABLES,
  ...EXPERIMENT_TABLES,
  ...MONITORING_TABLES,
];
