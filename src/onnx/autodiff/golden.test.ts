import { describe, expect, test } from 'bun:test';
import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import { encodeModel } from '../graph.ts';
import { createJob } from '../training/job.ts';
import { train } from '../training/train.ts';
import golden from './golden.json';
import * as ops from './ops.ts';
import { record, Tape, type Tensor } from './tape.ts';

const TARGET = Float32Array.of(0.5, -0.2, 1, 0.3, -0.7, 2);

/** A weighted loss of predictions [3, 2]. */
const loss = (of: (p: Tensor, target: Tensor, weights: Tensor) => Tensor, values = TARGET) => {
  return ([p]: readonly Tensor[]) => {
    const { tape } = p!;
    return of(p!, tape.constant([3, 2], values), tape.constant([3], Float32Array.of(1, 1, 1)));
  };
};
const weightsOf = ([, input, hidden, bias]: readonly Tensor[]) => {
  return { input: input!, hidden: hidden!, bias: bias! };
};

const OPERATIONS: Readonly<Record<keyof typeof golden.cases, (inputs: readonly Tensor[]) => Tensor>> = {
  linear: ([x, w, b]) => ops.linear(x!, w!, b!),
  layerNorm: ([x, gain, bias]) => ops.layerNorm(x!, gain!, bias!),
  gelu: ([x]) => ops.gelu(x!),
  softmax: ([x]) => ops.softmax(x!),
  conv1d: ([x, w]) => ops.conv1d(x!, w!, { before: 4, dilation: 2, stride: 2 }),
  maxPool: ([x]) => ops.maxPool(x!, 3),
  rnn: (all) => ops.rnn(all[0]!, weightsOf(all)),
  gru: (all) => ops.gru(all[0]!, { ...weightsOf(all), hiddenBias: all[4]! }),
  lstm: (all) => ops.lstm(all[0]!, weightsOf(all)),
  attention: ([x, input, inputBias, output, outputBias]) =>
    ops.attention(x!, { input: input!, inputBias: inputBias!, output: output!, outputBias: outputBias! }, 2),
  squaredError: loss(ops.squaredError),
  huber: loss((p, t, w) => ops.huber(p, t, w, 0.5)),
  binaryCrossEntropy: loss(
    ops.binaryCrossEntropy,
    TARGET.map((x) => 1 / (1 + Math.exp(-x))),
  ),
  crossEntropy: ([p]) => {
    const { tape } = p!;
    // Class weights 0.5 and 2 as weights of the rows.
    const classes = tape.constant([3, 1], Float32Array.of(1, 0, 1));
    return ops.crossEntropy(p!, classes, tape.constant([3], Float32Array.of(2, 0.5, 2)));
  },
};

const close = (found: ArrayLike<number>, expected: readonly number[]) => {
  expect(found).toHaveLength(expected.length);
  for (const [i, value] of expected.entries()) {
    expect(Math.abs(found[i]! - value)).toBeLessThan(golden.tolerance);
  }
};

describe(`values and gradients of ${golden.source}`, () => {
  for (const [name, expected] of Object.entries(golden.cases)) {
    test(`${name} has them`, async () => {
      const tape = new Tape();
      const inputs = expected.inputs.map(({ shape }, i) => tape.input(`x${i}`, shape, 'float32', true));
      const output = OPERATIONS[name as keyof typeof golden.cases](inputs);
      const factors = Float32Array.from({ length: output.size }, (_, i) => Math.cos(i * 1.3 + 0.4));
      const scaled = ops.mul(output, tape.constant(output.shape, factors));
      const total = ops.reshape(ops.sum(scaled, [...output.shape.keys()]), []);
      const gradients = tape.gradients(total, inputs);
      const graph = tape.graph('golden', inputs, [output, ...gradients]);
      const session = await InferenceSession.create(encodeModel({ graph }), { logSeverityLevel: 4 });
      const feeds = expected.inputs.map(({ shape, values }, i) => [
        `x${i}`,
        new OrtTensor('float32', Float32Array.from(values), shape),
      ]);
      const results = await session.run(Object.fromEntries(feeds));
      await session.release();
      expect(output.shape).toEqual(expected.output.shape);
      close(results[output.name]!.data as Float32Array, expected.output.values);
      for (const [i, gradient] of gradients.entries()) {
        close(results[gradient.name]!.data as Float32Array, expected.gradients[i]!.values);
      }
    });
  }
});

describe(`steps of ${golden.source}`, () => {
  const {
    start,
    steps,
    rate,
    weight_decay: weightDecay,
    clip_norm: clipNorm,
    parameters,
  } = golden.optimisers;
  const memories = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay };
  const optimisers = {
    adam: { kind: 'adam', ...memories },
    adamw: { kind: 'adamw', ...memories },
    sgd: { kind: 'sgd', momentum: 0.9, weightDecay },
  } as const;

  for (const [name, optimiser] of Object.entries(optimisers)) {
    test(`${name} goes the same way, with clipped gradients`, async () => {
      const data = { rows: 1, inputs: Float32Array.of(0) };
      const { job } = createJob(
        {
          objective: (builder) => {
            const p = builder.parameter('p', [4], { constant: 0 });
            const emit = (op: string, x: Tensor) => p.tape.emit(op, [x], [4]);
            // The script's loss, sum(-cos p): no network needs a cosine, so its way back stands here.
            const each = record([p], emit('Neg', emit('Cos', p)), (dy) => [
              () => ops.mul(dy, emit('Sin', p)),
            ]);
            return { loss: ops.reshape(ops.sum(each, [0]), []) };
          },
          batch: 1,
          columns: 1,
          targetWidth: 0,
          optimiser,
          clipNorm,
        },
        data,
        { epochs: steps, schedule: { kind: 'constant', rate }, seed: 1 },
      );
      const result = await train({ ...job, initial: Float32Array.from(start) }, { threads: 1 });
      close(result.parameters, parameters[name as keyof typeof parameters]);
    });
  }
});
