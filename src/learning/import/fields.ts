// Fields of a parsed file, each checked when it is taken; errors name the path.
import { InvalidModelError } from '../../onnx/errors.ts';

/** A place in a parsed document. */
export class Field {
  readonly #value: unknown;
  readonly #path: string;

  constructor(value: unknown, path = '') {
    this.#value = value;
    this.#path = path;
  }

  /** The member `name` of an object; absent members are fields without a value. */
  at(name: string): Field {
    const value = this.#value;
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw this.#wrong('an object');
    return new Field(
      Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined,
      `${this.#path}/${name}`,
    );
  }

  get present(): boolean {
    return this.#value !== undefined && this.#value !== null;
  }

  get path(): string {
    return this.#path;
  }

  text(): string {
    if (typeof this.#value !== 'string') throw this.#wrong('a text');
    return this.#value;
  }

  /** A finite number, or a text of one, as XGBoost writes its parameters. */
  number(): number {
    const value =
      typeof this.#value === 'string' && this.#value.trim() !== '' ? Number(this.#value) : this.#value;
    if (typeof value !== 'number' || !Number.isFinite(value)) throw this.#wrong('a finite number');
    return value;
  }

  integer(low: number, high: number): number {
    const value = this.number();
    if (!Number.isInteger(value) || value < low || value > high) {
      throw this.#wrong(`an integer from ${low} to ${high}`);
    }
    return value;
  }

  list(): Field[] {
    if (!Array.isArray(this.#value)) throw this.#wrong('a list');
    return this.#value.map((value, i) => new Field(value, `${this.#path}/${i}`));
  }

  /** A list of `length` numbers or booleans (of any length without it). */
  numbers(length?: number): Float64Array {
    const list = this.#value;
    if (!Array.isArray(list) || (length !== undefined && list.length !== length)) {
      throw this.#wrong(length === undefined ? 'a list of numbers' : `a list of ${length} numbers`);
    }
    return Float64Array.from(list, (value) => {
      if (typeof value === 'boolean') return value ? 1 : 0;
      if (typeof value !== 'number') throw this.#wrong('a list of numbers');
      return value;
    });
  }

  #wrong(expected: string): InvalidModelError {
    return new InvalidModelError(`Expected ${expected} at ${this.#path || '/'}`);
  }
}

/** Returns the value of a JSON file. Throws InvalidModelError for what is none. */
export function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw new InvalidModelError('Expected a file of valid JSON');
  }
}
