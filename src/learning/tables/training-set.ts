// From a table to rows that a family can fit: features, labels, their times, and what was left out and why.
import { InsufficientHistoryError, InvalidOptionError } from '../../core/errors.ts';
import type { ValidationData } from '../validation/data.ts';
import { computeFeatures, type FeatureSpec, lookBack } from './features.ts';
import { type Frame, rowsOfSeries } from './frame.ts';
import { computeTargets, type TargetSpec } from './target.ts';

/** Rows with all that a fit needs. */
export interface TrainingSet {
  readonly data: ValidationData;
  /** Names of the inputs, in order. */
  readonly inputs: readonly string[];
  /** Rows that are not in `data`, by reason. */
  readonly leftOut: { readonly without_label: number; readonly without_features: number };
}

/** How rows are made. */
export interface SetOptions {
  /** `keep`: a row whose features are partly missing stays, for families that read NaN as "missing". */
  readonly missing?: 'drop' | 'keep';
  /** Rows of the same series that one input holds, the oldest first and the row itself last; 1 by default. */
  readonly steps?: number;
}

/** Fewest rows that are worth a fit. */
const MIN_ROWS = 20;
/** Most numbers of all inputs: 1 GiB of float32. */
const MAX_INPUTS = 2 ** 28;

/**
 * Returns the rows of a frame with features and a label. A row without any feature is never among them. Without a target there are no
 * labels, and the span of a row reaches to the last row of its series that reads some of the same data.
 * Throws InvalidOptionError (columns, too many inputs), InsufficientHistoryError under 20 rows.
 */
export function trainingSet(
  frame: Frame,
  features: readonly FeatureSpec[],
  target: TargetSpec,
  { missing = 'drop', steps = 1 }: SetOptions = {},
): TrainingSet {
  const { names, values } = computeFeatures(frame, features);
  const columns = names.length * steps;
  const labels = target.kind === 'none' ? null : computeTargets(frame, target);
  if (frame.rows * columns > MAX_INPUTS) {
    throw new InvalidOptionError(
      `Expected at most ${MAX_INPUTS} inputs, was ${frame.rows} rows of ${columns}`,
    );
  }
  const kept: number[] = [];
  const inputs = new Float32Array(frame.rows * columns);
  const leftOut = { without_label: 0, without_features: 0 };
  const before = windows(frame, steps);
  for (let row = 0; row < frame.rows; row++) {
    const input = inputs.subarray(kept.length * columns, (kept.length + 1) * columns);
    const known = fill(input, values, names.length, before, row * steps);
    if (known === 0 || (known < columns && missing === 'drop')) leftOut.without_features++;
    else if (labels && !Number.isFinite(Math.fround(labels.values[row]!))) leftOut.without_label++;
    else kept.push(row);
  }
  if (kept.length < MIN_ROWS) {
    const what = labels ? 'features and a label' : 'features';
    throw new InsufficientHistoryError(
      `Expected at least ${MIN_ROWS} rows with ${what}, was ${kept.length} of ${frame.rows}`,
      MIN_ROWS,
      kept.length,
    );
  }
  const endUs = labels?.endUs ?? readUntil(frame, steps - 1 + Math.max(...features.map(lookBack)));
  const take = (of: Float64Array) => Float64Array.from(kept, (row) => of[row]!);
  return {
    inputs: inputNames(names, steps),
    leftOut,
    data: {
      inputs: inputs.slice(0, kept.length * columns),
      rows: kept.length,
      columns,
      ...(labels && { targets: Float32Array.from(kept, (row) => labels.values[row]!) }),
      ...(labels && labels.classes !== null && { classes: labels.classes }),
      ...(labels?.returns && { returns: take(labels.returns) }),
      series: Uint32Array.from(kept, (row) => frame.seriesOf[row]!),
      spans: { startUs: take(frame.tsUs), endUs: take(endUs) },
    },
  };
}

/** Returns for each row the time of the last row of its series that reads it too, when each reads `reach` rows before its own. */
function readUntil(frame: Frame, reach: number): Float64Array {
  const until = Float64Array.from(frame.tsUs);
  for (const rows of rowsOfSeries(frame)) {
    for (let i = 0; i < rows.length; i++)
      until[rows[i]!] = frame.tsUs[rows[Math.min(rows.length - 1, i + reach)]!]!;
  }
  return until;
}

/** Names of the inputs: of a row so many steps back, `name@-2`. */
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
