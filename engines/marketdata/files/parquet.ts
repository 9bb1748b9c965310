// Rows of a Parquet file as text cells, read by DuckDB in a database of its own that reaches this one file and nothing else.
import { basename } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import {
  InvalidOptionError,
  MalformedBodyError,
  NautilusError,
  TooLargeError,
} from '../../../src/core/errors.ts';
import { knownColumn, MAX_COLUMNS } from './columns.ts';
import type { TableRows } from './tables.ts';

const MEMORY = '512MB';

interface Field {
  readonly name: string;
  readonly type: string;
}

/**
 * Yields the rows of the file at `path`, the names of its columns first; columns of unknown names are not read. Throws MalformedBodyError for a file
 * that is damaged, not Parquet or has nested columns, TooLargeError past `maxBytes` of text.
 */
export async function* parquetRows(path: string, maxBytes: number): AsyncGenerator<TableRows> {
  if (/[*?[\]{}]/.test(path)) {
    const expected = 'a path without * ? [ ] { }';
    throw new InvalidOptionError(`Expected ${expected} for a Parquet file`, [
      { pointer: 'query/path', expected },
    ]);
  }
  const { DuckDBInstance } = await import('@duckdb/node-api');
  const instance = await DuckDBInstance.create(':memory:', {
    threads: '1',
    memory_limit: MEMORY,
    temp_directory: '',
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
  });
  const connection = await instance.connect();
  try {
    yield* await read(connection, path, maxBytes);
  } catch (error) {
    if (error instanceof NautilusError) throw error;
    const said = (error as Error).message.split('\n')[0]!.replaceAll(path, basename(path));
    throw new MalformedBodyError(`Expected a readable Parquet file: ${said}`);
  } finally {
    connection.interrupt();
    connection.closeSync();
    instance.closeSync();
  }
}

async function* read(
  connection: DuckDBConnection,
  path: string,
  maxBytes: number,
): AsyncGenerator<TableRows> {
  const file = `'${path.replaceAll("'", "''")}'`;
  await connection.run(`SET allowed_paths = [${file}]`);
  await connection.run('SET enable_external_access = false');
  await connection.run('SET lock_configuration = true');
  const described = await connection.runAndReadAll(
    `SELECT column_name AS name, column_type AS type FROM (DESCRIBE FROM read_parquet(${file}))`,
  );
  const all = described.getRowObjectsJS() as unknown as Field[];
  if (all.length > MAX_COLUMNS)
    throw new MalformedBodyError(`Expected at most ${MAX_COLUMNS} columns, were ${all.length}`);
  const nested = all.find(
    ({ type }) => /[[(]|^(STRUCT|MAP|LIST|UNION|VARIANT)/.test(type) && !type.startsWith('DECIMAL'),
  );
  if (nested) throw new MalformedBodyError('Expected a Parquet file without nested columns');
  const fields = all.filter(({ name }) => knownColumn(name));
  if (fields.length === 0)
    throw new MalformedBodyError('Expected a Parquet file with columns of bars, trades or quotes');
  yield { fields: [fields.map(({ name }) => name)], lines: [0] };
  const result = await connection.stream(
    `SELECT ${fields.map(asText).join(', ')} FROM read_parquet(${file})`,
  );
  let row = 0;
  let size = 0;
  for (;;) {
    const chunk = await result.fetchChunk();
    const rows = chunk?.rowCount ?? 0;
    if (!chunk || rows === 0) return;
    const columns = chunk.getColumns() as (string | null)[][];
    const cells: string[][] = [];
    const lines: number[] = [];
    for (let i = 0; i < rows; i++) {
      const cell = columns.map((column) => column[i] ?? '');
      for (const text of cell) size += text.length + 1;
      cells.push(cell);
      lines.push(++row);
    }
    if (size > maxBytes)
      throw new TooLargeError(`Expected at most ${maxBytes} bytes of a Parquet file as text`, maxBytes);
    yield { fields: cells, lines };
  }
}

// A time with a zone is a moment, whatever zone the session has; one without stays as it is, for the zone of the file.
function asText({ name, type }: Field): string {
  const column = `"${name.replaceAll('"', '""')}"`;
  return type === 'TIMESTAMP WITH TIME ZONE'
    ? `strftime(make_timestamp(epoch_us(${column})), '%Y-%m-%d %H:%M:%S.%fZ')`
    : `CAST(${column} AS VARCHAR)`;
}
