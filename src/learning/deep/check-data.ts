// Refuses data that no network can be fitted on, before anything starts.
import {
  InsufficientHistoryError,
  InvalidOptionError,
  NonFiniteInputError,
  ShapeMismatchError,
  TooLargeError,
} from '../../core/errors.ts';
import type { Task, TrainingData } from '../family.ts';

const LEAST_ROWS = 8;
/** Inputs of a fit: they are held in two processes. */
const MAX_VALUES = 2 ** 28;

/**
 * Throws InvalidOptionError (task, classes), ShapeMismatchError, NonFiniteInputError (with the first row), InsufficientHistoryError
 * (rows that count), TooLargeError.
 */
export function checkData(task: Task, tasks: readonly Task[], data: TrainingData): void {
  if (!tasks.includes(task)) {
    throw new InvalidOptionError(`Expected a task among ${tasks.join(', ')} for this family, was ${task}`);
  }
  const { rows, columns, inputs, weights, validation } = data;
  if (!Number.isInteger(columns) || columns < 1) throw new ShapeMismatchError('Expected at least one column');
  if (inputs.length > MAX_VALUES) {
    throw new TooLargeError(`Expected at most ${MAX_VALUES} inputs`, 4 * MAX_VALUES);
  }
  checkRows(task, data, 'training');
  if (validation) {
    if (validation.columns !== columns) {
      throw new ShapeMismatchError(`Expected ${columns} columns of validation, was ${validation.columns}`);
    }
    if (validation.classes !== data.classes) {
      throw new ShapeMismatchError(
        `Expected ${data.classes} classes of validation, was ${validation.classes}`,
      );
    }
    checkRows(task, validation, 'validation');
  }
  const counting = weights ? weights.filter((weight) => weight > 0).length : rows;
  if (counting < LEAST_ROWS) {
    throw new InsufficientHistoryError(
      'Expected more training rows with a weight above 0',
      LEAST_ROWS,
      counting,
    );
  }
  if (validation?.weights?.every((weight) => weight === 0)) {
    throw new InsufficientHistoryError('Expected a validation row with a weight above 0', 1, 0);
  }
}

function checkRows(task: Task, data: TrainingData, which: string): void {
  const { rows, columns, inputs, targets, classes, weights } = data;
  if (!Number.isInteger(rows) || rows < 1 || inputs.length !== rows * columns) {
    throw new ShapeMismatchError(
      `Expected ${rows} x ${columns} ${which} inputs, was ${inputs.length} values`,
    );
  }
  checkFinite(inputs, columns, `${which} inputs`);
  if (weights) {
    checkLength(weights, rows, `${which} weights`);
    const bad = weights.findIndex((weight) => !(weight >= 0) || !Number.isFinite(weight));
    if (bad !== -1)
      throw new NonFiniteInputError(`Expected ${which} weights of at least 0, was not in row ${bad}`);
  }
  if (task !== 'regression' && task !== 'classification') return;
  if (!targets) throw new ShapeMismatchError(`Expected ${which} targets for ${task}, was none`);
  checkLength(targets, rows, `${which} targets`);
  checkFinite(targets, 1, `${which} targets`);
  if (task !== 'classification') return;
  if (classes === undefined || !Number.isInteger(classes) || classes < 2 || classes > 10_000) {
    throw new InvalidOptionError('Expected an integer from 2 to 10000 for classes');
  }
  const bad = targets.findIndex((target) => !Number.isInteger(target) || target < 0 || target >= classes);
  if (bad !== -1) {
    throw new InvalidOptionError(
      `Expected class indices below ${classes} as ${which} targets, was not in row ${bad}`,
    );
  }
}

function checkLength(values: Float32Array, rows: number, what: string): void {
  if (values.length !== rows) throw new ShapeMismatchError(`Expected ${rows} ${what}, was ${values.length}`);
}

function checkFinite(values: Float32Array, columns: number, what: string): void {
  for (let i = 0; i < values.length; i++) {
    if (!Number.isFinite(values[i]!)) {
      throw new NonFiniteInputError(`Expected finite ${what}, was not in row ${Math.floor(i / columns)}`);
    }
  }
}
