// Columns of the history as others get them: JSON rows, CSV and Arrow, each batch by itself.
import { flagNames } from '../../../src/market/flags.ts';
import type { MarketKind } from '../../../src/market/records.ts';
import { decimalText, numberOf } from '../../../src/market/scale.ts';
import type { Batch } from './reader.ts';

/** What a column is: a time, an integer, a number, a decimal of the row's scale, text, names of flags, a side. */
export interface OutputColumn {
  readonly name: string;
  readonly type: 'time' | 'integer' | 'number' | 'price' | 'size' | 'text' | 'flags' | 'side' | 'id';
}

const column = (name: string, type: OutputColumn['type']): OutputColumn => ({ name, type });

const STAMPED = [
  column('ts_event_us', 'time'),
  column('ts_receive_us', 'time'),
  column('source', 'text'),
  column('sequence', 'integer'),
  column('flags', 'flags'),
];

// Times as they were written, where that is finer than microseconds.
const TEXTS = [column('ts_event_text', 'text'), column('ts_receive_text', 'text')];

/** Columns of the kinds that are served as ranges. */
export const OUTPUT = {
  trade: [
    ...STAMPED,
    column('price', 'price'),
    column('size', 'size'),
    column('side', 'side'),
    column('id', 'id'),
    ...TEXTS,
  ],
  quote: [
    ...STAMPED,
    column('bid', 'price'),
    column('bid_size', 'size'),
    column('ask', 'price'),
    column('ask_size', 'size'),
    ...TEXTS,
  ],
  bar: [
    column('ts_event_us', 'time'),
    column('open', 'number'),
    column('high', 'number'),
    column('low', 'number'),
    column('close', 'number'),
    column('volume', 'number'),
    column('trades', 'integer'),
    column('flags', 'flags'),
  ],
} as const satisfies Partial<Record<MarketKind, readonly OutputColumn[]>>;

/** Returns the names of the columns of the history that an output is made of. */
export function columnsOf(columns: readonly OutputColumn[]): string[] {
  return columns.flatMap(({ name, type }) => {
    if (type === 'id') return ['id_number', 'id_text'];
    return type === 'price' || type === 'size' ? [name, `${type}_decimals`] : [name];
  });
}

/** A value as JSON has it. */
type Value = number | string | null | readonly string[];

/** Returns what gives the value of a row as JSON has it: prices and sizes as decimal text. */
function valuesOf({ name, type }: OutputColumn, { columns }: Batch): (i: number) => Value {
  switch (type) {
    case 'text': {
      const texts = columns[name] as (string | null)[];
      return (i) => texts[i]!;
    }
    case 'flags': {
      const flags = columns[name] as Float64Array;
      return (i) => flagNames(flags[i]!);
    }
    case 'price':
    case 'size': {
      const [ticks, decimals] = [columns[name], columns[`${type}_decimals`]] as Float64Array[];
      return (i) => decimalText(ticks![i]!, decimals![i]!);
    }
    case 'side': {
      const sides = columns[name] as Float64Array;
      return (i) => (sides[i]! > 0 ? 'buy' : sides[i]! < 0 ? 'sell' : null);
    }
    case 'id': {
      const numbers = columns['id_number'] as Float64Array;
      const texts = columns['id_text'] as (string | null)[];
      return (i) => (Number.isNaN(numbers[i]!) ? texts[i]! : String(numbers[i]));
    }
    default: {
      const numbers = columns[name] as Float64Array;
      return (i) => (Number.isNaN(numbers[i]!) ? null : numbers[i]!);
    }
  }
}

/** Returns the rows of a batch as JSON objects. */
export function jsonRows(columns: readonly OutputColumn[], batch: Batch): Record<string, Value>[] {
  const values = columns.map((column) => [column.name, valuesOf(column, batch)] as const);
  return Array.from({ length: batch.rows }, (_, i) =>
    Object.fromEntries(values.map(([name, at]) => [name, at(i)])),
  );
}

/** Returns the head of a CSV file. */
export function csvHead(columns: readonly OutputColumn[]): string {
  return `${columns.map(({ name }) => name).join(',')}\n`;
}

/** Returns a batch as lines of CSV: empty for null, names of flags with `|` between. */
export function csvRows(columns: readonly OutputColumn[], batch: Batch): string {
  const values = columns.map((column) => valuesOf(column, batch));
  const cells = columns.map(() => '');
  let text = '';
  for (let i = 0; i < batch.rows; i++) {
    for (let c = 0; c < cells.length; c++) cells[c] = csvCell(values[c]!(i));
    text += `${cells.join(',')}\n`;
  }
  return text;
}

