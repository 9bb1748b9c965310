// The rows that a version is asked for when it comes and again before it serves, and the comparison of both answers.
import { ConflictError } from '../../../src/core/errors.ts';
import { InvalidModelError } from '../../../src/onnx/errors.ts';
import { PROBE_TEXTS, rowsOfTexts } from '../../../src/text/rows.ts';

/** Rows of the default probe, and most rows of one that a caller gives. */
export const PROBE_ROWS = 8;
export const MAX_PROBE_ROWS = 64;

/** Relative to the larger of the number and 1: other versions of ONNX Runtime may order sums in float32 otherwise. */
const CLOSE = 1e-5;

/**
 * Returns [{@link PROBE_ROWS}, columns] numbers in [-1.25, 1.25], the first row zeros: sixteenths, so that they are the same
 * bits everywhere; for a text model its probe of texts, as many.
 */
export function defaultProbe(columns: number, type: 'float32' | 'text' = 'float32'): Float32Array {
  if (type === 'text') return rowsOfTexts(PROBE_TEXTS);
  const values = new Float32Array(PROBE_ROWS * columns);
  for (let row = 1; row < PROBE_ROWS; row++) {
    for (let c = 0; c < columns; c++) values[row * columns + c] = (((row * 31 + c * 17) % 41) - 20) / 16;
  }
  return values;
}

/** Throws InvalidModelError when an answer has a number that is not finite. */
export function checkFinite(outputs: Float32Array): void {
  if (outputs.every((value) => Number.isFinite(value))) return;
  throw new InvalidModelError(
    'Expected finite answers to the rows of the probe; give rows as `probe` that the model is made for',
  );
}

/** Throws ConflictError when the answers are not those that were stored. */
export function checkSame(outputs: Float32Array, stored: Float32Array): void {
  const same =
    outputs.length === stored.length &&
    outputs.every((value, i) => Math.abs(value - stored[i]!) <= CLOSE * Math.max(1, Math.abs(stored[i]!)));
  if (same) return;
  throw new ConflictError('Expected the answers to the rows of the probe that were stored with the version');
}

/** Returns float32 as base64, little endian. */
export function toText(values: Float32Array): string {
  return Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString('base64');
}

/** Returns what {@link toText} made text. */
export function fromText(text: string): Float32Array {
  return new Float32Array(new Uint8Array(Buffer.from(text, 'base64')).buffer);
}
