// Checks of kernel arguments on the TypeScript side, in the order options, shape; the addon's border checks again.
import { InvalidOptionError, ShapeMismatchError } from '../core/errors.ts';
import type { FloatArray } from './addon.ts';

/** Largest count in one dimension: BLAS and LAPACK take 32-bit integers. */
export const maxDimension = 2 ** 31 - 1;

/** Which implementation runs a kernel; `auto` is Metal where it is present and wins, else the CPU. */
export type BackendOption = 'auto' | 'cpu' | 'metal';

const backendCodes: Readonly<Record<BackendOption, number>> = { auto: 0, cpu: 1, metal: 2 };

/** Throws `InvalidOptionError` for one field. */
function refuse(field: string, expected: string, received: string): never {
  const pointer = `/${field}`;
  throw new InvalidOptionError(`Expected ${expected} for ${field}, was ${received}`, [
    { pointer, expected, received },
  ]);
}

/** Returns the addon's number for a backend; throws `InvalidOptionError` for anything else. */
export function backendCode(backend: BackendOption = 'auto'): number {
  if (typeof backend === 'string' && Object.hasOwn(backendCodes, backend)) return backendCodes[backend];
  return refuse('backend', 'auto, cpu or metal', typeof backend);
}

/** Checks a count: an integer from `least` to 2^31 - 1; throws `InvalidOptionError`. */
export function requireCount(field: string, value: number, least = 0): void {
  if (Number.isInteger(value) && value >= least && value <= maxDimension) return;
  refuse(
    field,
    `an integer from ${least} to ${maxDimension}`,
    typeof value === 'number' ? 'out of range' : typeof value,
  );
}

/** Checks a finite factor; throws `InvalidOptionError`. */
export function requireFactor(field: string, value: number): void {
  if (!Number.isFinite(value))
    refuse(field, 'a finite number', typeof value === 'number' ? 'not finite' : typeof value);
}

/**
 * Checks that a value is an attached, fixed-length Float32Array or Float64Array (of the class of `like`, when given)
 * with `length` elements. Throws `InvalidOptionError` for the kind, then `ShapeMismatchError` for the length.
 * A resizable buffer is refused, because it could shrink under a kernel that runs off-thread.
 */
export function requireArray(field: string, value: FloatArray, length: number, like?: FloatArray): void {
  if (!(value instanceof Float64Array) && !(value instanceof Float32Array)) {
    refuse(field, 'a Float32Array or Float64Array', typeof value);
  }
  if (like && value.constructor !== like.constructor) {
    refuse(field, `a ${like.constructor.name}`, value.constructor.name);
  }
  const buffer = value.buffer as ArrayBuffer & { readonly growable?: boolean };
  if (buffer.detached) refuse(field, 'an attached array', 'detached');
  if (buffer.resizable || buffer.growable) refuse(field, 'an array of fixed length', 'resizable');
  if (value.length !== length) {
    const expected = `${length} elements`;
    const received = `${value.length} elements`;
    throw new ShapeMismatchError(`Expected ${expected} for ${field}, was ${received}`, [
      { pointer: `/${field}`, expected, received },
    ]);
  }
}

/** Checks that an output array shares no byte with an input; throws `InvalidOptionError`. */
export function requireApart(field: string, output: FloatArray, input: FloatArray): void {
  const apart =
    output.buffer !== input.buffer ||
    output.byteOffset + output.byteLength <= input.byteOffset ||
    input.byteOffset + input.byteLength <= output.byteOffset;
  if (!apart) refuse(field, 'an array that overlaps no input', 'overlapping');
}

/** Returns a new zeroed array of the same class as `like`. */
export function sameKind<A extends FloatArray>(like: A, length: number): A {
  return (like instanceof Float64Array ? new Float64Array(length) : new Float32Array(length)) as A;
}
