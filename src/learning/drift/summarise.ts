// Rows into the sketches of their columns: calls of the kernel, at once or beside the JavaScript thread, with results in memory that stays.
import { columnSummaries, pool } from '../../native/index.ts';
import { REGISTERS } from './distinct.ts';
import type { NumericSketch } from './numeric-sketch.ts';

/** One call: some rows of some columns. */
export interface SummaryCall {
  readonly columns: readonly NumericSketch[];
  readonly rows: number;
  /** [rows, columns], or one column after the other. */
  readonly values: Float64Array | Float32Array;
  readonly columnMajor: boolean;
}

/** What a call is made with, where its results go, and how they come into the sketches. */
function prepared({ columns, rows, values, columnMajor }: SummaryCall) {
  // All numbers fit where there are fewer rows than points.
  const summaryPoints = Math.max(1, Math.min(columns[0]!.points, rows));
  const width = columns.length;
  const scope = pool.scope();
  const counts = scope.take('u32', 3 * width);
  const moments = scope.take('f64', 4 * width);
  const points = scope.take(values instanceof Float32Array ? 'f32' : 'f64', summaryPoints * width);
  const registers = scope.take('u8', REGISTERS * width);
  // Both element types take the same way; one is named for the compiler.
  const typed = { values: values as Float64Array, points: points as Float64Array };
  const call = { rows, columns: width, columnMajor, summaryPoints, ...typed, counts, moments, registers };
  const spread = () => {
    for (const [i, sketch] of columns.entries()) {
      sketch.add({
        counts: counts.subarray(3 * i, 3 * i + 3),
        moments: moments.subarray(4 * i, 4 * i + 4),
        points: points.subarray(i * summaryPoints, (i + 1) * summaryPoints),
        registers: registers.subarray(REGISTERS * i, REGISTERS * (i + 1)),
      });
    }
  };
  return { call, spread, scope };
}

/** Adds the rows of a call to its sketches. */
export function summarise(rows: SummaryCall): void {
  const { call, spread, scope } = prepared(rows);
  try {
    columnSummaries(call);
    spread();
  } finally {
    scope.release();
  }
}

/** {@link summarise}, with the work beside the JavaScript thread. Rejects with `CancelledError` when `signal` is aborted; the sketches are then as they were. */
export async function summariseLater(rows: SummaryCall, signal?: AbortSignal): Promise<void> {
  const { call, spread, scope } = prepared(rows);
  try {
    await columnSummaries.async(call, signal);
    spread();
  } finally {
    scope.release();
  }
}
