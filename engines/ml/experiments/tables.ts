// Tables of experiments. Which arm a key gets is a function of the shares and stored nowhere.
import { appendOnly } from '../../../src/store/append-only.ts';
import type { Migrations } from '../../../src/store/database.ts';

/**
 * Steps of the schema. `experiments.deployment_seq` is the newest deployment of the model when the experiment began, `promoted_seq` the one
 * that came of it. `experiment_ramps` has the shares, one row for each change. A prediction waits for its outcome, and stays settled as long
 * as the same outcome may come again. `experiment_keys` are hashes of the keys that were counted.
 */
export const EXPERIMENT_TABLES: Migrations = [
  `CREATE TABLE experiments (
     experiment_id TEXT PRIMARY KEY, model_id TEXT NOT NULL, mode TEXT NOT NULL, state TEXT NOT NULL, reason TEXT,
     definition TEXT NOT NULL, result TEXT NOT NULL, stage BIGINT NOT NULL, winner TEXT, deployment_seq BIGINT NOT NULL,
     promoted_seq BIGINT, created_us BIGINT NOT NULL, updated_us BIGINT NOT NULL, ended_us BIGINT);
   CREATE UNIQUE INDEX experiments_one_active ON experiments (model_id) WHERE ended_us IS NULL;
   CREATE INDEX experiments_of_model ON experiments (model_id, experiment_id);
   CREATE TABLE experiment_ramps (
     experiment_id TEXT NOT NULL, stage BIGINT NOT NULL, weights TEXT NOT NULL, since_us BIGINT NOT NULL,
     PRIMARY KEY (experiment_id, stage));
   CREATE TABLE experiment_tallies (
     experiment_id TEXT NOT NULL, arm TEXT NOT NULL, tally TEXT NOT NULL, PRIMARY KEY (experiment_id, arm));
   CREATE TABLE experiment_predictions (
     experiment_id TEXT NOT NULL, prediction_id TEXT NOT NULL, subject TEXT NOT NULL, arm TEXT NOT NULL, stage BIGINT NOT NULL,
     said TEXT NOT NULL, settled BIGINT NOT NULL, at_us BIGINT NOT NULL, PRIMARY KEY (experiment_id, prediction_id));
   CREATE INDEX experiment_predictions_of_key ON experiment_predictions (experiment_id, subject);
   CREATE INDEX experiment_predictions_by_age ON experiment_predictions (experiment_id, at_us);
   CREATE TABLE experiment_keys (
     experiment_id TEXT NOT NULL, key_hash BIGINT NOT NULL, PRIMARY KEY (experiment_id, key_hash));
   CREATE TABLE experiment_audit (
     experiment_id TEXT NOT NULL, seq BIGINT NOT NULL, action TEXT NOT NULL, actor TEXT NOT NULL, detail TEXT NOT NULL,
     at_us BIGINT NOT NULL, PRIMARY KEY (experiment_id, seq));`,
  appendOnly('experiment_ramps'),
  appendOnly('experiment_audit'),
];
