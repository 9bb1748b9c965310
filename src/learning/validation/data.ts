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

/** Throws InvalidOptionError without targets, and what {@link checkSpannedData} throws. */
export function checkValidationData(data: ValidationData): void {
  if (!data.targets) throw new InvalidOptionError('Expected targets: what has none has no score here');
  checkSpannedData(data);
}

/** Throws ShapeMismatchError when lengths differ, and what `checkSpans` throws. Targets may be absent. */
export function checkSpannedData(data: ValidationData): void {
  const { rows, columns } = data;
  checkSpans(data.spans);
  const lengths = {
    inputs: [data.inputs.length, rows * columns],
    spans: [data.spans.startUs.length, rows],
    targets: [data.targets?.length ?? rows, rows],
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
    ...(targets && { targets: takeInputs({ inputs: targets, columns: 1 }, rows) }),
    ...(weights && { weights: takeInputs({ inputs: weights, columns: 1 }, rows) }),
    ...(classes !== undefined && { classes }),
  };
}

/** Returns the inputs [rows.length, columns] of the rows at `rows`. */
export function takeInputs(
  { inputs, columns }: Pick<TrainingData, 'inputs' | 'columns'>,
  rows: Uint32Array,
): Float32Array {
  const taken = new Float32Array(rows.length * columns);
  // Rows that follow each other are copied at once: most of those of a fold do.
  for (let first = 0; first < rows.length; ) {
    const row = rows[first]!;
    let end = first + 1;
    while (end < rows.length && rows[end] === row + end - first) end++;
    taken.set(inputs.subarray(row * columns, (row + end - first) * columns), first * columns);
    first = end;
  }
  return taken;
}
