// The rows that a choice of features may look at, and the features that can be compared at all.
import { InsufficientHistoryError } from '../../core/errors.ts';
import { argsort } from '../../native/index.ts';
import type { ValidationData } from '../validation/data.ts';

/** Fewest complete rows of a comparison. */
export const MIN_ROWS = 50;
/** A column with fewer known values than this share of the rows would leave too few complete rows for all others. */
const LEAST_KNOWN = 0.5;

/** Why a column is not compared. */
export const UNUSABLE = ['all_missing', 'constant', 'mostly_missing'] as const;
export type Unusable = (typeof UNUSABLE)[number];

/** Complete rows in order of time, column by column. */
export interface Candidates {
  readonly rows: number;
  /** Places of the columns that are compared. */
  readonly places: readonly number[];
  /** [places.length, rows]. */
  readonly values: Float64Array;
  /** [rows]; class numbers where `classes` is given. */
  readonly target: Float64Array;
  readonly classes: number | null;
  /** [rows], never falling. */
  readonly startUs: Float64Array;
  readonly unusable: ReadonlyMap<number, Unusable>;
  /** Rows that were left out, since they miss a value of a column that is compared. */
  readonly incomplete: number;
}

/** Returns a column of candidates. */
export function columnAt({ values, rows }: Candidates, i: number): Float64Array {
  return values.subarray(i * rows, (i + 1) * rows);
}

/**
 * Returns what can be compared of `rows` (ascending): columns that are constant, or known in fewer than half of the rows, are named with the
 * reason; of the others only rows without a missing value stay. Throws InsufficientHistoryError under {@link MIN_ROWS} of them.
 */
export function candidatesOf(data: ValidationData, rows: Uint32Array): Candidates {
  const { inputs, columns } = data;
  const unusable = new Map<number, Unusable>();
  const places: number[] = [];
  for (let column = 0; column < columns; column++) {
    const reason = faultOf(rows.length, (row) => inputs[rows[row]! * columns + column]!);
    if (reason) unusable.set(column, reason);
    else places.push(column);
  }
  const whole = rows.filter((row) => places.every((c) => !Number.isNaN(inputs[row * columns + c]!)));
  if (whole.length < MIN_ROWS) {
    const detail = `Expected at least ${MIN_ROWS} rows of the training part that miss no value, was ${whole.length} of ${rows.length}`;
    throw new InsufficientHistoryError(detail, MIN_ROWS, whole.length);
  }
  const values = new Float64Array(places.length * whole.length);
  places.forEach((column, i) => {
    const to = values.subarray(i * whole.length, (i + 1) * whole.length);
    for (let r = 0; r < whole.length; r++) to[r] = inputs[whole[r]! * columns + column]!;
  });
  return {
    rows: whole.length,
    places,
    values,
    target: Float64Array.from(whole, (row) => data.targets![row]!),
    classes: data.classes ?? null,
    startUs: Float64Array.from(whole, (row) => data.spans.startUs[row]!),
    unusable,
    incomplete: rows.length - whole.length,
  };
}

/** Returns why a column of `rows` values can't be compared; null where it can. */
export function faultOf(rows: number, at: (row: number) => number): Unusable | null {
  let known = 0;
  let first = Number.NaN;
  let varies = false;
  for (let row = 0; row < rows; row++) {
    const value = at(row);
    if (Number.isNaN(value)) continue;
    if (known++ === 0) first = value;
    else varies ||= value !== first;
  }
  if (known === 0) return 'all_missing';
  if (!varies) return 'constant';
  return known < rows * LEAST_KNOWN ? 'mostly_missing' : null;
}

/**
 * Returns edges [parts + 1] of parts of `rows` rows as equal as rows of one time allow; fewer parts where there are too few times.
 */
export function timeBlocks(startUs: Float64Array, parts: number): number[] {
  const rows = startUs.length;
  const edges = [0];
  for (let part = 1; part < parts; part++) {
    let edge = Math.round((rows * part) / parts);
    while (edge < rows && edge > 0 && startUs[edge] === startUs[edge - 1]) edge++;
    if (edge > edges.at(-1)! && edge < rows) edges.push(edge);
  }
  return [...edges, rows];
}

/** Numbers that are sorted in one call: what the order of all columns of a wide table takes would be as large as the table. */
const SORTED_CELLS = 2 ** 22;

/**
 * Returns codes [columns, rows] from 0 to below `bins`, each column by itself: bins of about equally many rows, equal values share one. Off the
 * thread; O(columns rows log rows).
 */
export async function binned(
  values: Float64Array,
  rows: number,
  bins: number,
  signal?: AbortSignal,
): Promise<Uint8Array> {
  const codes = new Uint8Array(values.length);
  const size = rows * Math.max(1, Math.floor(SORTED_CELLS / rows));
  for (let from = 0; from < values.length; from += size) {
    const part = values.subarray(from, from + size);
    const columns = part.length / rows;
    const { out: order } = await argsort.async({ rows: columns, count: rows, values: part }, signal);
    for (let column = 0; column < columns; column++) {
      const [at, to] = [column * rows, (column + 1) * rows];
      binInto(codes.subarray(from + at, from + to), part.subarray(at, to), order.subarray(at, to), bins);
    }
  }
  return codes;
}

/** Writes how many quantiles (the lower ones: values of `x`) each value is above. */
function binInto(codes: Uint8Array, x: Float64Array, order: Uint32Array, bins: number): void {
  const last = x.length - 1;
  const quantile = (i: number) => x[order[Math.floor(((i + 1) * last) / bins)]!]!;
  const edges = [...new Set(Array.from({ length: bins - 1 }, (_, i) => quantile(i)))];
  let code = 0;
  for (let i = 0; i <= last; i++) {
    const row = order[i]!;
    while (code < edges.length && x[row]! > edges[code]!) code++;
    codes[row] = code;
  }
}

/** Returns average ranks [columns, rows] from 1, each column by itself. Off the thread. */
export async function ranked(
  values: Float64Array,
  rows: number,
  signal?: AbortSignal,
): Promise<Float64Array> {
  const columns = values.length / rows;
  const { out: order } = await argsort.async({ rows: columns, count: rows, values }, signal);
  const ranks = new Float64Array(values.length);
  for (let column = 0; column < columns; column++) {
    const base = column * rows;
    for (let from = 0; from < rows; ) {
      const value = values[base + order[base + from]!]!;
      let to = from + 1;
      while (to < rows && values[base + order[base + to]!] === value) to++;
      for (let i = from; i < to; i++) ranks[base + order[base + i]!] = (from + to + 1) / 2;
      from = to;
    }
  }
  return ranks;
}
