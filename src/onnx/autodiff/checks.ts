// The cases on which the gradient of every operation is compared with finite differences; an operation without one does not compile.
import * as ops from './ops.ts';
import type { Shape, Tensor } from './tape.ts';

/** One case: inputs of these shapes, and what is made of them. */
export interface Check {
  readonly shapes: readonly Shape[];
  readonly of: (inputs: readonly Tensor[]) => Tensor;
  /** Range of the inputs; -1 to 1 when absent. */
  readonly range?: readonly [low: number, high: number];
}

type T = Tensor;
type Checks = readonly [Check, ...Check[]];
// biome-ignore lint/suspicious/noExplicitAny: every function that returns a tensor, whatever it takes
type Operation = (...args: any[]) => T | readonly T[];
type Names = {
  [Name in keyof typeof ops]: (typeof ops)[Name] extends Operation ? Name : never;
}[keyof typeof ops];

const one = (of: (x: T) => T, range?: Check['range']): Checks => [
  { shapes: [[3, 4]], of: ([x]) => of(x!), ...(range ? { range } : {}) },
];

/** Both operands of one shape, each stretched to the other, and one of lower rank. */
const two = (of: (a: T, b: T) => T, range?: Check['range']): Checks => {
  const shapes: Shape[][] = [[[3, 4], [3, 4]], [[3, 1], [1, 4]], [[2, 3, 4], [4]]]; // biome-ignore format: pairs
  const [first, ...rest] = shapes.map((shapes) => ({
    shapes,
    of: ([a, b]: readonly T[]) => of(a!, b!),
    ...(range ? { range } : {}),
  }));
  return [first!, ...rest];
};

const POSITIVE = [0.4, 1.6] as const;

function targets(x: T, values: (i: number) => number): { target: T; weights: T } {
  const { tape, shape } = x;
  return {
    target: tape.constant(
      shape,
      Float32Array.from({ length: x.size }, (_, i) => values(i)),
    ),
    weights: tape.constant(
      [shape[0]!],
      Float32Array.from({ length: shape[0]! }, (_, i) => i),
    ),
  };
}

const loss = (of: (p: T, t: T, w: T) => T, values: (i: number) => number): Checks => [
  {
    shapes: [[4, 3]],
    of: ([p]) => {
      const { target, weights } = targets(p!, values);
      return of(p!, target, weights);
    },
  },
];

const recurrent = (of: (x: T, w: ops.RecurrentWeights, extra: T | undefined) => T, gates: number): Checks => [
  {
    shapes: [[4, 2, 3], [3, gates * 2], [2, gates * 2], [gates * 2], [gates * 2]], // biome-ignore format: one line
    of: ([x, input, hidden, bias, extra]) => of(x!, { input: input!, hidden: hidden!, bias: bias! }, extra),
  },
  {
    shapes: [[1, 2, 3], [3, gates * 2], [2, gates * 2], [gates * 2], [gates * 2]], // biome-ignore format: one line
    of: ([x, input, hidden, bias, extra]) => of(x!, { input: input!, hidden: hidden!, bias: bias! }, extra),
  },
];

const attend = (causal: boolean): Check => ({
  shapes: [[2, 3, 4], [4, 12], [12], [4, 4], [4]],
  of: ([x, input, inputBias, output, outputBias]) =>
    ops.attention(
      x!,
      { input: input!, inputBias: inputBias!, output: output!, outputBias: outputBias! },
      2,
      causal,
    ),
});

const convolve = (options: ops.ConvolutionOptions, length = 9): Check => ({
  shapes: [[2, 3, length], [4, 3, 3]], // biome-ignore format: one line
  of: ([x, weight]) => ops.conv1d(x!, weight!, options),
});

