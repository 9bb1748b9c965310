// Columns of numbers and text into DuckDB's data chunks and out of them, without an object for each value.
import type { DuckDBDataChunk } from '@duckdb/node-api';
import type duckdbBindings from '@duckdb/node-bindings';

/** Types of the columns of history. BIGINT holds integers to 2^53, which a JS number holds exactly. */
export type ColumnType = 'INTEGER' | 'BIGINT' | 'DOUBLE' | 'VARCHAR';

/** One column: numbers with NaN for NULL, or text with null for NULL. */
export type ColumnData = Float64Array | (string | null)[];

/** Rows of one data chunk. */
export const CHUNK_ROWS = 2048;
const TWO_32 = 2 ** 32;

type Bindings = typeof duckdbBindings;
type Api = typeof import('@duckdb/node-api');
/** Takes chunks: the appender of a table. */
export interface ChunkSink {
  appendDataChunk(chunk: DuckDBDataChunk): void;
}

/** DuckDB, loaded on first use, since it costs start-up time. */
export interface Duck {
  readonly api: Api;
  readonly bindings: Bindings;
}

/** Loads DuckDB. */
export async function loadDuck(): Promise<Duck> {
  const [api, bindings] = await Promise.all([import('@duckdb/node-api'), import('@duckdb/node-bindings')]);
  return { api, bindings: (bindings as unknown as { default: Bindings }).default };
}

/** Appends rows given as columns, in chunks. */
export class ChunkWriter {
  readonly #duck: Duck;
  readonly #types: readonly ColumnType[];
  readonly #chunk: DuckDBDataChunk;
  // One buffer of the widest column: a chunk is filled column by column.
  readonly #bytes = new ArrayBuffer(CHUNK_ROWS * 8);
  readonly #int32 = new Int32Array(this.#bytes);
  readonly #float64 = new Float64Array(this.#bytes);
  readonly #valid = new Uint8Array(CHUNK_ROWS / 8);

  constructor(duck: Duck, types: readonly ColumnType[]) {
    this.#duck = duck;
    this.#types = types;
    this.#chunk = duck.api.DuckDBDataChunk.create(types.map((type) => duck.api[type]));
  }

