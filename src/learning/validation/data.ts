// Training data with the times of its labels, and parts of it.
import { InvalidOptionError, ShapeMismatchError } from '../../core/errors.ts';
import type { TrainingData } from '../family.ts';
import { checkSpans, type LabelSpans } from './spans.ts';

/** Rows with labels, and when each label's information begins and ends. */
export interface ValidationData extends Omit<TrainingData, 'validation'> {
  readonly spans: LabelSpans;
  /** [rows]: simple return over each label's span, as a fraction; the trading scores need it. */
  readonly returns?: Float64Array;
  /** [rows]: which series a row is of, from 0; one series for all rows when absent. */
  readonly series?: Uint32Array;
}

/** Throws ShapeMismatchError when lengths differ, InvalidOptionError without targets, and what `checkSpans` throws. */
export function checkValidationData(data: ValidationData): void {
  const { rows, columns } = data;
  checkSpans(data.spans);
  if (!data.targets) throw new InvalidOptionError('Expected targets: what has none has no score here');
  const lengths = {
    inputs: [data.inputs.length, rows * columns],
    spans: [data.spans.startUs.length, rows],
    targets: [data.targets.length, rows],
    weights: [data.weights?.length ?? rows, rows],
    returns: [data.returns?.length ?? rows, rows],
    series: [data.series?.length ?? rows, rows],
  };
  for (const [name, [was, expected]] of Object.entries(lengths)) {
    if (was !== expected) throw new ShapeMismatchError(`Expected ${expected} values of ${name}, was ${was}`);
  }
}

/** Returns a copy of the rows at `rows`, in that order, without times and returns. */
export function takeRows(data: TrainingData, rows: Uint32Array): Omit<TrainingData, 'validation'> {
  const { columns, targets, weights, classes } = data;
  return {
    inputs: takeInputs(data, rows),
    rows: rows.length,
    columns,
    ...(targets && { targets: Float32Array.from(rows, (row) => targets[row]!) }),
    ...(weights && { weights: Float32Array.from(rows, (row) => weights[row]!) }),
    ...(classes !== undefined && { classes }),
  };
}

/** Returns the inputs [rows.length, columns] of the rows at `rows`. */
export function takeInputs({ inputs, columns }: TrainingData, rows: Uint32Array): Float32Array {
  const taken = new Float32Array(rows.length * columns);
  // Element by element: a view of each row costs more than a few dozen numbers.
  let to = 0;
  for (const row of rows) {
    const end = (row + 1) * columns;
    for (let from = row * columns; from < end; from++) taken[to++] = inputs[from]!;
  }
  return taken;
}
