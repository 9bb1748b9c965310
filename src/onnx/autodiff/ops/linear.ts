// Matrix products and the layers that are one.
import { ShapeMismatchError } from '../../../core/errors.ts';
import { broadcast } from '../broadcast.ts';
import { FREE, record, type Tensor } from '../tape.ts';
import { mean, mul, sub } from './arithmetic.ts';
import { reshape, sumTo, transposeLast } from './shapes.ts';

/**
 * Returns the matrix product of a [..., m, k] and b [..., k, n]; the axes before stretch. Throws ShapeMismatchError when
 * the inner sizes differ.
 */
export function matmul(a: Tensor, b: Tensor): Tensor {
  if (a.rank < 2 || b.rank < 2 || a.shape.at(-1) !== b.shape.at(-2)) {
    throw new ShapeMismatchError(`Expected [.., m, k] and [.., k, n], was [${a.shape}] and [${b.shape}]`);
  }
  if (a.rank > 2 && b.rank === 2) return folded(a, b, matmul);
  const before = broadcast(a.shape.slice(0, -2), b.shape.slice(0, -2));
  const y = a.tape.emit('MatMul', [a, b], [...before, a.shape.at(-2)!, b.shape.at(-1)!]);
  return record([a, b], y, (dy) =>
    a.rank === 2 && b.rank === 2
      ? [() => gemm(dy, b, false, true), () => gemm(a, dy, true, false)]
      : [
          () => sumTo(matmul(dy, transposeLast(b)), a.shape),
          () => sumTo(matmul(transposeLast(a), dy), b.shape),
        ],
  );
}

/** Runs a product of matrices on all rows of `x` at once: one big product is faster than many small ones. */
function folded(x: Tensor, weight: Tensor, product: (rows: Tensor, weight: Tensor) => Tensor): Tensor {
  const width = x.shape.at(-1)!;
  const rows = x.size === FREE ? FREE : x.size / width;
  return reshape(product(reshape(x, [rows, width]), weight), [...x.shape.slice(0, -1), weight.shape[1]!]);
}

/** Returns the product of two matrices, each transposed first where that is asked for; not recorded. */
function gemm(a: Tensor, b: Tensor, transposeA: boolean, transposeB: boolean): Tensor {
  const shape = [a.shape[transposeA ? 1 : 0]!, b.shape[transposeB ? 0 : 1]!];
  return a.tape.emit('Gemm', [a, b], shape, {
    transA: { int: Number(transposeA) },
    transB: { int: Number(transposeB) },
  });
}

/** Returns x weight + bias for x [..., k], weight [k, n], bias [n]. Throws ShapeMismatchError. */
export function linear(x: Tensor, weight: Tensor, bias: Tensor): Tensor {
  if (
    weight.rank !== 2 ||
    x.shape.at(-1) !== weight.shape[0] ||
    String(bias.shape) !== `${weight.shape[1]}`
  ) {
    throw new ShapeMismatchError(
      `Expected [.., k], [k, n] and [n], was [${x.shape}], [${weight.shape}] and [${bias.shape}]`,
    );
  }
  if (x.rank !== 2) return folded(x, weight, (rows) => linear(rows, weight, bias));
  const y = x.tape.emit('Gemm', [x, weight, bias], [x.shape[0]!, weight.shape[1]!]);
  return record([x, weight, bias], y, (dy) => [
    () => gemm(dy, weight, false, true),
    () => gemm(x, dy, true, false),
    () => sumTo(dy, bias.shape),
  ]);
}

const EPSILON = 1e-5;

/**
 * Returns (x - mean) / sqrt(variance + 1e-5) * gain + bias over the last axis, for gain and bias of its size. Source:
 * Ba, Kiros, Hinton, "Layer normalization" (2016); the variance is that of the population.
 */
export function layerNorm(x: Tensor, gain: Tensor, bias: Tensor): Tensor {
  const { tape } = x;
  const axis = x.rank - 1;
  const column = x.shape.with(axis, 1);
  const attributes = { axis: { int: -1 }, epsilon: { float: EPSILON } };
  // A served graph leaves out what only the way back needs.
  const shapes = tape.serving ? [x.shape] : [x.shape, column, column];
  const [y, centre, inverse] = tape.emitAll('LayerNormalization', [x, gain, bias], shapes, attributes);
  return record([x, gain, bias], y!, (dy) => {
    let kept: Tensor | undefined;
    const normal = () => {
      kept ??= mul(sub(x, centre!), inverse!);
      return kept;
    };
    return [
      () => {
        const d = mul(dy, gain);
        const along = mul(normal(), mean(mul(d, normal()), [axis]));
        return mul(inverse!, sub(sub(d, mean(d, [axis])), along));
      },
      () => sumTo(mul(dy, normal()), gain.shape),
      () => sumTo(dy, bias.shape),
    ];
  });
}
