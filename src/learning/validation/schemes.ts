// How rows are divided into fits and tests: schemes as data, and the splits that they give, purged and embargoed.
import { z } from 'zod';
import { InsufficientHistoryError, InvalidOptionError } from '../../core/errors.ts';
import type { Split } from './leak.ts';
import { checkSpans, type LabelSpans } from './spans.ts';

/** Most splits of one scheme: each is a fit. */
export const MAX_SPLITS = 1000;

const embargo = z
  .number()
  .min(0)
  .max(1e15)
  .default(0)
  .describe('time after the end of a test label in which no training row may begin, microseconds');
const rows = z.number().int().min(1).max(1e9);

/** One way to divide rows. */
export const schemeSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('holdout'),
    train_fraction: z.number().gt(0).lt(1).default(0.7).describe('share of the rows before the test rows'),
    gap_us: embargo.describe('time that training labels end before the first test row, microseconds'),
  }),
  z.strictObject({
    kind: z.literal('purged_k_fold'),
    folds: z.number().int().min(2).max(100).default(5).describe('parts, each tested once'),
    embargo_us: embargo,
  }),
  z.strictObject({
    kind: z.literal('combinatorial_purged'),
    groups: z.number().int().min(3).max(100).default(6).describe('parts of the rows'),
    test_groups: z.number().int().min(1).max(50).default(2).describe('parts that are tested together'),
    embargo_us: embargo,
  }),
  z.strictObject({
    kind: z.literal('walk_forward'),
    window: z.enum(['expanding', 'rolling']).default('expanding').describe('what a fit sees of the past'),
    train_rows: rows.describe('rows of the window; of the first one when it expands'),
    test_rows: rows.describe('rows after the window that are tested; then it moves on by as many'),
    gap_us: embargo.describe('time that training labels end before the first test row, microseconds'),
  }),
]);

/** A scheme with all its options, as {@link schemeSchema} gives it. */
export type Scheme = z.output<typeof schemeSchema>;

/** Rows `from` up to, not including, `to`. */
export interface RowRange {
  readonly from: number;
  readonly to: number;
}

/** A split before its rows are listed. */
export interface SplitPlan {
  /** Tested, ascending, apart from each other. */
  readonly tests: readonly RowRange[];
  /** Where training rows may come from. */
  readonly train: RowRange;
  readonly embargoUs: number;
  readonly pastOnly: boolean;
}

/**
 * Returns the plans of `scheme` over rows in time order. Parts of k-fold and combinatorial schemes have equal numbers of rows
 * (the first ones one more where they don't divide), and an edge moves up to where the time changes, so that rows of one time
 * stay together. Combinations come in lexicographic order (Lopez de Prado 2018, chapters 7 and 12).
 * Throws InvalidOptionError (too many splits, parts that leave nothing to train on), InsufficientHistoryError.
 */
export function planSplits(scheme: Scheme, spans: LabelSpans): SplitPlan[] {
  checkSpans(spans);
  const { startUs } = spans;
  const all = { from: 0, to: startUs.length };
  switch (scheme.kind) {
    case 'holdout': {
      const from = timeEdge(startUs, Math.floor(all.to * scheme.train_fraction));
      if (from === 0 || from >= all.to) {
        throw new InsufficientHistoryError('Expected rows on both sides of the split', 2, all.to);
      }
      return [pastPlan({ from: 0, to: from }, { from, to: all.to }, scheme.gap_us)];
    }
    case 'purged_k_fold':
      return parts(startUs, scheme.folds).map((part) => mixedPlan([part], all, scheme.embargo_us));
    case 'combinatorial_purged': {
      const { groups, test_groups: tested, embargo_us } = scheme;
      if (tested >= groups) throw new InvalidOptionError('Expected fewer test_groups than groups');
      const count = choose(groups, tested);
      if (count > MAX_SPLITS) {
        throw new InvalidOptionError(
          `Expected groups and test_groups of at most ${MAX_SPLITS} splits, was ${count}`,
        );
      }
      const ranges = parts(startUs, groups);
      return combinations(groups, tested).map((picked) =>
        mixedPlan(
          picked.map((group) => ranges[group]!),
          all,
          embargo_us,
        ),
      );
    }
    case 'walk_forward':
      return walk(scheme, startUs);
  }
}

/**
 * Returns the rows of a plan: training rows whose labels meet the span of no test range are kept, the range's end made longer by
 * the embargo. Throws InsufficientHistoryError when purging leaves nothing to train on. O(rows x test ranges).
 */
