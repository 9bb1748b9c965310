// Training of networks against PyTorch on the CPU: the same data, network, minibatches, optimiser and number of threads. Hot path:
// whatever trains. A regression means more nodes in a step, or operations that ONNX Runtime no longer joins.
import { mlp } from '../../src/learning/deep/families/mlp.ts';
import { gru, lstm } from '../../src/learning/deep/families/recurrent.ts';
import { transformer } from '../../src/learning/deep/families/transformer.ts';
import type { Network } from '../../src/learning/deep/fit.ts';
import { crossEntropy, squaredError } from '../../src/onnx/autodiff/ops.ts';
import { Batches } from '../../src/onnx/training/batches.ts';
import { createJob, type Rows } from '../../src/onnx/training/job.ts';
import { cpuRunner } from '../../src/onnx/training/runner.ts';
import { comparePairs } from '../pairs.ts';
import { isQuick, PAIR_COLUMNS, pairRow, publish } from '../report.ts';
import { Rivals } from '../rivals/rivals.ts';

const threads = Number(process.env.NAUTILUS_THREADS ?? 1);
const SEQUENCES = 4096;
const STEPS = 30;
const FEATURES = 16;

/** Numbers in [0, 1) that look random, by the formula of the rival. */
function uniforms(count: number, salt: number): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => {
    const x = Math.sin((i + salt) * 12.9898) * 43758.5453;
    return x - Math.floor(x);
  });
}

/** Which of ten products of neighbouring inputs is the largest. */
function rowsData(): Rows {
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

/** A sum of one feature over the steps, later ones counting more. */
function sequenceData(): Rows {
  const inputs = uniforms(SEQUENCES * STEPS * FEATURES, 2).map((u) => u * 2 - 1);
  const targets = Float32Array.from({ length: SEQUENCES }, (_, row) => {
    let sum = 0;
    for (let step = 0; step < STEPS; step++) sum += (inputs[(row * STEPS + step) * FEATURES]! * step) / STEPS;
    return Math.tanh(sum / 2);
  });
  return { rows: SEQUENCES, inputs, targets };
}

const sequences = sequenceData();
const sequence = {
  columns: STEPS * FEATURES,
  batch: 64,
  width: 1,
  data: sequences,
  loss: squaredError,
  steps: 16,
};
const shape = { steps: STEPS, units: 64 };
interface Case {
  readonly network: Network;
  readonly columns: number;
  readonly batch: number;
  readonly width: number;
  readonly data: Rows;
  readonly loss: typeof squaredError;
  /** Steps of one sample. */
  readonly steps: number;
  readonly target: string;
}
const CASES: Readonly<Record<string, Case>> = {
  mlp: {
    network: mlp.network(mlp.options.parse({ hidden: [128, 128] }), 64),
    columns: 64,
    batch: 256,
    width: 10,
    data: rowsData(),
    loss: crossEntropy,
    steps: 78,
    target: '1.3x',
  },
  gru: { ...sequence, network: gru.network(gru.options.parse(shape), sequence.columns), target: '1.3x' },
  lstm: { ...sequence, network: lstm.network(lstm.options.parse(shape), sequence.columns), target: '1.3x' },
  transformer: {
    ...sequence,
    network: transformer.network(transformer.options.parse({ steps: STEPS, dropout: 0.1 }), sequence.columns),
    steps: 4,
    target: '1.0x',
  },
};

/** Returns a function that goes some steps on and resolves to their mean loss. */
async function trainer({ network, columns, batch, width, data, loss }: Case) {
  const { job } = createJob(
    {
      objective: (builder, part) => ({
        loss: loss(network(builder, part.inputs, width), part.targets!, part.weights),
      }),
      batch,
      columns,
      targetWidth: 1,
      optimiser: { kind: 'adam', beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0 },
      clipNorm: 1,
    },
    data,
    { epochs: 1, schedule: { kind: 'constant', rate: 1e-3 }, seed: 1 },
  );
  const zeros = () => new Float32Array(job.initial.length);
  const runner = await cpuRunner(job, [job.initial, zeros(), zeros()], 1, threads);
  const batches = new Batches(data.rows, { batch, seed: 1 });
  let step = 0;
  return {
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

const rivals = await Rivals.start(threads, 'torch_rival.py');
const chosen = process.argv.slice(2).filter((name) => name in CASES);
const rows: string[][] = [];
for (const [name, one] of Object.entries(CASES)) {
  if (!rivals || (chosen.length > 0 && !chosen.includes(name))) continue;
  const ours = await trainer(one);
  const last = { ours: Number.NaN, theirs: Number.NaN };
  const result = await comparePairs({
    name: `${name}, ${one.steps} steps of ${one.batch} rows`,
    a: {
      measureNs: async () => {
        const before = Bun.nanoseconds();
        last.ours = await ours.run(one.steps);
        return Bun.nanoseconds() - before;
      },
    },
    b: {
      measureNs: async () => {
        const { ns, value } = await rivals.run('train', { network: name, steps: one.steps });
        last.theirs = value ?? Number.NaN;
        return ns;
      },
    },
    pairs: isQuick ? 15 : 31,
  });
  const losses = `target ${one.target}; loss ${last.ours.toFixed(4)}, theirs ${last.theirs.toFixed(4)}`;
  rows.push(pairRow(result, 'PyTorch', losses));
  await ours.release();
}
const versions = rivals
  ? `PyTorch ${rivals.versions.PyTorch}, eager, fused Adam.`
  : 'No Python with PyTorch: `NAUTILUS_BENCH_PYTHON` names one.';
publish({
  title: 'Training of networks',
  note: `${threads} thread(s) on both sides, Adam at 0.001, gradients clipped to 1, losses of the last sample. ${versions}`,
  columns: PAIR_COLUMNS,
  rows,
});
rivals?.stop();
