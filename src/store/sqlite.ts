// One SQLite database per owning engine: opened with the settings that every writer needs, migrated in order.
import { Database } from 'bun:sqlite';
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { InvariantError } from '../core/errors.ts';

/** Steps of a schema, oldest first; a step that has run is never changed. */
export type Migrations = readonly string[];

/**
 * Opens (or makes) the database at `path` (`:memory:` for tests) and brings it up to the newest migration. Acknowledged
 * writes survive kill -9 (WAL, synchronous NORMAL). Throws {@link InvariantError} when the file is newer than the code.
 */
export function openDatabase(path: string, migrations: Migrations): Database {
  if (path !== ':memory:') mkdirSync(dirname(path), { recursive: true });
  const db = new Database(path, { create: true, strict: true });
  db.run('PRAGMA busy_timeout = 2000');
  db.run('PRAGMA journal_mode = WAL');
  db.run('PRAGMA synchronous = NORMAL');
  db.run('PRAGMA foreign_keys = ON');
  const { user_version: version } = db.query('PRAGMA user_version').get() as { user_version: number };
  if (version > migrations.length) {
    throw new InvariantError(
      `database ${path} has schema ${version}, newer than this version's ${migrations.length}`,
    );
  }
  db.transaction(() => {
    for (const migration of migrations.slice(version)) db.run(migration);
    db.run(`PRAGMA user_version = ${migrations.length}`);
  }).immediate();
  return db;
}
