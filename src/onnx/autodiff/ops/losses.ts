// Losses: scalars over the rows of a minibatch. A row counts by its weight; a weight of 0 takes it out.
import { ShapeMismatchError } from '../../../core/errors.ts';
import { record, type Tensor } from '../tape.ts';
import { sigmoid } from './activations.ts';
import { add, div, exp, log, mul, sub } from './arithmetic.ts';
import { reshape, sum } from './shapes.ts';

/** Keeps a batch without weight from dividing by zero; far below any weight that counts. */
const LEAST_WEIGHT = 1e-30;

/** Returns weights [rows] as parts of their sum, [rows, 1], divided by `columns`; not recorded. */
function shares(weights: Tensor, columns: number): Tensor {
  const { tape } = weights;
  const total = tape.emit('Max', [sum(weights, [0]), tape.scalar(LEAST_WEIGHT)], [1]);
  const part = div(weights, columns === 1 ? total : mul(total, tape.scalar(columns)));
  return reshape(part, [weights.shape[0]!, 1]);
}

/** Returns all elements summed to a scalar; not recorded. */
function total(x: Tensor): Tensor {
  return reshape(sum(x, [...x.shape.keys()]), []);
}

function checkRows(prediction: Tensor, target: Tensor, weights: Tensor): void {
  if (prediction.rank !== 2 || String(weights.shape) !== `${prediction.shape[0]}`) {
    throw new ShapeMismatchError(
      `Expected predictions [rows, columns] and weights [rows], was [${prediction.shape}] and [${weights.shape}]`,
    );
  }
  if (target.rank !== 2 || target.shape[0] !== prediction.shape[0]) {
    throw new ShapeMismatchError(`Expected targets [rows, columns], was [${target.shape}]`);
  }
}

function checkEqual(prediction: Tensor, target: Tensor, weights: Tensor): void {
  checkRows(prediction, target, weights);
  if (prediction.shape[1] !== target.shape[1]) {
    throw new ShapeMismatchError(`Expected targets [${prediction.shape}], was [${target.shape}]`);
  }
}

/** Loss of one prediction and its derivative by it, from element-wise operations. */
type Pointwise = (
  prediction: Tensor,
  target: Tensor,
) => { readonly loss: Tensor; readonly slope: () => Tensor };

/** Returns sum_i w_i mean_j loss(prediction_ij, target_ij) / sum_i w_i. Targets have no gradient. */
function weighted(prediction: Tensor, target: Tensor, weights: Tensor, of: Pointwise): Tensor {
  checkEqual(prediction, target, weights);
  const { tape } = prediction;
  const [loss, share, slope] = tape.untracked(() => {
    const share = shares(weights, prediction.shape[1]!);
    const { loss, slope } = of(prediction, target);
    return [total(mul(loss, share)), share, slope] as const;
  });
  return record([prediction], loss, (dy) => [() => mul(mul(slope(), share), dy)]);
}

/** Returns the weighted mean of (prediction - target)^2; prediction and target [rows, columns], weights [rows]. */
export function squaredError(prediction: Tensor, target: Tensor, weights: Tensor): Tensor {
  return weighted(prediction, target, weights, (p, t) => {
    const d = sub(p, t);
    return { loss: mul(d, d), slope: () => add(d, d) };
  });
}

/**
 * Returns the weighted mean of d^2 / 2 where |d| <= delta and delta (|d| - delta / 2) beyond, d = prediction - target.
 * Source: Huber, "Robust estimation of a location parameter" (1964).
 */
export function huber(prediction: Tensor, target: Tensor, weights: Tensor, delta: number): Tensor {
  return weighted(prediction, target, weights, (p, t) => {
    const { tape } = p;
    const d = sub(p, t);
    const clipped = tape.emit('Clip', [d, tape.scalar(-delta), tape.scalar(delta)], d.shape);
    return { loss: mul(clipped, sub(d, mul(clipped, tape.scalar(0.5)))), slope: () => clipped };
  });
}

/**
 * Returns the weighted mean of -t log s - (1 - t) log(1 - s) for s = sigmoid(logit), targets from 0 to 1; finite for
 * any finite logit.
 */
export function binaryCrossEntropy(logits: Tensor, target: Tensor, weights: Tensor): Tensor {
  return weighted(logits, target, weights, (z, t) => {
    const softplus = z.tape.emit('Softplus', [z], z.shape);
    return { loss: sub(softplus, mul(z, t)), slope: () => sub(sigmoid(z), t) };
  });
}

/**
 * Returns the weighted mean of -log softmax(logits)[class]; logits [rows, classes], classes [rows, 1] as float32 indices
 * from 0, weights [rows]. Weights of classes are a matter of the rows: multiply them in.
 */
export function crossEntropy(logits: Tensor, classes: Tensor, weights: Tensor): Tensor {
  checkRows(logits, classes, weights);
  const { tape, shape } = logits;
  const count = shape[1]!;
  const [loss, share, oneHot, logProbability] = tape.untracked(() => {
    const indices = tape.constant(
      [1, count],
      Float32Array.from({ length: count }, (_, i) => i),
    );
    const equal = tape.emit('Equal', [classes, indices], shape, undefined, 'bool');
    const oneHot = tape.emit('Cast', [equal], shape, { to: { int: 1 } });
    const rowMax = tape.emit('ReduceMax', [logits, tape.integers([1])], [shape[0]!, 1], {
      keepdims: { int: 1 },
    });
    const shifted = sub(logits, rowMax);
    const logProbability = sub(shifted, log(sum(exp(shifted), [1])));
    const share = shares(weights, 1);
    const loss = total(mul(mul(logProbability, oneHot), mul(share, tape.scalar(-1))));
    return [loss, share, oneHot, logProbability] as const;
  });
  return record([logits], loss, (dy) => [() => mul(mul(sub(exp(logProbability), oneHot), share), dy)]);
}
