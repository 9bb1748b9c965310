import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { InvalidOptionError, NonFiniteInputError, ShapeMismatchError } from '../../../core/errors.ts';
import golden from '../golden.json' with { type: 'json' };
import { type ClassificationScore, classificationScorer, confusionMatrix } from './classification.ts';
import { pearson, ranking } from './correlation.ts';
import { informationScorer } from './information.ts';
import { type RegressionScore, regressionScorer } from './regression.ts';
import { bootstrap, difference, scoreOnce } from './scorer.ts';

const binary = (ofOne: number[], labels: number[]) =>
  classificationScorer({
    probabilities: Float64Array.from(ofOne.flatMap((p) => [1 - p, p])),
    labels,
    classes: 2,
  });
const repeat = <T>(values: ArrayLike<T>, weights: number[]) =>
  weights.flatMap((weight, i) => Array<T>(weight).fill(values[i]!));

describe('classificationScorer', () => {
  for (const { classes, labels, probabilities, cases } of golden.classification) {
    test(`gives the scores of scikit-learn for ${classes} classes, rows counted once or several times`, () => {
      const forecasts = { classes, labels, probabilities: Float64Array.from(probabilities) };
      const scorer = classificationScorer(forecasts);
      for (const { weights, scores } of cases) {
        const ours = scorer.score(Float64Array.from(weights));
        expect(Object.keys(ours).sort()).toEqual(Object.keys(scores).sort());
        for (const [name, value] of Object.entries(scores)) {
          expect(Math.abs(ours[name as ClassificationScore] - value)).toBeLessThan(golden.tolerance);
        }
      }
      expect([...confusionMatrix(forecasts)]).toEqual(cases[0]!.confusion);
    });
  }

  test('knows perfect, reversed and constant forecasts', () => {
    expect(scoreOnce(binary([0.9, 0.1], [1, 0]))).toMatchObject({ accuracy: 1, auc: 1, pr_auc: 1, f1: 1 });
    expect(scoreOnce(binary([0.1, 0.9], [1, 0]))).toMatchObject({ accuracy: 0, auc: 0, precision: 0 });
    const constant = scoreOnce(binary([0.5, 0.5, 0.5, 0.5], [1, 0, 0, 1]));
    expect(constant).toMatchObject({ auc: 0.5, brier: 0.25, calibration_error: 0 });
    expect(constant.log_loss).toBeCloseTo(Math.LN2, 15);
    expect(scoreOnce(binary([0.2, 0.3], [1, 1])).auc).toBeNaN();
  });

  test('says infinite log-loss where certainty was wrong', () => {
    expect(scoreOnce(binary([1, 0.5], [0, 1])).log_loss).toBe(Number.POSITIVE_INFINITY);
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
        const area = (of: number[]) => scoreOnce(binary(probabilities, of)).auc;
        expect(area(labels) + area(swapped)).toBeCloseTo(1, 12);
      }),
    );
  });

  test('refuses lengths that differ, no rows, what is no probability and what is no class', () => {
    const probabilities = Float64Array.of(0.5, 0.5);
    expect(() => classificationScorer({ probabilities, labels: [1, 0], classes: 2 })).toThrow(
      ShapeMismatchError,
    );
    expect(() => binary([], [])).toThrow(InvalidOptionError);
    for (const bad of [-0.1, 1.1, Number.NaN]) expect(() => binary([bad], [1])).toThrow(InvalidOptionError);
    for (const bad of [-1, 2, 0.5]) expect(() => binary([0.5], [bad])).toThrow(InvalidOptionError);
  });
});

describe('regressionScorer', () => {
  test('gives the scores of scikit-learn, rows counted once or several times', () => {
    const { targets, forecasts, quantile, cases } = golden.regression;
    const scorer = regressionScorer({ forecasts: Float64Array.from(forecasts), targets, quantile });
    for (const { weights, scores } of cases) {
      const ours = scorer.score(Float64Array.from(weights));
      expect(Object.keys(ours).sort()).toEqual(Object.keys(scores).sort());
      for (const [name, value] of Object.entries(scores)) {
        expect(Math.abs(ours[name as RegressionScore] - value)).toBeLessThan(golden.tolerance);
      }
    }
  });

  test('has no R2 of a constant target, and refuses what is not finite', () => {
    const constant = regressionScorer({ forecasts: Float64Array.of(1, 2), targets: [3, 3] });
    expect(scoreOnce(constant)).toMatchObject({ r2: Number.NaN, mae: 1.5, median_ae: 1.5 });
    const bad = () => regressionScorer({ forecasts: Float64Array.of(Number.NaN), targets: [3] });
    expect(bad).toThrow(NonFiniteInputError);
    expect(() => regressionScorer({ forecasts: Float64Array.of(1), targets: [] })).toThrow(
      ShapeMismatchError,
    );
  });
});

