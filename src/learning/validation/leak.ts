// Refuses splits in which a training row knows something of a test row. Nothing is scored without passing here.
import { InvalidOptionError, InvariantError } from '../../core/errors.ts';
import { LeakError } from '../errors.ts';
import { checkSpans, firstAfter, type LabelSpans } from './spans.ts';

/** Row indices of one fit and of what it is tested on, each ascending without repeats. */
export interface Split {
  readonly train: Uint32Array;
  readonly test: Uint32Array;
  /** Training rows that begin within this time after the end of a test label are leaks too; microseconds. */
  readonly embargoUs: number;
  /** Whether every training label has to end before the first test row begins (walk-forward). */
  readonly pastOnly: boolean;
}

declare const checked: unique symbol;
/** A split that `assertNoLeak` has let through; what fits and scores takes no other. */
export type CheckedSplit = Split & { readonly [checked]: true };

const passed = new WeakSet<Split>();

/**
 * Lets `split` through when no training row shares information with a test row: two rows share some when the closed spans of
 * their labels meet, the test row's one made longer by the embargo (Lopez de Prado 2018, Advances in Financial Machine
 * Learning, 7.4.1 and 7.4.2). Throws LeakError with the first training row that does and the first test row that it meets, and
 * for features from the future; InvalidOptionError for empty or disordered parts; what `checkSpans` throws. O(n log n).
 */
export function assertNoLeak(split: Split, spans: LabelSpans): asserts split is CheckedSplit {
  checkSpans(spans);
  checkPart(split.train, 'train', spans.startUs.length);
  checkPart(split.test, 'test', spans.startUs.length);
  if (!(split.embargoUs >= 0 && Number.isFinite(split.embargoUs))) {
    throw new InvalidOptionError('Expected an embargo of 0 or more microseconds');
  }
  const starts = Float64Array.from(split.test, (row) => spans.startUs[row]!);
  const ends = Float64Array.from(split.test, (row) => spans.endUs[row]! + split.embargoUs);
  const latest = ends.slice();
  for (let i = 1; i < latest.length; i++) latest[i] = Math.max(latest[i]!, latest[i - 1]!);
  for (const row of split.train) {
    const start = spans.startUs[row]!;
    const end = spans.endUs[row]!;
    // Test rows before `until` begin no later than this label ends; of those the latest end decides.
    const until = firstAfter(starts, end);
    if (until > 0 && latest[until - 1]! >= start) {
      const met = split.test[ends.findIndex((testEnd) => testEnd >= start)]!;
      throw leak(row, met, 'whose labels share no time (the embargo counted in)');
    }
    if (split.pastOnly && start >= starts[0]!) {
      throw leak(row, split.test[0]!, 'that lie in the past of the test rows');
    }
  }
  passed.add(split);
}

/** Throws InvariantError when `split` came here without passing `assertNoLeak`; the type alone can be cast away. */
export function requireChecked(split: CheckedSplit): void {
  if (!passed.has(split)) throw new InvariantError('a split was used that nobody checked for leaks');
}

function leak(trainRow: number, testRow: number, expected: string): LeakError {
  return new LeakError(
    `Expected training rows ${expected}, did not hold for training row ${trainRow} and test row ${testRow}`,
    { train_row: trainRow, test_row: testRow },
  );
}

function checkPart(part: Uint32Array, name: string, rows: number): void {
  if (part.length === 0) throw new InvalidOptionError(`Expected at least one ${name} row`);
  for (let i = 0; i < part.length; i++) {
    if (part[i]! >= rows || (i > 0 && part[i]! <= part[i - 1]!)) {
      throw new InvalidOptionError(`Expected ${name} rows that rise and exist, was not at place ${i}`);
    }
  }
}
