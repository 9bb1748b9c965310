// Rows that were there before: by a hash of all their values.
import { turn } from '../../core/turn.ts';
import type { ColumnValues } from './types.ts';

const number = new Float64Array(1);
const words = new Uint32Array(number.buffer);

const mixed = (hash: number, word: number) => {
  const next = Math.imul(hash ^ word, 0x9e3779b1);
  return next ^ (next >>> 15);
};

/**
 * Returns how many rows are equal to an earlier one in every column. By hashes of 53 bits: among a million different rows two are taken for
 * equal with probability 6e-5. Missing values equal each other, and both zeros.
 */
export async function duplicateRows(columns: Iterable<ColumnValues>, rows: number): Promise<number> {
  const one = new Uint32Array(rows).fill(0x811c9dc5);
  const other = new Uint32Array(rows).fill(0x27d4eb2f);
  for (const values of columns) {
    const texts = new Map<unknown, number>();
    for (let row = 0; row < rows; row++) {
      const value = values[row];
      if (typeof value === 'number') number[0] = Number.isNaN(value) ? Number.NaN : value + 0;
      else if (value === null || value === undefined || value === '') number[0] = Number.NaN;
      else {
        let hash = texts.get(value);
        if (hash === undefined) {
          hash = Number(BigInt.asUintN(52, Bun.hash.xxHash64(`${typeof value} ${value}`)));
          if (texts.size < 100_000) texts.set(value, hash);
        }
        number[0] = hash;
      }
      one[row] = mixed(mixed(one[row]!, words[0]!), words[1]!);
      other[row] = mixed(mixed(other[row]!, words[1]! ^ 0x5bd1e995), words[0]!);
    }
    await turn();
  }
  const keys = Float64Array.from(one, (hash, row) => hash * 2 ** 21 + (other[row]! >>> 11)).sort();
  let equal = 0;
  for (let i = 1; i < rows; i++) if (keys[i] === keys[i - 1]) equal += 1;
  return equal;
}
