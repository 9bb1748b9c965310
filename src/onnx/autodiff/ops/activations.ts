// Activations of networks.
import { record, type Tensor } from '../tape.ts';
import { add, exp, mul, neg, sub } from './arithmetic.ts';
import { sum } from './shapes.ts';

/** Returns the hyperbolic tangent. */
export function tanh(x: Tensor): Tensor {
  const y = x.tape.emit('Tanh', [x], x.shape);
  return record([x], y, (dy) => [() => mul(dy, sub(x.tape.scalar(1), mul(y, y)))]);
}

/** Returns 1 / (1 + e^-x). */
export function sigmoid(x: Tensor): Tensor {
  const y = x.tape.emit('Sigmoid', [x], x.shape);
  return record([x], y, (dy) => [() => mul(dy, mul(y, sub(x.tape.scalar(1), y)))]);
}

/** Returns max(x, 0); its gradient at 0 is 0. */
export function relu(x: Tensor): Tensor {
  const { tape } = x;
  const y = tape.emit('Relu', [x], x.shape);
  return record([x], y, (dy) => [
    () =>
      tape.emit(
        'Where',
        [tape.emit('Greater', [y, tape.scalar(0)], y.shape, undefined, 'bool'), dy, tape.scalar(0)],
        y.shape,
      ),
  ]);
}

/** Returns x * Phi(x), Phi the normal distribution function: Hendrycks and Gimpel, "Gaussian error linear units" (2016). */
export function gelu(x: Tensor): Tensor {
  const { tape } = x;
  const half = tape.scalar(0.5);
  const [y, phi] = tape.untracked(() => {
    const erf = tape.emit('Erf', [mul(x, tape.scalar(Math.SQRT1_2))], x.shape);
    const phi = mul(add(erf, tape.scalar(1)), half);
    return [mul(x, phi), phi] as const;
  });
  return record([x], y, (dy) => [
    () => {
      const density = mul(exp(mul(mul(x, x), neg(half))), tape.scalar(1 / Math.sqrt(2 * Math.PI)));
      return mul(dy, add(phi, mul(x, density)));
    },
  ]);
}

/** Returns e^x / sum(e^x) over the last axis. */
export function softmax(x: Tensor): Tensor {
  const y = x.tape.emit('Softmax', [x], x.shape, { axis: { int: -1 } });
  return record([x], y, (dy) => [() => mul(y, sub(dy, sum(mul(dy, y), [x.rank - 1])))]);
}
