// The float16 form of a graph: weights and arithmetic in half precision between the first and the last product of matrices.
import { codeOf } from '../decode.ts';
import type { GraphSpec, NodeSpec, TensorSpec } from '../graph.ts';
import { elementsOf, intOf, place } from './attributes.ts';
import { leftOut } from './coverage.ts';
import type { ValueInfo } from './shapes.ts';

type Values = ReadonlyMap<string, ValueInfo>;

/** Largest number of float16. */
export const MOST_HALF = 65_504;
/** Sums of more numbers are not exact to 11 bits on the Neural Engine. */
const MOST_SUMMED = 2048;
const PRODUCTS = new Set(['Conv', 'Gemm', 'MatMul']);
const SUMS = new Set(['GlobalAveragePool', 'LayerNormalization', 'ReduceMean', 'ReduceSum', 'Softmax']);

/** Why nodes keep float32. */
export type Kept =
  | 'before the first product'
  | 'behind the last product'
  | 'on the CPU'
  | 'weights beyond float16'
  | 'a long sum';

/** How a graph is divided. */
export interface HalfPlan {
  /** Nodes that calculate in float16. */
  readonly half: ReadonlySet<NodeSpec>;
  readonly kept: readonly { readonly reason: Kept; readonly nodes: number }[];
}

/**
 * Returns which nodes calculate in float16: those that Core ML takes from the first product of matrices to the last. What is before
 * them reads raw inputs, in which 11 bits would not tell one price from the next, and what is behind them gives the units of the target back.
 */
export function planHalf(graph: GraphSpec, values: Values): HalfPlan {
  const constants = new Map(graph.constants.map((constant) => [constant.name, constant]));
  const after = new Set<string>();
  const behind = new Map<NodeSpec, boolean>();
  for (const node of graph.nodes) {
    const is = PRODUCTS.has(node.op) || node.inputs.some((name) => after.has(name));
    behind.set(node, is);
    if (is) for (const name of node.outputs) after.add(name);
  }
  const before = new Set<string>();
  const half = new Set<NodeSpec>();
  const kept = new Map<Kept, number>();
  for (const node of graph.nodes.toReversed()) {
    const leads = PRODUCTS.has(node.op) || node.outputs.some((name) => before.has(name));
    if (leads) for (const name of node.inputs) before.add(name);
    const reason = !behind.get(node)
      ? 'before the first product'
      : !leads
        ? 'behind the last product'
        : reasonOf(node, values, constants);
    if (reason === null) half.add(node);
    else kept.set(reason, (kept.get(reason) ?? 0) + 1);
  }
  return { half, kept: [...kept].map(([reason, nodes]) => ({ reason, nodes })) };
}

function reasonOf(node: NodeSpec, values: Values, constants: ReadonlyMap<string, TensorSpec>): Kept | null {
  // Powers are taken in float32 only.
  if (node.op === 'Pow' || leftOut(node, values) !== null) return 'on the CPU';
  for (const name of node.inputs) {
    const constant = constants.get(name);
    if (constant?.type !== 'float32') continue;
    for (const value of constant.data as Float32Array)
      if (Math.abs(value) > MOST_HALF) return 'weights beyond float16';
  }
  return summed(node, values) > MOST_SUMMED ? 'a long sum' : null;
}

/** Numbers that one number of the output is the sum of, for operators that only sum. */
function summed(node: NodeSpec, values: Values): number {
  if (!SUMS.has(node.op)) return 0;
  const dims = values.get(node.inputs[0]!)?.dims;
  if (!dims) return 0;
  if (node.op === 'Softmax') return dims[place(intOf(node, 'axis', -1), dims.length)] ?? 0;
  if (node.op === 'LayerNormalization')
    return elementsOf(dims.slice(place(intOf(node, 'axis', -1), dims.length))) ?? 0;
  const made = elementsOf(values.get(node.outputs[0]!)?.dims) ?? 1;
  return (elementsOf(dims) ?? 0) / Math.max(1, made);
}

/**
 * Returns the graph with the nodes of `plan` in float16; inputs and outputs stay float32. With `rehearsed` it is a float32 graph that rounds
 * every value of those nodes to float16 and back: what the arithmetic gives on hardware that has it, for a CPU that would keep float32 between
 * nodes.
 */
export function inHalf(graph: GraphSpec, values: Values, { half }: HalfPlan, rehearsed = false): GraphSpec {
  const constants = new Map(graph.constants.map((constant) => [constant.name, constant]));
  const nodes: NodeSpec[] = [];
  const added: TensorSpec[] = [];
  const used = new Set<string>(graph.outputs.map(({ name }) => name));
  const halves = new Set<string>();
  const full = new Set<string>();
  const isFloat = (name: string) => name !== '' && values.get(name)?.type === 'float32';
  const cast = (from: string, to: string, type: 'float16' | 'float32') =>
    nodes.push({ op: 'Cast', inputs: [from], outputs: [to], attributes: { to: { int: codeOf(type) } } });
  const round = (from: string, to: string) => {
    if (!rehearsed) return void cast(from, to, 'float16');
    cast(from, `${to}/rounded`, 'float16');
    cast(`${to}/rounded`, to, 'float32');
  };
  const halved = (name: string): string => {
    if (!isFloat(name)) {
      used.add(name);
      return name;
    }
    const own = `${name}/half`;
    if (halves.has(own)) return own;
    halves.add(own);
    const constant = constants.get(name);
    if (constant) added.push(roundedConstant(constant, own, rehearsed));
    else {
      used.add(name);
      round(name, own);
    }
    return own;
  };
  const widened = (name: string): string => {
    used.add(name);
    const own = `${name}/half`;
    if (full.has(name)) {
      full.delete(name);
      if (rehearsed) nodes.push({ op: 'Identity', inputs: [own], outputs: [name] });
      else cast(own, name, 'float32');
    }
    return name;
  };
  for (const node of graph.nodes) {
    if (!half.has(node)) {
      nodes.push({ ...node, inputs: node.inputs.map((name) => (name === '' ? '' : widened(name))) });
      continue;
    }
    const inputs = node.inputs.map(halved);
    const outputs = node.outputs.map((name) => (isFloat(name) ? `${name}/half` : name));
    for (const [i, name] of node.outputs.entries()) {
      if (outputs[i] === name) continue;
      halves.add(`${name}/half`);
      full.add(name);
    }
    if (rehearsed) {
      nodes.push({
        ...node,
        inputs,
        outputs: outputs.map((own) => (own.endsWith('/half') ? `${own}/exact` : own)),
      });
      for (const own of outputs) if (own.endsWith('/half')) round(`${own}/exact`, own);
    } else nodes.push({ ...withHalfTarget(node), inputs, outputs });
  }
  for (const { name } of graph.outputs) widened(name);
  return { ...graph, nodes, constants: [...graph.constants.filter(({ name }) => used.has(name)), ...added] };
}

function withHalfTarget(node: NodeSpec): NodeSpec {
  const isCast = node.op === 'Cast' && intOf(node, 'to', 1) === codeOf('float32');
  return isCast ? { ...node, attributes: { ...node.attributes, to: { int: codeOf('float16') } } } : node;
}

function roundedConstant(constant: TensorSpec, name: string, rehearsed: boolean): TensorSpec {
  const data = new Float16Array(constant.data as Float32Array);
  return rehearsed
    ? { ...constant, name, data: Float32Array.from(data) }
    : { ...constant, name, type: 'float16', data };
}
