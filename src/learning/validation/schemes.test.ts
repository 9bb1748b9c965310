import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { InsufficientHistoryError, InvalidOptionError } from '../../core/errors.ts';
import { LeakError } from '../errors.ts';
import golden from './golden.json' with { type: 'json' };
import { assertNoLeak } from './leak.ts';
import { planSplits, type Scheme, schemeSchema, splitRows } from './schemes.ts';
import type { LabelSpans } from './spans.ts';

const regular = (rows: number, horizon: number): LabelSpans => ({
  startUs: Float64Array.from({ length: rows }, (_, i) => i),
  endUs: Float64Array.from({ length: rows }, (_, i) => i + horizon),
});
const splits = (scheme: Scheme, spans: LabelSpans) =>
  planSplits(scheme, spans).map((plan) => {
    const { train, test: tested } = splitRows(plan, spans);
    return { train: [...train], test: [...tested] };
  });
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

describe('purged k-fold', () => {
  test('purges both sides of the tested part and embargoes after it, as worked out by hand', () => {
    // Labels look 2 rows ahead and the embargo is 1 more: rows 3..5 are tested, whose labels end at 5..7.
    const found = splits({ kind: 'purged_k_fold', folds: 4, embargo_us: 1 }, regular(12, 2));
    expect(found).toEqual([
      { test: [0, 1, 2], train: range(6, 12) },
      { test: [3, 4, 5], train: [0, 9, 10, 11] },
      { test: [6, 7, 8], train: [0, 1, 2, 3] },
      { test: [9, 10, 11], train: range(0, 7) },
    ]);
  });

  test('tests every row once, in parts as equal as they can be', () => {
    const found = splits({ kind: 'purged_k_fold', folds: 5, embargo_us: 0 }, regular(23, 1));
    expect(found.flatMap((split) => split.test)).toEqual(range(0, 23));
    expect(found.map((split) => split.test.length)).toEqual([5, 5, 5, 4, 4]);
  });

  test('keeps rows of one time together', () => {
    const startUs = Float64Array.from({ length: 30 }, (_, i) => Math.floor(i / 4) * 10);
    const found = splits({ kind: 'purged_k_fold', folds: 3, embargo_us: 0 }, { startUs, endUs: startUs });
    expect(found.map((split) => split.test[0])).toEqual([0, 12, 20]);
    expect(found[0]!.train).toEqual(range(12, 30));
  });
});

describe('combinatorial purged', () => {
  test('tests every choice of groups, purged around each, as worked out by hand', () => {
    // Groups of 3 rows whose labels look 1 row ahead, and an embargo of 1.
    const found = splits(
      { kind: 'combinatorial_purged', groups: 4, test_groups: 2, embargo_us: 1 },
      regular(12, 1),
    );
    expect(found).toEqual([
      { test: range(0, 6), train: [8, 9, 10, 11] },
      { test: [0, 1, 2, 6, 7, 8], train: [11] },
      { test: [0, 1, 2, 9, 10, 11], train: [5, 6, 7] },
      { test: range(3, 9), train: [0, 1, 11] },
      { test: [3, 4, 5, 9, 10, 11], train: [0, 1] },
      { test: range(6, 12), train: [0, 1, 2, 3, 4] },
    ]);
  });

  test('gives the splits of skfolio', () => {
    for (const { rows, groups, test_groups, purged, embargo, splits: expected } of golden.combinatorial) {
      const scheme = { kind: 'combinatorial_purged', groups, test_groups, embargo_us: embargo } as const;
      expect(splits(scheme, regular(rows, purged))).toEqual(expected);
    }
  });

  test('refuses as many tested groups as groups, and thousands of fits', () => {
    const plan = (groups: number, tested: number) => () =>
      planSplits(
        { kind: 'combinatorial_purged', groups, test_groups: tested, embargo_us: 0 },
        regular(100, 1),
      );
    expect(plan(4, 4)).toThrow(InvalidOptionError);
    expect(plan(30, 10)).toThrow(InvalidOptionError);
  });
});

