// What the families of trees require of their rows.
import {
  InsufficientHistoryError,
  InvalidOptionError,
  NonFiniteInputError,
  ShapeMismatchError,
} from '../../core/errors.ts';
import type { TreeRows } from '../../native/index.ts';
import type { Task, TrainingData } from '../family.ts';

/** Most rows of a fit. */
const MAX_ROWS = 67_108_864;

type Part = Omit<TrainingData, 'validation'>;

/**
 * Returns the rows for the addon. NaN is missing; infinity is a number like any other. Throws InvalidOptionError (task, classes),
 * ShapeMismatchError, NonFiniteInputError (targets and weights), InsufficientHistoryError.
 */
export function treeRows(task: Task, data: Part, where = ''): TreeRows {
  const { inputs, rows, columns, targets, weights } = data;
  const named = (field: string) => `${where}/${field}`;
  const shape = (field: string, expected: number, received: number) => {
    if (received === expected) return;
    throw new ShapeMismatchError(`Expected ${expected} elements for ${field}, was ${received}`, [
      { pointer: named(field), expected: `${expected} elements`, received: `${received} elements` },
    ]);
  };
  if (task !== 'regression' && task !== 'classification') {
    throw new InvalidOptionError('Expected regression or classification for task, was another', [
      { pointer: named('task'), expected: 'regression or classification', received: task },
    ]);
  }
  if (columns < 1) throw new ShapeMismatchError('Expected at least one column');
  if (rows < 2) throw new InsufficientHistoryError('Expected at least 2 rows', 2, rows);
  if (rows > MAX_ROWS) throw new ShapeMismatchError(`Expected at most ${MAX_ROWS} rows`);
  if (!targets) throw new InvalidOptionError('Expected targets, was none');
  shape('inputs', rows * columns, inputs.length);
  shape('targets', rows, targets.length);
  if (weights) shape('weights', rows, weights.length);
  requireNumbers(targets, named('targets'));
  if (task === 'classification') requireClasses(data, targets, named('targets'));
  if (weights) requireWeights(weights, named('weights'));
  return { inputs, targets, weights };
}

function requireNumbers(values: Float32Array, pointer: string): void {
  const row = values.findIndex((value) => !Number.isFinite(value));
  if (row < 0) return;
  throw new NonFiniteInputError(`Expected finite numbers for ${pointer.slice(1)}, was not in row ${row}`, [
    { pointer, expected: 'finite numbers', received: `NaN or infinity in row ${row}` },
  ]);
}

function requireClasses({ classes }: Part, targets: Float32Array, pointer: string): void {
  if (classes === undefined || !Number.isInteger(classes) || classes < 2 || classes > 256) {
    throw new InvalidOptionError('Expected an integer from 2 to 256 for classes, was another value');
  }
  const row = targets.findIndex((value) => !(Number.isInteger(value) && value >= 0 && value < classes));
  if (row < 0) return;
  throw new InvalidOptionError(
    `Expected classes from 0 to ${classes - 1} for targets, was not in row ${row}`,
    [{ pointer, expected: `integers from 0 to ${classes - 1}`, received: `another value in row ${row}` }],
  );
}

function requireWeights(weights: Float32Array, pointer: string): void {
  requireNumbers(weights, pointer);
  const row = weights.findIndex((value) => value < 0);
  if (row >= 0) {
    throw new InvalidOptionError(`Expected weights of at least 0, was not in row ${row}`, [
      { pointer, expected: 'at least 0', received: `a number below in row ${row}` },
    ]);
  }
  if (!weights.some((value) => value > 0))
    throw new InvalidOptionError('Expected a weight above 0, was none');
}
