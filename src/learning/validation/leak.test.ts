import { describe, expect, test } from 'bun:test';
import {
  InvalidOptionError,
  InvariantError,
  NonFiniteInputError,
  ShapeMismatchError,
} from '../../core/errors.ts';
import { LeakError } from '../errors.ts';
import { assertNoLeak, type CheckedSplit, requireChecked, type Split } from './leak.ts';
import { checkSpans, type LabelSpans, overlappingRows } from './spans.ts';

const spans: LabelSpans = {
  startUs: Float64Array.of(0, 10, 20, 30, 40),
  endUs: Float64Array.of(5, 15, 25, 35, 45),
};
const split = (train: number[], tested: number[], more: Partial<Split> = {}): Split => ({
  train: Uint32Array.from(train),
  test: Uint32Array.from(tested),
  embargoUs: 0,
  pastOnly: false,
  ...more,
});
const check =
  (one: Split, times = spans) =>
  () =>
    assertNoLeak(one, times);

describe('assertNoLeak', () => {
  test('names the first training row that shares time with a test row, and that test row', () => {
    const long = { ...spans, endUs: Float64Array.of(5, 30, 25, 35, 45) };
    expect(check(split([0, 1, 4], [2, 3]), long)).toThrow('training row 1 and test row 2');
    expect(check(split([0, 4], [2, 3]), long)).not.toThrow();
  });

  test('counts a touch as shared: a label that ends when a test row begins knows its price', () => {
    expect(check(split([1], [2]), { ...spans, endUs: Float64Array.of(5, 20, 25, 35, 45) })).toThrow(
      LeakError,
    );
    expect(check(split([1], [2]), { ...spans, endUs: Float64Array.of(5, 19, 25, 35, 45) })).not.toThrow();
  });

  test('refuses a row on both sides', () => {
    expect(check(split([0, 2], [2, 3]))).toThrow('training row 2 and test row 2');
  });

  test('holds the embargo after test rows, not before them', () => {
    expect(check(split([3], [2], { embargoUs: 5 }))).toThrow(LeakError);
    expect(check(split([3], [2], { embargoUs: 4 }))).not.toThrow();
    expect(check(split([1], [2], { embargoUs: 1000 }))).not.toThrow();
  });

  test('refuses the future in a walk-forward', () => {
    expect(check(split([0, 4], [2], { pastOnly: true }))).toThrow('training row 4 and test row 2');
    expect(check(split([0, 1], [2], { pastOnly: true }))).not.toThrow();
  });

  test("refuses features that are newer than their row's own time, and ones of unknown time", () => {
    const known = { ...spans, asOfUs: Float64Array.of(0, 9, 20, 30, 40) };
    expect(check(split([0], [2]), known)).not.toThrow();
    expect(check(split([0], [2]), { ...known, asOfUs: Float64Array.of(0, 11, 20, 30, 40) })).toThrow(
      'at row 1',
    );
    const wide = Float64Array.of(0, 0, 10, 10, 20, 21, 30, 30, 40, 40);
    expect(check(split([0], [2]), { ...known, asOfUs: wide })).toThrow('row 2, column 1');
    expect(check(split([0], [2]), { ...known, asOfUs: Float64Array.of(0, 9, Number.NaN, 30, 40) })).toThrow(
      LeakError,
    );
  });

  test('refuses parts that are empty, disordered or beyond the rows', () => {
    for (const [train, tested] of [
      [[], [1]],
      [[0], []],
      [[1, 0], [3]],
      [[0, 0], [3]],
      [[0], [5]],
    ] as const) {
      expect(check(split([...train], [...tested]))).toThrow(InvalidOptionError);
    }
    expect(check(split([0], [2], { embargoUs: -1 }))).toThrow(InvalidOptionError);
  });

  test('is remembered: a split that did not pass is not scored', () => {
    const one = split([0], [2]);
    expect(() => requireChecked(one as CheckedSplit)).toThrow(InvariantError);
    assertNoLeak(one, spans);
    expect(() => requireChecked(one)).not.toThrow();
  });
});

describe('checkSpans', () => {
  test('refuses lengths, order and times that are no times', () => {
    const of = (start: number[], end: number[]) => () =>
      checkSpans({ startUs: Float64Array.from(start), endUs: Float64Array.from(end) });
    expect(of([0, 1], [1])).toThrow(ShapeMismatchError);
    expect(of([], [])).toThrow(InvalidOptionError);
    expect(of([1, 0], [1, 1])).toThrow(InvalidOptionError);
    expect(of([0, 1], [1, 0])).toThrow(InvalidOptionError);
    expect(of([0, Number.NaN], [1, 2])).toThrow(NonFiniteInputError);
    expect(of([0, 0, 1], [0, 0, 1])).not.toThrow();
  });
});

test('overlappingRows counts the rows that begin within one span', () => {
  expect(overlappingRows(spans)).toBe(1);
  expect(overlappingRows({ startUs: spans.startUs, endUs: spans.startUs.map((start) => start + 20) })).toBe(
    3,
  );
});
