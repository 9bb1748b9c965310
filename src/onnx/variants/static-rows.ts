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
      const output = await run(count === size ? values : filled(values, count, size, columns), size);
      parts.push(output.subarray(0, (output.length / size) * count));
      from += count;
    }
    return parts.length === 1 ? parts[0]!.slice() : joined(parts);
  };
}

function filled(values: Float32Array, count: number, size: number, columns: number): Float32Array {
  const all = new Float32Array(size * columns);
  all.set(values);
  const last = values.subarray((count - 1) * columns);
  for (let row = count; row < size; row++) all.set(last, row * columns);
  return all;
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
