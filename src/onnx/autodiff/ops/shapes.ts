// Operations that move elements about: reshape, transpose, slice, split, concat; and sums down to a shape.
import { ShapeMismatchError } from '../../../core/errors.ts';
import { FREE, record, recordAll, type Shape, sizeOf, type Tensor } from '../tape.ts';

/** Returns `x` with other sizes and the elements in the same order. Throws ShapeMismatchError when their number differs. */
export function reshape(x: Tensor, shape: Shape): Tensor {
  if (String(shape) === String(x.shape)) return x;
  if (sizeOf(shape) !== x.size || !fits(rest(x.shape), rest(shape))) {
    throw new ShapeMismatchError(`Expected sizes of ${x.size} elements for reshape, was [${shape}]`);
  }
  const y = x.tape.emit('Reshape', [x, x.tape.integers(shape)], shape, undefined, x.type);
  return record([x], y, (dy) => [() => reshape(dy, x.shape)]);
}

/** Rows that are free may be joined or cut by a whole number. */
function fits(before: number, after: number): boolean {
  return before % after === 0 || after % before === 0;
}

/** Elements of one row. */
function rest(shape: Shape): number {
  return sizeOf(shape.filter((dim) => dim !== FREE));
}

/** Returns `x` with its axes in the order `axes`: axis i of the result is axis `axes[i]` of `x`. */
export function transpose(x: Tensor, axes: readonly number[]): Tensor {
  if (String([...axes].sort((a, b) => a - b)) !== String(x.shape.map((_, i) => i))) {
    throw new ShapeMismatchError(`Expected each axis of [${x.shape}] once for transpose, was [${axes}]`);
  }
  const back = axes.map((_, i) => axes.indexOf(i));
  const shape = axes.map((axis) => x.shape[axis]!);
  const y = x.tape.emit('Transpose', [x], shape, { perm: { ints: axes } }, x.type);
  return record([x], y, (dy) => [() => transpose(dy, back)]);
}

/** Returns `x` with its last two axes exchanged. */
export function transposeLast(x: Tensor): Tensor {
  const last = x.rank - 1;
  return transpose(x, [...x.shape.keys()].toSpliced(-2, 2, last, last - 1));
}

/** Returns the elements `from` to `to - 1` of one axis. */
export function slice(x: Tensor, axis: number, from: number, to: number): Tensor {
  const size = x.shape[axis];
  if (size === undefined || from < 0 || to <= from || (size !== FREE && to > size)) {
    throw new ShapeMismatchError(`Expected a part of axis ${axis} of [${x.shape}], was ${from} to ${to}`);
  }
  const { tape } = x;
  const at = [from, to, axis].map((value) => tape.integers([value]));
  const y = tape.emit('Slice', [x, ...at], x.shape.with(axis, to - from), undefined, x.type);
  return record([x], y, (dy) => [
    () => {
      const pads = new Array<number>(2 * x.rank).fill(0);
      pads[axis] = from;
      pads[x.rank + axis] = size - to;
      return tape.emit('Pad', [dy, tape.integers(pads)], x.shape);
    },
  ]);
}

/** Returns the parts of one axis that have the given sizes, in order. Throws ShapeMismatchError when they don't add up. */
export function split(x: Tensor, axis: number, sizes: readonly number[]): readonly Tensor[] {
  if (sizes.reduce((a, b) => a + b, 0) !== x.shape[axis]) {
    throw new ShapeMismatchError(`Expected sizes that sum to axis ${axis} of [${x.shape}], was [${sizes}]`);
  }
  if (sizes.length === 1) return [x];
  const shapes = sizes.map((size) => x.shape.with(axis, size));
  const attributes = { axis: { int: axis } };
  const parts = x.tape.emitAll('Split', [x, x.tape.integers(sizes)], shapes, attributes, x.type);
  return recordAll([x], parts, (gradients) => [() => concat(gradients, axis)]);
}

/** Returns tensors joined along one axis. Throws ShapeMismatchError when they differ elsewhere. */
export function concat(parts: readonly Tensor[], axis: number): Tensor {
  const first = parts[0]!;
  if (parts.length === 1) return first;
  for (const { shape } of parts) {
    if (String(shape.with(axis, 0)) !== String(first.shape.with(axis, 0))) {
      throw new ShapeMismatchError(`Expected [${first.shape}] but for axis ${axis}, was [${shape}]`);
    }
  }
  const sizes = parts.map((part) => part.shape[axis]!);
  const shape = first.shape.with(
    axis,
    sizes.reduce((a, b) => a + b, 0),
  );
  const y = first.tape.emit('Concat', parts, shape, { axis: { int: axis } });
  return record(parts, y, (dy) => {
    let found: readonly Tensor[] | undefined;
    const gradients = () => {
      found ??= split(dy, axis, sizes);
      return found;
    };
    return parts.map((_, i) => () => gradients()[i]!);
  });
}

/** Returns the sum over `axes`, which stay as sizes of 1. */
export function sum(x: Tensor, axes: readonly number[]): Tensor {
  const shape = x.shape.map((size, axis) => (axes.includes(axis) ? 1 : size));
  const y = x.tape.emit('ReduceSum', [x, x.tape.integers(axes)], shape, { keepdims: { int: 1 } });
  return record([x], y, (dy) => [() => x.tape.emit('Expand', [dy, x.tape.integers(x.shape)], x.shape)]);
}

/** Returns `gradient` summed down to the shape of an operand that was broadcast to it. */
export function sumTo(gradient: Tensor, shape: Shape): Tensor {
  const extra = gradient.rank - shape.length;
  const axes = [...gradient.shape.keys()].filter(
    (axis) => axis < extra || (shape[axis - extra] === 1 && gradient.shape[axis] !== 1),
  );
  return axes.length === 0 ? reshape(gradient, shape) : reshape(sum(gradient, axes), shape);
}
