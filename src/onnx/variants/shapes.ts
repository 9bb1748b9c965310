// What type and sizes every value of a graph has when its rows are a fixed number: shape inference over the operators that are served.

import type { DataType } from '../data-types.ts';
import { dataTypeName } from '../data-types.ts';
import { numbersOf } from '../decode.ts';
import type { GraphSpec, NodeSpec, TensorSpec } from '../graph.ts';
import { broadcastDims, intOf, intsOf, numberOfTargets, place } from './attributes.ts';

/** What is known of a value. */
export interface ValueInfo {
  readonly type: DataType;
  /** Null where the file leaves it open. */
  readonly dims: readonly number[] | null;
  /** Its elements where they are integers that are known before the model runs: sizes, places, axes. */
  readonly ints?: readonly number[] | undefined;
  /** Whether it is a constant of the file. */
  readonly constant?: true;
}

/** Integers of a constant that are remembered as such: more are data, not sizes. */
const MOST_INTS = 1024;

type Dims = readonly number[] | null;
type Rule = (node: NodeSpec, inputs: readonly (ValueInfo | undefined)[]) => readonly ValueInfo[];

/** Returns what is known of every value of `graph` by its name, with `rows` in place of the free first size of its input. */
export function inferValues(graph: GraphSpec, rows: number): ReadonlyMap<string, ValueInfo> {
  const values = new Map<string, ValueInfo>();
  for (const constant of graph.constants) values.set(constant.name, constantInfo(constant));
  for (const { name, type, dims } of graph.inputs) {
    const sizes = dims.map((dim, axis) => (typeof dim === 'number' ? dim : axis === 0 ? rows : -1));
    values.set(name, { type, dims: sizes.includes(-1) ? null : sizes });
  }
  for (const node of graph.nodes) {
    const found = infer(
      node,
      node.inputs.map((name) => values.get(name)),
    );
    node.outputs.forEach((name, i) => {
      if (name) values.set(name, found[i] ?? { type: 'float32', dims: null });
    });
  }
  return values;
}

function constantInfo(constant: TensorSpec): ValueInfo {
  const { type, dims } = constant;
  const isSmall = dims.reduce((a, b) => a * b, 1) <= MOST_INTS;
  const ints = isSmall && (type === 'int64' || type === 'int32') ? [...numbersOf(constant)] : undefined;
  return { type, dims, ints, constant: true };
}

function infer(node: NodeSpec, inputs: readonly (ValueInfo | undefined)[]): readonly ValueInfo[] {
  const rule = RULES.get(node.op);
  return rule ? rule(node, inputs) : [];
}

const first = (inputs: readonly (ValueInfo | undefined)[]): ValueInfo =>
  inputs[0] ?? { type: 'float32', dims: null };
const like = (inputs: readonly (ValueInfo | undefined)[], dims: Dims): ValueInfo => ({
  type: first(inputs).type,
  dims,
});
const RULES = new Map<string, Rule>();
const rule = (ops: string, apply: Rule) => {
  for (const op of ops.split(' ')) RULES.set(op, apply);
};

rule(
  'Abs Ceil Clip Cos Elu Erf Exp Floor Gelu HardSigmoid HardSwish Identity LeakyRelu Log Mish Neg Reciprocal Relu Round Selu Sigmoid Sign Sin ' +
    'Softplus Softsign Sqrt Tanh ThresholdedRelu BatchNormalization Dropout GroupNormalization InstanceNormalization LayerNormalization ' +
    'LogSoftmax LpNormalization Softmax',
  (_, inputs) => [{ ...like(inputs, first(inputs).dims), ints: undefined }],
);
// Those of `ai.onnx.ml` give float32 whatever they get; so does what undoes a quantisation.
rule('Normalizer Scaler DequantizeLinear', (_, inputs) => [{ type: 'float32', dims: first(inputs).dims }]);
rule('IsInf IsNaN Not', (_, inputs) => [{ type: 'bool', dims: first(inputs).dims }]);
rule('Add Div Max Mean Min Mul PRelu Pow Sub Sum', (_, inputs) => [
  like(inputs, broadcastDims(inputs.map((input) => input?.dims ?? null))),
]);
rule('And Equal Greater GreaterOrEqual Less LessOrEqual Or Xor', (_, inputs) => [
  { type: 'bool', dims: broadcastDims(inputs.map((input) => input?.dims ?? null)) },
]);
rule('Where', (_, inputs) => [
  { type: inputs[1]?.type ?? 'float32', dims: broadcastDims(inputs.map((input) => input?.dims ?? null)) },
]);
rule('Cast', (node, inputs) => {
  const { dims, ints } = first(inputs);
  return [{ type: dataTypeName(intOf(node, 'to', 1)) ?? 'float32', dims, ints }];
});

