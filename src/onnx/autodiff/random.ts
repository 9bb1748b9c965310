// Random numbers inside a graph: a hash of a key and the index of the element, so that they can be drawn again.
import type { Tensor } from './tape.ts';

/**
 * Returns 32 random bits for each element of `shape` as uint32. `key` [1] is a uint32 that differs for each step and
 * layer (see `dropoutKeys`); the bits of an element are lowbias32(index XOR key), an integer hash whose output bits each
 * depend on all input bits. Source: C. Wellons, "Prospecting for hash functions" (2018), lowbias32.
 */
function bits(shape: readonly number[], key: Tensor): Tensor {
  const { tape } = key;
  const size = shape.reduce((product, dim) => product * dim, 1);
  const emit = (op: string, a: Tensor, b: Tensor) =>
    tape.emit(
      op,
      [a, b],
      shape,
      op === 'BitShift' ? { direction: { string: 'RIGHT' } } : undefined,
      'uint32',
    );
  const word = (value: number) => tape.constant([1], Uint32Array.of(value), 'uint32');
  const fold = (x: Tensor, by: number) => emit('BitwiseXor', x, emit('BitShift', x, word(by)));
  const index = tape.constant(
    shape,
    Uint32Array.from({ length: size }, (_, i) => i),
    'uint32',
  );
  let x = emit('BitwiseXor', index, key);
  x = emit('Mul', fold(x, 16), word(0x7feb352d));
  x = emit('Mul', fold(x, 15), word(0x846ca68b));
  return fold(x, 16);
}

/** Returns uniforms in [0, 1) of 24 bits for each element of `shape`; `key` as in {@link bits}. No gradient. */
export function uniform(shape: readonly number[], key: Tensor): Tensor {
  const { tape } = key;
  const shift = tape.constant([1], Uint32Array.of(8), 'uint32');
  const high = tape.emit(
    'BitShift',
    [bits(shape, key), shift],
    shape,
    { direction: { string: 'RIGHT' } },
    'uint32',
  );
  const real = tape.emit('Cast', [high], shape, { to: { int: 1 } });
  return tape.emit('Mul', [real, tape.scalar(2 ** -24)], shape);
}
