// Rows of an Arrow IPC stream or file as text cells, one record batch at a time.
import type { Data, DataType, RecordBatch, Vector } from 'apache-arrow';
import { MalformedBodyError, NautilusError, TooLargeError } from '../../../src/core/errors.ts';
import { turn } from '../../../src/core/turn.ts';
import { arrowFrames, type Tail } from './arrow-frames.ts';
import { knownColumn, MAX_COLUMNS } from './columns.ts';
import { sizeOfRow, type TableRows } from './tables.ts';

type Cell = (index: number) => string;

/** Rows that are handed on at once. */
const BLOCK = 4096;

/**
 * Yields the rows of an Arrow body, the names of its columns first; columns of unknown names are not read. Throws MalformedBodyError for what is
 * damaged, compressed, nested or of a type that no market record has, TooLargeError for a batch over 256 MB, a row over 64 KiB and past `maxBytes`.
 */
export async function* arrowRows(
  body: AsyncIterable<Uint8Array>,
  maxBytes: number,
  tail?: Tail,
): AsyncGenerator<TableRows> {
  const arrow = await import('apache-arrow');
  let row = 0;
  try {
    const reader = await arrow.RecordBatchReader.from(arrowFrames(body, maxBytes, tail));
    await reader.open();
    const names = reader.schema.fields.map((field) => field.name);
    if (names.length > MAX_COLUMNS)
      throw new MalformedBodyError(`Expected at most ${MAX_COLUMNS} columns, were ${names.length}`);
    const known = names.filter(knownColumn);
    if (known.length === 0)
      throw new MalformedBodyError('Expected an Arrow body with columns of bars, trades or quotes');
    yield { fields: [known], lines: [0] };
    let size = 0;
    for await (const batch of reader as AsyncIterable<RecordBatch>) {
      const cells = known.map((name) => cellsOf(batch.getChild(name), batch.numRows, arrow));
      for (let from = 0; from < batch.numRows; from += BLOCK) {
        const fields: string[][] = [];
        const lines: number[] = [];
        for (let i = from; i < Math.min(from + BLOCK, batch.numRows); i++) {
          const texts = cells.map((cell) => cell(i));
          // Row by row: a dictionary of one long text makes much of little.
          size += sizeOfRow(texts);
          if (size > maxBytes)
            throw new TooLargeError(`Expected at most ${maxBytes} bytes of an Arrow body as text`, maxBytes);
          fields.push(texts);
          lines.push(++row);
        }
        yield { fields, lines };
        await turn();
      }
    }
  } catch (error) {
    if (error instanceof NautilusError) throw error;
    throw new MalformedBodyError(
      `Expected a readable Arrow body: ${(error as Error).message.split('\n')[0]}`,
    );
  }
}

// How a column is written as text; nothing is read beyond the buffers that came.
function cellsOf(vector: Vector | null, rows: number, arrow: typeof import('apache-arrow')): Cell {
  if (!vector || vector.length !== rows) throw new MalformedBodyError('Expected Arrow columns of one length');
  if (rows === 0) return () => '';
  const { DataType } = arrow;
  const type = vector.type as DataType;
  const data = vector.data[0] as Data;
  const width = DataType.isDecimal(type) ? type.bitWidth / 32 : 1;
  const fixed =
    DataType.isInt(type) || DataType.isFloat(type) || DataType.isTimestamp(type) || DataType.isDate(type);
  if ((fixed || DataType.isDecimal(type)) && (data.values?.length ?? 0) < rows * width)
    throw new MalformedBodyError('Expected Arrow buffers as long as their batch says');
  const raw = data.values as { readonly [index: number]: number | bigint };
  const filled =
    (cell: Cell): Cell =>
    (i) =>
      data.getValid(i) ? cell(i) : '';
  if (DataType.isFloat(type)) {
    if (type.precision === arrow.Precision.SINGLE) return filled((i) => shortest(raw[i] as number));
    if (type.precision === arrow.Precision.DOUBLE) return filled((i) => String(raw[i]));
  }
  if (DataType.isInt(type)) return filled((i) => String(raw[i]));
  if (DataType.isTimestamp(type)) {
    const zone = type.timezone ? 'Z' : '';
    return filled((i) => momentText(BigInt(raw[i]!), TICKS[type.unit]!, zone));
  }
  if (DataType.isDate(type)) {
    const days = type.unit === arrow.DateUnit.DAY;
    if (days) return filled((i) => momentText(BigInt(raw[i]!) * 86_400n, 1n, '').slice(0, 10));
    return filled((i) => momentText(BigInt(raw[i]!), 1000n, ''));
  }
  if (DataType.isDecimal(type))
    return filled((i) => decimalCell(raw as Record<number, number>, i * width, width, type.scale));
  const text = DataType.isUtf8(type) || DataType.isLargeUtf8(type);
  if (text || DataType.isBool(type) || (DataType.isDictionary(type) && DataType.isUtf8(type.dictionary)))
    return (i) => String(vector.get(i) ?? '');
  throw new MalformedBodyError(
    'Expected Arrow columns of numbers, texts, times, dates and decimals, not nested ones',
  );
}

// Units of a second by the unit of a type: seconds, milliseconds, microseconds, nanoseconds.
const TICKS = [1n, 1000n, 1_000_000n, 1_000_000_000n] as const;

function momentText(count: bigint, ticks: bigint, zone: string): string {
  const second = count >= 0n ? count / ticks : (count - ticks + 1n) / ticks;
  const date = new Date(Number(second) * 1000);
  if (Number.isNaN(date.getTime())) return 'beyond all dates';
  const fraction = String(count - second * ticks).padStart(String(ticks).length - 1, '0');
  return `${date.toISOString().slice(0, 19).replace('T', ' ')}${ticks === 1n ? '' : `.${fraction}`}${zone}`;
}

// The shortest text that is this float32, as `String` gives it for a float64.
function shortest(value: number): string {
  for (let digits = 6; digits < 9; digits++) {
    const text = value.toPrecision(digits);
    if (Math.fround(Number(text)) === value) return String(Number(text));
  }
  return String(value);
}

function decimalCell(words: Record<number, number>, from: number, width: number, scale: number): string {
  let value = 0n;
  for (let k = width - 1; k >= 0; k--) value = (value << 32n) | BigInt(words[from + k]! >>> 0);
  value = BigInt.asIntN(width * 32, value);
  const digits = String(value < 0n ? -value : value).padStart(scale + 1, '0');
  const text = scale > 0 ? `${digits.slice(0, -scale)}.${digits.slice(-scale)}` : digits;
  return value < 0n ? `-${text}` : text;
}
