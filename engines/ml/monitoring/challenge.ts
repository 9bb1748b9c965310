// Whether a new version is better than the one that serves, on the newest rows of a table, which the new one has not learnt from.
import { NonFiniteInputError } from '../../../src/core/errors.ts';
import { trainingSet } from '../../../src/learning/tables/training-set.ts';
import { takeInputs } from '../../../src/learning/validation/data.ts';
import { holdOutLast } from '../../../src/learning/validation/held-out.ts';
import type { Recipe } from '../conversion/schemas.ts';
import type { DatasetStore } from '../datasets/store.ts';
import { NO_LOSSES, upperTail, varianceOf, withLoss } from './losses.ts';
import { answersOf, type ModelFile } from './reference.ts';
import type { Retraining } from './schemas.ts';

/** What is compared. */
export interface ChallengeInput {
  /** How the rows of the new version were made. */
  readonly recipe: Recipe;
  readonly before: ModelFile;
  readonly after: ModelFile;
  /** Largest p of a difference that counts. */
  readonly significance: number;
}

type Comparison = NonNullable<Retraining['comparison']>;

/** Fewest blocks of rows with a p-value. */
const MIN_BLOCKS = 10;
/** Least probability that a forecast counts as having given. */
const LEAST_P = 1e-7;

/** Throws as {@link answersOf} does, InvalidOptionError (columns), InsufficientHistoryError. */
export async function challenge(
  { recipe, before, after, significance }: ChallengeInput,
  datasets: DatasetStore,
  threads: number,
): Promise<Comparison> {
  const { frame } = await datasets.open(recipe.dataset_id);
  const { missing, steps, features, target, test_fraction } = recipe;
  const { data } = trainingSet(frame, features, target, { missing, steps });
  const all = Uint32Array.from({ length: data.rows }, (_, row) => row);
  const { test } = holdOutLast(all, test_fraction, data.spans);
  const inputs = takeInputs(data, test);
  const labels = Float64Array.from(test, (row) => data.targets![row]!);
  const isClassifier = data.classes !== undefined;
  const losses = async (file: ModelFile) => {
    const { output, width } = await answersOf(file, inputs, threads);
    return isClassifier ? logLosses(output, width, labels) : squares(output, labels);
  };
  const [old, fresh] = [await losses(before), await losses(after)];
  const gains = old.map((loss, i) => loss - fresh[i]!);
  const horizon = target.kind === 'none' ? 1 : Math.max(1, target.horizon);
  const p = gainP(gains, horizon);
  const mean = (values: Float64Array) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [was, is] = [mean(old), mean(fresh)];
  if (!Number.isFinite(was) || !Number.isFinite(is))
    throw new NonFiniteInputError('Expected numbers as the answers of both versions to the test rows');
  return {
    rows: test.length,
    score: isClassifier ? 'log_loss' : 'squared_error',
    before: was,
    after: is,
    p,
    better: is < was && p <= significance,
  };
}

/**
 * Returns the one-sided probability of a mean gain at least so large without one, by the means of blocks of `block` rows: labels that look
 * so far ahead overlap, so that neighbouring gains are alike. 1 where there are too few blocks to say.
 */
export function gainP(gains: Float64Array, block: number): number {
  let tally = NO_LOSSES;
  for (let from = 0; from + block <= gains.length; from += block) {
    let sum = 0;
    for (let i = from; i < from + block; i++) sum += gains[i]!;
    tally = withLoss(tally, sum / block);
  }
  if (tally.rows < MIN_BLOCKS) return 1;
  const error = Math.sqrt(varianceOf(tally) / tally.rows);
  if (error === 0) return tally.mean > 0 ? 0 : 1;
  return upperTail(tally.mean / error);
}

function logLosses(output: Float32Array, width: number, labels: Float64Array): Float64Array {
  return labels.map((label, r) => {
    const p = width === 1 ? (label === 1 ? output[r]! : 1 - output[r]!) : output[r * width + label]!;
    return -Math.log(Math.max(LEAST_P, p));
  });
}

function squares(output: Float32Array, labels: Float64Array): Float64Array {
  return labels.map((label, r) => (output[r]! - label) ** 2);
}