export function splitRows(plan: SplitPlan, { startUs, endUs }: LabelSpans): Split {
  const hulls = plan.tests.map(({ from, to }) => {
    let end = endUs[from]!;
    for (let row = from; row < to; row++) end = Math.max(end, endUs[row]!);
    return { from, to, startUs: startUs[from]!, endUs: end + (plan.pastOnly ? 0 : plan.embargoUs) };
  });
  // In a walk-forward the embargo lies before the test rows: it is a gap.
  const gapUs = plan.pastOnly ? plan.embargoUs : 0;
  const kept = new Uint8Array(plan.train.to - plan.train.from).fill(1);
  for (const hull of hulls) {
    for (let row = plan.train.from; row < plan.train.to; row++) {
      const inside = row >= hull.from && row < hull.to;
      const meets = startUs[row]! <= hull.endUs && endUs[row]! + gapUs >= hull.startUs;
      if (inside || meets) kept[row - plan.train.from] = 0;
    }
  }
  const train = new Uint32Array(kept.length);
  let count = 0;
  for (let i = 0; i < kept.length; i++) if (kept[i]) train[count++] = plan.train.from + i;
  if (count === 0) {
    throw new InsufficientHistoryError('Expected training rows that purging leaves', 1, 0);
  }
  const test = new Uint32Array(plan.tests.reduce((sum, { from, to }) => sum + to - from, 0));
  let place = 0;
  for (const { from, to } of plan.tests) for (let row = from; row < to; row++) test[place++] = row;
  return {
    train: train.slice(0, count),
    test,
    embargoUs: plan.pastOnly ? 0 : plan.embargoUs,
    pastOnly: plan.pastOnly,
  };
}

function pastPlan(train: RowRange, test: RowRange, gapUs: number): SplitPlan {
  return { tests: [test], train, embargoUs: gapUs, pastOnly: true };
}

function mixedPlan(tests: readonly RowRange[], train: RowRange, embargoUs: number): SplitPlan {
  return { tests, train, embargoUs, pastOnly: false };
}

function walk(scheme: Extract<Scheme, { kind: 'walk_forward' }>, startUs: Float64Array): SplitPlan[] {
  const total = startUs.length;
  const plans: SplitPlan[] = [];
  for (let edge = timeEdge(startUs, scheme.train_rows); edge < total; ) {
    const to = timeEdge(startUs, Math.min(total, edge + scheme.test_rows));
    const from = scheme.window === 'rolling' ? Math.max(0, edge - scheme.train_rows) : 0;
    plans.push(pastPlan({ from, to: edge }, { from: edge, to }, scheme.gap_us));
    if (plans.length > MAX_SPLITS) {
      throw new InvalidOptionError(`Expected test_rows that give at most ${MAX_SPLITS} splits`);
    }
    edge = to;
  }
  if (plans.length === 0) {
    throw new InsufficientHistoryError('Expected rows after the first window', scheme.train_rows + 1, total);
  }
  return plans;
}

/** Returns `count` ranges over all rows, as equal as rows of one time allow. */
function parts(startUs: Float64Array, count: number): RowRange[] {
  const total = startUs.length;
  if (total < count)
    throw new InsufficientHistoryError(`Expected a row for each of ${count} parts`, count, total);
  const larger = total % count;
  const size = Math.floor(total / count);
  const edges = Array.from({ length: count + 1 }, (_, i) =>
    timeEdge(startUs, i * size + Math.min(i, larger)),
  );
  return edges.slice(1).map((to, i) => {
    const from = edges[i]!;
    if (from === to) {
      throw new InsufficientHistoryError(
        `Expected at least ${count} times of their own for ${count} parts`,
        count,
        i,
      );
    }
    return { from, to };
  });
}

/** Returns the first row at or after `row` that does not share its time with the row before it. */
function timeEdge(startUs: Float64Array, row: number): number {
  let edge = Math.min(row, startUs.length);
  while (edge > 0 && edge < startUs.length && startUs[edge] === startUs[edge - 1]) edge++;
  return edge;
}

function choose(n: number, k: number): number {
  let count = 1;
  for (let i = 1; i <= k; i++) count = (count * (n - k + i)) / i;
  return Math.round(count);
}

function combinations(n: number, k: number): number[][] {
  const picked = Array.from({ length: k }, (_, i) => i);
  const all: number[][] = [];
  for (;;) {
    all.push(picked.slice());
    let at = k - 1;
    while (at >= 0 && picked[at] === n - k + at) at--;
    if (at < 0) return all;
    picked[at]!++;
    for (let i = at + 1; i < k; i++) picked[i] = picked[i - 1]! + 1;
  }
}
