// What `nautilus doctor` says of Postgres: whether it is there, new enough, open to us, and what it would lose.
import type { Config } from '../../core/config.ts';
import { type PostgresFacts, probePostgres } from '../../store/postgres-probe.ts';
import { ENGINES } from '../engines.ts';
import type { Finding } from './finding.ts';

const LEAST_VERSION = 13;
/** Connections of one engine: one that writes, one that reads. */
const CONNECTIONS = 2;

/** The part of the configuration that says where databases are, and what they promise. */
export type PostgresConfig = Pick<Config, 'postgres' | 'durability' | 'defaultTimeoutMs'>;

/** Returns the findings about Postgres; one line when it is not used. Never shows a secret. */
export async function postgresFindings({
  postgres,
  durability,
  defaultTimeoutMs,
}: PostgresConfig): Promise<Finding[]> {
  if (!postgres) {
    return [
      { check: 'Postgres', level: 'info', found: 'not used: databases are SQLite files in the data folder' },
    ];
  }
  try {
    const facts = await probePostgres(postgres, defaultTimeoutMs);
    return [
      serverFinding(facts, postgres.address, defaultTimeoutMs),
      rightsFinding(facts, postgres.schemaPrefix),
      durabilityFinding(facts, durability),
      connectionsFinding(facts),
    ];
  } catch (error) {
    return [
      {
        check: 'Postgres',
        level: 'fail',
        found: (error as Error).message,
        fix: 'start it, correct DATABASE_URL, or unset DATABASE_URL to use SQLite files',
      },
    ];
  }
}

function serverFinding(
  { version, version_number }: PostgresFacts,
  address: string,
  timeoutMs: number,
): Finding {
  const check = 'Postgres';
  const found = `${version} at ${address}, statements end after ${timeoutMs} ms (DEFAULT_TIMEOUT)`;
  if (version_number >= LEAST_VERSION * 10_000) return { check, level: 'ok', found };
  return { check, level: 'fail', found, fix: `install Postgres ${LEAST_VERSION} or newer` };
}

function rightsFinding({ following, may_create }: PostgresFacts, prefix: string): Finding {
  const check = 'Postgres rights';
  if (following === 1) {
    const fix = 'name the server that takes writes in DATABASE_URL';
    return { check, level: 'fail', found: 'the server follows another one and can only be read', fix };
  }
  const schemas = prefix === '' ? 'named like the engines' : `${prefix}<engine>`;
  if (may_create === 1) return { check, level: 'ok', found: `the user may make schemas (${schemas})` };
  return {
    check,
    level: 'info',
    found: `the user may not make schemas: those ${schemas} have to be there, and its own`,
    fix: 'GRANT CREATE ON DATABASE ... TO ..., or make each schema with CREATE SCHEMA ... AUTHORIZATION ...',
  };
}

function durabilityFinding(facts: PostgresFacts, durability: Config['durability']): Finding {
  const { fsync, full_page_writes, synchronous_commit } = facts;
  const check = 'Postgres durability';
  const settings = `fsync ${fsync}, full_page_writes ${full_page_writes}, synchronous_commit ${synchronous_commit}`;
  const sync = synchronous_commit === 'off' ? ' (engines set it to on for themselves)' : '';
  if (fsync === 'on' && full_page_writes === 'on') {
    return {
      check,
      level: 'ok',
      found: `${settings}${sync}: a power cut loses nothing that was acknowledged`,
    };
  }
  return {
    check,
    level: durability === 'power' ? 'fail' : 'info',
    found: `${settings}${sync}: kill -9 loses nothing, a power cut may destroy the database`,
    fix: 'set `fsync = on` and `full_page_writes = on` in postgresql.conf; NAUTILUS_DURABILITY=power does not start without them',
  };
}

function connectionsFinding({ max_connections, taken_connections }: PostgresFacts): Finding {
  const check = 'Postgres connections';
  const needed = ENGINES.length * CONNECTIONS;
  const free = max_connections - taken_connections;
  const found = `${free} of ${max_connections} free for ${ENGINES.length} engines, which take ${needed}; a replica takes ${CONNECTIONS} more`;
  if (free >= needed) return { check, level: 'ok', found };
  return {
    check,
    level: 'fail',
    found,
    fix: 'raise `max_connections` in postgresql.conf, or end other clients',
  };
}
