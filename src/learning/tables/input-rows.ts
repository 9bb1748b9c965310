// The input of a model, row by row, from a table: training and serving make it here and nowhere else.
import { computeFeatures, type FeatureSpec } from './features.ts';
import { type Frame, rowsOfSeries } from './frame.ts';

/** Inputs of every row of a frame. */
export interface InputTable {
  /** Names of the inputs, in order; of a row so many steps back `name@-2`. */
  readonly names: readonly string[];
  /** Numbers of one input: features times steps. */
  readonly columns: number;
  /** Writes the input of a row to `input` [columns] and returns how many of its numbers are known; NaN where not, and where float32 can't hold it. */
  fill(row: number, input: Float32Array): number;
}

/** Returns the inputs of a frame: the features of `steps` rows of a series, the oldest first and the row itself last. Throws what `computeFeatures` throws. */
export function inputTable(frame: Frame, features: readonly FeatureSpec[], steps: number): InputTable {
  const { names, values } = computeFeatures(frame, features);
  const before = windows(frame, steps);
  return {
    names: inputNames(names, steps),
    columns: names.length * steps,
    fill: (row, input) => fill(input, values, names.length, before, row * steps),
  };
}

function inputNames(names: readonly string[], steps: number): string[] {
  return Array.from({ length: steps }, (_, step) => {
    const back = steps - 1 - step;
    return names.map((name) => (back === 0 ? name : `${name}@-${back}`));
  }).flat();
}

/** Returns the rows [rows, steps] that each row's input is made of; -1 before the start of its series. */
function windows(frame: Frame, steps: number): Int32Array {
  const found = new Int32Array(frame.rows * steps).fill(-1);
  for (const rows of rowsOfSeries(frame)) {
    for (let i = 0; i < rows.length; i++) {
      const at = rows[i]! * steps;
      for (let step = 0; step < steps; step++) {
        const back = steps - 1 - step;
        if (i >= back) found[at + step] = rows[i - back]!;
      }
    }
  }
  return found;
}

/** Writes the input of one row and returns how many of its numbers are known. What float32 can't hold is missing too. */
function fill(
  input: Float32Array,
  values: Float64Array,
  width: number,
  before: Int32Array,
  at: number,
): number {
  let known = 0;
  for (let c = 0; c < input.length; c++) {
    const row = before[at + Math.floor(c / width)]!;
    const value = row < 0 ? Number.NaN : Math.fround(values[row * width + (c % width)]!);
    input[c] = Number.isFinite(value) ? value : Number.NaN;
    if (Number.isFinite(value)) known++;
  }
  return known;
}
