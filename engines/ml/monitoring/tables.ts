// Tables of monitoring: what is watched, references, windows, answers that wait for what happened, retrainings.
import type { Migrations } from '../../../src/store/database.ts';

/**
 * Steps of the schema. `config`, `state`, `sketch`, `report`, `summary` and `answers` are JSON. A window without `closed_us` is the open one of its
 * monitor; `monitor_answers` has the requests of which rows wait for their outcome, and `seq` counts rows, so that the oldest go first;
 * `matures` says which bar of the stream tells its outcome.
 */
export const MONITORING_TABLES: Migrations = [
  `CREATE TABLE monitors (
     model_id TEXT PRIMARY KEY, config TEXT NOT NULL, state TEXT NOT NULL, created_us BIGINT NOT NULL, updated_us BIGINT NOT NULL);
   CREATE TABLE monitor_references (
     model_id TEXT NOT NULL, version TEXT NOT NULL, reference TEXT NOT NULL, made_us BIGINT NOT NULL,
     PRIMARY KEY (model_id, version));
   CREATE TABLE monitor_windows (
     model_id TEXT NOT NULL, seq BIGINT NOT NULL, version TEXT NOT NULL, opened_us BIGINT NOT NULL, closed_us BIGINT,
     sketch TEXT, report TEXT, summary TEXT, PRIMARY KEY (model_id, seq));
   CREATE TABLE monitor_answers (
     model_id TEXT NOT NULL, prediction_id TEXT NOT NULL, key TEXT, version TEXT NOT NULL, seq BIGINT NOT NULL, ts_us BIGINT NOT NULL,
     answers TEXT NOT NULL, matures TEXT, PRIMARY KEY (model_id, prediction_id));
   CREATE INDEX monitor_answers_by_key ON monitor_answers (model_id, key, seq);
   CREATE INDEX monitor_answers_by_seq ON monitor_answers (model_id, seq);
   CREATE TABLE monitor_retrainings (
     retraining_id TEXT PRIMARY KEY, model_id TEXT NOT NULL, reason TEXT NOT NULL, state TEXT NOT NULL, from_version TEXT NOT NULL,
     train_job TEXT, report TEXT NOT NULL, started_us BIGINT NOT NULL, ended_us BIGINT);
   CREATE INDEX monitor_retrainings_of_model ON monitor_retrainings (model_id, started_us);
   CREATE UNIQUE INDEX monitor_retrainings_one ON monitor_retrainings (model_id) WHERE state = 'running';`,
];
