// Which nodes of a graph Core ML takes from ONNX Runtime, as an ML Program with static shapes, and how much of the work they are.
import type { GraphSpec, NodeSpec } from '../graph.ts';
import { floatOf, intOf } from './attributes.ts';
import { operationsOf } from './operations.ts';
import type { ValueInfo } from './shapes.ts';

type Values = ReadonlyMap<string, ValueInfo>;

/** What Core ML takes of a graph. */
export interface Coverage {
  readonly nodes: number;
  readonly accelerated_nodes: number;
  /** Estimated operations for one row, and the share of them that Core ML takes. */
  readonly operations_per_row: number;
  readonly accelerated_share: number;
  /** Parts that Core ML runs; between two of them the CPU is at work, and values travel. */
  readonly partitions: number;
  /** What stays on the CPU: operator, why, and how many nodes. */
  readonly on_cpu: readonly { readonly operator: string; readonly reason: string; readonly nodes: number }[];
}

/** Least share of the operations for which it is worth to leave the CPU: below it most of the work would not move. */
export const WORTH_SHARE = 0.5;

// Operators of coreml_supported_mlprogram_ops.md of ONNX Runtime (commit 04f568d), among those that are served.
const TAKEN = new Set(
  (
    'Add ArgMax AveragePool Cast Ceil Clip Concat Conv Cos Div Elu Erf Exp Gelu Gemm GlobalAveragePool GlobalMaxPool GroupNormalization ' +
    'HardSigmoid Identity InstanceNormalization LayerNormalization LeakyRelu MatMul Max MaxPool Mul Pow PRelu Reciprocal ReduceMax ' +
    'ReduceMean ReduceSum Relu Reshape Round Shape Sigmoid Sin Slice Softmax Softplus Split Sqrt Squeeze Sub Tanh Transpose Unsqueeze'
  ).split(' '),
);
const WINDOWS = new Set(['AveragePool', 'MaxPool', 'GlobalAveragePool', 'GlobalMaxPool']);
/** Inputs from the second on that have to be constants: sizes, places, weights. */
const CONSTANT = new Set([
  'Clip',
  'Conv',
  'Reshape',
  'Slice',
  'Split',
  'Squeeze',
  'Unsqueeze',
  'ReduceMax',
  'ReduceMean',
  'ReduceSum',
]);
/** Core ML tensors have at most so many axes. */
const MOST_AXES = 5;

/** Returns why a node stays on the CPU; null where Core ML takes it. */
export function leftOut(node: NodeSpec, values: Values): string | null {
  if (node.domain) return `${node.domain} is not of Core ML`;
  if (!TAKEN.has(node.op)) return 'the provider has no form of it';
  const inputs = node.inputs.map((name) => values.get(name));
  const [first] = inputs;
  for (const value of [...inputs, ...node.outputs.map((name) => values.get(name))]) {
    if (!value) continue;
    if (!value.dims) return 'its sizes are not known before it runs';
    if (value.dims.length > MOST_AXES) return `more than ${MOST_AXES} axes`;
  }
  if (node.op !== 'Cast' && first && first.type !== 'float32' && first.type !== 'float16')
    return `on ${first.type}`;
  if (CONSTANT.has(node.op) && inputs.slice(1).some((value) => value && !value.constant))
    return 'sizes or weights that are no constants';
  return leftOutFor(node, inputs);
}

function leftOutFor(node: NodeSpec, inputs: readonly (ValueInfo | undefined)[]): string | null {
  const [first, second, third] = inputs;
  if (node.op === 'Gemm') {
    if (!second?.constant || (third && !third.constant)) return 'a product with what is no constant';
    const plain =
      intOf(node, 'transA', 0) === 0 && floatOf(node, 'alpha', 1) === 1 && floatOf(node, 'beta', 1) === 1;
    if (!plain) return 'transA, alpha or beta';
  }
  if (node.op === 'Pow' && [first, second].some((value) => value?.type !== 'float32'))
    return 'powers of other than float32';
  if (WINDOWS.has(node.op) && first?.dims?.length !== 4) return 'windows over other than two axes';
  if (node.op === 'Conv' && (first?.dims?.length ?? 0) > 4) return 'a convolution over more than two axes';
  return null;
}

/** Returns what Core ML takes of a graph whose values are those of `rows` rows. */
export function coverageOf(graph: GraphSpec, values: Values, rows: number): Coverage {
  const left = new Map<string, { operator: string; reason: string; nodes: number }>();
  // The part of each value: one further than that of what the CPU had to make first.
  const partOf = new Map<string, { part: number; taken: boolean }>();
  const parts = new Set<number>();
  let [accelerated, all, taken] = [0, 0, 0];
  for (const node of graph.nodes) {
    const reason = leftOut(node, values);
    const operations = operationsOf(node, values);
    all += operations;
    let part = 0;
    for (const name of node.inputs) {
      const from = partOf.get(name);
      if (from) part = Math.max(part, reason === null && !from.taken ? from.part + 1 : from.part);
    }
    for (const name of node.outputs) partOf.set(name, { part, taken: reason === null });
    if (reason === null) {
      accelerated++;
      taken += operations;
      parts.add(part);
    } else {
      const key = `${node.op}: ${reason}`;
      const known = left.get(key) ?? { operator: node.op, reason, nodes: 0 };
      left.set(key, { ...known, nodes: known.nodes + 1 });
    }
  }
  return {
    nodes: graph.nodes.length,
    accelerated_nodes: accelerated,
    operations_per_row: Math.round(all / rows),
    accelerated_share: all === 0 ? 0 : taken / all,
    partitions: parts.size,
    on_cpu: [...left.values()].sort((a, b) => b.nodes - a.nodes),
  };
}
