// Opens the database of one engine where the configuration says: a SQLite file, or a schema in Postgres.
import { join } from 'node:path';
import type { Config } from '../core/config.ts';
import type { Database, Schemas } from './database.ts';
import { openSqlite } from './sqlite-database.ts';

/** The part of the configuration that says where databases are. */
export type StoreConfig = Pick<Config, 'dataDir' | 'postgres' | 'durability' | 'defaultTimeoutMs'>;

/**
 * Opens the database of `engine` with its schemas brought up to date: `<data folder>/<engine>.sqlite`, or the schema
 * `<prefix><engine>` in Postgres when DATABASE_URL is set. Throws as `openSqlite` and `openPostgres` do.
 */
export async function openDatabase(config: StoreConfig, engine: string, schemas: Schemas): Promise<Database> {
  const { durability, postgres: settings, defaultTimeoutMs: timeoutMs } = config;
  if (!settings) return openSqlite(join(config.dataDir, `${engine}.sqlite`), schemas, { durability });
  // A start with SQLite loads no client of Postgres.
  const { openPostgres } = await import('./postgres.ts');
  return openPostgres(schemas, { settings, engine, durability, timeoutMs });
}
