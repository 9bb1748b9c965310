// Brings the schema of one engine in Postgres up to its newest step; replicas that start at once take turns.
import { InvariantError } from '../core/errors.ts';
import { migrationSql, type Schemas } from './database.ts';
import { plain, type Query, type Session } from './postgres-link.ts';

/** Steps may build indexes over large tables, and a replica waits for the one that runs them. */
const LONGEST_STEP_MS = 600_000;

/** Returns `name` as an identifier in SQL. */
export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/**
 * Runs the missing steps of every component in one transaction: all or none. Throws {@link InvariantError} when the schema is
 * newer than the code.
 */
export async function migrate(session: Session, schema: string, schemas: Schemas): Promise<void> {
  const usual = session.limitMs;
  session.limitMs = LONGEST_STEP_MS + usual;
  try {
    await session.send(
      [
        'BEGIN',
        `SET LOCAL statement_timeout = ${LONGEST_STEP_MS}`,
        `SET LOCAL idle_in_transaction_session_timeout = ${LONGEST_STEP_MS}`,
      ].map(plain),
    );
    await session.send([
      query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', `nautilus schema ${schema}`),
    ]);
    await runSteps(session, schema, schemas);
    await session.send([plain('COMMIT')]);
  } catch (error) {
    if (!session.lost) await session.send([plain('ROLLBACK')]).catch(() => {});
    throw error;
  } finally {
    session.limitMs = usual;
  }
}

async function runSteps(session: Session, schema: string, schemas: Schemas): Promise<void> {
  // Making what is there already would need the right to make it.
  const found = await session.send([query('SELECT 1 FROM pg_namespace WHERE nspname = $1', schema)]);
  if (found.rows.length === 0) await session.send([plain(`CREATE SCHEMA ${quoted(schema)}`)]);
  const table = `${quoted(schema)}.migrations`;
  await session.send([
    plain(`CREATE TABLE IF NOT EXISTS ${table} (component TEXT PRIMARY KEY, version BIGINT NOT NULL)`),
  ]);
  const { rows } = await session.send([plain(`SELECT component, version FROM ${table}`)]);
  const versions = new Map(
    (rows as { component: string; version: number }[]).map((r) => [r.component, r.version]),
  );
  for (const [component, steps] of Object.entries(schemas)) {
    const version = versions.get(component) ?? 0;
    if (version > steps.length) {
      const newer = `${component} schema ${version}, newer than this version's ${steps.length}`;
      throw new InvariantError(`database ${schema} has ${newer}`);
    }
    // One statement or many, without parameters: the simple protocol takes both.
    for (const step of steps.slice(version)) await session.send([plain(migrationSql(step, 'postgres'))]);
    const text = `INSERT INTO ${table} VALUES ($1, $2) ON CONFLICT (component) DO UPDATE SET version = excluded.version`;
    if (version < steps.length || !versions.has(component)) {
      await session.send([query(text, component, `${steps.length}`)]);
    }
  }
}

function query(text: string, ...values: string[]): Query {
  return { text, name: undefined, values };
}
