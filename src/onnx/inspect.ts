// Reads what a model file holds without running it, and refuses what must not reach ONNX Runtime.
import { TooLargeError } from '../core/errors.ts';
import { type DataType, dataTypeName, elementBytes } from './data-types.ts';
import { InvalidModelError } from './errors.ts';
import { SERVING_DOMAINS, SERVING_OPERATORS } from './operators.ts';
import { ProtoReader } from './reader.ts';

/** Largest accepted model file: 64 MiB. */
export const MAX_MODEL_BYTES = 64 * 1024 * 1024;
const MAX_NODES = 100_000;
const MAX_GRAPH_DEPTH = 8;
const MAX_RANK = 8;

/** An input or output: dims are sizes, names of free dimensions, or '?' where the file says nothing. */
export interface ModelValue {
  readonly name: string;
  readonly type: DataType;
  readonly dims: readonly (number | string)[];
}

/** What a model file says about itself. */
export interface ModelSummary {
  readonly irVersion: number;
  readonly producer: string;
  /** Version per operator set ('' = `ai.onnx`). */
  readonly opsets: Readonly<Record<string, number>>;
  /** Inputs that a caller must give (constants listed as inputs are left out). */
  readonly inputs: readonly ModelValue[];
  readonly outputs: readonly ModelValue[];
  /** Distinct operators, sorted. */
  readonly operators: readonly string[];
  readonly nodes: number;
  /** Elements in all constants. */
  readonly parameters: number;
  /** `metadata_props`. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** Limits of an inspection. */
export interface InspectOptions {
  /** Default and ceiling: MAX_MODEL_BYTES. */
  readonly maxBytes?: number;
  /** Operators to accept; SERVING_OPERATORS by default. 'any' is for graphs that this project wrote itself. */
  readonly operators?: ReadonlySet<string> | 'any';
}

interface Walk {
  readonly allowed: ReadonlySet<string> | 'any';
  readonly operators: Set<string>;
  nodes: number;
  parameters: number;
}

/**
 * Returns the summary of a model file. The walk is bounded: file size, graph depth 8, 100,000 nodes, rank 8, and a
 * constant can't claim more elements than the file has bytes for. Time is linear in the file size.
 * Throws TooLargeError over the size, and InvalidModelError for truncated or malformed bytes, the ORT flatbuffer
 * format, data outside the file, training graphs, local functions and operators that are not accepted.
 * What it can't bound is the memory of a well-formed graph while it runs: run models of strangers in a child process.
 */
export function inspectModel(bytes: Uint8Array, options: InspectOptions = {}): ModelSummary {
  const maxBytes = Math.min(options.maxBytes ?? MAX_MODEL_BYTES, MAX_MODEL_BYTES);
  if (bytes.length > maxBytes) throw new TooLargeError('Expected a smaller model file', maxBytes);
  refuseFlatbuffer(bytes);
  const walk: Walk = {
    allowed: options.operators ?? SERVING_OPERATORS,
    operators: new Set(),
    nodes: 0,
    parameters: 0,
  };
  const opsets: Record<string, number> = {};
  const metadata: Record<string, string> = Object.create(null);
  let irVersion = 0;
  let producer = '';
  let graph: { inputs: ModelValue[]; outputs: ModelValue[] } | null = null;
  const reader = new ProtoReader(bytes);
  while (reader.next()) {
    if (reader.field === 1) irVersion = reader.int();
    else if (reader.field === 2) producer = reader.string();
    else if (reader.field === 7) {
      // Protobuf would merge two graphs into one that nobody checked as a whole.
      if (graph) throw new InvalidModelError('Expected one graph, was more than one');
      graph = readGraph(reader.message(), walk, 1);
    } else if (reader.field === 8) {
      const { name, version } = readOperatorSet(reader.message());
      if (walk.allowed !== 'any' && !SERVING_DOMAINS.has(name))
        throw new InvalidModelError('Expected standard operator sets');
      opsets[name] = version;
    } else if (reader.field === 14) {
      const [key, value] = readEntry(reader.message());
      metadata[key] = value;
    } else if (reader.field === 20) throw new InvalidModelError('Expected no training graph');
    else if (reader.field === 25) throw new InvalidModelError('Expected no local functions (inline them)');
  }
  if (!graph) throw new InvalidModelError('Expected a graph, was none');
  return {
    irVersion,
    producer,
    opsets,
    ...graph,
    operators: [...walk.operators].sort(),
    nodes: walk.nodes,
    parameters: walk.parameters,
    metadata,
  };
}

/** ONNX Runtime also loads its own flatbuffer format, by these four letters; nothing here would have checked it. */
function refuseFlatbuffer(bytes: Uint8Array): void {
  const letters = [0x4f, 0x52, 0x54, 0x4d];
  if (letters.every((letter, i) => bytes[4 + i] === letter)) {
    throw new InvalidModelError('Expected the ONNX format, was the ORT format');
  }
}

function readGraph(
  reader: ProtoReader,
  walk: Walk,
  depth: number,
): { inputs: ModelValue[]; outputs: ModelValue[] } {
  if (depth > MAX_GRAPH_DEPTH)
    throw new InvalidModelError(`Expected graphs nested at most ${MAX_GRAPH_DEPTH} deep`);
  const constants = new Set<string>();
  const inputs: ModelValue[] = [];
  const outputs: ModelValue[] = [];
  while (reader.next()) {
    if (reader.field === 1) readNode(reader.message(), walk, depth);
    else if (reader.field === 5) constants.add(readTensor(reader.message(), walk));
    else if (reader.field === 11) inputs.push(readValue(reader.message(), depth));
    else if (reader.field === 12) outputs.push(readValue(reader.message(), depth));
    else if (reader.field === 15) readSparse(reader.message(), walk);
  }
  return { inputs: inputs.filter((input) => !constants.has(input.name)), outputs };
}

function readNode(reader: ProtoReader, walk: Walk, depth: number): void {
  if (++walk.nodes > MAX_NODES) throw new InvalidModelError(`Expected at most ${MAX_NODES} nodes`);
  let operator = '';
  let domain = '';
  while (reader.next()) {
    if (reader.field === 4) operator = reader.string(256);
    else if (reader.field === 7) domain = reader.string(256);
    else if (reader.field === 5) readAttribute(reader.message(), walk, depth);
  }
  if (walk.allowed !== 'any' && !(SERVING_DOMAINS.has(domain) && walk.allowed.has(operator))) {
    // The name comes from the file, so only what looks like an operator's name is repeated.
    const known = /^\w{1,40}$/.test(operator) ? operator : 'an unreadable name';
    throw new InvalidModelError(`Expected operators that models may use, was ${known}`);
  }
  walk.operators.add(operator);
}

function readAttribute(reader: ProtoReader, walk: Walk, depth: number): void {
  while (reader.next()) {
    if (reader.field === 5 || reader.field === 10) readTensor(reader.message(), walk);
    else if (reader.field === 6 || reader.field === 11) readGraph(reader.message(), walk, depth + 1);
    else if (reader.field === 22 || reader.field === 23) readSparse(reader.message(), walk);
  }
}

function readSparse(reader: ProtoReader, walk: Walk): void {
  // The dense shape may be far bigger than the stored values, which is how a small file asks for all memory.
  if (walk.allowed !== 'any') throw new InvalidModelError('Expected dense constants, was a sparse one');
  while (reader.next()) if (reader.field === 1 || reader.field === 2) readTensor(reader.message(), walk);
}

/** Checks one constant and returns its name. */
function readTensor(reader: ProtoReader, walk: Walk): string {
  const dims: number[] = [];
  let name = '';
  let typeCode = 0;
  let rawBytes: number | null = null;
  let typedBytes = 0;
  let strings = 0;
  while (reader.next()) {
    if (reader.field === 1) dims.push(...reader.ints(MAX_RANK));
    else if (reader.field === 2) typeCode = reader.int();
    else if (reader.field === 6) strings++;
    else if (reader.field === 8) name = reader.string();
    else if (reader.field === 9) rawBytes = reader.size();
    else if (reader.field === 13 || (reader.field === 14 && reader.int() !== 0)) {
      throw new InvalidModelError('Expected all data inside the file, was a constant in an external file');
    } else if ([4, 5, 7, 10, 11].includes(reader.field)) {
      // Packed runs and single varints or fixed fields alike: an element takes at least one byte.
      typedBytes += reader.wire === 2 ? reader.size() : reader.wire === 0 ? 1 : reader.end - reader.start;
    }
    if (dims.length > MAX_RANK) throw new InvalidModelError(`Expected constants of rank at most ${MAX_RANK}`);
  }
  const type = dataTypeName(typeCode);
  if (!type) throw new InvalidModelError('Expected constants of a known element type');
  const elements = dims.reduce((product, dim) => (isSize(dim) ? product * dim : Number.NaN), 1);
  const bytesPerElement = elementBytes(type);
  const fits =
    rawBytes !== null && bytesPerElement !== null
      ? elements * bytesPerElement === rawBytes
      : elements <= (type === 'string' ? strings : typedBytes);
  if (!fits) throw new InvalidModelError('Expected constants whose data fills their shape');
  walk.parameters += elements;
  return name;
}

function readValue(reader: ProtoReader, depth: number): ModelValue {
  let name = '';
  let type: { type: DataType; dims: (number | string)[] } | null = null;
  while (reader.next()) {
    if (reader.field === 1) name = reader.string();
    else if (reader.field === 2) type = readTensorType(reader.message());
  }
  // Inner graphs may leave types to inference; the outer one is our contract with the caller.
  if (!type && depth === 1) throw new InvalidModelError('Expected inputs and outputs that are tensors');
  return { name, type: type?.type ?? 'float32', dims: type?.dims ?? [] };
}

function readTensorType(reader: ProtoReader): { type: DataType; dims: (number | string)[] } | null {
  let found: { type: DataType; dims: (number | string)[] } | null = null;
  while (reader.next()) {
    if (reader.field !== 1) continue;
    const tensor = reader.message();
    let code = 0;
    const dims: (number | string)[] = [];
    while (tensor.next()) {
      if (tensor.field === 1) code = tensor.int();
      else if (tensor.field === 2) readShape(tensor.message(), dims);
    }
    const type = dataTypeName(code);
    if (!type) throw new InvalidModelError('Expected inputs and outputs of a known element type');
    found = { type, dims };
  }
  return found;
}

function readShape(reader: ProtoReader, dims: (number | string)[]): void {
  while (reader.next()) {
    if (reader.field !== 1) continue;
    if (dims.length >= MAX_RANK) throw new InvalidModelError(`Expected tensors of rank at most ${MAX_RANK}`);
    const dimension = reader.message();
    let size: number | string = '?';
    while (dimension.next()) {
      if (dimension.field === 1) size = dimension.int();
      else if (dimension.field === 2) size = dimension.string(256);
    }
    dims.push(typeof size === 'number' && !isSize(size) ? '?' : size);
  }
}

function readOperatorSet(reader: ProtoReader): { name: string; version: number } {
  let name = '';
  let version = 0;
  while (reader.next()) {
    if (reader.field === 1) name = reader.string(256);
    else if (reader.field === 2) version = reader.int();
  }
  return { name, version };
}

function readEntry(reader: ProtoReader): [string, string] {
  let key = '';
  let value = '';
  while (reader.next()) {
    if (reader.field === 1) key = reader.string();
    else if (reader.field === 2) value = reader.string();
  }
  return [key, value];
}

function isSize(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}
