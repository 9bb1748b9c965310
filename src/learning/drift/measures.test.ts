// Measures of drift, their tails and adjusted p-values against SciPy and evidently; scripts/golden/drift.py writes the values.
import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { chiSquareTail, normalCdf } from '../../core/special.ts';
import { populationStability } from '../../native/index.ts';
import { adjustedP } from '../discoveries.ts';
import { compareSketches } from './compare.ts';
import golden from './golden.json';
import { shareChange } from './measures.ts';
import { chi2Quantile, kolmogorovTail, noncentralChi2Tail } from './probability.ts';
import { TableSketch } from './table-sketch.ts';
import type { ColumnValues } from './types.ts';

const OPTIONS = { minRows: 2, correction: 'none' } as const;

/** The only column of two tables. */
function compared(a: ColumnValues, b: ColumnValues, more = {}) {
  const [one, other] = [a, b].map((x) => TableSketch.build(new Map([['x', x]])));
  return compareSketches(one!, other!, { ...OPTIONS, ...more }).columns[0]!;
}

function expectClose(found: number | null | undefined, expected: number, relative: number) {
  expect(Math.abs(found! - expected)).toBeLessThanOrEqual(relative * Math.abs(expected));
}

test('samples have the distances and p-values of SciPy and evidently', () => {
  for (const { a, b, ...expected } of golden.samples) {
    const { tests } = compared(Float64Array.from(a), Float64Array.from(b));
    expectClose(tests.ks!.statistic, expected.ks, 1e-12);
    // The exact tail adds up to a hundred thousand products.
    expectClose(tests.ks!.p, expected.ks_p, 1e-9);
    if (a.length * b.length <= 100_000) expectClose(tests.ks!.p, expected.evidently_ks_p, 1e-9);
    expectClose(tests.wasserstein!.statistic, expected.wasserstein, 1e-12);
    expectClose(tests.wasserstein!.effect.value, expected.evidently_wasserstein, 1e-12);
  }
});

test('categories have the chi-square of SciPy and the PSI and distance of evidently', () => {
  const column = (counts: number[]) => counts.flatMap((count, i) => Array<string>(count).fill(`c${i}`));
  for (const { reference, current, ...expected } of golden.tables) {
    const { tests } = compared(column(reference), column(current));
    expectClose(tests.chi2!.statistic, expected.chi2, 1e-12);
    expectClose(tests.chi2!.p, expected.p, 1e-10);
    expect(tests.chi2!.df).toBe(expected.df);
    expectClose(tests.chi2!.effect.value, expected.v, 1e-6);
    expectClose(tests.js!.statistic, expected.js, 1e-12);
    expectClose(tests.js!.statistic, expected.evidently_js, 1e-12);
    expectClose(tests.psi!.statistic, expected.evidently_psi, 1e-12);
  }
});

test('PSI of numbers is that of the kernel of whole samples, where the least value has no bin of its own', () => {
  for (const { a, b } of golden.samples) {
    const { psi } = populationStability({
      ...{ expected: a.length, actual: b.length, bins: 10 },
      ...{ expectedValues: Float64Array.from(a), actualValues: Float64Array.from(b) },
    });
    expectClose(compared(Float64Array.from(a), Float64Array.from(b)).tests.psi!.statistic, psi[0]!, 1e-12);
  }
});

test('changes of a share have the p-value of a corrected chi-square', () => {
  for (const [a, n, b, m, p] of golden.shares) expectClose(shareChange(a!, n!, b!, m!), p!, 1e-10);
  expect(shareChange(0, 10, 0, 10)).toBe(1);
  expect(shareChange(10, 10, 10, 10)).toBe(1);
});

test('tails are those of SciPy', () => {
  for (const [x, df, p] of golden.chi2_tails) expectClose(chiSquareTail(x!, df!), p!, 1e-9);
  for (const [p, df, x] of golden.chi2_quantiles) expectClose(chi2Quantile(p!, df!), x!, 1e-8);
  for (const [x, df, nc, p] of golden.noncentral) expectClose(noncentralChi2Tail(x!, df!, nc!), p!, 1e-8);
  for (const [z, p] of golden.kolmogorov) expectClose(kolmogorovTail(z!), p!, 1e-9);
  for (const [z, p] of golden.normal) expectClose(normalCdf(z!), p!, 1e-9);
});

test('p-values are adjusted as by SciPy, and those that are absent count for nothing', () => {
  const adjusted = adjustedP(golden.p);
  for (const [i, p] of golden.benjamini_hochberg.entries()) expectClose(adjusted[i], p, 1e-14);
  const gaps = golden.p.flatMap((p) => [null, p]);
  expect(adjustedP(gaps)).toEqual(adjusted.flatMap((p) => [null, p]));
});

test('no measure changes with the unit of a column, and none sees a difference between a sample and itself', () => {
  const numbers = fc.array(fc.integer({ min: -50, max: 50 }), { minLength: 40, maxLength: 120 });
  fc.assert(
    fc.property(numbers, numbers, fc.constantFrom(0.25, 2, 1024), (a, b, unit) => {
      const plain = compared(Float64Array.from(a), Float64Array.from(b));
      const scaled = compared(
        Float64Array.from(a, (x) => x * unit),
        Float64Array.from(b, (x) => x * unit),
      );
      for (const name of ['psi', 'ks', 'js', 'wasserstein'] as const) {
        const [one, other] = [plain.tests[name]!.effect.value, scaled.tests[name]!.effect.value];
        // Powers of two scale sums without rounding, quantiles between two values aside.
        if (one === null) expect(other).toBeNull();
        else expect(Math.abs(one - other!)).toBeLessThanOrEqual(1e-9 * (1 + one));
      }
      const same = compared(Float64Array.from(a), Float64Array.from(a.toReversed()));
      expect(same.tests.ks).toMatchObject({ statistic: 0, p: 1 });
      expect(same.tests.psi).toMatchObject({ statistic: 0, p: 1 });
      expect(same.tests.js!.statistic).toBeLessThan(1e-7);
      expect(same.tests.wasserstein!.statistic).toBe(0);
      expect(same.drifted).toBe(false);
    }),
    { numRuns: 50 },
  );
});
