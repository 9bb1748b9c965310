// The graphs of training: one Loop over minibatches, the same without a way back for validation, and one step alone for a GPU.
import { concat, reshape, split } from '../autodiff/ops.ts';
import { asValue, Tape, type Tensor } from '../autodiff/tape.ts';
import type { DataType } from '../data-types.ts';
import { encodeModel } from '../graph.ts';
import {
  type Builder,
  type NetworkPlan,
  planNetwork,
  type TrainingBuilder,
  trainingBuilder,
} from './network.ts';
import { applyOptimiser, CONTROLS, clipNorm, momentCount, type Optimiser } from './optimisers.ts';

/** A minibatch: inputs [rows, columns], targets [rows, width] when there are any, weights [rows]. */
export interface Batch {
  readonly inputs: Tensor;
  readonly targets: Tensor | undefined;
  readonly weights: Tensor;
}

/** What a step makes smaller. Parts of one network may have losses of their own (two players of a game). */
export interface Objective {
  /** Scalar that is told as progress. */
  readonly loss: Tensor;
  /** Losses of parameters by the start of their name; all follow `loss` when absent. */
  readonly parts?: readonly { readonly prefix: string; readonly loss: Tensor }[];
}

/** A network with its loss and how it is trained: all that the graphs follow from. */
export interface Training {
  readonly objective: (builder: Builder, batch: Batch) => Objective;
  /** Rows of a minibatch, at least 1. */
  readonly batch: number;
  readonly columns: number;
  /** Columns of the targets; 0 without targets. */
  readonly targetWidth: number;
  readonly optimiser: Optimiser;
  /** Longest gradient (Euclidean norm of all parameters together), above 0; no limit when absent. */
  readonly clipNorm?: number | undefined;
}

/** Returns the parameters and keys that `training` needs. */
export function planTraining(training: Training): NetworkPlan {
  const tape = new Tape();
  return planNetwork(tape, (builder) => training.objective(builder, batchInputs(tape, training)));
}

function batchInputs(tape: Tape, { batch, columns, targetWidth }: Training): Batch {
  return {
    inputs: tape.input('inputs', [batch, columns]),
    targets: targetWidth > 0 ? tape.input('targets', [batch, targetWidth]) : undefined,
    weights: tape.input('weights', [batch]),
  };
}

/** Names of the state in the graphs: `parameters`, `moment_0`, ...; results add `_next`. */
export function stateNames(optimiser: Optimiser): readonly string[] {
  return ['parameters', ...Array.from({ length: momentCount(optimiser) }, (_, i) => `moment_${i}`)];
}

function emitStep(
  training: Training,
  batch: Batch,
  builder: TrainingBuilder,
  plan: NetworkPlan,
  state: readonly Tensor[],
  control: Tensor,
): { readonly loss: Tensor; readonly state: readonly Tensor[] } {
  const { tape } = builder;
  const { loss, parts } = training.objective(builder, batch);
  const gradients = parts
    ? gradientsOfParts(tape, parts, builder.parameters, plan)
    : tape.gradients(loss, builder.parameters);
  return tape.untracked(() => {
    const whole = concat(
      gradients.map((gradient) => reshape(gradient, [gradient.size])),
      0,
    );
    const gradient = training.clipNorm === undefined ? whole : clipNorm(whole, training.clipNorm);
    const [parameters, ...moments] = state as [Tensor, ...Tensor[]];
    const controls = split(control, 0, new Array<number>(CONTROLS).fill(1));
    const next = applyOptimiser(training.optimiser, { parameters, moments }, gradient, controls);
    return { loss, state: [next.parameters, ...next.moments] };
  });
}

function gradientsOfParts(
  tape: Tape,
  parts: NonNullable<Objective['parts']>,
  parameters: readonly Tensor[],
  plan: NetworkPlan,
): readonly Tensor[] {
  const found = new Map<Tensor, Tensor>();
  for (const { prefix, loss } of parts) {
    const own = parameters.filter((_, i) => plan.parameters[i]!.name.startsWith(prefix));
    for (const [i, gradient] of tape.gradients(loss, own).entries()) found.set(own[i]!, gradient);
  }
  return parameters.map((parameter) => found.get(parameter) ?? tape.zeros(parameter.shape));
}

/** The inputs of one iteration of a Loop, picked from those of the whole chunk. */
function pick(tape: Tape, training: Training, plan: NetworkPlan) {
  const { batch, columns, targetWidth } = training;
  const at = tape.input('iteration', [], 'int64');
  const row = (name: string, width: number, type: DataType = 'float32') =>
    tape.emit('Gather', [tape.input(name, [], type), at], [width], { axis: { int: 0 } }, type);
  const indices = row('indices', batch, 'int64');
  const rows = (name: string, width: number) =>
    tape.emit('Gather', [tape.input(name, []), indices], [batch, width], { axis: { int: 0 } });
  return {
    at,
    batch: {
      inputs: rows('inputs', columns),
      targets: targetWidth > 0 ? rows('targets', targetWidth) : undefined,
      weights: row('weights', batch),
    },
    control: () => row('control', CONTROLS),
    keys: plan.keys > 0 ? () => row('keys', plan.keys, 'uint32') : () => undefined,
  };
}

interface LoopParts {
  readonly tape: Tape;
  readonly at: Tensor;
  readonly carriedIn: readonly Tensor[];
  readonly carriedOut: readonly Tensor[];
  readonly carriedNames: readonly string[];
  readonly loss: Tensor;
  readonly inputs: readonly {
    readonly name: string;
    readonly type: DataType;
    readonly dims: readonly (number | string)[];
  }[];
}

