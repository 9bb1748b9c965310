// Reads the bytes of a `.onnx` file as plain data again: what `encodeModel` writes, and files of other writers without functions.
import { DATA_TYPES, type DataType, dataTypeName, elementBytes } from './data-types.ts';
import { InvalidModelError } from './errors.ts';
import type { AttributeSpec, GraphSpec, ModelSpec, NodeSpec, TensorSpec } from './graph.ts';
import { inspectModel, type ModelSummary } from './inspect.ts';
import { ProtoReader } from './reader.ts';

/** Most integers of one attribute or shape that are read. */
const MAX_INTS = 10_000_000;

/**
 * Returns the model in a file. The file is inspected first, so that it is bounded and has no operator that is not served; constants of nodes
 * (`Constant`) become constants of the graph. The bytes of large constants are not copied. Throws what `inspectModel` throws, and
 * InvalidModelError for what only some writers use (texts as constants, graphs within nodes).
 */
export function decodeModel(bytes: Uint8Array): ModelSpec {
  const summary = inspectModel(bytes);
  const { opsets, metadata } = summary;
  const file = new Decoder(bytes);
  let graph: GraphSpec | undefined;
  let doc = '';
  const reader = new ProtoReader(bytes);
  while (reader.next()) {
    if (reader.field === 7) graph = file.graph(reader.message(), summary);
    else if (reader.field === 6) doc = reader.string();
  }
  const opset = opsets[''] ?? opsets['ai.onnx'];
  const mlOpset = opsets['ai.onnx.ml'];
  return {
    graph: graph!,
    metadata,
    ...(doc && { doc }),
    ...(opset === undefined ? {} : { opset }),
    ...(mlOpset === undefined ? {} : { mlOpset }),
  };
}

