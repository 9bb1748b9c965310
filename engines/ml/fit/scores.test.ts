import { expect, test } from 'bun:test';
import { scoreOnce } from '../../../src/learning/validation/metrics/scorer.ts';
import golden from './golden.json' with { type: 'json' };
import { fitLogistic, predictLogistic } from './logistic-regression.ts';
import { type CardScore, forecastScorer } from './scores.ts';
import { slice } from './test-slice.ts';

test('gives the scores of scikit-learn on real forecasts', () => {
  const scores = scoreOnce(forecastScorer(slice, predictLogistic(slice, fitLogistic(slice, 1))));
  for (const [name, value] of Object.entries(golden.fits[0]!.scores)) {
    // Sums of 448 terms over probabilities that agree to 1e-9.
    expect(Math.abs(scores[name as CardScore] - value)).toBeLessThan(1e-8);
  }
});

test('counts ties half in the AUC, as scikit-learn does', () => {
  const tied = forecastScorer(slice, Float64Array.from(golden.tied.probabilities));
  expect(scoreOnce(tied).auc).toBeCloseTo(golden.tied.auc, 14);
});
