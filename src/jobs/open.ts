// Opens the jobs of an engine where its configuration says: BullMQ with REDIS_URL, else the engine's own database.
import type { Bus } from '../bus/client.ts';
import type { Clock } from '../core/clock.ts';
import type { Config } from '../core/config.ts';
import type { Log } from '../core/log.ts';
import type { Database } from '../store/database.ts';
import { BullBackend } from './bull-backend.ts';
import { DatabaseBackend } from './database-backend.ts';
import { Jobs, type JobsParts } from './jobs.ts';

/** What of an engine its jobs need; the context of an engine has it. */
export interface JobsHost {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly config: Config;
  readonly log: Log;
  /** Has the tables of {@link JOB_TABLES}. */
  readonly database: Database;
}

/** Returns the jobs of an engine, not started yet; nothing is loaded or connected to before the first use. */
export function openJobs(
  { bus, clock, config, log, database }: JobsHost,
  parts: Pick<JobsParts, 'engine' | 'definitions'>,
): Jobs {
  const { engine, definitions } = parts;
  const kinds = definitions.map(({ kind, concurrency }) => ({ kind, concurrency }));
  const { redis: settings, defaultTimeoutMs: timeoutMs } = config;
  const backend = settings
    ? new BullBackend({ settings, engine, kinds, log, timeoutMs })
    : new DatabaseBackend({ database, kinds, clock, log });
  return new Jobs({ ...parts, backend, bus, log });
}
