// How the shapes of two operands stretch to each other.
import { ShapeMismatchError } from '../../core/errors.ts';
import type { Shape } from './tape.ts';

/** Returns the shape of an operation on two shapes, sizes of 1 stretched. Throws ShapeMismatchError when they don't fit. */
export function broadcast(a: Shape, b: Shape): Shape {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i) => {
    const x = a[a.length - rank + i] ?? 1;
    const y = b[b.length - rank + i] ?? 1;
    if (x !== y && x !== 1 && y !== 1) {
      throw new ShapeMismatchError(`Expected shapes that stretch to each other, was [${a}] and [${b}]`);
    }
    return x === 1 ? y : x;
  });
}
