// How far the answers of a variant are from those of its model.

/** The difference of two lists of answers to the same rows. */
export interface Difference {
  readonly rows: number;
  readonly max_error: number;
  readonly mean_error: number;
  /** Root of the mean square of the model's answers: what errors are measured by. */
  readonly scale: number;
  /** Largest error, relative to the larger of the answer itself and `scale`. */
  readonly relative_error: number;
  /** Share of rows with the same class; null for what has no classes. */
  readonly agreement: number | null;
}

/**
 * Largest relative error of float16: 11 bits leave 5e-4 for one rounding, and this leaves room for a few layers of them. It is far below a wrong
 * answer.
 */
export const HALF_TOLERANCE = 0.02;

/**
 * Returns how far `said` is from `expected`, both [rows, width]. For a classifier the class is the largest of a row, or whether the one number
 * is above a half.
 */
export function differenceOf(
  expected: Float32Array,
  said: Float32Array,
  rows: number,
  isClassifier: boolean,
): Difference {
  const width = expected.length / rows;
  const scale = Math.sqrt(expected.reduce((sum, value) => sum + value * value, 0) / expected.length);
  let [most, sum, relative] = [0, 0, 0];
  for (const [i, value] of expected.entries()) {
    const error = Math.abs(said[i]! - value);
    sum += error;
    most = Math.max(most, error);
    // What is no number is no small error.
    if (error !== 0) relative = Math.max(relative, error / Math.max(Math.abs(value), scale));
  }
  let same = 0;
  for (let row = 0; row < rows; row++) {
    const part = (of: Float32Array) => of.subarray(row * width, (row + 1) * width);
    if (classOf(part(expected)) === classOf(part(said))) same++;
  }
  return {
    rows,
    max_error: most,
    mean_error: sum / expected.length,
    scale,
    relative_error: relative,
    agreement: isClassifier ? same / rows : null,
  };
}

/**
 * Returns the worse of the differences on a few rows and on many, so that no row is left out; the agreement is that of the many, as one row
 * of a few that tips over is no share.
 */
export function worseOf(few: Difference, many: Difference): Difference {
  const worse = few.relative_error > many.relative_error ? few : many;
  return { ...worse, agreement: many.agreement };
}

function classOf(row: Float32Array): number {
  if (row.length === 1) return row[0]! > 0.5 ? 1 : 0;
  return row.indexOf(row.reduce((a, b) => Math.max(a, b)));
}

/** Whether float16 explains a difference: every number within {@link HALF_TOLERANCE}, and the class of all rows but one in a hundred. */
export function isHalfRounding({ relative_error, agreement }: Difference): boolean {
  // A row whose classes are equally likely may tip over; that is no other model.
  return relative_error <= HALF_TOLERANCE && (agreement === null || agreement >= 0.99);
}
