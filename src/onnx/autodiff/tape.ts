// What writes the nodes of a graph and remembers how to go back: a tape of tensors, static shapes, gradients in reverse.
import { InvariantError, ShapeMismatchError } from '../../core/errors.ts';
import type { DataType } from '../data-types.ts';
import type { AttributeSpec, GraphSpec, NodeSpec, TensorSpec, ValueSpec } from '../graph.ts';

/** Sizes of a tensor; [] is a scalar, and {@link FREE} stands for rows that are known only when the model runs. */
export type Shape = readonly number[];

/** A free number of rows: in served graphs only, and only as the first size. */
export const FREE = -1;

/** A value of a graph. `name` is that of the ONNX value. */
export class Tensor {
  readonly tape: Tape;
  readonly name: string;
  readonly shape: Shape;
  readonly type: DataType;

  constructor(tape: Tape, name: string, shape: Shape, type: DataType = 'float32') {
    this.tape = tape;
    this.name = name;
    this.shape = shape;
    this.type = type;
  }

  get rank(): number {
    return this.shape.length;
  }

  /** Number of elements; {@link FREE} when the rows are free. */
  get size(): number {
    return sizeOf(this.shape);
  }
}

/** Returns the number of elements of a shape; {@link FREE} when the rows are free. */
export function sizeOf(shape: Shape): number {
  if (shape.includes(FREE)) return FREE;
  return shape.reduce((size, dim) => size * dim, 1);
}

/** What {@link record} keeps: one function for each input, called only when its gradient is wanted. */
interface Step {
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
  readonly backward: (gradients: readonly Tensor[]) => readonly (() => Tensor)[];
}

type Attributes = Readonly<Record<string, AttributeSpec>>;

/** The names that a graph and the graphs inside it have given; they share one count, so that no inner name hides an outer one. */
interface Names {
  next: number;
}

/**
 * A graph in the making. `serving` says that the graph is for predictions: its operators are those of
 * `SERVING_OPERATORS`, nothing is dropped out, and there is no way back.
 */
export class Tape {
  readonly nodes: NodeSpec[] = [];
  readonly constants: TensorSpec[] = [];
  readonly serving: boolean;
  readonly #names: Names;
  readonly #shared = new Map<string, Tensor>();
  readonly #steps: Step[] = [];
  readonly #tracked = new Set<Tensor>();
  readonly #outer: Tape | undefined;
  #recording: boolean;

  constructor(options: { readonly serving?: boolean; readonly outer?: Tape } = {}) {
    this.#outer = options.outer;
    this.serving = options.serving ?? options.outer?.serving ?? false;
    this.#names = options.outer ? options.outer.#names : { next: 0 };
    this.#recording = !this.serving && !options.outer;
  }

  /** Returns the tape of a graph inside this one (the body of a Scan). It sees the values of this one and has no way back. */
  inner(): Tape {
    return new Tape({ outer: this });
  }

  /** Returns a value that something outside gives: an input of the graph. With `tracked`, gradients reach it. */
  input(name: string, shape: Shape, type: DataType = 'float32', tracked = false): Tensor {
    const tensor = new Tensor(this, name, shape, type);
    if (tracked) this.#tracked.add(tensor);
    return tensor;
  }

  /** Adds one node with one output and returns it. */
  emit(
    op: string,
    inputs: readonly (Tensor | '')[],
    shape: Shape,
    attributes?: Attributes,
    type: DataType = 'float32',
  ): Tensor {
    return this.emitAll(op, inputs, [shape], attributes, type)[0]!;
  }

  /** Adds one node with an output for each shape, all of one type. '' leaves an optional input out. */
  emitAll(
    op: string,
    inputs: readonly (Tensor | '')[],
    shapes: readonly Shape[],
    attributes?: Attributes,
    type: DataType = 'float32',
  ): Tensor[] {
    const outputs = shapes.map((shape) => new Tensor(this, this.name(op), shape, type));
    this.nodes.push({
      op,
      inputs: inputs.map((input) => (input === '' ? '' : input.name)),
      outputs: outputs.map((output) => output.name),
      ...(attributes ? { attributes } : {}),
    });
    return outputs;
  }

  /** Returns a name that no other value has. */
  name(stem: string): string {
    return `${stem}_${this.#names.next++}`;
  }

  /** Returns a float32 scalar; equal ones are one constant. */
  scalar(value: number): Tensor {
    return this.#constant('float32', [], Float32Array.of(value), `scalar ${value}`);
  }

  /** Returns a list of int64; equal ones are one constant. */
  integers(values: readonly number[]): Tensor {
    return this.#constant('int64', [values.length], BigInt64Array.from(values, BigInt), `ints ${values}`);
  }