/** Checks of every operation of ops.ts, by its name. */
export const CHECKS: Readonly<Record<Names, Checks>> = {
  add: two(ops.add),
  sub: two(ops.sub),
  mul: two(ops.mul),
  div: two(ops.div, POSITIVE),
  neg: one(ops.neg),
  exp: one(ops.exp),
  log: one(ops.log, POSITIVE),
  sqrt: one(ops.sqrt, POSITIVE),
  mean: one((x) => ops.mean(x, [1])),
  tanh: one(ops.tanh),
  sigmoid: one(ops.sigmoid),
  relu: one(ops.relu),
  gelu: one(ops.gelu, [-2, 2]),
  softmax: one(ops.softmax),
  matmul: [
    { shapes: [[3, 4], [4, 2]], of: ([a, b]) => ops.matmul(a!, b!) }, // biome-ignore format: one line
    { shapes: [[2, 3, 4], [4, 2]], of: ([a, b]) => ops.matmul(a!, b!) }, // biome-ignore format: one line
    { shapes: [[2, 2, 3, 4], [2, 1, 4, 2]], of: ([a, b]) => ops.matmul(a!, b!) }, // biome-ignore format: one line
  ],
  linear: [
    { shapes: [[3, 4], [4, 2], [2]], of: ([x, w, b]) => ops.linear(x!, w!, b!) }, // biome-ignore format: one line
    { shapes: [[2, 3, 4], [4, 2], [2]], of: ([x, w, b]) => ops.linear(x!, w!, b!) }, // biome-ignore format: one line
  ],
  layerNorm: [{ shapes: [[2, 3, 6], [6], [6]], of: ([x, gain, bias]) => ops.layerNorm(x!, gain!, bias!) }], // biome-ignore format: one line
  reshape: one((x) => ops.reshape(x, [2, 6])),
  transpose: [{ shapes: [[2, 3, 4]], of: ([x]) => ops.transpose(x!, [2, 0, 1]) }],
  transposeLast: [{ shapes: [[2, 3, 4]], of: ([x]) => ops.transposeLast(x!) }],
  slice: one((x) => ops.slice(x, 1, 1, 3)),
  split: [
    // The second part stays unused: its gradient is zeros.
    { shapes: [[3, 6]], of: ([x]) => {
      const [a, , c] = ops.split(x!, 1, [2, 1, 3]);
      return ops.concat([ops.mul(c!, c!), a!], 1);
    } }, // biome-ignore format: one line
  ],
  concat: [{ shapes: [[3, 2], [3, 1]], of: ([a, b]) => ops.concat([a!, b!, a!], 1) }], // biome-ignore format: one line
  sum: one((x) => ops.sum(x, [0])),
  sumTo: [{ shapes: [[2, 3, 4]], of: ([x]) => ops.sumTo(x!, [3, 1]) }],
  squaredError: loss(ops.squaredError, Math.sin),
  huber: loss((p, t, w) => ops.huber(p, t, w, 0.5), Math.sin),
  binaryCrossEntropy: loss(ops.binaryCrossEntropy, (i) => (i % 3) / 2),
  crossEntropy: [
    {
      shapes: [[4, 3]],
      of: ([p]) => {
        const { weights } = targets(p!, () => 0);
        const classes = p!.tape.constant([4, 1], Float32Array.of(0, 2, 1, 2));
        return ops.crossEntropy(p!, classes, weights);
      },
    },
  ],
  dropout: one((x) => ops.dropout(x, 0.4, x.tape.constant([1], Uint32Array.of(77), 'uint32'))),
  conv1d: [
    convolve({ before: 1, after: 1 }),
    convolve({ before: 2, dilation: 2 }),
    convolve({ before: 1, after: 1, stride: 2 }),
    convolve({ stride: 2 }, 10),
    convolve({ before: 3, stride: 3, dilation: 2 }, 11),
  ],
  averagePool: [{ shapes: [[2, 2, 6]], of: ([x]) => ops.averagePool(x!, 3) }],
  maxPool: [{ shapes: [[2, 2, 6]], of: ([x]) => ops.maxPool(x!, 3) }],
  rnn: recurrent((x, w) => ops.rnn(x, w), 1),
  gru: recurrent((x, w, hiddenBias) => ops.gru(x, { ...w, hiddenBias: hiddenBias! }), 3),
  lstm: recurrent((x, w) => ops.lstm(x, w), 4),
  attention: [attend(false), attend(true)],
};
