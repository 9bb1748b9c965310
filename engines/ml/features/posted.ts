// Rows of history that come with a request, and the inputs that a trained model's own recipe makes of them.
import { z } from 'zod';
import {
  ConflictError,
  InsufficientHistoryError,
  InvalidOptionError,
  NautilusError,
  NonFiniteInputError,
} from '../../../src/core/errors.ts';
import { dependsOnStart, featureNames, lookBack } from '../../../src/learning/tables/features.ts';
import type { Frame } from '../../../src/learning/tables/frame.ts';
import { inputTable } from '../../../src/learning/tables/input-rows.ts';
import { type Recipe, recipeSchema } from '../conversion/schemas.ts';
import type { ServedCard } from '../model-source.ts';

/** Most rows of history in one request. */
export const MAX_POSTED_ROWS = 20_000;

/** Rows of a table as a request brings them. */
export const postedRows = z
  .array(
    z
      .object({
        symbol: z.string().min(1).max(64).optional().describe('series of the row; in all rows or in none'),
        ts_event_us: z
          .int()
          .min(0)
          .optional()
          .describe('microseconds since the epoch; in all rows or in none, when their order is their time'),
      })
      .catchall(z.number().nullable()),
  )
  .min(1)
  .max(MAX_POSTED_ROWS)
  .describe(
    `rows of history with the columns that features read, such as open, high, low, close and volume, oldest first; null is a missing value; at most ${MAX_POSTED_ROWS}`,
  );
export type PostedRows = z.output<typeof postedRows>;

/** Most numbers of all features of posted rows: more would keep other requests waiting. */
const MAX_POSTED_CELLS = 2_000_000;

const MARKS = ['symbol', 'ts_event_us'] as const;

/**
 * Returns posted rows as a table. Without times the n-th row of each series is of time n. Throws InvalidOptionError for a mark that only some
 * rows have, and for a time that a series has twice.
 */
export function frameOf(posted: PostedRows, where = '/bars'): Frame {
  for (const mark of MARKS) {
    const has = posted[0]![mark] !== undefined;
    const odd = posted.findIndex((row) => (row[mark] !== undefined) !== has);
    if (odd >= 0) throw refusal(`${where}/${odd}/${mark}`, `${mark} in all rows or in none`);
  }
  const series = [...new Set(posted.map(({ symbol = '' }) => symbol))].sort();
  const places = new Map(series.map((symbol, i) => [symbol, i]));
  const counts = new Float64Array(series.length);
  const marked = posted.map(({ symbol = '', ts_event_us }, at) => {
    const of = places.get(symbol)!;
    return { at, of, time: ts_event_us ?? counts[of]!++ };
  });
  marked.sort((a, b) => a.time - b.time || a.of - b.of);
  marked.forEach(({ at, of, time }, i) => {
    if (i > 0 && marked[i - 1]!.time === time && marked[i - 1]!.of === of)
      throw refusal(`${where}/${at}/ts_event_us`, 'each time once in a series');
  });
  const names = new Set(posted.flatMap((row) => Object.keys(row)));
  for (const mark of MARKS) names.delete(mark);
  const numbers = (name: string) =>
    Float64Array.from(marked, ({ at }) => (posted[at]![name] as number | null) ?? NaN);
  return {
    rows: posted.length,
    tsUs: Float64Array.from(marked, ({ time }) => time),
    series,
    seriesOf: Uint32Array.from(marked, ({ of }) => of),
    columns: new Map([...names].map((name) => [name, numbers(name)])),
  };
}

const refusal = (pointer: string, expected: string) =>
  new InvalidOptionError(`Expected ${expected} for ${pointer}`, [{ pointer, expected }]);

/** Inputs of a model for the newest rows of history. */
export interface RecipeRows {
  /** [count, columns]. */
  readonly values: Float32Array;
  readonly count: number;
  readonly rows: readonly {
    readonly symbol: string;
    readonly ts_event_us: number | null;
    readonly inputs: number[];
  }[];
  /** Rows of a series that the features need, and those among them whose value depends on where the history begins. */
  readonly history: { readonly needed: number; readonly from_start: string[] };
}

/**
 * Returns the inputs of the last `last` rows of each series, made by the definitions that the version of `card` was trained with. Throws
 * ConflictError for a version without them, InvalidOptionError for a column that is missing, InsufficientHistoryError for a series that is
 * too short, NonFiniteInputError for one whose newest rows miss a value, `too-large` (413) for more numbers than {@link MAX_POSTED_CELLS}.
 */
export function rowsByRecipe(card: ServedCard, posted: PostedRows, last: number): RecipeRows {
  const { features, steps } = recipeOf(card);
  const cells = posted.length * featureNames(features).length;
  if (cells > MAX_POSTED_CELLS) {
    const detail = `Expected at most ${MAX_POSTED_CELLS} numbers of posted rows and features, was ${cells}: post fewer rows`;
    throw new NautilusError('too-large', 413, 'Too large', detail, { limit_cells: MAX_POSTED_CELLS });
  }
  const frame = frameOf(posted);
  const table = inputTable(frame, features, steps);
  if (table.columns !== card.inputs.length || table.names.some((name, i) => name !== card.inputs[i]!.name))
    throw new ConflictError('Expected a version whose inputs are those of its recipe: post inputs instead');
  const needed = Math.max(...features.map(lookBack)) + steps;
  const newest = newestRows(frame, last);
  const values = new Float32Array(newest.length * table.columns);
  const rows = newest.map((row, i) => {
    const input = values.subarray(i * table.columns, (i + 1) * table.columns);
    if (table.fill(row, input) < table.columns) throw unknown(frame, row, needed, table.names, input);
    const ts_event_us = posted[0]!.ts_event_us === undefined ? null : frame.tsUs[row]!;
    return { symbol: frame.series[frame.seriesOf[row]!]!, ts_event_us, inputs: [...input] };
  });
  const from_start = features.filter(dependsOnStart).flatMap((one) => featureNames([one]));
  return { values, count: newest.length, rows, history: { needed, from_start } };
}

function recipeOf({ recipe }: ServedCard): Recipe {
  const parsed = recipeSchema.safeParse(recipe);
  if (parsed.success) return parsed.data;
  throw new ConflictError(
    'Expected a version that was trained here, whose features are known: post inputs instead of bars',
  );
}

/** Rows of a frame: the last `last` of each series, in order of time. */
function newestRows({ rows, series, seriesOf }: Frame, last: number): number[] {
  const left = new Float64Array(series.length).fill(last);
  const found: number[] = [];
  for (let row = rows - 1; row >= 0; row--) if (left[seriesOf[row]!]!-- > 0) found.push(row);
  return found.reverse();
}

function unknown(frame: Frame, row: number, needed: number, names: readonly string[], input: Float32Array) {
  let received = 0;
  for (let r = 0; r <= row; r++) if (frame.seriesOf[r] === frame.seriesOf[row]) received++;
  if (received < needed) {
    const detail = `Expected at least ${needed} rows of each series up to the one that is predicted, was ${received}`;
    return new InsufficientHistoryError(detail, needed, received);
  }
  const missing = names[input.findIndex(Number.isNaN)]!;
  const expected = `rows from which ${missing} has a value`;
  return new NonFiniteInputError(`Expected ${expected} for /bars`, [{ pointer: '/bars', expected }]);
}
