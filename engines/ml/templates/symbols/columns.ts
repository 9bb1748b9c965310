// Posted features by name: their shape, and the row that a model reads of one symbol.
import {
  type FieldError,
  InvalidOptionError,
  pointerPart,
  ShapeMismatchError,
} from '../../../../src/core/errors.ts';
import { derivedInput } from '../../../../src/learning/templates/inputs.ts';
import type { SymbolItem, SymbolsRequest } from './schemas.ts';

/** Numbers of one body: what was posted under a name, and who read it. */
export class Columns {
  readonly #values = new Map<string, readonly (number | null)[]>();
  readonly #paths = new Map<string, string>();
  readonly #used = new Set<string>();

  /** Throws InvalidOptionError for a symbol or a name that comes twice, ShapeMismatchError for a column of another length. */
  constructor({ symbols, features }: Pick<SymbolsRequest, 'symbols' | 'features'>) {
    const twice = symbols.findIndex((symbol, i) => symbols.indexOf(symbol) !== i);
    if (twice >= 0) throw refused(`/symbols/${twice}`, 'each symbol once');
    for (const [name, value] of Object.entries(features)) {
      if (Array.isArray(value)) this.#add(name, pointerPart(name), value, symbols.length);
      else
        for (const [leaf, values] of Object.entries(value))
          this.#add(leaf, `${pointerPart(name)}/${pointerPart(leaf)}`, values, symbols.length);
    }
  }

  /** Posted names that nothing read, as paths within `features`. */
  get unused(): string[] {
    return [...this.#paths].filter(([name]) => !this.#used.has(name)).map(([, path]) => path);
  }

  /** Whether a name was posted. */
  has(name: string): boolean {
    return this.#values.has(name);
  }

  /** Number of a name of one symbol, by the published names or by a formula of them; undefined where it can't be had. */
  get(name: string, symbol: number): number | undefined {
    const posted = this.#values.get(name);
    if (posted) {
      this.#used.add(name);
      return posted[symbol] ?? undefined;
    }
    return derivedInput(name, (of) => (of === name ? undefined : this.get(of, symbol)));
  }

  /** The row of a model for one symbol; what is missing is named instead. */
  row(names: readonly string[], symbol: number): readonly number[] | { readonly missing: string } {
    const row: number[] = [];
    for (const name of names) {
      const value = this.get(name, symbol);
      // Models read float32.
      if (value === undefined || !Number.isFinite(Math.fround(value)))
        return { missing: `${name}, which the posted features do not give for this symbol` };
      row.push(value);
    }
    return row;
  }

  #add(name: string, path: string, values: readonly (number | null)[], count: number): void {
    const pointer = `/features/${path}`;
    if (values.length !== count) {
      const error = {
        pointer,
        expected: `${count} numbers, one for each symbol`,
        received: `${values.length}`,
      };
      throw new ShapeMismatchError(`Expected ${error.expected} for ${pointer}, was ${values.length}`, [
        error,
      ]);
    }
    if (this.#values.has(name)) throw refused(pointer, 'each name of a feature once');
    this.#values.set(name, values);
    this.#paths.set(name, path);
  }
}

/** Features of one symbol as columns of one number. */
export function inColumns(features: SymbolItem['features']): SymbolsRequest['features'] {
  const column = (value: number | null) => [value];
  return Object.fromEntries(
    Object.entries(features).map(([name, value]) => [
      name,
      value !== null && typeof value === 'object'
        ? Object.fromEntries(Object.entries(value).map(([leaf, one]) => [leaf, column(one)]))
        : column(value),
    ]),
  );
}

function refused(pointer: string, expected: string): InvalidOptionError {
  const error: FieldError = { pointer, expected };
  return new InvalidOptionError(`Expected ${expected} for ${pointer}`, [error]);
}
