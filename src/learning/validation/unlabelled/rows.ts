// What the scores of models without a target read: rows by their part, the newest step of each, and who came before.
import { takeInputs, type ValidationData } from '../data.ts';
import { overlappingRows, takeSpans } from '../spans.ts';

/** Rows of one fit and its test. */
export interface Parts {
  readonly data: ValidationData;
  /** Rows that the model was fitted on, ascending. */
  readonly fit: Uint32Array;
  /** Rows that thresholds are measured on; null where there are none. */
  readonly calibration: Uint32Array | null;
  /** Later rows, ascending: the scores are theirs. */
  readonly test: Uint32Array;
  /** Steps in one row; divides the columns. */
  readonly steps: number;
}

/** Rows of numbers, row-major. */
export interface Points {
  readonly rows: number;
  readonly columns: number;
  readonly values: Float64Array;
}

/** Fewest blocks of a bootstrap: with fewer, an interval says more than the data. */
const BLOCKS = 8;

/**
 * Returns how many neighbouring rows a bootstrap draws together: those that read some of the same data, at least the square root of the
 * rows as states last, at most an eighth of the rows.
 */
export function blockRowsOf({ data, test }: Parts): number {
  const overlap = overlappingRows(takeSpans(data.spans, test));
  const rows = test.length;
  return Math.max(1, Math.min(Math.floor(rows / BLOCKS), Math.max(overlap, Math.ceil(Math.sqrt(rows)))));
}

/** Returns the rows in order of their series, those of one in order of time: who comes next follows who was before. */
export function bySeries(data: ValidationData, rows: Uint32Array): Uint32Array {
  const { series } = data;
  return series ? rows.slice().sort((a, b) => series[a]! - series[b]! || a - b) : rows;
}

/** Returns for each of `rows` (ascending) the place among them of the row of its series before it, -1 for the first. */
export function placeBefore({ series }: ValidationData, rows: Uint32Array): Int32Array {
  const last = new Map<number, number>();
  return Int32Array.from(rows, (row, place) => {
    const of = series?.[row] ?? 0;
    const before = last.get(of) ?? -1;
    last.set(of, place);
    return before;
  });
}

/** Returns the newest step of rows: the last features of each. */
export function newestStep(data: ValidationData, rows: Uint32Array, steps: number): Points {
  const columns = data.columns / steps;
  const values = new Float64Array(rows.length * columns);
  for (const [place, row] of rows.entries()) {
    const end = (row + 1) * data.columns;
    values.set(data.inputs.subarray(end - columns, end), place * columns);
  }
  return { rows: rows.length, columns, values };
}

/** Mean and population deviation of columns; deviation 1 where a column is constant. */
export interface Centre {
  readonly mean: Float64Array;
  readonly deviation: Float64Array;
}

/** Returns the mean and the deviation of each column. */
export function centreOf({ rows, columns, values }: Points): Centre {
  const mean = new Float64Array(columns);
  const deviation = new Float64Array(columns);
  for (let i = 0; i < values.length; i++) mean[i % columns]! += values[i]! / rows;
  for (let i = 0; i < values.length; i++)
    deviation[i % columns]! += (values[i]! - mean[i % columns]!) ** 2 / rows;
  for (let c = 0; c < columns; c++) {
    const root = Math.sqrt(deviation[c]!);
    deviation[c] = root > Math.abs(mean[c]!) * 1e-12 ? root : 1;
  }
  return { mean, deviation };
}

/** Returns points less the mean, in deviations. */
export function centred(points: Points, { mean, deviation }: Centre): Points {
  const { columns } = points;
  const values = points.values.map((value, i) => (value - mean[i % columns]!) / deviation[i % columns]!);
  return { ...points, values };
}

/** Returns whole rows as points. */
export function pointsOf(data: ValidationData, rows: Uint32Array): Points {
  const values = Float64Array.from(takeInputs(data, rows));
  return { rows: rows.length, columns: data.columns, values };
}
