// Tables of the registry: models, their versions, names for versions, and what was deployed when.
import { appendOnly } from '../../../src/store/append-only.ts';
import type { Migrations } from '../../../src/store/database.ts';

/**
 * Steps of the schema. A deleted model keeps its row, so that its numbers of versions and deployments are never given out
 * again. `deployment_seq` is the newest row of `model_deployments`; `below_seq` is the row that a rollback goes back to.
 */
export const REGISTRY_TABLES: Migrations = [
  `CREATE TABLE models (
     model_id TEXT PRIMARY KEY, name TEXT NOT NULL, description TEXT NOT NULL, model_type TEXT NOT NULL, task TEXT NOT NULL,
     family TEXT, options TEXT NOT NULL, configuration TEXT NOT NULL, revision BIGINT NOT NULL,
     newest_version BIGINT NOT NULL, production_version BIGINT, deployment_seq BIGINT NOT NULL,
     created_us BIGINT NOT NULL, updated_us BIGINT NOT NULL, deleted_us BIGINT);
   CREATE INDEX models_by_type ON models (model_type, model_id);
   CREATE TABLE model_tags (tag TEXT NOT NULL, model_id TEXT NOT NULL, PRIMARY KEY (tag, model_id));
   CREATE INDEX model_tags_of_model ON model_tags (model_id);
   CREATE TABLE model_aliases (
     model_id TEXT NOT NULL, alias TEXT NOT NULL, version BIGINT NOT NULL, PRIMARY KEY (model_id, alias));
   CREATE TABLE model_versions (
     model_id TEXT NOT NULL, version BIGINT NOT NULL, stage TEXT NOT NULL, artefact_sha256 TEXT NOT NULL,
     artefact_bytes BIGINT NOT NULL, signature TEXT NOT NULL, probe TEXT NOT NULL, metrics TEXT NOT NULL,
     lineage TEXT NOT NULL, created_us BIGINT NOT NULL, updated_us BIGINT NOT NULL, PRIMARY KEY (model_id, version));
   CREATE INDEX model_versions_by_artefact ON model_versions (artefact_sha256);
   CREATE INDEX model_versions_by_stage ON model_versions (stage, model_id);
   CREATE UNIQUE INDEX model_versions_one_production ON model_versions (model_id) WHERE stage = 'production';
   CREATE TABLE model_deployments (
     model_id TEXT NOT NULL, seq BIGINT NOT NULL, kind TEXT NOT NULL, version BIGINT, previous_version BIGINT,
     artefact_sha256 TEXT, target TEXT, below_seq BIGINT, since_us BIGINT NOT NULL, PRIMARY KEY (model_id, seq));`,
  appendOnly('model_deployments'),
  `ALTER TABLE model_deployments ADD COLUMN precision TEXT;
   ALTER TABLE model_deployments ADD COLUMN fallback TEXT;
   CREATE TABLE model_variants (
     model_id TEXT NOT NULL, version BIGINT NOT NULL, precision TEXT NOT NULL, report TEXT NOT NULL, answers TEXT NOT NULL,
     created_us BIGINT NOT NULL, PRIMARY KEY (model_id, version, precision));
   CREATE TABLE model_variant_files (
     sha256 TEXT NOT NULL, model_id TEXT NOT NULL, version BIGINT NOT NULL, precision TEXT NOT NULL,
     PRIMARY KEY (sha256, model_id, version, precision));
   CREATE INDEX model_variant_files_of_model ON model_variant_files (model_id);`,
];
