// A table whose rows only come: the database itself refuses to change or delete them.
import type { Dialect } from './database.ts';

/**
 * Returns the SQL that makes `table` append-only, for a migration after the one that makes the table; a later UPDATE, DELETE
 * or (Postgres) TRUNCATE fails with `<table> is append-only`.
 */
export function appendOnly(table: string): Readonly<Record<Dialect, string>> {
  return {
    sqlite: ['UPDATE', 'DELETE']
      .map(
        (change) =>
          `CREATE TRIGGER ${table}_no_${change.toLowerCase()} BEFORE ${change} ON ${table}
           BEGIN SELECT RAISE(ABORT, '${table} is append-only'); END;`,
      )
      .join('\n'),
    postgres: `CREATE OR REPLACE FUNCTION append_only() RETURNS trigger LANGUAGE plpgsql AS $body$
        BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $body$;
      CREATE TRIGGER ${table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ${table}
        FOR EACH STATEMENT EXECUTE FUNCTION append_only();`,
  };
}
