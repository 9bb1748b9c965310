// A network is one function of its parameters and its input: the same function makes the training graph and the served graph.
import { InvalidOptionError } from '../../core/errors.ts';
import { normalPair, Philox } from '../../core/philox.ts';
import { dropout, reshape, slice, split } from '../autodiff/ops.ts';
import { uniform } from '../autodiff/random.ts';
import { type Shape, sizeOf, type Tape, type Tensor } from '../autodiff/tape.ts';

/** Where a parameter starts: a constant, or random with the given half-width or deviation. */
export type Initial =
  | { readonly constant: number }
  | { readonly uniform: number }
  | { readonly normal: number };

/** What a network asks for while it is written down. */
export interface Builder {
  readonly tape: Tape;
  /** Returns the parameter of this name, which is asked for once. */
  parameter(name: string, shape: Shape, initial: Initial): Tensor;
  /** Drops elements out while training; returns `x` itself elsewhere. */
  dropout(x: Tensor, rate: number): Tensor;
  /** Returns uniforms in [0, 1), other ones in each step; for training only. */
  noise(shape: Shape): Tensor;
}

/** One parameter among all. */
export interface ParameterSpec {
  readonly name: string;
  readonly shape: Shape;
  readonly initial: Initial;
}

/** What a network consists of, found by writing it down once. */
export interface NetworkPlan {
  readonly parameters: readonly ParameterSpec[];
  /** Number of parameters, all elements counted. */
  readonly size: number;
  /** Keys of random numbers that each training step needs. */
  readonly keys: number;
}

/** Most parameters of a network: with two moments and the best ones kept, 1 GiB. */
export const MAX_PARAMETERS = 64_000_000;

/** Returns what `write` asks of its builder, on a tape that is thrown away. Throws InvalidOptionError over the limit. */
export function planNetwork(tape: Tape, write: (builder: Builder) => unknown): NetworkPlan {
  const parameters: ParameterSpec[] = [];
  let keys = 0;
  write({
    tape,
    parameter(name, shape, initial) {
      parameters.push({ name, shape, initial });
      return tape.input(name, shape, 'float32', true);
    },
    dropout(x, rate) {
      if (rate > 0) keys += 1;
      return x;
    },
    noise(shape) {
      keys += 1;
      return tape.input('noise', shape);
    },
  });
  const size = parameters.reduce((total, { shape }) => total + sizeOf(shape), 0);
  if (size > MAX_PARAMETERS) {
    throw new InvalidOptionError(`Expected a network of at most ${MAX_PARAMETERS} parameters, was ${size}`);
  }
  return { parameters, size, keys };
}

/** Returns the first values of all parameters, one after the other; the same for the same seed. */
export function initialValues(plan: NetworkPlan, seed: number): Float32Array {
  const values = new Float32Array(plan.size);
  let at = 0;
  for (const [i, { shape, initial }] of plan.parameters.entries()) {
    const part = values.subarray(at, at + sizeOf(shape));
    at += part.length;
    if ('constant' in initial) {
      part.fill(initial.constant);
      continue;
    }
    const drawn = new Philox(seed, i).fillUniform(new Float64Array(part.length + (part.length % 2)));
    if ('normal' in initial) {
      for (let k = 0; k < drawn.length; k += 2) normalPair(drawn[k]!, drawn[k + 1]!, drawn, k);
      for (let k = 0; k < part.length; k++) part[k] = drawn[k]! * initial.normal;
    } else {
      for (let k = 0; k < part.length; k++) part[k] = (2 * drawn[k]! - 1) * initial.uniform;
    }
  }
  return values;
}

/** Returns the parameters as parts of one vector [size], in order. A Split of many parts does not run on a GPU. */
function partsOf(plan: NetworkPlan, vector: Tensor, slices: boolean): readonly Tensor[] {
  const sizes = plan.parameters.map(({ shape }) => sizeOf(shape));
  let at = 0;
  const parts = slices
    ? sizes.map((size) => {
        at += size;
        return slice(vector, 0, at - size, at);
      })
    : split(vector, 0, sizes);
  return parts.map((part, i) => reshape(part, plan.parameters[i]!.shape));
}

/** A builder on a training graph, with the tensors that gradients are wanted for. */
export interface TrainingBuilder extends Builder {
  readonly parameters: readonly Tensor[];
}

/**
 * Returns a builder whose parameters are parts of `vector` [size] and whose random numbers come from `keys` [plan.keys]
 * uint32; without `keys` (evaluation) nothing is dropped out.
 */
export function trainingBuilder(
  plan: NetworkPlan,
  vector: Tensor,
  options: { readonly keys?: Tensor | undefined; readonly slices?: boolean },
): TrainingBuilder {
  const { tape } = vector;
  const { keys } = options;
  const values = tape.untracked(() => partsOf(plan, vector, options.slices ?? false));
  // Gradients stop at the parts: they are joined again for the optimiser.
  const parameters = values.map((value) => tape.input(value.name, value.shape, 'float32', true));
  let [asked, drawn] = [0, 0];
  const nextKey = () => {
    drawn += 1;
    return slice(keys!, 0, drawn - 1, drawn);
  };
  return {
    tape,
    parameters,
    parameter: () => parameters[asked++]!,
    dropout: (x, rate) => (keys && rate > 0 ? dropout(x, rate, nextKey()) : x),
    noise: (shape) =>
      keys ? uniform(shape, nextKey()) : tape.constant(shape, new Float32Array(sizeOf(shape)).fill(0.5)),
  };
}

/** Returns a builder on a served graph, whose parameters are constants taken from `values` [size]. */
export function servingBuilder(plan: NetworkPlan, tape: Tape, values: Float32Array): Builder {
  const constants = new Map<string, Tensor>();
  let at = 0;
  for (const { name, shape } of plan.parameters) {
    const size = sizeOf(shape);
    constants.set(name, tape.constant(shape, values.slice(at, at + size)));
    at += size;
  }
  return {
    tape,
    parameter: (name) => constants.get(name)!,
    dropout: (x) => x,
    noise: () => {
      throw new InvalidOptionError('Expected a served graph without noise');
    },
  };
}
