// Tables of searches: what was asked for, every trial once, and what was made of their results.
import type { Migrations } from '../../../src/store/database.ts';

/**
 * Steps of the schema. A search has the id of its job. A trial ends once: its row leaves `running` in one statement, whoever ran it and
 * however often. `deployed` keeps which version came of which choice of a search.
 */
export const SEARCH_TABLES: Migrations = [
  `CREATE TABLE searches (
     search_id TEXT PRIMARY KEY, kind TEXT NOT NULL, settings TEXT NOT NULL, state TEXT NOT NULL, reason TEXT,
     created_us BIGINT NOT NULL, started_us BIGINT, finished_us BIGINT, result TEXT);
   CREATE TABLE search_trials (
     search_id TEXT NOT NULL, number BIGINT NOT NULL, point TEXT NOT NULL, state TEXT NOT NULL, job_id TEXT,
     started_us BIGINT NOT NULL, finished_us BIGINT, outcome TEXT, PRIMARY KEY (search_id, number));
   CREATE TABLE search_versions (
     search_id TEXT NOT NULL, choice TEXT NOT NULL, model_id TEXT NOT NULL, version BIGINT NOT NULL, created_us BIGINT NOT NULL,
     PRIMARY KEY (search_id, choice, model_id));`,
];
