// A training that goes on step by step, and rows to train on: what benches of networks measure.
import type { Network } from '../../src/learning/deep/fit.ts';
import type { squaredError } from '../../src/onnx/autodiff/ops.ts';
import { Batches } from '../../src/onnx/training/batches.ts';
import { createJob, type Rows } from '../../src/onnx/training/job.ts';
import { cpuRunner } from '../../src/onnx/training/runner.ts';

/** One network with its rows. */
export interface Case {
  readonly network: Network;
  readonly columns: number;
  readonly batch: number;
  readonly width: number;
  readonly data: Rows;
  readonly loss: typeof squaredError;
  readonly clipNorm?: number;
}

/** Returns numbers in [0, 1) that look random, by the formula of the rival. */
export function uniforms(count: number, salt: number): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => {
    const x = Math.sin((i + salt) * 12.9898) * 43758.5453;
    return x - Math.floor(x);
  });
}

/** Returns 20,000 rows of 64 numbers, and which of ten products of neighbouring ones is the largest. */
export function productRows(): Rows {
  const inputs = uniforms(20_000 * 64, 1).map((u) => u * 2 - 1);
  const targets = Float32Array.from({ length: 20_000 }, (_, row) => {
    const products = Array.from(
      { length: 10 },
      (_, i) => inputs[row * 64 + 2 * i]! * inputs[row * 64 + 2 * i + 1]!,
    );
    return products.indexOf(Math.max(...products));
  });
  return { rows: 20_000, inputs, targets };
}

/** Returns what goes some steps of Adam on (rate 0.001), and resolves to their mean loss. */
export async function trainer(
  { network, columns, batch, width, data, loss, clipNorm }: Case,
  threads: number,
) {
  const { job, plan } = createJob(
    {
      objective: (builder, part) => ({
        loss: loss(network(builder, part.inputs, width), part.targets!, part.weights),
      }),
      batch,
      columns,
      targetWidth: 1,
      optimiser: { kind: 'adam', beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0 },
      clipNorm,
    },
    data,
    { epochs: 1, schedule: { kind: 'constant', rate: 1e-3 }, seed: 1 },
  );
  const zeros = () => new Float32Array(job.initial.length);
  const runner = await cpuRunner(job, [job.initial, zeros(), zeros()], 1, threads);
  const batches = new Batches(data.rows, { batch, seed: 1 });
  let step = 0;
  return {
    /** First values of all parameters. */
    initial: job.initial,
    /** The same by name. */
    parameters(): { name: string; shape: readonly number[]; values: number[] }[] {
      let at = 0;
      return plan.parameters.map(({ name, shape }) => {
        const size = shape.reduce((product, length) => product * length, 1);
        at += size;
        return { name, shape, values: [...job.initial.subarray(at - size, at)] };
      });
    },
    /** Rows of the first `steps` steps. */
    rows(steps: number): number[][] {
      return Array.from({ length: steps }, (_, at) => {
        const { indices, weights } = batches.fill(at, at + 1);
        return [...indices].map(Number).filter((_, i) => weights[i]! > 0);
      });
    },
    async run(steps: number): Promise<number> {
      let sum = 0;
      for (let left = steps; left > 0; ) {
        const count = Math.min(left, batches.perEpoch - (step % batches.perEpoch));
        const chunk = { from: step, to: step + count, ...batches.fill(step, step + count) };
        sum += (await runner.run(chunk)).reduce((a, b) => a + b, 0);
        step += count;
        left -= count;
      }
      return sum / steps;
    },
    release: () => runner.release(),
  };
}
