// One short visit to Postgres: is it there, which version, what may we do there, and what it does with its data.
import type { PostgresSettings } from '../core/postgres-settings.ts';
import { Link, plain } from './postgres-link.ts';

/** What Postgres says of itself. */
export interface PostgresFacts {
  readonly version: string;
  /** 130004 for 13.4. */
  readonly version_number: number;
  /** 1 on a server that only follows another one, and so can only be read. */
  readonly following: 0 | 1;
  /** Whether the user may make schemas in the database. */
  readonly may_create: 0 | 1;
  readonly fsync: string;
  readonly full_page_writes: string;
  readonly synchronous_commit: string;
  readonly max_connections: number;
  /** Connections that are open or kept for administrators, but for this one and those of engines. */
  readonly taken_connections: number;
}

const LONGEST_MS = 4000;

const FACTS = `SELECT current_setting('server_version') AS version,
  CAST(current_setting('server_version_num') AS BIGINT) AS version_number,
  pg_is_in_recovery() AS following,
  has_database_privilege(current_database(), 'CREATE') AS may_create,
  current_setting('fsync') AS fsync,
  current_setting('full_page_writes') AS full_page_writes,
  current_setting('synchronous_commit') AS synchronous_commit,
  CAST(current_setting('max_connections') AS BIGINT) AS max_connections,
  CAST(current_setting('superuser_reserved_connections') AS BIGINT) + (SELECT count(*) FROM pg_stat_activity
    WHERE backend_type = 'client backend' AND application_name NOT LIKE 'nautilus-%') AS taken_connections`;

/**
 * Connects once and asks. Throws StorageUnavailableError that names the address and the reason, and no secret, when Postgres
 * does not answer within `timeoutMs`, or 4 s where that is longer.
 */
export async function probePostgres(
  settings: PostgresSettings,
  timeoutMs = LONGEST_MS,
): Promise<PostgresFacts> {
  const limit = Math.min(timeoutMs, LONGEST_MS);
  const setUp = `SET statement_timeout = ${limit}`;
  const link = new Link({ settings, name: 'nautilus-probe', setUp, timeoutMs: limit });
  try {
    const session = await link.session();
    return (await session.send([plain(FACTS)])).rows[0] as PostgresFacts;
  } finally {
    await link.close();
  }
}
