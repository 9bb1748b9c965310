// A small real text model for tests and benches: naive Bayes over tokens, learnt from a few sentences, as an ONNX graph.
import { encodeModel, type NodeSpec } from '../onnx/graph.ts';
import type { Label } from './labels.ts';
import { openTokenizer } from './tokenizer.ts';

/** Sentences that it learns from. */
export const LEARNT: readonly (readonly [Label, string])[] = [
  ['positive', 'Profits rose and the company beat expectations'],
  ['positive', 'Analysts upgraded the stock on strong demand'],
  ['positive', 'The dividend was increased, investors were pleased'],
  ['negative', 'Shares fell as the company missed expectations'],
  ['negative', 'The bank announced losses and layoffs'],
  ['negative', 'Analysts downgraded the stock on weak demand'],
  ['neutral', 'The company holds its annual meeting'],
  ['neutral', 'The bank is a company of the city'],
];

/** Inputs of the graph: all that a sequence classifier may have. */
export const ALL_INPUTS = ['input_ids', 'attention_mask', 'token_type_ids'] as const;

/**
 * Returns the logarithms [tokens, labels] of how likely each label has each token, with one added to each count. Their mean over
 * the tokens of a text is its logits.
 */
export function learn(tokenizer: Uint8Array, labels: readonly Label[]): Float32Array {
  const { size, encode } = openTokenizer(tokenizer);
  const counts = labels.map(() => new Float64Array(size).fill(1));
  for (const [label, text] of LEARNT) {
    const of = counts[labels.indexOf(label)];
    for (const id of encode(text, 1000).ids) if (of) of[id]! += 1;
  }
  const sums = counts.map((of) => of.reduce((sum, count) => sum + count, 0));
  return Float32Array.from({ length: size * labels.length }, (_, i) => {
    const label = i % labels.length;
    return Math.log(counts[label]![Math.floor(i / labels.length)]! / sums[label]!) * 8;
  });
}

/** Returns the graph: the mean over real tokens of the rows of `weights` [tokens, classes]. */
export function bagGraph(weights: Float32Array, classes: number, inputs: readonly string[] = ALL_INPUTS) {
  const nodes: NodeSpec[] = [
    { op: 'Gather', inputs: ['weights', 'input_ids'], outputs: ['each'] },
    { op: 'Cast', inputs: ['attention_mask'], outputs: ['mask'], attributes: { to: { int: 1 } } },
    { op: 'Unsqueeze', inputs: ['mask', 'last'], outputs: ['wide'] },
    { op: 'Mul', inputs: ['each', 'wide'], outputs: ['real'] },
    { op: 'ReduceSum', inputs: ['real', 'middle'], outputs: ['sum'], attributes: { keepdims: { int: 0 } } },
    { op: 'ReduceSum', inputs: ['wide', 'middle'], outputs: ['count'], attributes: { keepdims: { int: 0 } } },
    { op: 'Div', inputs: ['sum', 'count'], outputs: ['logits'] },
  ];
  const int64 = (name: string, value: number) =>
    ({ name, type: 'int64', dims: [1], data: BigInt64Array.of(BigInt(value)) }) as const;
  return encodeModel({
    graph: {
      name: 'bag',
      nodes,
      constants: [
        { name: 'weights', type: 'float32', dims: [weights.length / classes, classes], data: weights },
        int64('last', 2),
        int64('middle', 1),
      ],
      inputs: inputs.map((name) => ({ name, type: 'int64', dims: ['rows', 'tokens'] })),
      outputs: [{ name: 'logits', type: 'float32', dims: ['rows', classes] }],
    },
  });
}
