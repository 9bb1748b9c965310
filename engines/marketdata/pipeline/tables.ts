// Tables of the pipeline: what is listened to, settings of sources, how far ingests came.
import type { Migrations } from '../../../src/store/database.ts';

/** Steps of the schema. `spec` and `settings` are JSON; `last_us` is the time up to which an ingest has stored everything. */
export const PIPELINE_TABLES: Migrations = [
  `CREATE TABLE market_subscriptions (
     subscription_id TEXT PRIMARY KEY, spec TEXT NOT NULL, created_us BIGINT NOT NULL);
   CREATE TABLE market_sources (
     source TEXT PRIMARY KEY, settings TEXT NOT NULL, updated_us BIGINT NOT NULL);
   CREATE TABLE market_ingests (
     ingest TEXT PRIMARY KEY, last_us BIGINT NOT NULL, updated_us BIGINT NOT NULL);`,
];
