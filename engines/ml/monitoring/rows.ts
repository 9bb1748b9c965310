// Answered rows as sketches and outcomes read them: columns by name, and what a model decided.
import type { Chunk, ColumnSpec } from '../../../src/learning/drift/types.ts';
import type { ServedCard } from '../model-source.ts';

/** Classes of a model that does not name them, at most. */
const MOST_CLASSES = 1000;

/** What a model has to tell of itself to be watched. */
export type WatchedCard = Pick<ServedCard, 'model_id' | 'version' | 'model_type' | 'inputs' | 'output'>;

/** Rows of one reply. */
export interface Answered {
  /** [rows, columns]. */
  readonly values: Float32Array;
  /** [rows, width]. */
  readonly output: Float32Array;
  readonly rows: number;
  readonly width: number;
}

/** Names of the columns of the answers. Of two classes the second tells all; one probability is that of the second class. */
export function outputNames({ model_type, output }: WatchedCard, width: number): string[] {
  if (width === 1) return [model_type === 'classification' ? 'probability' : 'prediction'];
  const names = Array.from({ length: width }, (_, c) => output.classes?.[c] ?? `output ${c}`);
  return model_type === 'classification' && width === 2 ? [names[1]!] : names;
}

/** All columns as numbers. */
export function numeric(names: readonly string[]): ColumnSpec[] {
  return names.map((name) => ({ name, kind: 'numeric' }));
}

/** Returns rows [rows, width] as columns; `names` are the last ones of the row. */
export function chunkOf(
  names: readonly string[],
  values: Float32Array,
  width: number,
  from = 0,
  to = values.length / width,
): Chunk {
  const first = width - names.length;
  return new Map(
    names.map((name, c) => {
      const column = new Float32Array(to - from);
      for (let r = from; r < to; r++) column[r - from] = values[r * width + first + c]!;
      return [name, column];
    }),
  );
}

/** Returns what a model decided for each row: the number of a class, or the value. Null for what has neither, such as rows that are given again. */
export function decisionsOf({ model_type }: WatchedCard, { output, rows, width }: Answered): number[] | null {
  if (model_type === 'regression' && width === 1) return Array.from(output);
  if (model_type !== 'classification') return null;
  if (width === 1) return Array.from(output, (p) => (p >= 0.5 ? 1 : 0));
  return Array.from({ length: rows }, (_, r) => {
    const row = output.subarray(r * width, (r + 1) * width);
    return row.indexOf(Math.max(...row));
  });
}

/**
 * Returns the number that an outcome stands for: of a classifier its class, by name or by number. Null for a name that no class has, a
 * number that is no class, and text of a regression.
 */
export function outcomeOf({ model_type, output }: WatchedCard, value: number | string): number | null {
  if (model_type !== 'classification') return typeof value === 'number' ? value : null;
  const classes = output.classes ?? [];
  if (typeof value === 'string') return classes.includes(value) ? classes.indexOf(value) : null;
  const most = classes.length > 0 ? classes.length : MOST_CLASSES;
  return Number.isInteger(value) && value >= 0 && value < most ? value : null;
}

/** Returns what a decision cost: whether it was wrong, or by how much. */
export function lossOf({ model_type }: WatchedCard, decided: number, happened: number): number {
  return model_type === 'classification' ? Number(decided !== happened) : Math.abs(decided - happened);
}
