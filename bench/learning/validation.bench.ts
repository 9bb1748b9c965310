// Validation against scikit-learn: a choice of models is as many cross-validations as there are candidates, and each score wants an
// interval. A regression means copies of rows, sessions opened more often than once a split, or scores that sort again.
import { logistic } from '../../src/learning/classic/index.ts';
import { crossValidate } from '../../src/learning/validation/cross-validate.ts';
import { classificationScorer } from '../../src/learning/validation/metrics/classification.ts';
import { bootstrap, scoreOnce } from '../../src/learning/validation/metrics/scorer.ts';
import { setThreads } from '../../src/native/index.ts';
import { formatNs, pairRow } from '../pairs.ts';
import { publish } from '../report.ts';
import { RIVALS_HINT, Rivals } from '../rivals/rivals.ts';

const ROWS = 20_000;
const COLUMNS = 16;
const FOLDS = 5;
const HORIZON = 15;
const RESAMPLES = 20;

const quick = process.argv.includes('--quick');
const threads = setThreads(navigator.hardwareConcurrency);
const rivals = await Rivals.start(threads);

// The rows and labels of `validation_rows` of bench/rivals/rival.py.
const inputs = Float32Array.from({ length: ROWS * COLUMNS }, (_, i) => {
  const [row, column] = [Math.floor(i / COLUMNS), i % COLUMNS];
  return Math.sin(row * (column + 1) * 0.7391) + Math.sin(row * 12.9898 + column * 78.233);
});
const rows = Array.from({ length: ROWS }, (_, row) => row);
const targets = Float32Array.from(rows, (row) =>
  inputs[row * COLUMNS]! - inputs[row * COLUMNS + 5]! + 2 * Math.sin(row * row * 0.001) > 0 ? 1 : 0,
);
const data = {
  ...{ inputs, targets, rows: ROWS, columns: COLUMNS, classes: 2 },
  spans: {
    startUs: Float64Array.from(rows),
    endUs: Float64Array.from(rows, (row) => row + HORIZON),
  },
};
const scheme = { kind: 'purged_k_fold', folds: FOLDS, embargo_us: 0 } as const;
const candidate = { family: logistic, task: 'classification', options: logistic.options.parse({}) } as const;

async function validate(): Promise<number> {
  const [path] = (await crossValidate(candidate, data, scheme, { seed: 1, threads })).paths;
  const scorer = classificationScorer({ probabilities: path!.predictions, labels: targets, classes: 2 });
  return scoreOnce(scorer).log_loss;
}

const forecasts = (await crossValidate(candidate, data, scheme, { seed: 1, threads })).paths[0]!.predictions;
function resample(): number {
  const scorer = classificationScorer({ probabilities: forecasts, labels: targets, classes: 2 });
  bootstrap(scorer, { resamples: RESAMPLES, blockRows: 60, level: 0.95, seed: 1 });
  return scoreOnce(scorer).auc;
}

const sizes = { rows: ROWS, columns: COLUMNS, folds: FOLDS, horizon: HORIZON };
const cases = [
  {
    name: `${FOLDS} purged folds of a logistic regression, ${ROWS} x ${COLUMNS}, with the log-loss`,
    task: 'logistic_cv_sklearn',
    sizes,
    ours: validate,
  },
  {
    name: `${RESAMPLES} block resamples of ${ROWS} forecasts: ours 10 scores, scikit-learn AUC and log-loss`,
    task: 'bootstrap_sklearn',
    sizes: { ...sizes, resamples: RESAMPLES, block: 60 },
    ours: resample,
  },
];

const table: string[][] = [];
for (const { name, task, sizes: asked, ours } of cases) {
  const own = await ours();
  if (rivals === null) {
    const start = Bun.nanoseconds();
    await ours();
    table.push([name, formatNs(Bun.nanoseconds() - start), '', '']);
    continue;
  }
  const { value } = await rivals.run(task, asked);
  // Inputs of 32 bits, and probabilities in float32 from the served graph.
  if (value === null || Math.abs(own - value) > 1e-4)
    throw new Error(`${name}: ours ${own}, theirs ${value}`);
  const rival = rivals.side(task, asked);
  table.push(
    await pairRow({
      name,
      a: ours,
      b: rival,
      pairs: quick ? 15 : 25,
    }),
  );
}
rivals?.stop();
publish({
  title: 'Validation',
  note: rivals
    ? `scikit-learn ${rivals.versions['scikit-learn'] ?? 'absent'}, ${threads} threads on both sides; ours predicts through the served graph. Above 1 means that ours is faster.`
    : `Without rivals: ${RIVALS_HINT}.`,
  columns: ['work', 'ours', 'scikit-learn', 'rival / ours'],
  rows: table,
});
