import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { InvalidOptionError, ShapeMismatchError } from '../../../src/core/errors.ts';
import golden from './golden.json' with { type: 'json' };
import { fitLogistic, predictLogistic } from './logistic-regression.ts';
import { bootstrapScores, type Scores, score } from './scores.ts';
import { slice } from './test-slice.ts';

const real = { ...slice, probabilities: predictLogistic(slice, fitLogistic(slice, 1)) };
const some = (probabilities: number[], labels: number[]) => ({
  probabilities: Float64Array.from(probabilities),
  labels: Uint8Array.from(labels),
  returns: Float64Array.from(labels, (label) => (label ? 0.01 : -0.01)),
});

describe('score', () => {
  test('gives the scores of scikit-learn on real forecasts', () => {
    const scores = score(real);
    for (const [name, value] of Object.entries(golden.fits[0]!.scores)) {
      // Sums of 448 terms over probabilities that agree to 1e-9.
      expect(Math.abs(scores[name as keyof Scores] - value)).toBeLessThan(1e-8);
    }
  });

  test('counts ties half in the AUC, as scikit-learn does', () => {
    const tied = { ...slice, probabilities: Float64Array.from(golden.tied.probabilities) };
    expect(score(tied).auc).toBeCloseTo(golden.tied.auc, 14);
  });

  test('knows perfect, reversed and constant forecasts', () => {
    expect(score(some([0.9, 0.1], [1, 0]))).toMatchObject({ accuracy: 1, auc: 1 });
    expect(score(some([0.9, 0.1], [1, 0])).gross_return_bps).toBeCloseTo(100, 10);
    expect(score(some([0.1, 0.9], [1, 0]))).toMatchObject({ accuracy: 0, auc: 0 });
    const constant = score(some([0.5, 0.5, 0.5, 0.5], [1, 0, 0, 1]));
    expect(constant).toMatchObject({ auc: 0.5, brier: 0.25, base_rate: 0.5 });
    expect(constant.log_loss).toBeCloseTo(Math.LN2, 15);
    expect(score(some([0.2, 0.3], [1, 1])).auc).toBeNaN();
  });

  test('says infinite log-loss where certainty was wrong', () => {
    expect(score(some([1, 0.5], [0, 1])).log_loss).toBe(Number.POSITIVE_INFINITY);
  });

  test('mirrors the AUC when labels are swapped', () => {
    const rows = fc.array(fc.tuple(fc.integer({ min: 0, max: 10 }), fc.integer({ min: 0, max: 1 })), {
      minLength: 2,
      maxLength: 60,
    });
    fc.assert(
      fc.property(rows, (pairs) => {
        const labels = pairs.map(([, label]) => label);
        fc.pre(labels.includes(0) && labels.includes(1));
        const probabilities = pairs.map(([tenth]) => tenth / 10);
        const swapped = labels.map((label) => 1 - label);
        expect(score(some(probabilities, labels)).auc + score(some(probabilities, swapped)).auc).toBeCloseTo(
          1,
          12,
        );
      }),
    );
  });

  test('refuses lengths that differ, no rows and what is no probability', () => {
    expect(() => score(some([0.5], [1, 0]))).toThrow(ShapeMismatchError);
    expect(() => score(some([], []))).toThrow(InvalidOptionError);
    for (const bad of [-0.1, 1.1, Number.NaN])
      expect(() => score(some([bad], [1]))).toThrow(InvalidOptionError);
  });
});

describe('bootstrapScores', () => {
  const options = { resamples: 400, blockRows: 1, level: 0.95, seed: 0 };

  test('gives intervals around the scores, as wide as the binomial says for single rows', () => {
    const scores = score(real);
    const intervals = bootstrapScores(real, options);
    for (const [name, { low, high }] of Object.entries(intervals)) {
      const value = scores[name as keyof Scores];
      expect(low).toBeLessThan(value);
      expect(high).toBeGreaterThan(value);
    }
    const { low, high } = intervals.accuracy;
    const normal = 2 * 1.96 * Math.sqrt((scores.accuracy * (1 - scores.accuracy)) / slice.rows);
    // 400 resamples put each end of a 95% interval within about a tenth of its width.
    expect(Math.abs((high - low) / normal - 1)).toBeLessThan(0.15);
  });

  test('is wider for blocks when neighbouring rows say the same', () => {
    const probabilities = Array.from({ length: 400 }, (_, i) => (Math.floor(i / 20) % 3 === 0 ? 0.6 : 0.4));
    const labels = Array.from({ length: 400 }, (_, i) => (Math.floor(i / 20) % 2 === 0 ? 1 : 0));
    const width = (blockRows: number) => {
      const { low, high } = bootstrapScores(some(probabilities, labels), { ...options, blockRows }).accuracy;
      return high - low;
    };
    expect(width(20)).toBeGreaterThan(2 * width(1));
  });

  test('gives equal bits for equal seeds and others for another seed', () => {
    const first = bootstrapScores(real, options);
    expect(bootstrapScores(real, options)).toEqual(first);
    expect(bootstrapScores(real, { ...options, seed: 1 })).not.toEqual(first);
  });

  test('refuses options out of range', () => {
    for (const bad of [{ resamples: 1 }, { blockRows: 0 }, { blockRows: 449 }, { level: 0 }, { level: 1 }]) {
      expect(() => bootstrapScores(real, { ...options, ...bad })).toThrow(InvalidOptionError);
    }
  });
});
