// Training of networks against PyTorch on the CPU: the same data, network, minibatches, optimiser and number of threads. Hot path:
// whatever trains. A regression means more nodes in a step, or operations that ONNX Runtime no longer joins.
import { mlp } from '../../src/learning/deep/families/mlp.ts';
import { gru, lstm } from '../../src/learning/deep/families/recurrent.ts';
import { transformer } from '../../src/learning/deep/families/transformer.ts';
import { crossEntropy, squaredError } from '../../src/onnx/autodiff/ops.ts';
import type { Rows } from '../../src/onnx/training/job.ts';
import { comparePairs } from '../pairs.ts';
import { isQuick, PAIR_COLUMNS, pairRow, publish } from '../report.ts';
import { Rivals } from '../rivals/rivals.ts';
import { type Case, productRows, trainer, uniforms } from './trainer.ts';

const threads = Number(process.env.NAUTILUS_THREADS ?? 1);
const SEQUENCES = 4096;
const STEPS = 30;
const FEATURES = 16;

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
  clipNorm: 1,
  steps: 16,
};
const shape = { steps: STEPS, units: 64 };
interface BenchCase extends Case {
  /** Steps of one sample. */
  readonly steps: number;
  /** The same without dropout, whose masks differ. */
  readonly plain?: Case['network'];
  readonly target: string;
}
const CASES: Readonly<Record<string, BenchCase>> = {
  mlp: {
    network: mlp.network(mlp.options.parse({ hidden: [128, 128] }), 64),
    columns: 64,
    batch: 256,
    width: 10,
    data: productRows(),
    clipNorm: 1,
    loss: crossEntropy,
    steps: 78,
    target: '1.3x',
  },
  gru: { ...sequence, network: gru.network(gru.options.parse(shape), sequence.columns), target: '1.3x' },
  lstm: { ...sequence, network: lstm.network(lstm.options.parse(shape), sequence.columns), target: '1.3x' },
  transformer: {
    ...sequence,
    network: transformer.network(transformer.options.parse({ steps: STEPS, dropout: 0.1 }), sequence.columns),
    plain: transformer.network(transformer.options.parse({ steps: STEPS, dropout: 0 }), sequence.columns),
    steps: 4,
    target: '1.0x',
  },
};

/** Steps after which the losses of both sides are compared, and the last of them that count. */
const EQUAL_STEPS = 100;
const LAST_STEPS = 40;
/** Sums run in another order. After some 110 steps of the transformer that alone leads elsewhere: PyTorch with two threads leaves PyTorch with one. */
const EQUAL_WITHIN = 0.001;

/** Trains both from the same values on the same rows; returns the mean losses of the last steps. Throws where they are not the same. */
async function finalLosses(name: string, one: BenchCase, rivals: Rivals): Promise<readonly [number, number]> {
  const side = await trainer({ ...one, network: one.plain ?? one.network }, threads);
  const rows = side.rows(EQUAL_STEPS);
  const before = EQUAL_STEPS - LAST_STEPS;
  const [start, network] = [side.parameters(), name];
  await rivals.run('train', { network, start, steps: before, batches: rows.slice(0, before) });
  await side.run(before);
  const { value } = await rivals.run('train', { network, steps: LAST_STEPS, batches: rows.slice(before) });
  const ours = await side.run(LAST_STEPS);
  await side.release();
  if (value === null || Math.abs(ours - value) > EQUAL_WITHIN * value)
    throw new Error(`Expected equal losses of ${name}, was ${ours} and ${value}`);
  return [ours, value];
}

const rivals = await Rivals.start(threads, 'torch_rival.py');
const chosen = process.argv.slice(2).filter((name) => name in CASES);
const rows: string[][] = [];
for (const [name, one] of Object.entries(CASES)) {
  if (!rivals || (chosen.length > 0 && !chosen.includes(name))) continue;
  const losses = await finalLosses(name, one, rivals);
  // Both begin anew, so that dropout is what it is in a training.
  await rivals.run('train', { network: name, steps: 0, fresh: true });
  const ours = await trainer(one, threads);
  const result = await comparePairs({
    name: `${name}, ${one.steps} steps of ${one.batch} rows`,
    a: {
      measureNs: async () => {
        const before = Bun.nanoseconds();
        await ours.run(one.steps);
        return Bun.nanoseconds() - before;
      },
    },
    b: {
      measureNs: async () => (await rivals.run('train', { network: name, steps: one.steps })).ns,
    },
    pairs: isQuick ? 15 : 31,
  });
  const [own, theirs] = losses.map((loss) => loss.toPrecision(4));
  rows.push(pairRow(result, 'PyTorch', `target ${one.target}; loss ${own}, theirs ${theirs}`));
  await ours.release();
}
const versions = rivals
  ? `PyTorch ${rivals.versions.PyTorch}, eager, fused Adam.`
  : 'No Python with PyTorch: `NAUTILUS_BENCH_PYTHON` names one.';
publish({
  title: 'Training of networks',
  note: `${threads} thread(s) on both sides, Adam at 0.001, gradients clipped to 1. Losses: from the same first values, on the same rows and without dropout, means of steps ${EQUAL_STEPS - LAST_STEPS + 1} to ${EQUAL_STEPS}. ${versions}`,
  columns: PAIR_COLUMNS,
  rows,
});
rivals?.stop();
