// What the classic families read of their rows: checked, weighed, standardised.
import {
  InsufficientHistoryError,
  InvalidOptionError,
  NonFiniteInputError,
  ShapeMismatchError,
  TooLargeError,
} from '../../core/errors.ts';
import { CancelledError } from '../../native/index.ts';
import type { Family, Task, TrainingData } from '../family.ts';

/** Most columns: normal equations of twice as many would take half a gigabyte. */
export const MAX_COLUMNS = 4096;
/** Most numbers in the inputs: one gigabyte in float64, of which a fit holds up to two. */
export const MAX_ELEMENTS = 2 ** 27;

const field = (pointer: string, expected: string, received: string) =>
  new InvalidOptionError(`Expected ${expected} for ${pointer.slice(1)}, was ${received}`, [
    { pointer, expected, received },
  ]);

/** Throws InvalidOptionError unless `family` learns `task`. */
export function checkTask(family: Pick<Family, 'name' | 'tasks'>, task: Task): void {
  if (family.tasks.includes(task)) return;
  throw field('/task', `${family.tasks.join(' or ')} (what ${family.name} learns)`, task);
}

/** Returns the index of the first NaN or infinity, or -1. A plain loop: a callback for each number takes ten times as long. */
function firstNonFinite(values: Float32Array): number {
  for (let i = 0; i < values.length; i++) if (!Number.isFinite(values[i]!)) return i;
  return -1;
}

/** Throws CancelledError once `signal` is aborted. */
export function stopIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new CancelledError('Expected to go on, was cancelled');
}

/**
 * Checks shape, size and values of the inputs, and the weights. Throws ShapeMismatchError, TooLargeError,
 * InsufficientHistoryError below `least` rows, NonFiniteInputError naming the row, InvalidOptionError for weights.
 */
export function checkInputs(data: Omit<TrainingData, 'validation'>, least: number): void {
  const { inputs, rows, columns, weights } = data;
  if (!Number.isInteger(columns) || columns < 1 || columns > MAX_COLUMNS)
    throw field('/columns', `an integer from 1 to ${MAX_COLUMNS}`, 'out of range');
  if (!Number.isInteger(rows) || rows < least)
    throw new InsufficientHistoryError(`Expected at least ${least} rows, was ${rows}`, least, rows);
  if (rows * columns > MAX_ELEMENTS)
    throw new TooLargeError(`Expected at most ${MAX_ELEMENTS} numbers in all rows`, MAX_ELEMENTS * 4);
  if (inputs.length !== rows * columns)
    throw new ShapeMismatchError(`Expected ${rows} x ${columns} inputs, was ${inputs.length} values`);
  const at = firstNonFinite(inputs);
  if (at >= 0)
    throw new NonFiniteInputError(
      `Expected finite inputs, was not at row ${Math.floor(at / columns)}, column ${at % columns}`,
    );
  if (weights === undefined) return;
  if (weights.length !== rows)
    throw new ShapeMismatchError(`Expected ${rows} weights, one for each row, was ${weights.length}`);
  const bad = weights.findIndex((weight) => !(Number.isFinite(weight) && weight >= 0));
  if (bad >= 0) throw field('/weights', 'finite numbers of at least 0', `another at row ${bad}`);
  if (!weights.some((weight) => weight > 0)) throw field('/weights', 'at least one above 0', 'none');
}

/** Returns the targets of a regression. Throws InvalidOptionError, ShapeMismatchError, NonFiniteInputError naming the row. */
export function numberTargets({ targets, rows }: Omit<TrainingData, 'validation'>): Float32Array {
  if (targets === undefined) throw field('/targets', 'a number for each row', 'missing');
  if (targets.length !== rows)
    throw new ShapeMismatchError(`Expected ${rows} targets, one for each row, was ${targets.length}`);
  const at = firstNonFinite(targets);
  if (at >= 0) throw new NonFiniteInputError(`Expected finite targets, was not at row ${at}`);
  return targets;
}

/**
 * Returns the targets of a classification and the number of classes. Throws as {@link numberTargets}, and
 * InvalidOptionError for what is no class, naming the row.
 */
