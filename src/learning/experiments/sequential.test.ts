// The sequential tests beside outside values, and how often they err when one looks after every batch.
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { Philox } from '../../core/philox.ts';
import { chiSquareTail, logBeta, logGamma } from '../../core/special.ts';
import golden from './golden.json' with { type: 'json' };
import { mismatchOf } from './mismatch.ts';
import { type Moments, merged, momentsOf, NO_MOMENTS, varianceOf, withValue } from './moments.ts';
import {
  comparisonOf,
  type Evidence,
  meansEvidence,
  pairedRatesEvidence,
  pairsEvidence,
  ratesEvidence,
} from './sequential.ts';

const ALPHA = 0.05;
const LIMIT = -Math.log(ALPHA);

describe('outside values', () => {
  test('of the logarithm of gamma and the tail of chi-square (scipy)', () => {
    // Lanczos's sum has 15 digits; logarithms near 0 lose some of them.
    for (const [x, value] of golden.log_gamma as [number, number][])
      expect(Math.abs(logGamma(x) - value)).toBeLessThan(1e-12 * Math.max(1, Math.abs(value)));
    for (const [x, degrees, tail] of golden.chi_square_tail as [number, number, number][])
      expect(Math.abs(chiSquareTail(x, degrees) / tail - 1)).toBeLessThan(1e-10);
    expect(chiSquareTail(0, 3)).toBe(1);
  });

  test('of the normal mixture, integrated numerically (scipy)', () => {
    // The quadrature is asked for 1e-12.
    for (const { evidence, ...moments } of golden.pairs) {
      const { p } = comparisonOf(pairsEvidence(moments)!, ALPHA);
      expect(Math.abs(Math.exp(pairsEvidence(moments)!.against(0)) / evidence - 1)).toBeLessThan(1e-9);
      expect(p).toBeCloseTo(Math.min(1, 1 / evidence), 9);
    }
  });

  test('of universal inference, maximised numerically (scipy)', () => {
    for (const { first, second, delta, log_evidence } of golden.rates) {
      const counts = ([n, hits]: number[]) => ({ n: n!, hits: hits! });
      const both = ratesEvidence(counts(first), counts(second))!.against(delta);
      // The mean of it and of the normal mixture: at least half of it, and where it is large nothing else counts.
      expect(both).toBeGreaterThan(log_evidence - Math.LN2 - 1e-6);
      if (log_evidence > 30) expect(both).toBeCloseTo(log_evidence - Math.LN2, 6);
    }
  });

  test('of a mismatch of shares (savvi, scipy)', () => {
    for (const { weights, counts, p, chi_square, chi_square_p } of golden.mismatches) {
      const found = mismatchOf([{ weights, counts }]);
      // Their evidence is updated once from 1, ours is capped: a p-value is at most 1.
      expect(Math.abs(found.p - Math.min(1, p))).toBeLessThan(1e-9);
      expect(found.chiSquare).toBeCloseTo(chi_square, 9);
      expect(Math.abs(found.chiSquareP / chi_square_p - 1)).toBeLessThan(1e-9);
    }
  });
});

describe('moments', () => {
  test('of parts are those of the whole, in any order', () => {
    const values = fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { maxLength: 50 });
    fc.assert(
      fc.property(values, values, (a, b) => {
        const [one, two] = [momentsOf(a), momentsOf(b)];
        const both = momentsOf([...a, ...b]);
        for (const sum of [merged(one, two), merged(two, one)]) {
          expect(sum.n).toBe(both.n);
          // Rounding grows with the numbers, which are below 1e6, and there are at most 100.
          expect(Math.abs(sum.mean - both.mean)).toBeLessThan(1e-6);
          expect(Math.abs(sum.m2 - both.m2)).toBeLessThanOrEqual(1e-9 * 1e14);
          expect(sum.m2).toBeGreaterThanOrEqual(0);
        }
      }),
    );
  });
});

