// ONNX models as plain data, and their encoding into the bytes of a `.onnx` file.
import { DATA_TYPES, type DataType } from './data-types.ts';
import { ProtoWriter } from './encoder.ts';

/** A constant of the graph. `data` holds its elements in row-major order, little endian, `dims` its shape ([] = scalar). */
export interface TensorSpec {
  readonly name: string;
  readonly type: Exclude<DataType, 'string'>;
  readonly dims: readonly number[];
  readonly data: ArrayBufferView;
}

/** An input or output of the graph; a string in `dims` names a dimension that is known only when the model runs. */
export interface ValueSpec {
  readonly name: string;
  readonly type: DataType;
  readonly dims: readonly (number | string)[];
}

/** A node attribute. Plain numbers do not say whether they are ints or floats, so each value carries its kind. */
export type AttributeSpec =
  | { readonly int: number | bigint }
  | { readonly float: number }
  | { readonly string: string }
  | { readonly ints: readonly (number | bigint)[] }
  | { readonly floats: readonly number[] }
  | { readonly strings: readonly string[] }
  | { readonly tensor: TensorSpec }
  | { readonly graph: GraphSpec };

/** One operation. An empty string in `inputs` leaves out an optional input. */
export interface NodeSpec {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes?: Readonly<Record<string, AttributeSpec>>;
  readonly name?: string;
  /** Operator set: '' (the default, `ai.onnx`) or `ai.onnx.ml`. */
  readonly domain?: string;
}

/** A graph: nodes in topological order over named values. */
export interface GraphSpec {
  readonly name: string;
  readonly nodes: readonly NodeSpec[];
  readonly constants: readonly TensorSpec[];
  readonly inputs: readonly ValueSpec[];
  readonly outputs: readonly ValueSpec[];
}

/** A whole model file. `metadata` becomes `metadata_props`, in the order of its keys. */
export interface ModelSpec {
  readonly graph: GraphSpec;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly doc?: string;
  /** Version of the default operator set; 18 by default. */
  readonly opset?: number;
  /** Version of `ai.onnx.ml` (trees, scalers); left out when not given. */
  readonly mlOpset?: number;
}

// IR 8 is the version that came with opset 18: older runtimes still read it, and no newer feature is used.
const IR_VERSION = 8;
const DEFAULT_OPSET = 18;
const PRODUCER = 'nautilus-engines';

/**
 * Returns the bytes of a `.onnx` file. Equal specs give equal bytes: no time stamp, no version and no path goes in.
 * Field numbers are those of `onnx.proto` (IR version 8).
 */
export function encodeModel(model: ModelSpec): Uint8Array<ArrayBuffer> {
  const writer = new ProtoWriter().int(1, IR_VERSION).string(2, PRODUCER);
  if (model.doc) writer.string(6, model.doc);
  writer.message(7, graphMessage(model.graph));
  writer.message(8, operatorSet('', model.opset ?? DEFAULT_OPSET));
  if (model.mlOpset !== undefined) writer.message(8, operatorSet('ai.onnx.ml', model.mlOpset));
  for (const [key, value] of Object.entries(model.metadata ?? {})) {
    writer.message(14, new ProtoWriter().string(1, key).string(2, value));
  }
  return writer.finish();
}

function operatorSet(domain: string, version: number): ProtoWriter {
  return new ProtoWriter().string(1, domain).int(2, version);
}

function graphMessage(graph: GraphSpec): ProtoWriter {
  const writer = new ProtoWriter();
  for (const node of graph.nodes) writer.message(1, nodeMessage(node));
  writer.string(2, graph.name);
  for (const constant of graph.constants) writer.message(5, tensorMessage(constant));
  for (const input of graph.inputs) writer.message(11, valueMessage(input));
  for (const output of graph.outputs) writer.message(12, valueMessage(output));
  return writer;
}

function nodeMessage(node: NodeSpec): ProtoWriter {
  const writer = new ProtoWriter();
  for (const input of node.inputs) writer.string(1, input);
  for (const output of node.outputs) writer.string(2, output);
  if (node.name) writer.string(3, node.name);
  writer.string(4, node.op);
  for (const [name, value] of Object.entries(node.attributes ?? {})) {
    writer.message(5, attributeMessage(name, value));
  }
  if (node.domain) writer.string(7, node.domain);
  return writer;
}

/** Field 20 is the attribute's type code, which readers need because the empty list of each kind looks the same. */
function attributeMessage(name: string, value: AttributeSpec): ProtoWriter {
  const writer = new ProtoWriter().string(1, name);
  if ('float' in value) return writer.float(2, value.float).int(20, 1);
  if ('int' in value) return writer.int(3, value.int).int(20, 2);
  if ('string' in value) return writer.string(4, value.string).int(20, 3);
  if ('tensor' in value) return writer.message(5, tensorMessage(value.tensor)).int(20, 4);
  if ('graph' in value) return writer.message(6, graphMessage(value.graph)).int(20, 5);
  if ('floats' in value) {
    for (const item of value.floats) writer.float(7, item);
    return writer.int(20, 6);
  }
  if ('ints' in value) {
    for (const item of value.ints) writer.int(8, item);
    return writer.int(20, 7);
  }
  for (const item of value.strings) writer.string(9, item);
  return writer.int(20, 8);
}

function tensorMessage(tensor: TensorSpec): ProtoWriter {
  const writer = new ProtoWriter();
  for (const dim of tensor.dims) writer.int(1, dim);
  writer.int(2, DATA_TYPES[tensor.type]).string(8, tensor.name);
  const { buffer, byteOffset, byteLength } = tensor.data;
  return writer.bytes(9, new Uint8Array(buffer, byteOffset, byteLength));
}

function valueMessage(value: ValueSpec): ProtoWriter {
  const shape = new ProtoWriter();
  for (const dim of value.dims) {
    const message = new ProtoWriter();
    shape.message(1, typeof dim === 'number' ? message.int(1, dim) : message.string(2, dim));
  }
  const tensorType = new ProtoWriter().int(1, DATA_TYPES[value.type]).message(2, shape);
  return new ProtoWriter().string(1, value.name).message(2, new ProtoWriter().message(1, tensorType));
}
