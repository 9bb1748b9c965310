// Two networks against each other: one makes series out of noise, the other tells them from real ones.
import { z } from 'zod';
import {
  add,
  binaryCrossEntropy,
  linear,
  matmul,
  mul,
  relu,
  squaredError,
  sub,
  sum,
  transposeLast,
} from '../../../onnx/autodiff/ops.ts';
import type { Tensor } from '../../../onnx/autodiff/tape.ts';
import type { Builder } from '../../../onnx/training/network.ts';
import type { Batch, Objective } from '../../../onnx/training/step.ts';
import { type Family, TRAINING_HARDWARE } from '../../family.ts';
import { checkData } from '../check-data.ts';
import { runTraining, serveNetwork, unscale } from '../fit.ts';
import { dense, spread } from '../layers.ts';
import { trainingOptions } from '../options.ts';
import { scalingOf, standardise } from '../standardise.ts';

const options = trainingOptions.extend({
  batch_size: trainingOptions.shape.batch_size
    .unwrap()
    .default(256)
    .describe('rows of a minibatch, real and made'),
  weight_decay: trainingOptions.shape.weight_decay.unwrap().default(0).describe('pull of parameters to 0'),
  hidden: z.int().min(1).max(8192).default(64).describe('units of the two hidden layers of both networks'),
  moment_weight: z
    .number()
    .min(0)
    .max(1000)
    .default(10)
    .describe('how much the means and covariances of the columns count beside the game'),
});

type Options = z.infer<typeof options>;

const GENERATOR = 'generator';
const CRITIC = 'critic';

/** Uniforms in [0, 1) to noise of mean 0 and deviation 1. */
function noiseOf(uniforms: Tensor): Tensor {
  const { tape } = uniforms;
  return mul(sub(uniforms, tape.scalar(0.5)), tape.scalar(Math.sqrt(12)));
}

function generate(builder: Builder, uniforms: Tensor, { hidden }: Options): Tensor {
  const first = relu(dense(builder, `${GENERATOR}/first`, noiseOf(uniforms), hidden));
  const second = relu(dense(builder, `${GENERATOR}/second`, first, hidden));
  return dense(builder, `${GENERATOR}/output`, second, uniforms.shape[1]!);
}

/** Returns the network that tells real rows from made ones, as a function: it reads both with the same weights. */
function criticOf(builder: Builder, columns: number, { hidden }: Options): (x: Tensor) => Tensor {
  const layers = [columns, hidden, hidden, 1].slice(0, -1).map((inputs, i) => {
    const outputs = i === 2 ? 1 : hidden;
    return [
      builder.parameter(`${CRITIC}/${i}/weight`, [inputs, outputs], spread(inputs)),
      builder.parameter(`${CRITIC}/${i}/bias`, [outputs], spread(inputs)),
    ] as const;
  });
  return (x) => layers.reduce((y, [weight, bias], i) => linear(i === 0 ? y : relu(y), weight, bias), x);
}

/** Returns mean [1, columns] and second moments [columns, columns] of rows by their shares [rows, 1]. */
function moments(x: Tensor, shares: Tensor): readonly [Tensor, Tensor] {
  const weighted = mul(x, shares);
  return [sum(weighted, [0]), matmul(transposeLast(weighted), x)];
}

function objective(chosen: Options): (builder: Builder, batch: Batch) => Objective {
  return (builder, { inputs, weights }) => {
    const { tape } = builder;
    const [rows, columns] = inputs.shape as [number, number];
    const made = generate(builder, builder.noise([rows, columns]), chosen);
    const critic = criticOf(builder, columns, chosen);
    const all = (value: number) => tape.constant([rows, 1], new Float32Array(rows).fill(value));
    const [onReal, onMade] = [critic(inputs), critic(made)];
    const told = add(
      binaryCrossEntropy(onReal, all(1), weights),
      binaryCrossEntropy(onMade, all(0), weights),
    );
    const fooled = binaryCrossEntropy(onMade, all(1), weights);
    const shares = tape.untracked(() => {
      const total = tape.emit('ReduceSum', [weights, tape.integers([0])], [1], { keepdims: { int: 1 } });
      return tape.emit(
        'Reshape',
        [tape.emit('Div', [weights, total], [rows]), tape.integers([rows, 1])],
        [rows, 1],
      );
    });
    const [realMean, realSecond] = tape.untracked(() => moments(inputs, shares));
    const [madeMean, madeSecond] = moments(made, shares);
    const one = tape.constant([1], Float32Array.of(1));
    const ones = tape.constant([columns], new Float32Array(columns).fill(1));
    const apart = add(squaredError(madeMean, realMean, one), squaredError(madeSecond, realSecond, ones));
    const loss = add(fooled, mul(apart, tape.scalar(chosen.moment_weight)));
    return {
      loss,
      parts: [
        { prefix: GENERATOR, loss },
        { prefix: CRITIC, loss: told },
      ],
    };
  };
}

/**
 * Goodfellow et al., "Generative adversarial nets" (2014), the generator's loss the one that does not fade, beside the
 * squared distance of first and second moments (Li, Swersky, Zemel, "Generative moment matching networks", 2015), by which
 * the autocorrelation of a series is kept. No loss of a game says which epoch is best, so validation rows are not used. The served model takes uniforms in [0, 1) [rows, columns] and gives series.
 */
export const gan: Family<Options> = {
  name: 'gan',
  title: 'Generator of synthetic series',
  tasks: ['generation'],
  hardware: TRAINING_HARDWARE,
  options,
  async fit(task, data, chosen, control) {
    checkData(task, this.tasks, data);
    const { columns } = data;
    const scaling = scalingOf(data.inputs, columns, data.weights);
    const { plan, parameters, ...rest } = await runTraining(
      {
        options: chosen,
        columns,
        targetWidth: 0,
        objective: objective(chosen),
        data: { rows: data.rows, inputs: standardise(data.inputs, scaling), weights: data.weights },
      },
      control,
    );
    const metadata = { family: 'gan', task };
    const model = serveNetwork(plan, parameters, { columns, width: columns, metadata }, (builder, uniforms) =>
      unscale(generate(builder, uniforms, chosen), scaling),
    );
    return { ...rest, facts: { ...rest.facts, validation_used: false }, model };
  },
};
