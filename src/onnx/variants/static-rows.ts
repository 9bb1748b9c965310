// Any number of rows through sessions that take a fixed number each: cut into pieces, the last one filled up.
import type { Run } from '../accelerated.ts';

/** A session for a fixed number of rows. */
export interface FixedRun {
  readonly rows: number;
  readonly run: Run;
}

/**
 * Returns a run for any number of rows: one row goes to the session for one, more go in pieces of the largest. A piece that is short repeats its
 * last row, whose answers are left out again: rows don't see each other.
 */
export function runInPieces(sessions: readonly FixedRun[], columns: number): Run {
  const ordered = sessions.toSorted((a, b) => a.rows - b.rows);
  const largest = ordered.at(-1)!;
  return async (inputs, rows) => {
    const parts: Float32Array[] = [];
    let from = 0;
    while (from < rows) {
      const left = rows - from;
      // The smallest that holds what is left.
      const { rows: size, run } = ordered.find((session) => session.rows >= left) ?? largest;
      const count = Math.min(left, size);
      const values = inputs.subarray(from * columns, (from + count) * columns);
      const output = await run(filledUp(values, count, columns, size), size);
      parts.push(output.subarray(0, (output.length / size) * count));
      from += count;
    }
    return parts.length === 1 ? parts[0]!.slice() : joined(parts);
  };
}

/** Returns [rows, columns] inputs with the last row repeated until there are `least`; as they are where there are so many. */
export function filledUp(inputs: Float32Array, rows: number, columns: number, least: number): Float32Array {
  if (rows >= least) return inputs;
  const filled = new Float32Array(least * columns);
  filled.set(inputs);
  const last = inputs.subarray((rows - 1) * columns, rows * columns);
  for (let row = rows; row < least; row++) filled.set(last, row * columns);
  return filled;
}

function joined(parts: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
