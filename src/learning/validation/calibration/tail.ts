// Nodes at the end of a model's graph that turn its probabilities into calibrated ones.
import { InvalidOptionError } from '../../../core/errors.ts';
import type { GraphSpec, ModelSpec, NodeSpec, TensorSpec } from '../../../onnx/graph.ts';

/** The name that a tail reads the probabilities of the graph by. */
export const RAW = 'uncalibrated';

/** What comes after a graph: nodes from the value {@link RAW} to the value `output`, both [rows, width]. */
export interface Tail {
  readonly nodes: readonly NodeSpec[];
  readonly constants: readonly TensorSpec[];
}

/**
 * Returns the model with `tail` behind its output `output`; names of the tail begin with `tail_`. Throws InvalidOptionError for a
 * model that has a tail already.
 */
export function withTail(model: ModelSpec, { nodes, constants }: Tail): ModelSpec {
  const { graph } = model;
  if (graph.nodes.some((node) => node.outputs.includes(RAW))) {
    throw new InvalidOptionError('Expected a model that is not calibrated yet');
  }
  return {
    ...model,
    graph: {
      ...graph,
      nodes: [...graph.nodes.map((node) => renamed(node)), ...nodes],
      constants: [...graph.constants, ...constants],
    } satisfies GraphSpec,
  };
}

function renamed(node: NodeSpec): NodeSpec {
  const swap = (names: readonly string[]) => names.map((name) => (name === 'output' ? RAW : name));
  return { ...node, inputs: swap(node.inputs), outputs: swap(node.outputs) };
}

/** A float32 constant of a tail. */
export function constant(name: string, values: ArrayLike<number>, dims: readonly number[]): TensorSpec {
  return { name, type: 'float32', dims, data: Float32Array.from(values) };
}

/** An int64 constant of a tail. */
export function integers(name: string, values: readonly number[]): TensorSpec {
  return { name, type: 'int64', dims: [values.length], data: BigInt64Array.from(values.map(BigInt)) };
}

/** One node of a tail. */
export function node(
  op: string,
  inputs: readonly string[],
  output: string,
  attributes?: NodeSpec['attributes'],
): NodeSpec {
  return { op, inputs, outputs: [output], ...(attributes && { attributes }) };
}
