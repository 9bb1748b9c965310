// Validation against scikit-learn: a choice of models is as many cross-validations as there are candidates, and each score wants an
// interval. A regression means copies of rows, sessions opened more often than once a split, or scores that sort again.
import { classificationScorer } from '../../src/learning/validation/metrics/classification.ts';
import { bootstrap, scoreOnce } from '../../src/learning/validation/metrics/scorer.ts';
import { setThreads } from '../../src/native/index.ts';
import { publish } from '../report.ts';
import { RIVALS_HINT, Rivals } from '../rivals/rivals.ts';
import { COLUMNS, FOLDS, forecasts, ROWS, SIZES, targets, validate } from './folds.ts';
import { type RivalCase, rivalRow } from './rival-row.ts';

const RESAMPLES = 20;

const threads = setThreads(navigator.hardwareConcurrency);
const rivals = await Rivals.start(threads);

const probabilities = await forecasts(threads);
function resample(): number {
  const scorer = classificationScorer({ probabilities, labels: targets, classes: 2 });
  bootstrap(scorer, { resamples: RESAMPLES, blockRows: 60, level: 0.95, seed: 1 });
  return scoreOnce(scorer).auc;
}

const cases: readonly RivalCase[] = [
  {
    name: `${FOLDS} purged folds of a logistic regression, ${ROWS} x ${COLUMNS}, with the log-loss`,
    task: 'logistic_cv_sklearn',
    sizes: SIZES,
    ours: () => validate(threads),
  },
  {
    name: `${RESAMPLES} block resamples of ${ROWS} forecasts: ours 10 scores, scikit-learn AUC and log-loss`,
    task: 'bootstrap_sklearn',
    sizes: { ...SIZES, resamples: RESAMPLES, block: 60 },
    ours: resample,
  },
];

const table: string[][] = [];
// Inputs of 32 bits, and probabilities in float32 from the served graph.
for (const one of cases) table.push(await rivalRow(one, rivals, () => 1e-4));
rivals?.stop();
publish({
  title: 'Validation',
  note: rivals
    ? `scikit-learn ${rivals.versions['scikit-learn'] ?? 'absent'}, ${threads} threads on both sides; ours predicts through the served graph. Above 1 means that ours is faster.`
    : `Without rivals: ${RIVALS_HINT}.`,
  columns: ['work', 'ours', 'scikit-learn', 'rival / ours'],
  rows: table,
});
