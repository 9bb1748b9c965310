// What a model learns to tell: a label for each row, and until when its information reaches.
import { z } from 'zod';
import { columnOf, logReturn } from './features.ts';
import { type Frame, rowsOfSeries } from './frame.ts';

/** What is predicted of a column, `horizon` rows of the same series ahead. */
export const targetSchema = z
  .strictObject({
    kind: z
      .enum(['value', 'log_return', 'direction', 'volatility'])
      .describe(
        'the value itself; its logarithmic return; whether it is higher (class 1) or not (class 0); the standard deviation of its log returns up to then',
      ),
    column: z.string().min(1).max(64).default('close').describe('column of the data'),
    horizon: z
      .int()
      .min(0)
      .max(100_000)
      .default(1)
      .describe('rows ahead; 0 only for a value of the same row; at least 2 for volatility'),
  })
  .refine(({ kind, horizon }) => horizon >= (kind === 'value' ? 0 : kind === 'volatility' ? 2 : 1), {
    path: ['horizon'],
    message: 'Expected a horizon of at least 1 (0 for a value, 2 for volatility)',
  });

/** A target with all its options. */
export type TargetSpec = z.output<typeof targetSchema>;

/** Labels of every row. */
export interface Targets {
  /** [rows]; NaN where the label is missing: near the end of a series, or next to a missing value. */
  readonly values: Float64Array;
  /** [rows]: time of the last information in the label, microseconds; the row's own time where it is missing. */
  readonly endUs: Float64Array;
  /** [rows]: simple return of the column over the span of the label; null for a value. */
  readonly returns: Float64Array | null;
  /** Two for a direction. */
  readonly classes: number | null;
}

/** Returns the labels of a frame. Throws InvalidOptionError for a column that the data does not have. */
export function computeTargets(frame: Frame, { kind, column, horizon }: TargetSpec): Targets {
  const data = columnOf(frame, column);
  const values = new Float64Array(frame.rows).fill(Number.NaN);
  const endUs = Float64Array.from(frame.tsUs);
  const returns = kind === 'value' ? null : new Float64Array(frame.rows).fill(Number.NaN);
  for (const rows of rowsOfSeries(frame)) {
    for (let i = 0; i + horizon < rows.length; i++) {
      const [row, later] = [rows[i]!, rows[i + horizon]!];
      endUs[row] = frame.tsUs[later]!;
      const change = logReturn(data[row]!, data[later]!);
      if (returns) returns[row] = Math.expm1(change);
      if (kind === 'value') values[row] = data[later]!;
      else if (kind === 'log_return') values[row] = change;
      else if (kind === 'direction') values[row] = Number.isNaN(change) ? Number.NaN : Number(change > 0);
      else values[row] = deviation(data, rows, i, horizon);
    }
  }
  return { values, endUs, returns, classes: kind === 'direction' ? 2 : null };
}

// Sample standard deviation of the one-row log returns after row `i`, `count` of them.
function deviation(data: Float64Array, rows: Uint32Array, i: number, count: number): number {
  const change = (k: number) => logReturn(data[rows[i + k - 1]!]!, data[rows[i + k]!]!);
  let sum = 0;
  for (let k = 1; k <= count; k++) sum += change(k);
  const mean = sum / count;
  let squares = 0;
  for (let k = 1; k <= count; k++) squares += (change(k) - mean) ** 2;
  return Math.sqrt(squares / (count - 1));
}
