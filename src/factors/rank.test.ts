// Cross-sectional ranks and scores: outside values and laws.
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { rankFactor, zScore } from './rank.ts';

interface CrossSection {
  tolerance: { rel: number; abs: number };
  values: (number | null)[];
  rank: (number | null)[];
  z: (number | null)[];
}
const golden = ((await Bun.file(`${import.meta.dir}/golden.json`).json()) as { cross_section: CrossSection })
  .cross_section;
const column = (values: (number | null)[]): Float64Array =>
  Float64Array.from(values, (value) => value ?? Number.NaN);

/** Multiples of an eighth, so that a linear change of them is exact; ties and NaN are frequent. */
const values = fc
  .array(fc.option(fc.integer({ min: -400, max: 400 }), { freq: 6 }), { maxLength: 40 })
  .map((list) => column(list.map((value) => (value === null ? null : value / 8))));

function near(actual: Float64Array, expected: Float64Array): void {
  expect(actual).toHaveLength(expected.length);
  for (const [i, value] of expected.entries()) {
    if (Number.isNaN(value)) expect(actual[i]).toBeNaN();
    else
      expect(Math.abs(actual[i]! - value)).toBeLessThanOrEqual(
        golden.tolerance.abs + golden.tolerance.rel * Math.abs(value),
      );
  }
}

test('ranks and scores agree with pandas and scipy', () => {
  near(rankFactor(column(golden.values)), column(golden.rank));
  near(zScore(column(golden.values)), column(golden.z));
});

describe('rankFactor', () => {
  test('keeps NaN where it was, and only there', () => {
    fc.assert(
      fc.property(values, (list) => {
        expect(Array.from(rankFactor(list), Number.isNaN)).toEqual(Array.from(list, Number.isNaN));
      }),
    );
  });

  test('does not change under a rising map, and turns round under a falling one', () => {
    fc.assert(
      fc.property(values, (list) => {
        const ranks = rankFactor(list);
        const count = list.filter((value) => !Number.isNaN(value)).length;
        near(rankFactor(list.map((value) => 2 * value + 3)), ranks);
        near(
          rankFactor(list.map((value) => -value)),
          ranks.map((rank) => (count + 1) / count - rank),
        );
      }),
    );
  });

  test('hands out ranks that sum to those of distinct values, equal for equal values', () => {
    fc.assert(
      fc.property(values, (list) => {
        const present = rankFactor(list).filter((rank) => !Number.isNaN(rank));
        expect(present.reduce((sum, rank) => sum + rank, 0)).toBeCloseTo(
          present.length === 0 ? 0 : (present.length + 1) / 2,
          9,
        );
        const ranks = rankFactor(list);
        for (const [i, value] of list.entries()) {
          const twin = list.indexOf(value);
          if (twin >= 0) expect(ranks[i]).toBe(ranks[twin]!);
        }
      }),
    );
  });
});

describe('zScore', () => {
  test('has mean 0 and deviation 1, unless all are equal: then all are 0', () => {
    fc.assert(
      fc.property(values, (list) => {
        const scores = zScore(list).filter((score) => !Number.isNaN(score));
        expect(scores).toHaveLength(list.filter((value) => !Number.isNaN(value)).length);
        if (scores.length === 0) return;
        expect(scores.reduce((sum, score) => sum + score, 0)).toBeCloseTo(0, 9);
        const squares = scores.reduce((sum, score) => sum + score * score, 0) / scores.length;
        const distinct = new Set(list.filter((value) => !Number.isNaN(value))).size;
        expect(squares).toBeCloseTo(distinct > 1 ? 1 : 0, 9);
      }),
    );
  });

  test('does not count infinities', () => {
    expect(Array.from(zScore(Float64Array.of(1, 3, Number.POSITIVE_INFINITY)))).toEqual([-1, 1, Number.NaN]);
  });
});
