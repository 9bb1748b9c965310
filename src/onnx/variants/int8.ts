// Weights in 8 bits: each column of a matrix, or filter of a convolution, with a scale of its own, multiplied out before it is used.
import type { GraphSpec, NodeSpec, TensorSpec } from '../graph.ts';
import { intOf } from './attributes.ts';

/** A graph with 8-bit weights. */
export interface Quantised {
  readonly graph: GraphSpec;
  readonly weights: number;
  /** Numbers in them, and in all float32 constants. */
  readonly quantised: number;
  readonly parameters: number;
}

/** Weights of fewer numbers stay: their scales would weigh about as much as they save. */
const LEAST = 64;
const MOST = 127;

/**
 * Returns the graph with the constant weights of products and convolutions as int8. Symmetric: weight = scale x integer in [-127, 127], the
 * scale of a channel being its largest magnitude / 127, ties rounded to even, as ONNX Runtime's own tool quantises weights (`QInt8`,
 * symmetric, per channel). The graph calculates in float32 from `DequantizeLinear` on. Activations stay float32: a scale for them, taken from the
 * rows that happen to come together, would let rows change each other's answers.
 */
export function quantised(graph: GraphSpec): Quantised {
  const constants = new Map(graph.constants.map((constant) => [constant.name, constant]));
  const axes = new Map<string, number>();
  for (const node of graph.nodes) {
    const found = weightOf(node);
    if (!found) continue;
    const constant = constants.get(found.name);
    if (constant?.type !== 'float32' || constant.dims.length < 2) continue;
    if ((constant.data as Float32Array).length >= LEAST && !axes.has(found.name)) {
      axes.set(found.name, found.axis < 0 ? found.axis + constant.dims.length : found.axis);
    }
  }
  const kept = graph.constants.filter(({ name }) => !axes.has(name));
  const nodes: NodeSpec[] = [];
  const added: TensorSpec[] = [];
  let count = 0;
  for (const [name, axis] of axes) {
    const constant = constants.get(name)!;
    const { integers, scales } = inChannels(constant, axis);
    count += integers.length;
    added.push(
      { name: `${name}/int8`, type: 'int8', dims: constant.dims, data: integers },
      { name: `${name}/scale`, type: 'float32', dims: [scales.length], data: scales },
    );
    nodes.push({
      op: 'DequantizeLinear',
      inputs: [`${name}/int8`, `${name}/scale`],
      outputs: [name],
      attributes: { axis: { int: axis } },
    });
  }
  const parameters = graph.constants.reduce(
    (sum, { type, data }) => sum + (type === 'float32' ? data.byteLength / 4 : 0),
    0,
  );
  return {
    graph: { ...graph, nodes: [...nodes, ...graph.nodes], constants: [...kept, ...added] },
    weights: axes.size,
    quantised: count,
    parameters,
  };
}

/** The constant operand of a product, and the axis of its outputs. */
function weightOf(node: NodeSpec): { readonly name: string; readonly axis: number } | null {
  const name = node.inputs[1];
  if (node.domain || name === undefined) return null;
  if (node.op === 'MatMul') return { name, axis: -1 };
  if (node.op === 'Gemm') return { name, axis: 1 - intOf(node, 'transB', 0) };
  return node.op === 'Conv' ? { name, axis: 0 } : null;
}

/** Returns a constant as integers and a scale for each index of `axis`. */
export function inChannels({ dims, data }: Pick<TensorSpec, 'dims' | 'data'>, axis: number) {
  const values = data as Float32Array;
  const channels = dims[axis]!;
  const inner = dims.slice(axis + 1).reduce((a, b) => a * b, 1);
  const channelOf = (i: number) => Math.floor(i / inner) % channels;
  const scales = new Float32Array(channels);
  for (let i = 0; i < values.length; i++) {
    const channel = channelOf(i);
    scales[channel] = Math.max(scales[channel]!, Math.abs(values[i]!));
  }
  // A channel of zeros may have any scale.
  for (let c = 0; c < channels; c++) scales[c] = scales[c]! / MOST || 1;
  const integers = new Int8Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const exact = values[i]! / scales[channelOf(i)]!;
    integers[i] = Math.max(-MOST, Math.min(MOST, toEven(exact)));
  }
  return { integers, scales };
}

function toEven(value: number): number {
  const near = Math.round(value);
  return Math.abs(value - Math.trunc(value)) === 0.5 && near % 2 !== 0 ? near - 1 : near;
}
