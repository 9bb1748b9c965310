// The cross-validation that benches measure: rows, labels and folds, as `validation_rows` of bench/rivals/rival.py makes them.
import { logistic } from '../../src/learning/classic/index.ts';
import { crossValidate } from '../../src/learning/validation/cross-validate.ts';
import { classificationScorer } from '../../src/learning/validation/metrics/classification.ts';
import { scoreOnce } from '../../src/learning/validation/metrics/scorer.ts';

export const ROWS = 20_000;
export const COLUMNS = 16;
export const FOLDS = 5;
/** Rows after which a label is known. */
export const HORIZON = 15;
/** Sizes of the rival's tasks. */
export const SIZES = { rows: ROWS, columns: COLUMNS, folds: FOLDS, horizon: HORIZON };

const rows = Array.from({ length: ROWS }, (_, row) => row);
export const inputs = Float32Array.from({ length: ROWS * COLUMNS }, (_, i) => {
  const [row, column] = [Math.floor(i / COLUMNS), i % COLUMNS];
  return Math.sin(row * (column + 1) * 0.7391) + Math.sin(row * 12.9898 + column * 78.233);
});
export const targets = Float32Array.from(rows, (row) =>
  inputs[row * COLUMNS]! - inputs[row * COLUMNS + 5]! + 2 * Math.sin(row * row * 0.001) > 0 ? 1 : 0,
);
const data = {
  inputs,
  targets,
  rows: ROWS,
  columns: COLUMNS,
  classes: 2,
  spans: {
    startUs: Float64Array.from(rows),
    endUs: Float64Array.from(rows, (row) => row + HORIZON),
  },
};
const scheme = { kind: 'purged_k_fold', folds: FOLDS, embargo_us: 0 } as const;
const candidate = { family: logistic, task: 'classification', options: logistic.options.parse({}) } as const;

/** Returns the forecasts of all rows, each by the fold that tests it: [rows, 2]. */
export async function forecasts(threads: number): Promise<Float64Array> {
  const [path] = (await crossValidate(candidate, data, scheme, { seed: 1, threads })).paths;
  return path!.predictions;
}

/** Returns the log-loss over all folds. */
export async function validate(threads: number): Promise<number> {
  const probabilities = await forecasts(threads);
  return scoreOnce(classificationScorer({ probabilities, labels: targets, classes: 2 })).log_loss!;
}
