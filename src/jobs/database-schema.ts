// The tables of jobs in an engine's database, as the schema component `jobs`; a step that has run is never changed.
import type { Migrations } from '../store/database.ts';

/** Results come last: rows are read without them, and a large one lies on pages of its own. */
export const JOB_TABLES: Migrations = [
  `CREATE TABLE jobs (
     id TEXT PRIMARY KEY,
     kind TEXT NOT NULL,
     state TEXT NOT NULL,
     priority BIGINT NOT NULL,
     attempt BIGINT NOT NULL,
     attempts BIGINT NOT NULL,
     cancel_requested BIGINT NOT NULL,
     run_at_us BIGINT NOT NULL,
     started_us BIGINT,
     finished_us BIGINT,
     owner TEXT,
     lease_until_us BIGINT,
     dedup_key TEXT,
     correlation_id TEXT,
     progress TEXT,
     error TEXT,
     input TEXT NOT NULL,
     result TEXT
   );
   CREATE INDEX jobs_waiting ON jobs (kind, priority, id) WHERE state = 'waiting';
   CREATE INDEX jobs_delayed ON jobs (run_at_us) WHERE state = 'delayed';
   CREATE INDEX jobs_active ON jobs (owner) WHERE state = 'active';
   CREATE UNIQUE INDEX jobs_dedup ON jobs (kind, dedup_key)
     WHERE dedup_key IS NOT NULL AND state IN ('waiting', 'delayed', 'active');
   CREATE INDEX jobs_listed ON jobs (state, kind, id);`,
];