/** Wraps a body as a graph with one Loop: `steps` times, the losses of all stacked as `losses` [steps]. */
function encodeLoop({
  tape,
  at,
  carriedIn,
  carriedOut,
  carriedNames,
  loss,
  inputs,
}: LoopParts): Uint8Array<ArrayBuffer> {
  const condition = tape.input('condition', [], 'bool');
  const goOn = tape.emit('Identity', [condition], [], undefined, 'bool');
  const body = tape.graph('step', [at, condition, ...carriedIn], [goOn, ...carriedOut, loss]);
  const carried = carriedNames.map((name, i) => ({ ...asValue(carriedIn[i]!), name }));
  return encodeModel({
    graph: {
      name: 'training',
      nodes: [
        {
          op: 'Loop',
          inputs: ['steps', 'true', ...carriedNames],
          outputs: [...carriedNames.map((name) => `${name}_next`), 'losses'],
          attributes: { body: { graph: body } },
        },
      ],
      constants: [{ name: 'true', type: 'bool', dims: [], data: Uint8Array.of(1) }],
      inputs: [{ name: 'steps', type: 'int64', dims: [] }, ...inputs, ...carried],
      outputs: [
        ...carried.map((value) => ({ ...value, name: `${value.name}_next` })),
        { name: 'losses', type: 'float32', dims: ['steps'] },
      ],
    },
  });
}

function chunkInputs({ batch, columns, targetWidth }: Training) {
  return [
    { name: 'indices', type: 'int64', dims: ['chunk', batch] },
    { name: 'weights', type: 'float32', dims: ['chunk', batch] },
    { name: 'inputs', type: 'float32', dims: ['data', columns] },
    ...(targetWidth > 0 ? [{ name: 'targets', type: 'float32', dims: ['data', targetWidth] } as const] : []),
  ] as const;
}

/**
 * Returns the file of a graph that trains: inputs `steps` int64 [], `indices` int64 and `weights` float32 [steps, batch],
 * `control` [steps, 3], `keys` uint32 [steps, keys] when there are any, `inputs` [data, columns], `targets` [data, width],
 * and the state; outputs the state after all steps (`..._next`) and `losses` [steps].
 */
export function encodeTraining(training: Training, plan: NetworkPlan): Uint8Array<ArrayBuffer> {
  const tape = new Tape();
  const names = stateNames(training.optimiser);
  const carriedIn = names.map((name) => tape.input(`${name}_now`, [plan.size]));
  const picked = pick(tape, training, plan);
  const builder = trainingBuilder(plan, carriedIn[0]!, { keys: picked.keys() });
  const step = emitStep(training, picked.batch, builder, plan, carriedIn, picked.control());
  return encodeLoop({
    tape,
    at: picked.at,
    carriedIn,
    carriedOut: step.state,
    carriedNames: names,
    loss: step.loss,
    inputs: [
      ...chunkInputs(training),
      { name: 'control', type: 'float32', dims: ['chunk', CONTROLS] },
      ...(plan.keys > 0 ? [{ name: 'keys', type: 'uint32', dims: ['chunk', plan.keys] } as const] : []),
    ],
  });
}

/** Returns the file of a graph that only measures: as {@link encodeTraining} without control and keys, the state `parameters` alone. */
export function encodeEvaluation(training: Training, plan: NetworkPlan): Uint8Array<ArrayBuffer> {
  const tape = new Tape();
  const picked = pick(tape, training, plan);
  const builder = trainingBuilder(plan, tape.input('parameters', [plan.size]), {});
  const { loss } = training.objective(builder, picked.batch);
  return encodeLoop({
    tape,
    at: picked.at,
    carriedIn: [],
    carriedOut: [],
    carriedNames: [],
    loss,
    inputs: [...chunkInputs(training), { name: 'parameters', type: 'float32', dims: [plan.size] }],
  });
}

/**
 * Returns the file of one step without a Loop, which ONNX Runtime would keep on the CPU: inputs `inputs` [batch, columns],
 * `targets`, `weights` [batch], `control` [3], `keys` and the state; outputs the state (`..._next`) and `loss` [].
 */
export function encodeStep(training: Training, plan: NetworkPlan): Uint8Array<ArrayBuffer> {
  const tape = new Tape();
  const names = stateNames(training.optimiser);
  const state = names.map((name) => tape.input(name, [plan.size]));
  const batch = batchInputs(tape, training);
  const control = tape.input('control', [CONTROLS]);
  const keys = plan.keys > 0 ? tape.input('keys', [plan.keys], 'uint32') : undefined;
  const builder = trainingBuilder(plan, state[0]!, { keys, slices: true });
  const step = emitStep(training, batch, builder, plan, state, control);
  const named = (from: Tensor, name: string) => {
    tape.nodes.push({ op: 'Identity', inputs: [from.name], outputs: [name] });
    return tape.input(name, from.shape);
  };
  const outputs = [named(step.loss, 'loss'), ...step.state.map((x, i) => named(x, `${names[i]}_next`))];
  const inputs = [batch.inputs, batch.targets, batch.weights, control, keys, ...state];
  return encodeModel({
    graph: tape.graph(
      'step',
      inputs.filter((input) => input !== undefined),
      outputs,
    ),
  });
}
