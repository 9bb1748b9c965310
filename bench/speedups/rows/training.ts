// Training: a network on a batch of rows, and the cross-validation of a model.
import { mlp } from '../../../src/learning/deep/families/mlp.ts';
import { crossEntropy } from '../../../src/onnx/autodiff/ops.ts';
import { Batches } from '../../../src/onnx/training/batches.ts';
import { crossValidateLogistic } from '../../baseline/logistic-fit.ts';
import { PlainMlp } from '../../baseline/mlp.ts';
import { COLUMNS, FOLDS, HORIZON, inputs, ROWS, SIZES, targets, validate } from '../../learning/folds.ts';
import { productRows, trainer } from '../../learning/trainer.ts';
import { Rivals } from '../../rivals/rivals.ts';
import { type Bench, measure, mustAgree, mustAgreeWith, type RowResult, rival } from '../measure.ts';

const HIDDEN = 128;
const CLASSES = 10;
const MINIBATCH = 256;

export async function batchTraining(bench: Bench): Promise<RowResult> {
  const data = productRows();
  const columns = data.inputs.length / data.rows;
  const steps = bench.quick ? 4 : 16;
  const widths = [columns, HIDDEN, HIDDEN, CLASSES];
  const network = mlp.network(mlp.options.parse({ hidden: [HIDDEN, HIDDEN] }), columns);
  const run = { network, columns, batch: MINIBATCH, width: CLASSES, data, loss: crossEntropy };
  const ours = await trainer(run, bench.threads);
  const plain = plainTrainer(new PlainMlp(widths, ours.initial), data, MINIBATCH);
  const torch = await Rivals.start(bench.threads, 'torch_rival.py');
  try {
    // From the same parameters over the same minibatches.
    for (let i = 0; i < 3; i++) mustAgree('mean loss', await ours.run(8), plain(8), 1e-3);
    const options = { rows: steps * MINIBATCH, columns, hidden: HIDDEN, batch: MINIBATCH };
    const pytorch = torch && {
      name: `PyTorch ${torch.versions.PyTorch}`,
      side: { measureNs: async () => (await torch.run('train', { network: 'mlp', steps })).ns },
    };
    const measurements = await measure(bench, {
      workload: `${steps} steps of Adam on minibatches of ${MINIBATCH} rows, network ${widths.join('-')} with ReLU, f32`,
      now: () => ours.run(steps),
      before: () => plain(steps),
      rivals: [pytorch, rival(bench, 'scikit-learn', '', 'train_mlp_sklearn', options)],
    });
    return {
      note: `Before: forward, backward and Adam in loops over typed arrays, one thread. Now: the steps as one ONNX graph, ${bench.threads} threads, as families of networks train. PyTorch also clips its gradients; scikit-learn goes over as many rows in a shuffled order of its own.`,
      measurements,
    };
  } finally {
    torch?.stop();
    await ours.release();
  }
}

function plainTrainer(
  network: PlainMlp,
  data: ReturnType<typeof productRows>,
  batch: number,
): (steps: number) => number {
  const batches = new Batches(data.rows, { batch, seed: 1 });
  let step = 0;
  return (steps) => {
    let sum = 0;
    for (let i = 0; i < steps; i++, step++) {
      const { indices, weights } = batches.fill(step, step + 1);
      // A row that only fills the last minibatch up has no weight.
      const rows = indices.filter((_, at) => weights[at]! > 0);
      sum += network.train(data.inputs, data.targets!, rows);
    }
    return sum / steps;
  };
}

export async function crossValidation(bench: Bench): Promise<RowResult> {
  const plainRows = { inputs, targets, rows: ROWS, columns: COLUMNS, horizon: HORIZON };
  const own = await validate(bench.threads);
  mustAgree('log-loss', own, crossValidateLogistic(plainRows, FOLDS), 1e-4);
  await mustAgreeWith(bench, 'logistic_cv_sklearn', SIZES, own, 1e-3);
  return {
    note: `Labels are known ${HORIZON} rows later, so that training rows around each test are left out. Before: Newton's method in loops over typed arrays, one thread. Now: \`crossValidate\` as \`POST /models/{model_id}/validate\` runs it, ${bench.threads} threads; each fold forecasts through the graph that would serve, and every split is checked for leaks. scikit-learn: its solver newton-cholesky.`,
    measurements: await measure(bench, {
      workload: `${FOLDS} purged folds of a logistic regression, ${ROWS.toLocaleString('en-US')} rows of ${COLUMNS} inputs, with the log-loss`,
      now: () => validate(bench.threads),
      before: () => crossValidateLogistic(plainRows, FOLDS),
      rivals: [rival(bench, 'scikit-learn', '', 'logistic_cv_sklearn', SIZES)],
    }),
  };
}