  /** Returns a constant of any type. Throws ShapeMismatchError when `data` has another length than `shape`. */
  constant(
    shape: Shape,
    data: TensorSpec['data'] & { readonly length: number },
    type: TensorSpec['type'] = 'float32',
  ): Tensor {
    if (data.length !== sizeOf(shape)) {
      throw new ShapeMismatchError(`Expected ${sizeOf(shape)} values for [${shape}], was ${data.length}`);
    }
    return this.#constant(type, shape, data);
  }

  /** Returns float32 zeros of a shape without free rows. */
  zeros(shape: Shape): Tensor {
    return this.emit('Expand', [this.scalar(0), this.integers(shape)], shape);
  }

  #constant(type: TensorSpec['type'], dims: Shape, data: ArrayBufferView, key?: string): Tensor {
    if (this.#outer) return this.#outer.#constant(type, dims, data, key);
    const known = key === undefined ? undefined : this.#shared.get(key);
    if (known) return known;
    const tensor = new Tensor(this, this.name('constant'), dims, type);
    this.constants.push({ name: tensor.name, type, dims, data });
    if (key !== undefined) this.#shared.set(key, tensor);
    return tensor;
  }

  /** Whether gradients reach a tensor. */
  tracks(tensor: Tensor): boolean {
    return this.#tracked.has(tensor);
  }

  /** Runs `work` without recording: for the inside of an operation that has its own way back. */
  untracked<Result>(work: () => Result): Result {
    const before = this.#recording;
    this.#recording = false;
    try {
      return work();
    } finally {
      this.#recording = before;
    }
  }

  /** Remembers one operation; see {@link record}. */
  remember(step: Step): void {
    if (!this.#recording || !step.inputs.some((input) => this.#tracked.has(input))) return;
    for (const output of step.outputs) this.#tracked.add(output);
    this.#steps.push(step);
  }

  /**
   * Adds the nodes of the gradients of the scalar `loss` by each of `by`, and returns them in that order; zeros where
   * `loss` does not depend on it. Throws ShapeMismatchError when `loss` is no scalar.
   */
  gradients(loss: Tensor, by: readonly Tensor[]): Tensor[] {
    if (loss.size !== 1) throw new ShapeMismatchError(`Expected a scalar loss, was [${loss.shape}]`);
    return this.untracked(() => {
      const found = new Map<Tensor, Tensor>([[loss, this.constant(loss.shape, Float32Array.of(1))]]);
      for (const step of this.#steps.toReversed()) this.#goBack(step, found);
      return by.map((tensor) => found.get(tensor) ?? this.zeros(tensor.shape));
    });
  }

  #goBack(step: Step, found: Map<Tensor, Tensor>): void {
    if (!step.outputs.some((output) => found.has(output))) return;
    const outer = step.outputs.map((output) => found.get(output) ?? this.zeros(output.shape));
    const ways = step.backward(outer);
    step.inputs.forEach((input, i) => {
      if (!this.#tracked.has(input)) return;
      const gradient = ways[i]!();
      if (String(gradient.shape) !== String(input.shape)) {
        throw new InvariantError(`a gradient of [${gradient.shape}] for a value of [${input.shape}]`);
      }
      const before = found.get(input);
      found.set(input, before ? this.emit('Add', [before, gradient], input.shape) : gradient);
    });
  }

  /** Returns the graph so far. Rows that are free are called `rows`. */
  graph(name: string, inputs: readonly Tensor[], outputs: readonly Tensor[]): GraphSpec {
    return {
      name,
      nodes: this.nodes,
      constants: this.constants,
      inputs: inputs.map(asValue),
      outputs: outputs.map(asValue),
    };
  }
}

/** Returns a tensor as an input or output of a graph. */
export function asValue(tensor: Tensor): ValueSpec {
  const dims = tensor.shape.map((dim) => (dim === FREE ? 'rows' : dim));
  return { name: tensor.name, type: tensor.type, dims };
}

/**
 * Remembers how gradients go from `output` back to `inputs`, and returns `output`. `backward` gets the gradient of the
 * output and returns one function for each input, which adds the nodes of that input's gradient.
 */
export function record(
  inputs: readonly Tensor[],
  output: Tensor,
  backward: (gradient: Tensor) => readonly (() => Tensor)[],
): Tensor {
  output.tape.remember({ inputs, outputs: [output], backward: ([gradient]) => backward(gradient!) });
  return output;
}

/** The same as {@link record} for several outputs. An output that the loss does not depend on has a gradient of zeros. */
export function recordAll(
  inputs: readonly Tensor[],
  outputs: readonly Tensor[],
  backward: (gradients: readonly Tensor[]) => readonly (() => Tensor)[],
): readonly Tensor[] {
  outputs[0]!.tape.remember({ inputs, outputs, backward });
  return outputs;
}
