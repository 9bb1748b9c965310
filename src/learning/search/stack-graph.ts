// Several served graphs as one: each on its columns of the input, their outputs added up by weight.
import { InvalidOptionError } from '../../core/errors.ts';
import type { ModelSpec, NodeSpec, TensorSpec } from '../../onnx/graph.ts';
import type { Task } from '../family.ts';

/** One graph of a stack. */
export interface GraphMember {
  readonly model: ModelSpec;
  /** Columns of the stack's input that are the input of this graph, in its order. */
  readonly columns: Uint32Array;
  readonly weight: number;
}

/**
 * Returns the graph `input` [rows, columns] to `output` [rows, width] whose output is the weighted sum of the members' outputs, in float32, kept
 * within 0 and 1 for classes. A member alone that reads all columns with weight 1 is returned as it is. Throws InvalidOptionError without members, for
 * columns beyond the input, and for graphs that can't be joined (control flow, operator sets that differ).
 */
export function stackGraph(members: readonly GraphMember[], columns: number, task: Task): ModelSpec {
  const [first] = members;
  if (!first) throw new InvalidOptionError('Expected at least one member of a stack');
  if (members.length === 1 && first.weight === 1 && readsAll(first.columns, columns)) return first.model;
  const nodes: NodeSpec[] = [];
  const constants: TensorSpec[] = [];
  const weighted = members.map((member, place) => {
    checkMember(member, first, columns);
    const name = (own: string) => `member_${place}/${own}`;
    joinMember(member, readsAll(member.columns, columns), name, nodes, constants);
    constants.push({ name: name('weight'), type: 'float32', dims: [], data: Float32Array.of(member.weight) });
    nodes.push({ op: 'Mul', inputs: [name('output'), name('weight')], outputs: [name('weighted')] });
    return name('weighted');
  });
  const classes = task === 'classification';
  nodes.push({ op: 'Sum', inputs: weighted, outputs: [classes ? 'sum' : 'output'] });
  if (classes) {
    // Weights of float32 may add up to a little above 1.
    constants.push({ name: 'least', type: 'float32', dims: [], data: Float32Array.of(0) });
    constants.push({ name: 'most', type: 'float32', dims: [], data: Float32Array.of(1) });
    nodes.push({ op: 'Clip', inputs: ['sum', 'least', 'most'], outputs: ['output'] });
  }
  const width = first.model.graph.outputs[0]!.dims[1]!;
  const mlOpset = members.find(({ model }) => model.mlOpset !== undefined)?.model.mlOpset;
  return {
    doc: 'Weighted mean of models',
    ...(first.model.opset !== undefined && { opset: first.model.opset }),
    ...(mlOpset !== undefined && { mlOpset }),
    metadata: { family: 'stack', task, members: String(members.length) },
    graph: {
      name: 'stack',
      nodes,
      constants,
      inputs: [{ name: 'input', type: 'float32', dims: ['N', columns] }],
      outputs: [{ name: 'output', type: 'float32', dims: ['N', width] }],
    },
  };
}

function readsAll(own: Uint32Array, columns: number): boolean {
  return own.length === columns && own.every((column, i) => column === i);
}

/** Adds the nodes and constants of a graph under names of its own. */
function joinMember(
  { model: { graph }, columns }: GraphMember,
  all: boolean,
  name: (own: string) => string,
  nodes: NodeSpec[],
  constants: TensorSpec[],
): void {
  if (!all) {
    const indices = BigInt64Array.from(columns, BigInt);
    constants.push({ name: name('columns'), type: 'int64', dims: [columns.length], data: indices });
    const inputs = ['input', name('columns')];
    nodes.push({ op: 'Gather', inputs, outputs: [name('input')], attributes: { axis: { int: 1 } } });
  }
  // An empty name leaves an input out, in every graph.
  const own = (value: string) => (value === '' ? '' : all && value === 'input' ? 'input' : name(value));
  for (const node of graph.nodes) {
    nodes.push({
      ...node,
      inputs: node.inputs.map(own),
      outputs: node.outputs.map(own),
      ...(node.name !== undefined && { name: name(node.name) }),
    });
  }
  for (const constant of graph.constants) constants.push({ ...constant, name: own(constant.name) });
}

function checkMember({ model, columns }: GraphMember, first: GraphMember, total: number): void {
  const [input] = model.graph.inputs;
  const [output] = model.graph.outputs;
  if (columns.some((column) => column >= total) || input?.dims[1] !== columns.length)
    throw new InvalidOptionError(`Expected members of a stack that read some of ${total} columns`);
  if (output?.dims[1] !== first.model.graph.outputs[0]?.dims[1])
    throw new InvalidOptionError('Expected members of a stack with as many outputs');
  const inner = model.graph.nodes.some(({ attributes = {} }) =>
    Object.values(attributes).some((value) => 'graph' in value),
  );
  const sets = [model.mlOpset ?? 3, model.opset] as const;
  if (inner || sets[0] !== 3 || sets[1] !== first.model.opset)
    throw new InvalidOptionError(
      'Expected members of a stack of the same operator sets, without control flow',
    );
}
