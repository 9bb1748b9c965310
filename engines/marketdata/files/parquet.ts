// Rows of a Parquet file as text cells, read by DuckDB in a database of its own that reaches this one file and nothing else; parquet-process.ts has a process for it.
import { basename } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { MAX_RECORD_BYTES } from '../../../src/core/csv.ts';
import {
  InvalidOptionError,
  MalformedBodyError,
  NautilusError,
  TooLargeError,
} from '../../../src/core/errors.ts';
import { knownColumn, MAX_COLUMNS } from './columns.ts';
import { sizeOfRow, type TableRows } from './tables.ts';

const MEMORY = '512MB';
/** Text that is handed on at once, about. */
const BLOCK_BYTES = 4 * 2 ** 20;

interface Field {
  readonly name: string;
  readonly type: string;
}

/**
 * Yields the rows of the file at `path`, the names of its columns first; columns of unknown names are not read. Throws MalformedBodyError for a file
 * that is damaged, not Parquet, or has nested columns or a text over 64 KiB, TooLargeError past `maxBytes` of text or for a row over 64 KiB.
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
  let total = 0;
  for (;;) {
    const chunk = await result.fetchChunk();
    const rows = chunk?.rowCount ?? 0;
    if (!chunk || rows === 0) return;
    const columns = chunk.getColumns() as (string | null)[][];
    let block = { fields: [] as string[][], lines: [] as number[] };
    let waiting = 0;
    for (let i = 0; i < rows; i++) {
      const cells = columns.map((column) => column[i] ?? '');
      const size = sizeOfRow(cells);
      total += size;
      if (total > maxBytes)
        throw new TooLargeError(`Expected at most ${maxBytes} bytes of a Parquet file as text`, maxBytes);
      block.fields.push(cells);
      block.lines.push(++row);
      waiting += size;
      if (waiting < BLOCK_BYTES) continue;
      yield block;
      block = { fields: [], lines: [] };
      waiting = 0;
    }
    yield block;
  }
}

// Checked before texts become strings of this process: a dictionary of one long text makes much of little.
function asText(field: Field): string {
  const text = plainText(field);
  if (!/^(VARCHAR|BLOB|JSON|BIT|ENUM)/.test(field.type)) return text;
  return `CASE WHEN strlen(${text}) > ${MAX_RECORD_BYTES} THEN error('a text is longer than ${MAX_RECORD_BYTES} bytes') ELSE ${text} END`;
}

// A time with a zone is a moment, whatever zone the session has; one without stays as it is, for the zone of the file.
function plainText({ name, type }: Field): string {
  const column = `"${name.replaceAll('"', '""')}"`;
  return type === 'TIMESTAMP WITH TIME ZONE'
    ? `strftime(make_timestamp(epoch_us(${column})), '%Y-%m-%d %H:%M:%S.%fZ')`
    : `CAST(${column} AS VARCHAR)`;
}