describe('walk-forward', () => {
  const walk = (window: 'expanding' | 'rolling', gap: number) =>
    splits({ kind: 'walk_forward', window, train_rows: 6, test_rows: 3, gap_us: gap }, regular(14, 1));

  test('expands or rolls, and purges what looks into the tested rows', () => {
    expect(walk('expanding', 0)).toEqual([
      { train: range(0, 5), test: [6, 7, 8] },
      { train: range(0, 8), test: [9, 10, 11] },
      { train: range(0, 11), test: [12, 13] },
    ]);
    expect(walk('rolling', 0).map((split) => split.train)).toEqual([range(0, 5), range(3, 8), range(6, 11)]);
  });

  test('leaves the gap out as well', () => {
    expect(walk('rolling', 2).map((split) => split.train)).toEqual([range(0, 3), range(3, 6), range(6, 9)]);
  });

  test('says so when nothing is left to test or to train on', () => {
    expect(() =>
      splits(
        { kind: 'walk_forward', window: 'rolling', train_rows: 14, test_rows: 3, gap_us: 0 },
        regular(14, 1),
      ),
    ).toThrow(InsufficientHistoryError);
    expect(() => walk('rolling', 20)).toThrow(InsufficientHistoryError);
  });
});

test('names unknown and missing options of a scheme', () => {
  expect(schemeSchema.safeParse({ kind: 'purged_k_fold', purge: 3 }).success).toBe(false);
  expect(schemeSchema.safeParse({ kind: 'walk_forward', train_rows: 5 }).success).toBe(false);
  expect(schemeSchema.parse({ kind: 'purged_k_fold' })).toEqual({
    kind: 'purged_k_fold',
    folds: 5,
    embargo_us: 0,
  });
});

describe('any scheme over any spans', () => {
  const spans = fc
    .array(fc.tuple(fc.integer({ min: 0, max: 5 }), fc.integer({ min: 0, max: 12 })), {
      minLength: 24,
      maxLength: 60,
    })
    .map((steps): LabelSpans => {
      let now = 0;
      const startUs = Float64Array.from(steps, ([step]) => (now += step));
      return { startUs, endUs: startUs.map((start, i) => start + steps[i]![1]) };
    });
  const scheme = fc.oneof(
    fc.record({
      kind: fc.constant('purged_k_fold' as const),
      folds: fc.integer({ min: 2, max: 5 }),
      embargo_us: fc.integer({ min: 0, max: 9 }),
    }),
    fc.record({
      kind: fc.constant('combinatorial_purged' as const),
      groups: fc.constant(5),
      test_groups: fc.integer({ min: 1, max: 3 }),
      embargo_us: fc.integer({ min: 0, max: 9 }),
    }),
    fc.record({
      kind: fc.constant('walk_forward' as const),
      window: fc.constantFrom('expanding' as const, 'rolling' as const),
      train_rows: fc.integer({ min: 5, max: 15 }),
      test_rows: fc.integer({ min: 1, max: 9 }),
      gap_us: fc.integer({ min: 0, max: 9 }),
    }),
  );

  test('gives splits in which no pair of rows shares time, and putting a purged neighbour back is a leak', () => {
    let compared = 0;
    fc.assert(
      fc.property(spans, scheme, (times, chosen) => {
        for (const plan of plansOrNone(chosen, times)) {
          const split = splitOrNone(plan, times);
          if (!split) continue;
          expect(() => assertNoLeak(split, times)).not.toThrow();
          for (const i of split.train) {
            for (const j of split.test) {
              const apart =
                times.endUs[i]! < times.startUs[j]! || times.startUs[i]! > times.endUs[j]! + split.embargoUs;
              expect(apart).toBe(true);
              compared++;
            }
          }
          // Every row that shares time with a tested one is refused by name.
          for (let row = 0; row < times.startUs.length; row++) {
            if (split.test.includes(row) || split.train.includes(row)) continue;
            const shares = split.test.find(
              (j) =>
                times.startUs[row]! <= times.endUs[j]! + split.embargoUs &&
                times.endUs[row]! >= times.startUs[j]!,
            );
            if (shares === undefined) continue;
            const leaky = { ...split, train: Uint32Array.from([...split.train, row]).sort() };
            const thrown = caught(() => assertNoLeak(leaky, times));
            expect(thrown).toBeInstanceOf(LeakError);
            expect((thrown as LeakError).extras).toEqual({ train_row: row, test_row: shares });
          }
        }
      }),
      { numRuns: 60 },
    );
    expect(compared).toBeGreaterThan(1000);
  });
});

function plansOrNone(scheme: Scheme, spans: LabelSpans) {
  try {
    return planSplits(scheme, spans);
  } catch (error) {
    // Few distinct times may not fill all parts; that is refused, not split badly.
    if (error instanceof InsufficientHistoryError) return [];
    throw error;
  }
}

function splitOrNone(plan: Parameters<typeof splitRows>[0], spans: LabelSpans) {
  try {
    return splitRows(plan, spans);
  } catch (error) {
    if (error instanceof InsufficientHistoryError) return null;
    throw error;
  }
}

function caught(run: () => void): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  return undefined;
}
