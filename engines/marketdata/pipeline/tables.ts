// Tables of the engine: what is listened to, settings of sources, how far ingests and replays came, what gates remember.
import type { Migrations } from '../../../src/store/database.ts';

/** Steps of the schema. `spec`, `settings`, `reply` and `saved` are JSON; `last_us` is the time up to which an ingest has stored everything, `storing_us` that of the batch that it is storing. */
export const PIPELINE_TABLES: Migrations = [
  `CREATE TABLE market_subscriptions (
     subscription_id TEXT PRIMARY KEY, spec TEXT NOT NULL, created_us BIGINT NOT NULL);
   CREATE TABLE market_sources (
     source TEXT PRIMARY KEY, settings TEXT NOT NULL, updated_us BIGINT NOT NULL);
   CREATE TABLE market_ingests (
     ingest TEXT PRIMARY KEY, last_us BIGINT NOT NULL, updated_us BIGINT NOT NULL);`,
  `CREATE TABLE market_replays (
     replay_id TEXT PRIMARY KEY, sort TEXT NOT NULL, under_way INTEGER NOT NULL, reply TEXT NOT NULL, updated_us BIGINT NOT NULL);`,
  `CREATE TABLE market_gates (
     source TEXT NOT NULL, symbol TEXT NOT NULL, kind TEXT NOT NULL, saved TEXT NOT NULL, updated_us BIGINT NOT NULL,
     PRIMARY KEY (source, symbol, kind));`,
  `ALTER TABLE market_ingests ADD COLUMN storing_us BIGINT;`,
];