  /** Appends all rows of `columns`, or those whose numbers are in `rows`. */
  append(sink: ChunkSink, columns: readonly ColumnData[], count: number, rows?: Int32Array): void {
    const total = rows ? rows.length : count;
    for (let from = 0; from < total; from += CHUNK_ROWS) {
      const n = Math.min(CHUNK_ROWS, total - from);
      this.#chunk.reset();
      this.#chunk.rowCount = n;
      for (let c = 0; c < columns.length; c++) this.#fill(c, columns[c]!, from, n, rows);
      sink.appendDataChunk(this.#chunk);
    }
  }

  #fill(at: number, data: ColumnData, from: number, n: number, rows: Int32Array | undefined): void {
    const { bindings } = this.#duck;
    const vector = bindings.data_chunk_get_vector(this.#chunk.chunk, at);
    const type = this.#types[at]!;
    this.#valid.fill(0xff);
    let nulls = 0;
    const setNull = (i: number) => {
      nulls++;
      this.#valid[i >> 3]! &= ~(1 << (i & 7));
    };
    if (type === 'VARCHAR') {
      const texts = data as (string | null)[];
      if (!rows && isEmpty(texts, from, n)) {
        // As nearly all chunks of a column of times that are finer than microseconds.
        nulls = n;
        this.#valid.fill(0);
      } else
        for (let i = 0; i < n; i++) {
          const text = texts[rows ? rows[from + i]! : from + i]!;
          if (text === null) setNull(i);
          else bindings.vector_assign_string_element(vector, i, text);
        }
    } else {
      const numbers = data as Float64Array;
      const [int32, float64] = [this.#int32, this.#float64];
      for (let i = 0; i < n; i++) {
        const value = numbers[rows ? rows[from + i]! : from + i]!;
        if (Number.isNaN(value)) {
          setNull(i);
          if (type === 'INTEGER') int32[i] = 0;
          else float64[i] = 0;
        } else if (type === 'BIGINT') {
          // Both halves of the two's complement: storing in an Int32Array takes a number modulo 2^32.
          int32[2 * i] = value;
          int32[2 * i + 1] = Math.floor(value / TWO_32);
        } else if (type === 'DOUBLE') float64[i] = value;
        else int32[i] = value;
      }
      bindings.copy_data_to_vector(vector, 0, this.#bytes, 0, n * (type === 'INTEGER' ? 4 : 8));
    }
    if (nulls > 0) {
      bindings.vector_ensure_validity_writable(vector);
      const bytes = Math.ceil(n / 64) * 8;
      bindings.copy_data_to_vector_validity(vector, 0, this.#valid.buffer as ArrayBuffer, 0, bytes);
    }
  }
}

function isEmpty(texts: readonly (string | null)[], from: number, n: number): boolean {
  for (let i = from; i < from + n; i++) if (texts[i] !== null) return false;
  return true;
}

/** Returns column `at` of a chunk as numbers (NaN for NULL) or text; a copy, which outlives the chunk. */
export function readColumn(duck: Duck, chunk: DuckDBDataChunk, at: number, type: ColumnType): ColumnData {
  if (type === 'VARCHAR') return readTexts(duck, chunk, at);
  const { bindings } = duck;
  const n = chunk.rowCount;
  const numbers = new Float64Array(n);
  if (n === 0) return numbers;
  const vector = bindings.data_chunk_get_vector(chunk.chunk, at);
  const bytes = bindings.vector_get_data(vector, n * (type === 'INTEGER' ? 4 : 8));
  if (type === 'DOUBLE') numbers.set(new Float64Array(bytes.buffer, bytes.byteOffset, n));
  else if (type === 'INTEGER') numbers.set(new Int32Array(bytes.buffer, bytes.byteOffset, n));
  else {
    const halves = new Int32Array(bytes.buffer, bytes.byteOffset, 2 * n);
    for (let i = 0; i < n; i++) numbers[i] = halves[2 * i + 1]! * TWO_32 + (halves[2 * i]! >>> 0);
  }
  const valid = bindings.vector_get_validity(vector, Math.ceil(n / 64) * 8) as Uint8Array | null;
  if (valid) {
    for (let i = 0; i < n; i++) if ((valid[i >> 3]! & (1 << (i & 7))) === 0) numbers[i] = Number.NaN;
  }
  return numbers;
}

function noneValid(valid: Uint8Array, n: number): boolean {
  for (let i = 0; i < n >> 3; i++) if (valid[i] !== 0) return false;
  return (n & 7) === 0 || (valid[n >> 3]! & ((1 << (n & 7)) - 1)) === 0;
}

// Texts of a column are mostly the same from row to row (symbols, sources) or absent: a text is decoded where the sixteen bytes that DuckDB has
// for it, which hold a short text or the place of a long one, differ from those of the row before.
function readTexts({ bindings }: Duck, chunk: DuckDBDataChunk, at: number): (string | null)[] {
  const n = chunk.rowCount;
  if (n === 0) return [];
  const raw = bindings.data_chunk_get_vector(chunk.chunk, at);
  const valid = bindings.vector_get_validity(raw, Math.ceil(n / 64) * 8) as Uint8Array | null;
  if (valid && noneValid(valid, n)) return new Array<string | null>(n).fill(null);
  const bytes = bindings.vector_get_data(raw, n * 16);
  const words = new Int32Array(bytes.buffer, bytes.byteOffset, n * 4);
  const vector = chunk.getColumnVector(at);
  const texts = new Array<string | null>(n).fill(null);
  let last = -1;
  for (let i = 0; i < n; i++) {
    if (valid && (valid[i >> 3]! & (1 << (i & 7))) === 0) continue;
    const [a, b] = [last * 4, i * 4];
    const same =
      last >= 0 &&
      words[a] === words[b] &&
      words[a + 1] === words[b + 1] &&
      words[a + 2] === words[b + 2] &&
      words[a + 3] === words[b + 3];
    texts[i] = same ? texts[last]! : (vector.getItem(i) as string);
    last = i;
  }
  return texts;
}
