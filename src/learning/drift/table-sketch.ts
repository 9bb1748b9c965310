// A table seen once, row after row: a sketch of each column, in memory that does not grow with the rows but by their logarithm.
import { InvalidOptionError, ShapeMismatchError } from '../../core/errors.ts';
import { CategorySketch, type CategorySketchJson } from './category-sketch.ts';
import { NumericSketch, type NumericSketchJson } from './numeric-sketch.ts';
import { type SummaryCall, summarise, summariseLater } from './summarise.ts';
import type { Category, Chunk, ColumnSpec, ColumnValues, SketchOptions } from './types.ts';

/** Rows that one call of the kernel takes: a column of them fits the second cache. */
const SLICE = 65_536;
/** Values that one call takes when columns are gathered first. */
const BLOCK = 2 ** 21;
/** Rows that wait for others before they are summarised. */
const WAITING = 4096;

export type ColumnSketch = NumericSketch | CategorySketch;

export interface TableSketchJson {
  readonly version: 1;
  readonly points: number;
  readonly categories: number;
  readonly columns: readonly ColumnSpec[];
  readonly sketches: readonly (NumericSketchJson | CategorySketchJson)[];
}

type Values = Float64Array | Float32Array;
const refuse = (pointer: string, expected: string, received?: string): never => {
  const field = received === undefined ? { pointer, expected } : { pointer, expected, received };
  throw new InvalidOptionError(`Expected ${expected} for ${pointer}${received ? `, was ${received}` : ''}`, [
    field,
  ]);
};

function within(
  value: number | undefined,
  fallback: number,
  low: number,
  high: number,
  name: string,
): number {
  const given = value ?? fallback;
  if (Number.isInteger(given) && given >= low && given <= high) return given;
  return refuse(name, `an integer from ${low} to ${high}`);
}

/** A table of named columns. One call at a time: the promise of one comes before the next. */
export class TableSketch {
  readonly columns: readonly ColumnSpec[];
  readonly points: number;
  readonly categories: number;
  readonly #sketches: ReadonlyMap<string, ColumnSketch>;
  readonly #numeric: readonly NumericSketch[];
  /** [numeric columns, room]: rows that came few at a time. */
  #waiting = new Float64Array(0);
  #room = 0;
  #waits = 0;

  /** Throws `InvalidOptionError` for no columns, one name twice, and options out of range. */
  constructor(columns: readonly ColumnSpec[], options: SketchOptions = {}) {
    if (columns.length === 0) refuse('columns', 'at least one column');
    this.points = within(options.points, 1024, 16, 65_536, 'points');
    this.categories = within(options.categories, 1000, 2, 100_000, 'categories');
    this.columns = columns.map(({ name, kind }) => ({ name, kind }));
    const sketches = new Map<string, ColumnSketch>();
    for (const { name, kind } of columns) {
      if (sketches.has(name)) refuse('columns', 'different names');
      sketches.set(
        name,
        kind === 'numeric' ? new NumericSketch(this.points) : new CategorySketch(this.categories),
      );
    }
    this.#sketches = sketches;
    this.#numeric = [...sketches.values()].filter((sketch) => sketch.kind === 'numeric');
  }

  /** Returns the sketch of whole columns; those of typed arrays are numeric, others where all values are numbers, missing or truth values. */
  static build(columns: Chunk, options: SketchOptions = {}): TableSketch {
    const sketch = new TableSketch(specsOf(columns), options);
    sketch.update(columns);
    return sketch;
  }

  /** {@link build}, with the work beside the JavaScript thread. */
  static async buildLater(columns: Chunk, options: SketchOptions & { readonly signal?: AbortSignal } = {}) {
    const sketch = new TableSketch(specsOf(columns), options);
    await sketch.updateLater(columns, options.signal);
    return sketch;
  }

  /** Rows that were seen. */
  get rows(): number {
    const sketch = this.#sketches.get(this.columns[0]!.name)!;
    if (sketch.kind === 'categorical') return sketch.values + sketch.missing;
    return sketch.numbers + sketch.missing + sketch.nonFinite + this.#waits;
  }

