// Which scores the card of the baseline model holds.
import { ShapeMismatchError } from '../../../src/core/errors.ts';
import { classificationScorer } from '../../../src/learning/validation/metrics/classification.ts';
import { signScores } from '../../../src/learning/validation/metrics/information.ts';
import type { Scorer } from '../../../src/learning/validation/metrics/scorer.ts';
import type { Dataset } from './dataset.ts';

/** Names in the order of the card. */
export type CardScore = 'accuracy' | 'auc' | 'log_loss' | 'brier' | 'base_rate' | 'gross_return_bps';

/**
 * Returns the scorer of `probabilities` [rows] of label 1 for the rows of `data`; `base_rate` is the share of rows with label 1.
 * Throws as the scorers of src/learning/validation do.
 */
export function forecastScorer(data: Dataset, probabilities: Float64Array): Scorer<CardScore> {
  const { labels, returns } = data;
  if (probabilities.length !== labels.length) {
    throw new ShapeMismatchError(`Expected ${labels.length} probabilities, was ${probabilities.length}`);
  }
  const both = Float64Array.from({ length: 2 * probabilities.length }, (_, i) =>
    i % 2 === 1 ? probabilities[i >> 1]! : 1 - probabilities[i >> 1]!,
  );
  const classes = classificationScorer({ probabilities: both, labels, classes: 2 });
  return {
    units: labels.length,
    score(weights) {
      const { accuracy, auc, log_loss, brier } = classes.score(weights);
      let [rises, total] = [0, 0];
      for (let i = 0; i < labels.length; i++) {
        rises += weights[i]! * labels[i]!;
        total += weights[i]!;
      }
      const { gross_return_bps } = signScores(probabilities, returns, 0.5, weights);
      return { accuracy, auc, log_loss, brier, base_rate: rises / total, gross_return_bps };
    },
  };
}
