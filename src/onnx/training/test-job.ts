// A small network and data that the tests of this folder share.
import { normalPair, Philox } from '../../core/philox.ts';
import { linear, squaredError, tanh } from '../autodiff/ops.ts';
import type { Tensor } from '../autodiff/tape.ts';
import { createJob, type Rows, type RunOptions, type TrainingJob } from './job.ts';
import type { Builder } from './network.ts';
import type { Training } from './step.ts';

/** Returns rows of two inputs whose target is their product: no linear model can tell it. */
export function products(rows: number, seed = 3): Rows {
  const inputs = Float32Array.from(
    new Philox(seed).fillUniform(new Float64Array(2 * rows)),
    (u) => 2 * u - 1,
  );
  const targets = Float32Array.from({ length: rows }, (_, i) => inputs[2 * i]! * inputs[2 * i + 1]!);
  return { rows, inputs, targets };
}

/** A network of one hidden layer of 16 units. */
export function smallNetwork(builder: Builder, x: Tensor, dropoutRate = 0): Tensor {
  const hidden = linear(
    x,
    builder.parameter('w1', [2, 16], { uniform: 1 }),
    builder.parameter('b1', [16], { constant: 0 }),
  );
  const dropped = builder.dropout(tanh(hidden), dropoutRate);
  return linear(
    dropped,
    builder.parameter('w2', [16, 1], { uniform: 0.25 }),
    builder.parameter('b2', [1], { constant: 0 }),
  );
}

/** Returns a training of {@link smallNetwork}. */
export function smallTraining(options: Partial<Training> & { dropout?: number } = {}): Training {
  const { dropout = 0, ...rest } = options;
  return {
    objective: (builder, { inputs, targets, weights }) => ({
      loss: squaredError(smallNetwork(builder, inputs, dropout), targets!, weights),
    }),
    batch: 32,
    columns: 2,
    targetWidth: 1,
    optimiser: { kind: 'adam', beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0 },
    ...rest,
  };
}

/** Returns a job of {@link smallTraining} on {@link products}. */
export function smallJob(
  training: Parameters<typeof smallTraining>[0] = {},
  options: Partial<RunOptions> & { data?: Rows; validation?: Rows } = {},
): TrainingJob {
  const { data = products(500), ...rest } = options;
  return createJob(smallTraining(training), data, {
    epochs: 4,
    schedule: { kind: 'constant', rate: 0.01 },
    seed: 7,
    ...rest,
  }).job;
}

/** Returns standard normals, for data of tests. */
export function normals(count: number, seed: number): Float32Array {
  const drawn = new Philox(seed).fillUniform(new Float64Array(count + (count % 2)));
  for (let i = 0; i < drawn.length; i += 2) normalPair(drawn[i]!, drawn[i + 1]!, drawn, i);
  return Float32Array.from(drawn.subarray(0, count));
}