function csvCell(value: Value): string {
  if (value === null) return '';
  if (typeof value === 'number') return String(value);
  const text = typeof value === 'string' ? value : value.join('|');
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Turns batches into the parts of one Arrow IPC stream. */
export interface ArrowEncoder {
  /** The schema: first part of the stream. */
  readonly head: Uint8Array;
  readonly end: Uint8Array;
  encode(batch: Batch): Uint8Array;
}

/**
 * Returns an encoder: times are timestamp[us, UTC], integers int64, numbers float64, flags int32 (bits), text utf8. Prices and sizes are the float64
 * nearest to their decimals, which `price_decimals` and `size_decimals` give back exactly. `metadata` goes into the schema. The library is loaded on first use.
 */
export async function arrowEncoder(
  columns: readonly OutputColumn[],
  metadata: ReadonlyMap<string, string>,
): Promise<ArrowEncoder> {
  const arrow = await import('apache-arrow');
  const scaled = columns.some(({ type }) => type === 'price');
  const typeOf = ({ type }: OutputColumn) => {
    if (type === 'time') return new arrow.TimestampMicrosecond('UTC');
    if (type === 'integer') return new arrow.Int64();
    if (type === 'flags') return new arrow.Int32();
    return type === 'number' || type === 'price' || type === 'size' ? new arrow.Float64() : new arrow.Utf8();
  };
  const fields = columns.map((c) => new arrow.Field(c.name, typeOf(c), true));
  if (scaled)
    for (const name of ['price_decimals', 'size_decimals'])
      fields.push(new arrow.Field(name, new arrow.Int32(), true));
  const schema = new arrow.Schema(fields, new Map(metadata));

  const data = (column: OutputColumn, batch: Batch) => {
    const { rows } = batch;
    const type = typeOf(column);
    if (type instanceof arrow.Utf8) return utf8(arrow, column, batch);
    const source = batch.columns[column.name] as Float64Array;
    if (column.type === 'flags')
      return arrow.makeData({ type: new arrow.Int32(), data: Int32Array.from(source) });
    if (column.type === 'price' || column.type === 'size') {
      const decimals = batch.columns[`${column.type}_decimals`] as Float64Array;
      const numbers = new Float64Array(rows);
      for (let i = 0; i < rows; i++) numbers[i] = numberOf(source[i]!, decimals[i]!);
      return arrow.makeData({ type: new arrow.Float64(), data: numbers });
    }
    const nulls = nullsOf(rows, (i) => Number.isNaN(source[i]!));
    if (column.type === 'number')
      return arrow.makeData({ type: new arrow.Float64(), data: source, ...nulls });
    return arrow.makeData({ type: type as InstanceType<typeof arrow.Int64>, data: int64(source), ...nulls });
  };
  const toIpc = (batch: Batch | null): Uint8Array => {
    const children = batch === null ? [] : columns.map((column) => data(column, batch));
    if (batch !== null && scaled) {
      for (const name of ['price_decimals', 'size_decimals'])
        children.push(
          arrow.makeData({
            type: new arrow.Int32(),
            data: Int32Array.from(batch.columns[name] as Float64Array),
          }),
        );
    }
    if (batch === null) return arrow.tableToIPC(new arrow.Table(schema), 'stream');
    const struct = arrow.makeData({
      type: new arrow.Struct(fields),
      length: batch.rows,
      nullCount: 0,
      children,
    });
    return arrow.tableToIPC(new arrow.Table(schema, [new arrow.RecordBatch(schema, struct)]), 'stream');
  };
  // A stream is the schema, batches, and an end of eight bytes; each batch is written as a stream of its own, without both.
  const empty = toIpc(null);
  const head = empty.subarray(0, empty.length - 8);
  const end = empty.subarray(empty.length - 8);
  return { head, end, encode: (batch) => toIpc(batch).subarray(head.length, -8) };
}

function nullsOf(rows: number, isNull: (i: number) => boolean) {
  let nullCount = 0;
  const nullBitmap = new Uint8Array(Math.ceil(rows / 8)).fill(0xff);
  for (let i = 0; i < rows; i++) {
    if (!isNull(i)) continue;
    nullCount++;
    nullBitmap[i >> 3]! &= ~(1 << (i & 7));
  }
  return nullCount === 0 ? { nullCount } : { nullCount, nullBitmap };
}

function int64(numbers: Float64Array): BigInt64Array {
  const result = new BigInt64Array(numbers.length);
  const halves = new Int32Array(result.buffer);
  for (let i = 0; i < numbers.length; i++) {
    const value = numbers[i]!;
    if (Number.isNaN(value)) continue;
    halves[2 * i] = value;
    halves[2 * i + 1] = Math.floor(value / 2 ** 32);
  }
  return result;
}

function utf8(arrow: typeof import('apache-arrow'), column: OutputColumn, batch: Batch) {
  const { rows } = batch;
  const texts = textsOf(column, batch);
  if (texts.every((text) => text === texts[0])) return oneText(arrow, texts[0] ?? null, rows);
  const valueOffsets = new Int32Array(rows + 1);
  const data = new TextEncoder().encode(texts.map((text) => text ?? '').join(''));
  let at = 0;
  for (let i = 0; i < rows; i++) {
    const text = texts[i] ?? '';
    // Symbols, sides and ids are ASCII nearly always.
    at += isAscii(text) ? text.length : Buffer.byteLength(text);
    valueOffsets[i + 1] = at;
  }
  return arrow.makeData({
    type: new arrow.Utf8(),
    valueOffsets,
    data,
    ...nullsOf(rows, (i) => texts[i] === null),
  });
}

function textsOf(column: OutputColumn, batch: Batch): readonly (string | null)[] {
  if (column.type === 'text') return batch.columns[column.name] as (string | null)[];
  const textAt = valuesOf(column, batch) as (i: number) => string | null;
  const texts = new Array<string | null>(batch.rows);
  for (let i = 0; i < texts.length; i++) texts[i] = textAt(i);
  return texts;
}

// As nearly all batches have it: one source, no times finer than microseconds.
function oneText(arrow: typeof import('apache-arrow'), text: string | null, rows: number) {
  const type = new arrow.Utf8();
  const valueOffsets = new Int32Array(rows + 1);
  if (text === null) {
    const nullBitmap = new Uint8Array(Math.ceil(rows / 8));
    return arrow.makeData({ type, valueOffsets, nullCount: rows, nullBitmap });
  }
  const data = new TextEncoder().encode(text.repeat(rows));
  const length = data.length / rows;
  for (let i = 0; i < rows; i++) valueOffsets[i + 1] = (i + 1) * length;
  return arrow.makeData({ type, valueOffsets, data, nullCount: 0 });
}

function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 127) return false;
  return true;
}