describe('informationScorer', () => {
  const times = (count: number, perTime: number) =>
    Float64Array.from({ length: count }, (_, i) => Math.floor(i / perTime));

  test('gives the correlations of SciPy through time', () => {
    const { targets, forecasts, cases } = golden.regression;
    const [f, r] = [Float64Array.from(forecasts), Float64Array.from(targets)];
    const scorer = informationScorer({ forecasts: f, returns: r, tsUs: times(f.length, 1) }, 0);
    for (const { weights, correlations } of cases) {
      const { ic, rank_ic, icir } = scorer.score(Float64Array.from(weights));
      expect(Math.abs(ic - correlations.ic)).toBeLessThan(golden.tolerance);
      expect(Math.abs(rank_ic - correlations.rank_ic)).toBeLessThan(golden.tolerance);
      expect(icir).toBeNaN();
    }
  });

  test('takes a panel time by time: a level that all series share counts nothing', () => {
    const forecasts = Float64Array.of(1, 2, 3, 11, 12, 13, 5, 7, 6);
    const returns = Float64Array.of(10, 20, 30, -3, -2, -1, 0.1, 0.2, 0.3);
    const { ic, rank_ic, icir, hit_rate } = scoreOnce(
      informationScorer({ forecasts, returns, tsUs: times(9, 3) }, 0),
    );
    expect(ic).toBeCloseTo((1 + 1 + 0.5) / 3, 12);
    expect(rank_ic).toBeCloseTo((1 + 1 + 0.5) / 3, 12);
    expect(icir).toBeCloseTo(2.5 / 3 / Math.sqrt(1 / 12), 12);
    expect(hit_rate).toBeCloseTo(6 / 9, 12);
  });

  test('gives a time without movement, or with too few series, no correlation', () => {
    const forecasts = Float64Array.of(1, 1, 1, 1, 2, 3, 4, 5);
    const returns = Float64Array.of(1, 2, 3, 3, 2, 1, 9, 1);
    const tsUs = Float64Array.of(0, 0, 0, 1, 1, 1, 2, 2);
    expect(scoreOnce(informationScorer({ forecasts, returns, tsUs }, 0)).ic).toBeCloseTo(-1, 12);
  });

  test('counts signs around the neutral forecast, and no return of zero', () => {
    const forecasts = Float64Array.of(0.6, 0.4, 0.5, 0.9);
    const returns = Float64Array.of(0.01, 0.02, 0.01, 0);
    const { hit_rate, gross_return_bps } = scoreOnce(
      informationScorer({ forecasts, returns, tsUs: times(4, 1) }, 0.5),
    );
    expect(hit_rate).toBeCloseTo(1 / 3, 12);
    // Long, short, long (0.5 is long), long.
    expect(gross_return_bps).toBeCloseTo(((0.01 - 0.02 + 0.01) / 4) * 1e4, 10);
  });
});

test('weights are repetitions: correlations and ranks of the sample written out are the same', () => {
  const sample = fc.array(
    fc.record({ x: fc.integer({ min: -5, max: 5 }), y: fc.integer({ min: -5, max: 5 }), w: fc.nat(3) }),
    { minLength: 3, maxLength: 30 },
  );
  fc.assert(
    fc.property(sample, (rows) => {
      const [x, y, w] = [rows.map((row) => row.x), rows.map((row) => row.y), rows.map((row) => row.w)];
      const once = repeat(x, w).map(() => 1);
      fc.pre(once.length > 0);
      const ours = pearson(x, y, w);
      const writtenOut = pearson(repeat(x, w), repeat(y, w), once);
      if (Number.isNaN(ours)) expect(writtenOut).toBeNaN();
      else expect(ours).toBeCloseTo(writtenOut, 10);
      const written = [...ranking(repeat(x, w)).ranks(once)];
      expect(repeat(ranking(x).ranks(w), w)).toEqual(written);
    }),
  );
});

describe('bootstrap', () => {
  const options = { resamples: 400, blockRows: 1, level: 0.95, seed: 0 };
  const { targets, forecasts } = golden.regression;
  const scorer = regressionScorer({ forecasts: Float64Array.from(forecasts), targets });
  const rows = Array.from({ length: 400 }, (_, i) => i);

  test('gives intervals around the scores, as wide as the binomial says for single rows', () => {
    const coins = binary(
      rows.map((i) => ((i * 7919) % 10 < 5 ? 0.6 : 0.4)),
      rows.map((i) => ((i * 104729) % 13 < 6 ? 1 : 0)),
    );
    const { accuracy } = scoreOnce(coins);
    const { low, high } = bootstrap(coins, options).accuracy;
    expect(low).toBeLessThan(accuracy);
    expect(high).toBeGreaterThan(accuracy);
    const normal = 2 * 1.96 * Math.sqrt((accuracy * (1 - accuracy)) / 400);
    // 400 resamples put each end of a 95% interval within about a tenth of its width.
    expect(Math.abs((high - low) / normal - 1)).toBeLessThan(0.15);
  });

  test('is wider for blocks when neighbouring rows say the same', () => {
    const runs = binary(
      rows.map((i) => (Math.floor(i / 20) % 3 === 0 ? 0.6 : 0.4)),
      rows.map((i) => (Math.floor(i / 20) % 2 === 0 ? 1 : 0)),
    );
    const width = (blockRows: number) => {
      const { low, high } = bootstrap(runs, { ...options, blockRows }).accuracy;
      return high - low;
    };
    expect(width(20)).toBeGreaterThan(2 * width(1));
  });

  test('gives equal bits for equal seeds and others for another seed', () => {
    const first = bootstrap(scorer, options);
    expect(bootstrap(scorer, options)).toEqual(first);
    expect(bootstrap(scorer, { ...options, seed: 1 })).not.toEqual(first);
  });

  test('compares two forecasts on the same resamples: with itself there is no difference', () => {
    expect(bootstrap(difference(scorer, scorer), options).rmse).toEqual({ low: 0, high: 0 });
  });

  test('refuses options out of range', () => {
    for (const bad of [{ resamples: 1 }, { blockRows: 0 }, { blockRows: 132 }, { level: 0 }, { level: 1 }]) {
      expect(() => bootstrap(scorer, { ...options, ...bad })).toThrow(InvalidOptionError);
    }
  });
});