  /** Returns the sketch of one column, or undefined. */
  column(name: string): ColumnSketch | undefined {
    this.flush();
    return this.#sketches.get(name);
  }

  /** Adds rows. Throws, before anything changes, `ShapeMismatchError` for columns of different lengths and `InvalidOptionError` for one that is absent or holds texts where numbers belong. */
  update(chunk: Chunk): void {
    for (const call of this.#take(chunk)) summarise(call);
  }

  /** {@link update}, with the work beside the JavaScript thread. */
  async updateLater(chunk: Chunk, signal?: AbortSignal): Promise<void> {
    for (const call of this.#take(chunk)) await summariseLater(call, signal);
  }

  /** Adds rows of a table of numeric columns only: `values` is [rows, columns], row after row. */
  updateRows(values: Values): void {
    for (const call of this.#slices(values)) summarise(call);
  }

  /** {@link updateRows}, with the work beside the JavaScript thread. */
  async updateRowsLater(values: Values, signal?: AbortSignal): Promise<void> {
    for (const call of this.#slices(values)) await summariseLater(call, signal);
  }

  *#slices(values: Values): Generator<SummaryCall> {
    const columns = this.columns.length;
    if (this.#numeric.length !== columns) refuse('columns', 'numeric columns only');
    if (values.length % columns !== 0)
      throw new ShapeMismatchError(`Expected whole rows of ${columns} values, were ${values.length} values`);
    const rows = values.length / columns;
    for (let from = 0; from < rows; from += SLICE) {
      const upTo = Math.min(rows, from + SLICE);
      const slice = values.subarray(from * columns, upTo * columns);
      yield { columns: this.#numeric, rows: upTo - from, values: slice, columnMajor: false };
    }
  }

  *#take(chunk: Chunk): Generator<SummaryCall> {
    const { rows, numeric, categorical } = this.#checked(chunk);
    for (const [sketch, values] of categorical) for (const value of values) sketch.add(value as Category);
    if (rows < WAITING) {
      if (this.#waits + rows > WAITING) yield* this.#waited();
      this.#keep(numeric, rows);
      return;
    }
    for (let from = 0; from < rows; from += SLICE) {
      const count = Math.min(SLICE, rows - from);
      const width = Math.max(1, Math.floor(BLOCK / count));
      for (let first = 0; first < numeric.length; first += width) {
        const block = numeric.slice(first, first + width);
        const Class = block.every((values) => values instanceof Float32Array) ? Float32Array : Float64Array;
        const values = new Class(block.length * count);
        for (const [i, column] of block.entries()) values.set(column.subarray(from, from + count), i * count);
        yield { columns: this.#numeric.slice(first, first + width), rows: count, values, columnMajor: true };
      }
    }
  }

  #checked(chunk: Chunk) {
    let rows = -1;
    const numeric: Values[] = [];
    const categorical: [CategorySketch, ColumnValues][] = [];
    for (const { name } of this.columns) {
      const values = chunk.get(name);
      if (values === undefined) return refuse(name, 'a column of values', 'missing');
      if (rows < 0) rows = values.length;
      if (values.length !== rows)
        throw new ShapeMismatchError(`Expected ${rows} values in column ${name}, were ${values.length}`);
      const sketch = this.#sketches.get(name)!;
      if (sketch.kind === 'categorical') categorical.push([sketch, values]);
      else numeric.push(numbersOf(name, values));
    }
    return { rows, numeric, categorical };
  }

  #keep(numeric: readonly Values[], rows: number): void {
    const needed = this.#waits + rows;
    if (needed > this.#room) {
      const room = Math.min(WAITING, Math.max(64, 2 * needed));
      const wider = new Float64Array(this.#numeric.length * room);
      for (let i = 0; i < this.#numeric.length; i++)
        wider.set(this.#waiting.subarray(i * this.#room, i * this.#room + this.#waits), i * room);
      this.#waiting = wider;
      this.#room = room;
    }
    for (const [i, values] of numeric.entries()) this.#waiting.set(values, i * this.#room + this.#waits);
    this.#waits = needed;
  }

  *#waited(): Generator<SummaryCall> {
    const rows = this.#waits;
    if (rows === 0 || this.#numeric.length === 0) return;
    const values = new Float64Array(this.#numeric.length * rows);
    for (let i = 0; i < this.#numeric.length; i++)
      values.set(this.#waiting.subarray(i * this.#room, i * this.#room + rows), i * rows);
    this.#waits = 0;
    yield { columns: this.#numeric, rows, values, columnMajor: true };
  }

  /** Summarises the rows that wait, so that every column says all that was seen. */
  flush(): void {
    for (const call of this.#waited()) summarise(call);
  }

  /** Adds all rows of `other`. Throws `InvalidOptionError` unless both have the same columns and options. */
  merge(other: TableSketch): this {
    const same =
      other.columns.length === this.columns.length &&
      other.points === this.points &&
      other.categories === this.categories &&
      this.columns.every(({ name, kind }) => other.#sketches.get(name)?.kind === kind);
    if (!same) refuse('sketch', 'the same columns and options in both sketches');
    this.flush();
    other.flush();
    for (const [name, mine] of this.#sketches) {
      const theirs = other.#sketches.get(name)!;
      if (mine.kind === 'numeric') mine.merge(theirs as NumericSketch);
      else mine.merge(theirs as CategorySketch);
    }
    return this;
  }

  /** Returns a sketch of the rows of both; neither changes. */
  static merge(a: TableSketch, b: TableSketch): TableSketch {
    return new TableSketch(a.columns, a).merge(a).merge(b);
  }

  toJSON(): TableSketchJson {
    this.flush();
    const { points, categories, columns } = this;
    const sketches = columns.map(({ name }) => this.#sketches.get(name)!.toJSON());
    return { version: 1, points, categories, columns, sketches };
  }

  /** Returns the sketch that {@link toJSON} was called on. Throws `InvalidOptionError`, naming the member, for anything else. */
  static fromJSON(json: unknown): TableSketch {
    const from = (json ?? {}) as TableSketchJson;
    if (from.version !== 1) refuse('version', '1');
    const named =
      Array.isArray(from.columns) &&
      from.columns.every(
        ({ name, kind }) => typeof name === 'string' && (kind === 'numeric' || kind === 'categorical'),
      );
    if (!named) refuse('columns', 'names and kinds of columns');
    if (!Array.isArray(from.sketches) || from.sketches.length !== from.columns.length)
      refuse('sketches', 'one sketch for each column');
    const sketch = new TableSketch(from.columns, from);
    for (const [i, { name, kind }] of sketch.columns.entries()) {
      const said = from.sketches[i]!;
      const pointer = `sketches/${i}`;
      if (said?.kind !== kind) refuse(pointer, 'a sketch of the kind of its column');
      const mine = sketch.#sketches.get(name)!;
      if (mine.kind === 'numeric')
        mine.merge(NumericSketch.fromJSON(said as NumericSketchJson, sketch.points, pointer));
      else mine.merge(CategorySketch.fromJSON(said as CategorySketchJson, sketch.categories, pointer));
    }
    return sketch;
  }
}

function specsOf(columns: Chunk): ColumnSpec[] {
  return [...columns].map(([name, values]) => {
    const numeric =
      values instanceof Float64Array ||
      values instanceof Float32Array ||
      values.every((value) => isNumber(value));
    return { name, kind: numeric ? 'numeric' : 'categorical' };
  });
}

const isNumber = (value: Category) => typeof value !== 'string' || value === '';

/** Returns numbers, NaN where they are missing; truth values are 0 and 1. */
function numbersOf(name: string, values: ColumnValues): Values {
  if (values instanceof Float64Array || values instanceof Float32Array) return values;
  return Float64Array.from(values, (value) => {
    if (!isNumber(value)) refuse(name, 'numbers', 'string');
    return value === null || value === undefined || value === '' ? Number.NaN : Number(value);
  });
}
