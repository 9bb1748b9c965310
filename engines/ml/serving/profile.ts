// What a model is like when it runs: what rows cost, and from how many rows on a row gets the same bits in any company.
import type { ModelSession } from '../../../src/onnx/session.ts';
import { filledUp } from '../../../src/onnx/variants/static-rows.ts';

/** Measured once for each model, before it counts as ready. */
export interface ModelProfile {
  /**
   * Least rows of a run such that each row gets the same bits whatever comes with it; runs with fewer are filled up. Null: there is
   * no such number, and each request runs alone.
   */
  readonly floor: number | null;
  /** Microseconds of a run with one row. */
  readonly oneRowUs: number;
  /** Microseconds of a run with `mostRows` rows. */
  readonly mostRowsUs: number;
  /** Most rows of one run, all of which was tried. */
  readonly mostRows: number;
  /** Most rows of one run for a single request within the engine, all of which was tried; at least `mostRows`. */
  readonly wholeRows: number;
}

/** The part of a session that is measured. */
export interface ProfiledModel extends Pick<ModelSession, 'input' | 'predict'> {
  /** Whether it runs row by row by itself, so that there is nothing to measure of company. */
  readonly rowsRunAlone?: true;
  /** Rows to measure it with, for one that does not read any numbers. */
  readonly probe?: (rows: number) => Float32Array;
}

/** Numbers of rows among which a floor is looked for: one row is often multiplied by other code than several. */
const FLOORS = [1, 2, 4, 16] as const;
/** Every number of rows up to this is tried: kernels cut rows into tiles of at most so many, and treat what is left in another way. */
const TILE = 24;
/** Rows that are compared, as far as they are cheap. */
const MOST_ROWS = 64;
const LEAST_ROWS = 8;
/** Microseconds that the comparison at one floor may take; a dearer model gains little from company and runs without. */
const BUDGET_US = 500_000;

/** Microseconds up to which a run of more than `mostRows` rows is tried. */
const WHOLE_US = 20_000;

/**
 * Measures an open model in runs of up to `mostRows` rows, and of `wantedRows` where that is quick. Throws what it throws on rows of
 * ordinary numbers.
 */
export async function profileOf(
  model: ProfiledModel,
  mostRows: number,
  wantedRows = mostRows,
): Promise<ModelProfile> {
  const oneRowUs = await timeUs(model, 1);
  const mostRowsUs = await timeUs(model, mostRows);
  const perRowUs = mostRowsUs / mostRows;
  if (model.rowsRunAlone) return { floor: 1, oneRowUs, mostRowsUs, mostRows, wholeRows: mostRows };
  // Beside the compared rows alone: one run of every size of the tile, and one of all rows.
  const fixedUs = TILE * Math.max(oneRowUs, (TILE / 2) * perRowUs) + mostRowsUs;
  const affordable = Math.floor((BUDGET_US - fixedUs) / Math.max(oneRowUs, 1));
  const wholeRows = perRowUs * wantedRows <= WHOLE_US ? Math.max(mostRows, wantedRows) : mostRows;
  if (wholeRows > mostRows) await model.predict(probeRows(wholeRows, model.input.columns), wholeRows);
  const sizes = [mostRows, wholeRows];
  const floor = affordable < LEAST_ROWS ? null : await floorOf(model, Math.min(MOST_ROWS, affordable), sizes);
  return { floor, oneRowUs, mostRowsUs, mostRows, wholeRows };
}

/** Returns rows that `model` reads. */
export function probeOf({ input, probe }: ProfiledModel, rows: number): Float32Array {
  return probe ? probe(rows) : probeRows(rows, input.columns);
}

/** Returns the microseconds that a run of so many rows takes, by what was measured. */
export function estimateUs({ oneRowUs, mostRowsUs, mostRows }: ModelProfile, rows: number): number {
  const runs = Math.ceil(rows / mostRows);
  const perRow = mostRows > 1 ? Math.max(0, mostRowsUs - oneRowUs) / (mostRows - 1) : 0;
  return runs * oneRowUs + Math.max(0, rows - runs) * perRow;
}

/** Returns `rows` rows of five magnitudes from a fixed formula, the first being row `from`. */
export function probeRows(rows: number, columns: number, from = 0): Float32Array {
  return Float32Array.from({ length: rows * columns }, (_, i) => {
    const row = from + Math.floor(i / columns);
    return 10 ** ((row % 5) - 3) * Math.sin(1 + row * 7.3 + (i % columns) * 2.1);
  });
}

async function timeUs(model: ProfiledModel, rows: number): Promise<number> {
  const inputs = probeOf(model, rows);
  let best = Number.POSITIVE_INFINITY;
  // The first run allocates; the least of the others has the fewest interruptions in it.
  for (let run = 0; run < 4; run++) {
    const started = performance.now();
    await model.predict(inputs, rows);
    const us = (performance.now() - started) * 1000;
    if (run > 0) best = Math.min(best, us);
    else if (us > BUDGET_US) return us;
  }
  return best;
}

async function floorOf(
  model: ProfiledModel,
  compared: number,
  sizes: readonly number[],
): Promise<number | null> {
  for (const floor of FLOORS) {
    if (floor > sizes[0]!) return null;
    if (await standAlone(model, floor, compared, sizes)) return floor;
  }
  return null;
}

/** Whether rows get the bits that they get in a run of `floor` in runs of every size of the tile up to the first of `large`, and of those. */
async function standAlone(
  model: ProfiledModel,
  floor: number,
  compared: number,
  large: readonly number[],
): Promise<boolean> {
  const { columns } = model.input;
  const rows = probeRows(compared, columns);
  const alone: Float32Array[] = [];
  for (let row = 0; row < compared; row++) {
    const one = filledUp(rows.subarray(row * columns, (row + 1) * columns), 1, columns, floor);
    alone.push((await model.predict(one, floor)).slice());
  }
  const width = alone[0]!.length / floor;
  // All copies of a row in the run that it fills agree, else its place matters.
  if (!alone.every((output) => same(output, output.subarray(0, width), width))) return false;
  const small = [...Array.from({ length: TILE }, (_, i) => floor + i), compared];
  for (const size of new Set([...small.filter((rows) => rows <= large[0]!), ...large])) {
    const inputs = new Float32Array(size * columns);
    for (let at = 0; at < size; at++) {
      const row = (at * 7 + size) % compared;
      inputs.set(rows.subarray(row * columns, (row + 1) * columns), at * columns);
    }
    const output = await model.predict(inputs, size);
    for (let at = 0; at < size; at++) {
      const expected = alone[(at * 7 + size) % compared]!.subarray(0, width);
      if (!same(output.subarray(at * width, (at + 1) * width), expected, width)) return false;
    }
  }
  return true;
}

function same(output: Float32Array, row: Float32Array, width: number): boolean {
  return output.every((value, i) => Object.is(value, row[i % width]));
}
