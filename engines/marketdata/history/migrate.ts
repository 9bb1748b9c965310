// Brings a database of an earlier version up to date.
import type { DuckDBConnection } from '@duckdb/node-api';
import { ADDED, schemaSql, TABLES } from './tables.ts';

/** Brings the tables up to date and makes what is absent. */
export async function migrate(writer: DuckDBConnection): Promise<void> {
  await takeOverBars(writer);
  await writer.run(schemaSql());
  await addColumns(writer);
}

/** Adds the columns that came later to the tables of before. */
async function addColumns(writer: DuckDBConnection): Promise<void> {
  const wanted = Object.values(TABLES).flatMap((table) =>
    ADDED.map(({ name, type }) => ({ table: table.name, name, type: type as string })),
  );
  wanted.push({ table: 'partitions', name: 'layout', type: 'INTEGER' });
  const reader = await writer.runAndReadAll(
    'SELECT table_name, column_name FROM duckdb_columns() WHERE NOT internal',
  );
  const known = new Set(reader.getRowsJS().map(([table, name]) => `${table}.${name}`));
  const absent = wanted.filter(({ table, name }) => !known.has(`${table}.${name}`));
  if (absent.length === 0) return;
  const changes = absent.map(({ table, name, type }) => `ALTER TABLE ${table} ADD COLUMN ${name} ${type};`);
  await writer.run(`BEGIN; ${changes.join(' ')} COMMIT;`);
}

/** Takes over the bars of the first layout, in which a bar was known by symbol and interval alone. */
async function takeOverBars(writer: DuckDBConnection): Promise<void> {
  const old = await writer.runAndReadAll(
    "SELECT 1 AS one FROM duckdb_columns() WHERE table_name = 'bars' AND column_name = 'interval_us'",
  );
  if (old.currentRowCount === 0) return;
  await writer.run('BEGIN');
  try {
    await writer.run('ALTER TABLE bars RENAME TO bars_of_symbols');
    await writer.run(schemaSql());
    await writer.run(
      `INSERT INTO series SELECT row_number() OVER (ORDER BY symbol, interval_us), 'bar', symbol, 'file', 0, 0, 'time', interval_us, ''
         FROM (SELECT DISTINCT symbol, interval_us FROM bars_of_symbols);
       INSERT INTO bars SELECT s.id, b.ts_us, b.ts_us, NULL, NULL, 0, b.open, b.high, b.low, b.close, b.volume, NULL,
           row_number() OVER (ORDER BY s.id, b.ts_us), NULL
         FROM bars_of_symbols b JOIN series s ON s.symbol = b.symbol AND s.interval = b.interval_us ORDER BY s.id, b.ts_us;
       DROP TABLE bars_of_symbols`,
    );
    await writer.run('COMMIT');
  } catch (error) {
    await writer.run('ROLLBACK');
    throw error;
  }
}