describe('a comparison', () => {
  test('has a p-value below alpha where its interval is without 0, and only there', () => {
    const counts = fc
      .integer({ min: 2, max: 400 })
      .chain((n) => fc.record({ n: fc.constant(n), hits: fc.integer({ min: 0, max: n }) }));
    fc.assert(
      fc.property(counts, counts, (first, second) => {
        const { low, high, p, effect } = comparisonOf(ratesEvidence(first, second)!, ALPHA);
        expect(low!).toBeLessThanOrEqual(effect);
        expect(high!).toBeGreaterThanOrEqual(effect);
        expect(low!).toBeGreaterThanOrEqual(-1);
        expect(high!).toBeLessThanOrEqual(1);
        // At the border itself the bisection may end on either side.
        if (p < ALPHA * 0.999) expect(low! > 0 || high! < 0).toBe(true);
        if (p > ALPHA * 1.001) expect(low! <= 0 && high! >= 0).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  test('ends its interval where the evidence does, also where the farthest difference is impossible', () => {
    for (const [n, first, second] of [
      [2, 0, 0],
      [5, 3, 0],
      [8, 3, 0],
      [8, 0, 3],
      [50, 20, 20],
    ] as const) {
      const evidence = ratesEvidence({ n, hits: first }, { n, hits: second })!;
      expect(evidence.against(1)).toBeGreaterThan(LIMIT);
      const { effect, low, high } = comparisonOf(evidence, ALPHA);
      for (const [end, sign] of [
        [low!, -1],
        [high!, 1],
      ] as const) {
        // All that is inside is possible, what is just outside is not; the bisection is far finer than 1e-6.
        for (let part = 0; part < 1; part += 0.01)
          expect(evidence.against(effect + part * (end - effect - sign * 1e-6))).toBeLessThan(LIMIT);
        expect(evidence.against(end + sign * 1e-6)).toBeGreaterThan(LIMIT);
      }
    }
    const pairs = pairedRatesEvidence({ n: 8, gained: 1, lost: 3 })!;
    const { low, high } = comparisonOf(pairs, ALPHA);
    expect(pairs.against(1)).toBe(Number.POSITIVE_INFINITY);
    for (const end of [low!, high!]) expect(pairs.against(end)).toBeCloseTo(LIMIT, 6);
  });

  test('turns round when the groups are exchanged', () => {
    const first = { n: 300, hits: 120 };
    const second = { n: 500, hits: 260 };
    const [there, back] = [ratesEvidence(first, second)!, ratesEvidence(second, first)!].map((e) =>
      comparisonOf(e, ALPHA),
    );
    expect(there!.effect).toBeCloseTo(-back!.effect, 12);
    expect(there!.low).toBeCloseTo(-back!.high!, 6);
    expect(there!.p).toBeCloseTo(back!.p, 9);
  });

  test('of numbers that never vary is certain of a difference, and sees none where there is none', () => {
    const flat = (n: number, mean: number): Moments => ({ n, mean, m2: 0 });
    const same = comparisonOf(meansEvidence(flat(200, 1), flat(200, 1))!, ALPHA);
    expect(same).toMatchObject({ effect: 0, p: 1 });
    const other = comparisonOf(meansEvidence(flat(200, 1), flat(200, 2))!, ALPHA);
    expect(other.p).toBeLessThan(1e-9);
    expect([other.low, other.high].map((end) => Math.round(end!))).toEqual([1, 1]);
  });

  test('of too few numbers knows nothing', () => {
    expect(meansEvidence({ n: 1, mean: 1, m2: 0 }, { n: 9, mean: 1, m2: 3 })).toBeNull();
    expect([pairsEvidence(NO_MOMENTS), ratesEvidence({ n: 0, hits: 0 }, { n: 3, hits: 1 })]).toEqual([
      null,
      null,
    ]);
    expect(pairedRatesEvidence({ n: 0, gained: 0, lost: 0 })).toBeNull();
    const few = comparisonOf(meansEvidence({ n: 2, mean: 1, m2: 1 }, { n: 2, mean: 5, m2: 1 })!, ALPHA);
    expect([few.low, few.high]).toEqual([null, null]);
  });

  test('of ten failures in ten beside none in two hundred is made at once', () => {
    const { low, p } = comparisonOf(ratesEvidence({ n: 200, hits: 0 }, { n: 10, hits: 10 })!, ALPHA);
    expect(p).toBeLessThan(1e-9);
    expect(low!).toBeGreaterThan(0.3);
  });
});

/** Runs of a simulation, and observations of each. */
const RUNS = 400;
const STEPS = 1500;
/** Observations between two looks. */
const BATCH = 10;
/** Of each group before the first look, as experiments have it at least. */
const LEAST = 30;
/**
 * Of 400 runs with a true rate of alpha = 0.05, at most 10 reject with probability 0.9% only: so few show that the rate is below alpha.
 */
const FEW = 10;

interface Run {
  /** Uniform numbers: which group an observation is of, and what it is. */
  readonly group: Float64Array;
  readonly value: Float64Array;
  readonly normal: Float64Array;
}

/** Returns in how many runs `looks` says yes at any look. */
function rejections(seed: number, looks: (run: Run) => boolean): number {
  let count = 0;
  for (let run = 0; run < RUNS; run++) {
    const made = {
      group: new Philox(seed, 3 * run).fillUniform(new Float64Array(STEPS)),
      value: new Philox(seed, 3 * run + 1).fillUniform(new Float64Array(STEPS)),
      normal: new Philox(seed, 3 * run + 2).fillNormal(new Float64Array(STEPS)),
    };
    if (looks(made)) count++;
  }
  return count;
}

const rejects = (evidence: Evidence | null) => (evidence?.against(0) ?? 0) >= LIMIT;

/** Looks at two means after every batch; `share` of the observations are of the second group. */
function meansBy(
  { group, normal }: Run,
  share: number,
  effect: number,
  isFound: (first: Moments, second: Moments) => boolean,
): boolean {
  let [first, second] = [NO_MOMENTS, NO_MOMENTS];
  for (let i = 0; i < STEPS; i++) {
    if (group[i]! < share) second = withValue(second, normal[i]! + effect);
    else first = withValue(first, normal[i]!);
    if (i % BATCH === 0 && Math.min(first.n, second.n) >= LEAST && isFound(first, second)) return true;
  }
  return false;
}

function ratesBy({ group, value }: Run, share: number, rate: number, effect: number): boolean {
  const counts = [
    { n: 0, hits: 0 },
    { n: 0, hits: 0 },
  ];
  for (let i = 0; i < STEPS; i++) {
    const arm = group[i]! < share ? 1 : 0;
    const one = counts[arm]!;
    one.n++;
    if (value[i]! < rate + arm * effect) one.hits++;
    const isLook = i % BATCH === 0 && Math.min(counts[0]!.n, counts[1]!.n) >= LEAST;
    if (isLook && rejects(ratesEvidence(counts[0]!, counts[1]!))) return true;
  }
  return false;
}

describe('looking after every batch', () => {
  const mixture = (a: Moments, b: Moments) => rejects(meansEvidence(a, b));

  test('errs with a t-test, several times as often as it promises', () => {
    // Welch's t with hundreds of numbers: 1.96 is its limit at 5%.
    const t = (a: Moments, b: Moments) =>
      Math.abs(b.mean - a.mean) > 1.96 * Math.sqrt(varianceOf(a) / a.n + varianceOf(b) / b.n);
    expect(rejections(11, (run) => meansBy(run, 0.5, 0, t))).toBeGreaterThan(4 * ALPHA * RUNS);
  });

  test('errs less than alpha with the mixture, in equal and in small shares', () => {
    for (const share of [0.5, 0.1])
      expect(rejections(11, (run) => meansBy(run, share, 0, mixture))).toBeLessThanOrEqual(FEW);
  });

  test('errs less than alpha for common and rare events', () => {
    for (const [share, rate] of [
      [0.5, 0.5],
      [0.1, 0.02],
    ] as const)
      expect(rejections(12, (run) => ratesBy(run, share, rate, 0))).toBeLessThanOrEqual(FEW);
  });

  test('errs less than alpha for pairs', () => {
    const looks = ({ value, normal }: Run) => {
      let [differences, counts] = [NO_MOMENTS, { n: 0, gained: 0, lost: 0 }];
      let found = false;
      for (let i = 0; i < STEPS && !found; i++) {
        differences = withValue(differences, normal[i]!);
        const { n, gained, lost } = counts;
        counts = { n: n + 1, gained: gained + Number(value[i]! < 0.1), lost: lost + Number(value[i]! > 0.9) };
        if (i % BATCH === 0 && n >= LEAST)
          found = rejects(pairsEvidence(differences)) || rejects(pairedRatesEvidence(counts));
      }
      return found;
    };
    // Two tests in each run: each errs less than alpha, so that both together stay below twice as few.
    expect(rejections(13, looks)).toBeLessThanOrEqual(2 * FEW);
  });

  test('covers the true difference at every look', () => {
    const missed = (a: Moments, b: Moments) => meansEvidence(a, b)!.against(0.3) >= LIMIT;
    expect(rejections(14, (run) => meansBy(run, 0.5, 0.3, missed))).toBeLessThanOrEqual(FEW);
  });

  test('finds a real difference', () => {
    // 750 of each group and a third of a standard deviation: the t-test of the last look alone has a power above 0.999.
    expect(rejections(15, (run) => meansBy(run, 0.5, 0.33, mixture))).toBeGreaterThan(0.98 * RUNS);
    // 0.55 beside 0.70, which a test at the end would find with a power above 0.999.
    expect(rejections(16, (run) => ratesBy(run, 0.5, 0.55, 0.15))).toBeGreaterThan(0.95 * RUNS);
  });
});

describe('a mismatch of shares', () => {
  test('is told with probability below its limit while the shares are right, however often one looks', () => {
    const limit = 0.01;
    const looks = ({ group }: Run) => {
      const counts = [0, 0, 0];
      let found = false;
      for (let i = 0; i < STEPS && !found; i++) {
        counts[group[i]! < 0.8 ? 0 : group[i]! < 0.9 ? 1 : 2]!++;
        if (i % BATCH === 0) found = mismatchOf([{ weights: [0.8, 0.1, 0.1], counts }]).p < limit;
      }
      return found;
    };
    // At most 12 of 400 with probability 99.9% where the rate is 0.01.
    expect(rejections(17, looks)).toBeLessThanOrEqual(12);
  });

  test('is found where an arm loses a fifth of its keys', () => {
    const found = mismatchOf([
      { weights: [0.5, 0.5], counts: [1000, 800] },
      { weights: [0.9, 0.1], counts: [900, 80] },
    ]);
    expect(found.p).toBeLessThan(1e-3);
    expect(found.keys).toBe(2780);
    expect(mismatchOf([{ weights: [1, 0], counts: [5, 1] }]).p).toBe(0);
    expect(mismatchOf([])).toEqual({ keys: 0, chiSquare: 0, chiSquareP: 1, p: 1 });
  });
});

test('the beta function is that of factorials', () => {
  expect(Math.exp(logBeta(3, 4))).toBeCloseTo(1 / 60, 12);
});
