// Rows and predictions as Arrow IPC streams: bulk numbers without text.
import type { Table, Vector } from 'apache-arrow';
import { InvalidOptionError, MalformedBodyError, NautilusError } from '../../../src/core/errors.ts';
import type { Rows } from './predictor.ts';
import { finite } from './rows.ts';
import type { PredictReply } from './schemas.ts';

/** Largest Arrow body in bytes. */
export const MAX_ARROW_BYTES = 64 * 2 ** 20;
/** Most rows of one Arrow body. */
export const MAX_ARROW_ROWS = 100_000;

/**
 * Returns the rows of an Arrow stream: one column of numbers for each input, by name and in any order. Throws MalformedBodyError,
 * InvalidOptionError for a column that is missing, unknown or of no numbers, NonFiniteInputError, and `too-large` over
 * {@link MAX_ARROW_ROWS} rows.
 */
export async function rowsFromArrow(bytes: Uint8Array, names: readonly string[]): Promise<Rows> {
  const table = await read(bytes);
  const count = table.numRows;
  if (count > MAX_ARROW_ROWS) {
    const detail = `Expected at most ${MAX_ARROW_ROWS} rows`;
    throw new NautilusError('too-large', 413, 'Too large', detail, { limit_rows: MAX_ARROW_ROWS });
  }
  if (count === 0) throw new InvalidOptionError('Expected at least one row');
  refuseUnknown(table, names);
  const columns = names.length;
  const values = new Float32Array(count * columns);
  for (const [column, name] of names.entries()) {
    const numbers = numbersOf(table.getChild(name), name, count);
    for (let row = 0; row < count; row++) values[row * columns + column] = numbers(row);
  }
  return { values: finite(values, columns), count };
}

/** Returns a reply as an Arrow stream: `prediction`, or `prediction_0`, `prediction_1`, ... where a row has several, and `confidence` of a classifier. */
export async function replyToArrow(reply: PredictReply): Promise<Uint8Array<ArrayBuffer>> {
  const { Float32, makeData, makeVector, Table, tableToIPC } = await import('apache-arrow');
  const column = (data: Float32Array) => makeVector(makeData({ type: new Float32(), data }));
  const { predictions, confidence } = reply;
  const columns: Record<string, ReturnType<typeof column>> = {};
  const [first] = predictions;
  if (typeof first === 'number') columns.prediction = column(Float32Array.from(predictions as number[]));
  else {
    const rows = predictions as number[][];
    for (let k = 0; k < rows[0]!.length; k++)
      columns[`prediction_${k}`] = column(Float32Array.from(rows, (row) => row[k]!));
  }
  if (confidence) columns.confidence = column(Float32Array.from(confidence));
  return tableToIPC(new Table(columns), 'stream') as Uint8Array<ArrayBuffer>;
}

async function read(bytes: Uint8Array): Promise<Table> {
  const { tableFromIPC } = await import('apache-arrow');
  try {
    return tableFromIPC(bytes);
  } catch {
    throw new MalformedBodyError('Expected a body of a valid Arrow stream, without compression');
  }
}

// Nothing is dropped silently: a column that no input reads may be a misspelt one.
function refuseUnknown(table: Table, names: readonly string[]): void {
  const known = new Set(names);
  const fields = table.schema.fields.map((field) => field.name);
  const missing = names.filter((name) => !fields.includes(name));
  const unknown = fields.filter((name) => !known.has(name)).length;
  const twice = fields.length - new Set(fields).size;
  if (missing.length === 0 && unknown === 0 && twice === 0) return;
  const errors = missing.map((name) => ({ pointer: `/${name}`, expected: 'a column', received: 'missing' }));
  throw new InvalidOptionError(
    `Expected the columns ${names.join(', ')}; ${missing.length} missing, ${unknown} unknown, ${twice} twice`,
    errors,
  );
}

/** Returns the numbers of a column by row; what is null is NaN. The metadata may claim more than the buffers hold. */
function numbersOf(vector: Vector | null, name: string, count: number): (row: number) => number {
  let at: ((row: number) => unknown) | undefined;
  try {
    at = vector && vector.length === count ? (row) => vector.get(row) : undefined;
    const kind = typeof at?.(0);
    const filled = vector?.data.every((chunk) => holds(chunk));
    if (filled && (kind === 'number' || kind === 'bigint' || at?.(0) === null))
      return (row) => {
        const value = at!(row);
        return value === null ? Number.NaN : Number(value);
      };
  } catch {
    // Buffers that are not there: told below.
  }
  const error = { pointer: `/${name}`, expected: 'a column of numbers' };
  throw new InvalidOptionError(`Expected ${error.expected} for ${name}`, [error]);
}

function holds({ values, length, typeId }: { values: unknown; length: number; typeId: number }): boolean {
  // 2 = integers, 3 = floats: the types whose values are one number each.
  return (
    (typeId === 2 || typeId === 3) && ArrayBuffer.isView(values) && (values as Float64Array).length >= length
  );
}
