// Arrays of numbers as text: base64 of their bytes, little-endian.
import { InvalidOptionError } from '../../core/errors.ts';

/** Returns the bytes of an array as base64. */
export function toBase64(array: Float64Array | Uint8Array): string {
  return Buffer.from(array.buffer, array.byteOffset, array.byteLength).toString('base64');
}

/** Returns the bytes that `text` stands for. Throws `InvalidOptionError`, with `pointer`, for what is no base64 of `length` bytes (of any number without it). */
export function bytesOf(text: unknown, pointer: string, length?: number): Uint8Array<ArrayBuffer> {
  const bytes = typeof text === 'string' ? Buffer.from(text, 'base64') : null;
  if (bytes === null || (length !== undefined && bytes.length !== length)) {
    const expected = `base64 of ${length ?? 'some'} bytes`;
    throw new InvalidOptionError(`Expected ${expected} for ${pointer}`, [{ pointer, expected }]);
  }
  return new Uint8Array(bytes);
}

/** Returns the numbers that `text` stands for. Throws `InvalidOptionError` for anything else. */
export function doublesOf(text: unknown, pointer: string): Float64Array {
  const bytes = bytesOf(text, pointer);
  if (bytes.length % 8 !== 0) {
    const expected = 'base64 of numbers of 8 bytes';
    throw new InvalidOptionError(`Expected ${expected} for ${pointer}`, [{ pointer, expected }]);
  }
  return new Float64Array(bytes.buffer);
}
