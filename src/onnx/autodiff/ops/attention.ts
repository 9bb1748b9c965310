// Attention of a sequence to itself.
import { InvalidOptionError } from '../../../core/errors.ts';
import type { Tensor } from '../tape.ts';
import { softmax } from './activations.ts';
import { add, mul } from './arithmetic.ts';
import { linear, matmul } from './linear.ts';
import { reshape, split, transpose } from './shapes.ts';

/** Weights of attention: `input` [width, 3 width] for queries, keys and values, `output` [width, width], and their biases. */
export interface AttentionWeights {
  readonly input: Tensor;
  readonly inputBias: Tensor;
  readonly output: Tensor;
  readonly outputBias: Tensor;
}

/** What is added to a score that must not count: exp of it is 0 in float32. */
const NEVER = -1e9;

/**
 * Returns softmax(Q K^T / sqrt(width / heads)) V of x [rows, steps, width], for each head, joined and projected. With
 * `causal` no step sees a later one. Source: Vaswani et al., "Attention is all you need" (2017). Throws InvalidOptionError
 * when the heads don't divide the width.
 */
export function attention(x: Tensor, weights: AttentionWeights, heads: number, causal = false): Tensor {
  const { tape } = x;
  const [rows, steps, width] = x.shape as [number, number, number];
  if (width % heads !== 0) {
    throw new InvalidOptionError(`Expected heads that divide the width ${width}, was ${heads}`);
  }
  const size = width / heads;
  const all = linear(x, weights.input, weights.inputBias);
  // The scale goes into the queries, which are smaller than the scores.
  const [query, key, value] = split(all, 2, [width, width, width]).map((part) =>
    reshape(part, [rows, steps, heads, size]),
  ) as [Tensor, Tensor, Tensor];
  const scaled = mul(query, tape.scalar(1 / Math.sqrt(size)));
  const products = matmul(transpose(scaled, [0, 2, 1, 3]), transpose(key, [0, 2, 3, 1]));
  const scores = causal ? add(products, later(x, steps)) : products;
  const mixed = matmul(softmax(scores), transpose(value, [0, 2, 1, 3]));
  const joined = reshape(transpose(mixed, [0, 2, 1, 3]), [rows, steps, width]);
  return linear(joined, weights.output, weights.outputBias);
}

/** Returns [steps, steps] that takes later steps out of the scores. */
function later(x: Tensor, steps: number): Tensor {
  const mask = Float32Array.from({ length: steps * steps }, (_, i) =>
    i % steps > Math.floor(i / steps) ? NEVER : 0,
  );
  return x.tape.constant([steps, steps], mask);
}
