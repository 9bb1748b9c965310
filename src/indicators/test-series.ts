// Seeded price series and bit comparisons for the tests of this folder.
import { INPUTS, type InputName, type OhlcvBar } from './define.ts';

/** Columns of equal length, oldest bar first. */
export type Columns = Record<InputName, Float64Array>;

/** Holds when both are equal to the last bit, NaN with NaN; `toEqual` says no to NaN inside typed arrays. */
export const sameBits = (a: Float64Array, b: Float64Array): boolean =>
  a.length === b.length && a.every((v, i) => Object.is(v, b[i]));
/** A seeded walk whose bars are consistent: low <= open, close <= high. */
export function walk(length: number, seed = 1, start = 100): Columns {
  const columns = Object.fromEntries(INPUTS.map((name) => [name, new Float64Array(length)])) as Columns;
  let state = seed;
  const uniform = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
  let close = start;
  for (let i = 0; i < length; i++) {
    const previous = close;
    close = previous * (1 + 0.02 * (uniform() - 0.5));
    columns.open[i] = previous;
    columns.close[i] = close;
    columns.high[i] = Math.max(previous, close) * (1 + 0.005 * uniform());
    columns.low[i] = Math.min(previous, close) * (1 - 0.005 * uniform());
    columns.volume[i] = 1000 * uniform();
  }
  return columns;
}

/** Row `i` as a bar. */
export const row = (columns: Columns, i: number): OhlcvBar =>
  Object.fromEntries(INPUTS.map((name) => [name, columns[name][i] as number])) as OhlcvBar;

/** All columns changed alike. */
export const map = (columns: Columns, change: (column: Float64Array) => Float64Array): Columns =>
  Object.fromEntries(INPUTS.map((name) => [name, change(columns[name])])) as Columns;
