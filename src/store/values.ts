// What a parameter of the database port may be, the same in every database.
import { InvalidOptionError, InvariantError } from '../core/errors.ts';
import type { SqlValue } from './database.ts';

/**
 * Returns `values` when all of them can be stored. Throws {@link InvariantError} for NaN and infinities (SQLite stores NaN as
 * NULL, and JSON has neither), and {@link InvalidOptionError} for text with the character U+0000, which Postgres does not store.
 */
export function checkedValues(values: readonly SqlValue[]): SqlValue[] {
  for (const value of values) {
    if (typeof value === 'number') {
      if (!Number.isFinite(value)) throw new InvariantError('a number for the database is not finite');
    } else if (typeof value === 'string' && value.includes('\0')) {
      throw new InvalidOptionError('Expected text without the character U+0000');
    }
  }
  return values as SqlValue[];
}