rule('Gemm', (node, inputs) => {
  const [a, b] = [first(inputs).dims, inputs[1]?.dims];
  if (!a || !b) return [like(inputs, null)];
  return [like(inputs, [a[intOf(node, 'transA', 0)]!, b[1 - intOf(node, 'transB', 0)]!])];
});
rule('MatMul', (_, inputs) => {
  const [a, b] = [first(inputs).dims, inputs[1]?.dims];
  if (!a || !b || a.length < 2 || b.length < 2) return [like(inputs, null)];
  const before = broadcastDims([a.slice(0, -2), b.slice(0, -2)]);
  return [like(inputs, before && [...before, a.at(-2)!, b.at(-1)!])];
});

rule(
  'ReduceL1 ReduceL2 ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare',
  (node, inputs) => {
    const { dims } = first(inputs);
    const axes = inputs[1] ? inputs[1].ints : intsOf(node, 'axes');
    if (!dims || (inputs[1] && !axes)) return [like(inputs, null)];
    return [like(inputs, reduced(dims, axes ?? [...dims.keys()], intOf(node, 'keepdims', 1) === 1))];
  },
);
rule('ArgMax ArgMin', (node, inputs) => {
  const { dims } = first(inputs);
  const axes = [intOf(node, 'axis', 0)];
  return [{ type: 'int64', dims: dims && reduced(dims, axes, intOf(node, 'keepdims', 1) === 1) }];
});

function reduced(dims: readonly number[], axes: readonly number[], keep: boolean): number[] {
  const at = axes.map((axis) => place(axis, dims.length));
  const kept = dims.map((dim, axis) => (at.includes(axis) ? 1 : dim));
  return keep ? kept : kept.filter((_, axis) => !at.includes(axis));
}

rule('Concat', (node, inputs) => {
  const parts = inputs.map((input) => input?.dims);
  const { dims } = first(inputs);
  if (!dims || parts.some((part) => !part)) return [like(inputs, null)];
  const axis = place(intOf(node, 'axis', 0), dims.length);
  const size = parts.reduce((sum, part) => sum + part![axis]!, 0);
  const all = inputs.every((input) => input?.ints);
  const ints = all && dims.length === 1 ? inputs.flatMap((input) => [...input!.ints!]) : undefined;
  return [{ ...like(inputs, dims.with(axis, size)), ints }];
});
rule('Flatten', (node, inputs) => {
  const { dims } = first(inputs);
  if (!dims) return [like(inputs, null)];
  const axis = place(intOf(node, 'axis', 1), dims.length);
  const size = (part: readonly number[]) => part.reduce((a, b) => a * b, 1);
  return [like(inputs, [size(dims.slice(0, axis)), size(dims.slice(axis))])];
});
rule('Gather', (node, inputs) => {
  const [data, at] = [first(inputs), inputs[1]];
  if (!data.dims || !at?.dims) return [like(inputs, null)];
  const axis = place(intOf(node, 'axis', 0), data.dims.length);
  const ints =
    data.ints && at.ints && data.dims.length === 1 ? at.ints.map((i) => data.ints!.at(i) ?? 0) : undefined;
  return [{ ...like(inputs, [...data.dims.slice(0, axis), ...at.dims, ...data.dims.slice(axis + 1)]), ints }];
});
rule('Reshape', (node, inputs) => {
  const { dims, ints } = first(inputs);
  const wanted = inputs[1]?.ints;
  if (!dims || !wanted) return [like(inputs, null)];
  const copied =
    intOf(node, 'allowzero', 0) === 1 ? wanted : wanted.map((dim, i) => (dim === 0 ? dims[i]! : dim));
  const size = dims.reduce((a, b) => a * b, 1);
  const known = copied.reduce((a, b) => (b === -1 ? a : a * b), 1);
  return [
    {
      ...like(
        inputs,
        copied.map((dim) => (dim === -1 ? size / known : dim)),
      ),
      ints,
    },
  ];
});
rule('Shape', (node, inputs) => {
  const { dims } = first(inputs);
  if (!dims) return [{ type: 'int64', dims: null }];
  const ints = dims.slice(intOf(node, 'start', 0), intOf(node, 'end', dims.length));
  return [{ type: 'int64', dims: [ints.length], ints }];
});
rule('Slice', (_, inputs) => {
  const { dims, ints } = first(inputs);
  const [starts, ends] = [inputs[1]?.ints, inputs[2]?.ints];
  if (!dims || !starts || !ends) return [like(inputs, null)];
  const axes = inputs[3]?.ints ?? [...starts.keys()];
  const steps = inputs[4]?.ints ?? starts.map(() => 1);
  const sizes = [...dims];
  const bounded = (at: number, size: number) => Math.min(size, Math.max(0, at < 0 ? at + size : at));
  axes.forEach((given, i) => {
    const axis = place(given, dims.length);
    const size = dims[axis]!;
    // Backwards is rare: nothing is said of it.
    sizes[axis] =
      steps[i]! < 1 ? -1 : Math.ceil((bounded(ends[i]!, size) - bounded(starts[i]!, size)) / steps[i]!);
  });
  if (sizes.some((size) => size < 0)) return [like(inputs, null)];
  const part =
    ints && dims.length === 1 && (steps[0] ?? 1) === 1 ? ints.slice(starts[0], ends[0]) : undefined;
  return [{ ...like(inputs, sizes), ints: part }];
});
rule('Split', (node, inputs) => {
  const { dims } = first(inputs);
  const axis = dims ? place(intOf(node, 'axis', 0), dims.length) : 0;
  const count = node.outputs.length;
  const given = inputs[1]?.ints ?? intsOf(node, 'split');
  if (!dims || (inputs[1] && !given)) return node.outputs.map(() => like(inputs, null));
  const each = Math.ceil(dims[axis]! / count);
  const sizes = given ?? node.outputs.map((_, i) => Math.min(each, dims[axis]! - i * each));
  return sizes.map((size) => like(inputs, dims.with(axis, size)));
});
rule('Squeeze', (node, inputs) => {
  const { dims, ints } = first(inputs);
  const axes = inputs[1] ? inputs[1].ints : intsOf(node, 'axes');
  if (!dims || (inputs[1] && !axes)) return [like(inputs, null)];
  const at = axes?.map((axis) => place(axis, dims.length));
  return [
    {
      ...like(
        inputs,
        dims.filter((dim, axis) => (at ? !at.includes(axis) : dim !== 1)),
      ),
      ints,
    },
  ];
});
rule('Unsqueeze', (node, inputs) => {
  const { dims, ints } = first(inputs);
  const axes = inputs[1] ? inputs[1].ints : intsOf(node, 'axes');
  if (!dims || !axes) return [like(inputs, null)];
  const at = axes.map((axis) => place(axis, dims.length + axes.length));
  const sizes: number[] = [];
  const rest = [...dims];
  for (let axis = 0; axis < dims.length + axes.length; axis++)
    sizes.push(at.includes(axis) ? 1 : rest.shift()!);
  return [{ ...like(inputs, sizes), ints }];
});
rule('Transpose', (node, inputs) => {
  const { dims } = first(inputs);
  if (!dims) return [like(inputs, null)];
  const axes = intsOf(node, 'perm') ?? [...dims.keys()].reverse();
  return [
    like(
      inputs,
      axes.map((axis) => dims[axis]!),
    ),
  ];
});