class Decoder {
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  graph(reader: ProtoReader, { inputs, outputs }: Pick<ModelSummary, 'inputs' | 'outputs'>): GraphSpec {
    const nodes: NodeSpec[] = [];
    const constants: TensorSpec[] = [];
    let name = '';
    while (reader.next()) {
      if (reader.field === 1) nodes.push(this.#node(reader.message()));
      else if (reader.field === 2) name = reader.string();
      else if (reader.field === 5) constants.push(this.#tensor(reader.message()));
    }
    const held = nodes.filter(({ op }) => op === 'Constant').map(constantOf);
    return {
      name,
      nodes: nodes.filter(({ op }) => op !== 'Constant'),
      constants: [...constants, ...held],
      inputs,
      outputs,
    };
  }

  #node(reader: ProtoReader): NodeSpec {
    const inputs: string[] = [];
    const outputs: string[] = [];
    const attributes: Record<string, AttributeSpec> = Object.create(null);
    const texts = { op: '', name: '', domain: '' };
    while (reader.next()) {
      if (reader.field === 1) inputs.push(reader.string());
      else if (reader.field === 2) outputs.push(reader.string());
      else if (reader.field === 3) texts.name = reader.string();
      else if (reader.field === 4) texts.op = reader.string();
      else if (reader.field === 5) {
        const [key, value] = this.#attribute(reader.message());
        attributes[key] = value;
      } else if (reader.field === 7) texts.domain = reader.string();
    }
    const domain = texts.domain === 'ai.onnx' ? '' : texts.domain;
    return {
      op: texts.op,
      inputs,
      outputs,
      ...(Object.keys(attributes).length > 0 && { attributes }),
      ...(texts.name && { name: texts.name }),
      ...(domain && { domain }),
    };
  }

  #attribute(reader: ProtoReader): [string, AttributeSpec] {
    let name = '';
    let kind = 0;
    const one: { float: number; int: number; string: string; tensor?: TensorSpec } = {
      ...{ float: 0, int: 0, string: '' },
    };
    const floats: number[] = [];
    const ints: number[] = [];
    const strings: string[] = [];
    while (reader.next()) {
      if (reader.field === 1) name = reader.string();
      else if (reader.field === 2) one.float = this.#floats(reader)[0] ?? 0;
      else if (reader.field === 3) one.int = reader.int();
      else if (reader.field === 4) one.string = reader.string();
      else if (reader.field === 5) one.tensor = this.#tensor(reader.message());
      else if (reader.field === 7) for (const value of this.#floats(reader)) floats.push(value);
      else if (reader.field === 8) for (const value of reader.ints(MAX_INTS)) ints.push(value);
      else if (reader.field === 9) strings.push(reader.string());
      else if (reader.field === 20) kind = reader.int();
    }
    switch (kind) {
      case 1:
        return [name, { float: one.float }];
      case 2:
        return [name, { int: one.int }];
      case 3:
        return [name, { string: one.string }];
      case 6:
        return [name, { floats }];
      case 7:
        return [name, { ints }];
      case 8:
        return [name, { strings }];
      default:
        if (one.tensor) return [name, { tensor: one.tensor }];
        throw new InvalidModelError('Expected attributes of a kind that is read here');
    }
  }

  /** Float32 of a field: one, or a packed run. */
  #floats(reader: ProtoReader): Float32Array {
    return new Float32Array(this.#whole(reader, 4));
  }

  #tensor(reader: ProtoReader): TensorSpec {
    const dims: number[] = [];
    let name = '';
    let code = 0;
    let raw: Uint8Array | undefined;
    const typed: number[] = [];
    while (reader.next()) {
      if (reader.field === 1) dims.push(...reader.ints(8));
      else if (reader.field === 2) code = reader.int();
      else if (reader.field === 8) name = reader.string();
      else if (reader.field === 9) raw = this.#bytes.subarray(reader.start, reader.end);
      else if (reader.field === 4) for (const value of this.#floats(reader)) typed.push(value);
      else if (reader.field === 5 || reader.field === 7 || reader.field === 11)
        for (const value of reader.ints(MAX_INTS)) typed.push(value);
      else if (reader.field === 10) for (const value of this.#doubles(reader)) typed.push(value);
    }
    const type = dataTypeName(code);
    if (!type || type === 'string') throw new InvalidModelError('Expected constants that are numbers');
    return { name, type, dims, data: raw === undefined ? packed(type, typed) : aligned(type, raw) };
  }

  #whole({ start, end }: ProtoReader, size: number): ArrayBuffer {
    if ((end - start) % size !== 0)
      throw new InvalidModelError('Expected whole numbers of a run, was a part');
    return this.#bytes.slice(start, end).buffer as ArrayBuffer;
  }

  #doubles(reader: ProtoReader): Float64Array {
    return new Float64Array(this.#whole(reader, 8));
  }
}

const ARRAYS = {
  float32: Float32Array,
  float64: Float64Array,
  int8: Int8Array,
  uint8: Uint8Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int32: Int32Array,
  uint32: Uint32Array,
  int64: BigInt64Array,
  uint64: BigUint64Array,
  bool: Uint8Array,
  float16: Uint16Array,
  bfloat16: Uint16Array,
} as const;

function aligned(type: TensorSpec['type'], raw: Uint8Array): ArrayBufferView {
  const size = elementBytes(type)!;
  const whole = raw.byteOffset % size === 0 ? raw : raw.slice();
  return new ARRAYS[type](whole.buffer as ArrayBuffer, whole.byteOffset, whole.byteLength / size);
}

function packed(type: TensorSpec['type'], values: readonly number[]): ArrayBufferView {
  if (type === 'int64') return BigInt64Array.from(values, BigInt);
  if (type === 'uint64') return BigUint64Array.from(values, (value) => BigInt.asUintN(64, BigInt(value)));
  return new ARRAYS[type](values);
}

function constantOf({ outputs, attributes = {} }: NodeSpec): TensorSpec {
  const name = outputs[0]!;
  const { value, value_float, value_floats, value_int, value_ints } = attributes;
  if (value && 'tensor' in value) return { ...value.tensor, name };
  const floats = (data: readonly number[], dims: number[]) =>
    ({ name, type: 'float32', dims, data: Float32Array.from(data) }) as const;
  const ints = (data: readonly (number | bigint)[], dims: number[]) =>
    ({ name, type: 'int64', dims, data: BigInt64Array.from(data, BigInt) }) as const;
  if (value_float && 'float' in value_float) return floats([value_float.float], []);
  if (value_floats && 'floats' in value_floats)
    return floats(value_floats.floats, [value_floats.floats.length]);
  if (value_int && 'int' in value_int) return ints([value_int.int], []);
  if (value_ints && 'ints' in value_ints) return ints(value_ints.ints, [value_ints.ints.length]);
  throw new InvalidModelError('Expected constants that are numbers');
}

/** Returns the elements of a constant as numbers; int64 beyond 2^53 is inexact. */
export function numbersOf({ type, data }: TensorSpec): Float64Array {
  if (type === 'int64') return Float64Array.from(data as BigInt64Array, Number);
  if (type === 'uint64') return Float64Array.from(data as BigUint64Array, Number);
  if (type === 'float16') {
    const { buffer, byteOffset, byteLength } = data;
    return Float64Array.from(new Float16Array(buffer as ArrayBuffer, byteOffset, byteLength / 2));
  }
  return Float64Array.from(data as Float32Array);
}

/** Returns the code of an element type in a file, as the attribute `to` of Cast holds it. */
export const codeOf = (type: DataType): number => DATA_TYPES[type];
