// Estimates of the arithmetic of a node: what share of a model's work runs where.
import type { NodeSpec } from '../graph.ts';
import { elementsOf, intOf } from './attributes.ts';
import type { ValueInfo } from './shapes.ts';

const FREE_OF_WORK = new Set(
  'Cast Concat Dropout Flatten Gather Identity Reshape Shape Slice Split Squeeze Transpose Unsqueeze'.split(
    ' ',
  ),
);
/** Operations of one element where it is more than one: exponentials and what is made of them, and whole normalisations. */
const DEAR: Readonly<Record<string, number>> = {
  Erf: 8,
  Exp: 8,
  Gelu: 10,
  LayerNormalization: 8,
  Log: 8,
  Pow: 8,
  Sigmoid: 8,
  Softmax: 10,
  Softplus: 8,
  Tanh: 8,
};

/**
 * Returns the additions, multiplications and comparisons of a node, estimated: exact for products, recurrent layers and convolutions, a
 * few for each element elsewhere. 0 where sizes are not known.
 */
export function operationsOf(node: NodeSpec, values: ReadonlyMap<string, ValueInfo>): number {
  if (FREE_OF_WORK.has(node.op)) return 0;
  const dimsOf = (name: string | undefined) => (name === undefined ? null : (values.get(name)?.dims ?? null));
  const made = elementsOf(dimsOf(node.outputs.find((name) => name !== ''))) ?? 0;
  const read = dimsOf(node.inputs[0]);
  const weight = dimsOf(node.inputs[1]);
  switch (node.op) {
    case 'Gemm':
      return 2 * made * (read?.[intOf(node, 'transA', 0) === 0 ? 1 : 0] ?? 0);
    case 'MatMul':
      return 2 * made * (read?.at(-1) ?? 0);
    case 'Conv':
      return 2 * made * (elementsOf(weight?.slice(1)) ?? 0);
    case 'RNN':
    case 'GRU':
    case 'LSTM': {
      const hidden = dimsOf(node.inputs[2]);
      const perStep = (elementsOf(weight) ?? 0) + (elementsOf(hidden) ?? 0);
      return 2 * perStep * (read?.[0] ?? 0) * (read?.[1] ?? 0);
    }
    case 'TreeEnsemble':
    case 'TreeEnsembleClassifier':
    case 'TreeEnsembleRegressor':
      return (read?.[0] ?? 0) * comparisonsOf(node);
    default: {
      const size = Math.max(made, elementsOf(read) ?? 0);
      return size * (DEAR[node.op] ?? 1);
    }
  }
}

/** Comparisons of one row: a path through each tree, as long as that of an even one. */
function comparisonsOf({ attributes }: NodeSpec): number {
  const given = attributes?.nodes_treeids;
  if (!given || !('ints' in given)) return 0;
  const sizes = new Map<number, number>();
  for (const tree of given.ints) sizes.set(Number(tree), (sizes.get(Number(tree)) ?? 0) + 1);
  let sum = 0;
  for (const nodes of sizes.values()) sum += Math.ceil(Math.log2(nodes + 1));
  return sum;
}