const windowed: Rule = (node, inputs) => {
  const { dims } = first(inputs);
  const weight = node.op === 'Conv' ? inputs[1]?.dims : undefined;
  const kernel = intsOf(node, 'kernel_shape') ?? weight?.slice(2);
  const automatic = node.attributes?.auto_pad;
  const isManual = !automatic || ('string' in automatic && automatic.string === 'NOTSET');
  if (!dims || !kernel || !isManual || (node.op === 'Conv' && !weight)) return [like(inputs, null)];
  const pads = intsOf(node, 'pads') ?? [];
  const strides = intsOf(node, 'strides') ?? [];
  const dilations = intsOf(node, 'dilations') ?? [];
  const round = intOf(node, 'ceil_mode', 0) === 1 ? Math.ceil : Math.floor;
  const places = kernel.map((width, i) => {
    const padded = dims[i + 2]! + (pads[i] ?? 0) + (pads[i + kernel.length] ?? 0);
    return round((padded - (width - 1) * (dilations[i] ?? 1) - 1) / (strides[i] ?? 1)) + 1;
  });
  return [like(inputs, [dims[0]!, weight ? weight[0]! : dims[1]!, ...places])];
};
rule('AveragePool Conv MaxPool', windowed);
rule('GlobalAveragePool GlobalMaxPool', (_, inputs) => {
  const { dims } = first(inputs);
  return [like(inputs, dims?.map((dim, axis) => (axis < 2 ? dim : 1)) ?? null)];
});
rule('GRU LSTM RNN', (node, inputs) => {
  const { dims } = first(inputs);
  const units = intOf(node, 'hidden_size', 0);
  if (!dims || units < 1 || intOf(node, 'layout', 0) !== 0) return node.outputs.map(() => like(inputs, null));
  const weights = inputs[1]?.dims;
  const ways = weights?.[0] ?? 1;
  const [steps, rows] = dims as [number, number];
  const last = like(inputs, [ways, rows, units]);
  return [like(inputs, [steps, ways, rows, units]), last, last];
});
rule('LinearRegressor SVMRegressor TreeEnsemble TreeEnsembleRegressor', (node, inputs) => {
  const { dims } = first(inputs);
  const targets = numberOfTargets(node);
  return [{ type: 'float32', dims: dims && targets !== null ? [dims[0]!, targets] : null }];
});
rule('LinearClassifier SVMClassifier TreeEnsembleClassifier', (_, inputs) => {
  const { dims } = first(inputs);
  return [
    { type: 'int64', dims: dims && [dims[0]!] },
    { type: 'float32', dims: null },
  ];
});
