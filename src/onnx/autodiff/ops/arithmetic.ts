// Arithmetic of elements. Shapes stretch as in NumPy: sizes of 1 repeat.
import { broadcast } from '../broadcast.ts';
import { record, type Tensor } from '../tape.ts';
import { sum, sumTo } from './shapes.ts';

/** Returns a + b. */
export function add(a: Tensor, b: Tensor): Tensor {
  const y = a.tape.emit('Add', [a, b], broadcast(a.shape, b.shape), undefined, a.type);
  return record([a, b], y, (dy) => [() => sumTo(dy, a.shape), () => sumTo(dy, b.shape)]);
}

/** Returns a - b. */
export function sub(a: Tensor, b: Tensor): Tensor {
  const y = a.tape.emit('Sub', [a, b], broadcast(a.shape, b.shape));
  return record([a, b], y, (dy) => [() => sumTo(dy, a.shape), () => sumTo(neg(dy), b.shape)]);
}

/** Returns a * b, element by element. */
export function mul(a: Tensor, b: Tensor): Tensor {
  const y = a.tape.emit('Mul', [a, b], broadcast(a.shape, b.shape), undefined, a.type);
  return record([a, b], y, (dy) => [() => sumTo(mul(dy, b), a.shape), () => sumTo(mul(dy, a), b.shape)]);
}

/** Returns a / b, element by element; not finite where b is 0. */
export function div(a: Tensor, b: Tensor): Tensor {
  const y = a.tape.emit('Div', [a, b], broadcast(a.shape, b.shape));
  return record([a, b], y, (dy) => [
    () => sumTo(div(dy, b), a.shape),
    () => sumTo(neg(div(mul(dy, y), b)), b.shape),
  ]);
}

/** Returns -x. */
export function neg(x: Tensor): Tensor {
  return record([x], x.tape.emit('Neg', [x], x.shape), (dy) => [() => neg(dy)]);
}

/** Returns e^x. */
export function exp(x: Tensor): Tensor {
  const y = x.tape.emit('Exp', [x], x.shape);
  return record([x], y, (dy) => [() => mul(dy, y)]);
}

/** Returns the natural logarithm; NaN below 0. */
export function log(x: Tensor): Tensor {
  return record([x], x.tape.emit('Log', [x], x.shape), (dy) => [() => div(dy, x)]);
}

/** Returns the square root; NaN below 0, and a gradient that is not finite at 0. */
export function sqrt(x: Tensor): Tensor {
  const y = x.tape.emit('Sqrt', [x], x.shape);
  return record([x], y, (dy) => [() => div(mul(dy, x.tape.scalar(0.5)), y)]);
}

/** Returns the mean over `axes`, which stay as sizes of 1. */
export function mean(x: Tensor, axes: readonly number[]): Tensor {
  const count = axes.reduce((product, axis) => product * x.shape[axis]!, 1);
  return mul(sum(x, axes), x.tape.scalar(1 / count));
}