export function classTargets(data: Omit<TrainingData, 'validation'>): {
  targets: Float32Array;
  classes: number;
} {
  const { classes = 0 } = data;
  if (!Number.isInteger(classes) || classes < 2 || classes > 1000)
    throw field(
      '/classes',
      'an integer from 2 to 1000',
      data.classes === undefined ? 'missing' : 'out of range',
    );
  const targets = numberTargets(data);
  const at = targets.findIndex((value) => !(Number.isInteger(value) && value >= 0 && value < classes));
  if (at >= 0) throw field('/targets', `classes from 0 to ${classes - 1}`, `another at row ${at}`);
  return { targets, classes };
}

/** Returns the weight of each row, all 1 without any, and their sum. */
export function weightsOf({ rows, weights }: Omit<TrainingData, 'validation'>): {
  weights: Float64Array;
  total: number;
} {
  const all = weights ? new Float64Array(weights) : new Float64Array(rows).fill(1);
  return { weights: all, total: all.reduce((sum, weight) => sum + weight, 0) };
}

/** `(x - shift) / scale` for each column. Both are float32, as the served graph has them. */
export interface Standard {
  readonly shift: Float32Array;
  /** Above 0; 1 for a constant column, of which then only zeros are left. */
  readonly scale: Float32Array;
  /** Whether the columns stay as they are: 0 and 1 everywhere. */
  readonly plain: boolean;
  readonly constant: number;
}

/**
 * Returns weighted mean and population deviation of each column (two passes in float64, rounded to float32), or 0 and 1
 * when nothing is to be standardised.
 */
export function standardOf(
  { inputs, rows, columns }: Omit<TrainingData, 'validation'>,
  weights: Float64Array,
  total: number,
  wanted: boolean,
): Standard {
  const mean = new Float64Array(columns);
  const square = new Float64Array(columns);
  const least = new Float32Array(columns).fill(Number.POSITIVE_INFINITY);
  const most = new Float32Array(columns).fill(Number.NEGATIVE_INFINITY);
  for (let i = 0; i < rows; i++) {
    const weight = weights[i]!;
    if (weight === 0) continue;
    const share = weight / total;
    const first = i * columns;
    for (let j = 0; j < columns; j++) {
      const value = inputs[first + j]!;
      mean[j]! += share * value;
      if (value < least[j]!) least[j] = value;
      if (value > most[j]!) most[j] = value;
    }
  }
  for (let i = 0; wanted && i < rows; i++) {
    const share = weights[i]! / total;
    const first = i * columns;
    for (let j = 0; j < columns; j++) {
      const far = inputs[first + j]! - mean[j]!;
      square[j]! += share * (far * far);
    }
  }
  const shift = new Float32Array(columns);
  const scale = new Float32Array(columns).fill(1);
  let constant = 0;
  for (let j = 0; j < columns; j++) {
    const deviation = Math.fround(Math.sqrt(square[j]!));
    const still = least[j] === most[j] || (wanted && deviation < 1e-37);
    if (still) constant++;
    if (!wanted) continue;
    shift[j] = still ? least[j]! : mean[j]!;
    if (!still) scale[j] = deviation;
  }
  return { shift, scale, constant, plain: !wanted };
}

/** Returns the standardised inputs in float64, [rows, columns + extra], of which the extra columns are all 1. */
export function standardised(
  { inputs, rows, columns }: Omit<TrainingData, 'validation'>,
  { shift, scale, plain }: Standard,
  extra: 0 | 1 = 0,
): Float64Array {
  if (plain && extra === 0) return new Float64Array(inputs);
  const width = columns + extra;
  const out = new Float64Array(rows * width);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) out[i * width + j] = (inputs[i * columns + j]! - shift[j]!) / scale[j]!;
    if (extra) out[i * width + columns] = 1;
  }
  return out;
}

/** Returns sizes as shares of their sum, all 0 when that is 0. */
export function sharesOf(sizes: Float64Array): Float32Array {
  const sum = sizes.reduce((a, b) => a + b, 0);
  return Float32Array.from(sizes, (size) => (sum > 0 ? size / sum : 0));
}
