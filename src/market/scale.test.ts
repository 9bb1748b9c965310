// Decimal text and integers: each gives the other back, exactly, and nothing is rounded.
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { decimalsOf, decimalText, MAX_DECIMALS, numberOf, ticksOf } from './scale.ts';

const decimals = fc.integer({ min: 0, max: MAX_DECIMALS });
const ticks = fc.oneof(
  fc.maxSafeInteger(),
  fc.integer({ min: -1000, max: 1000 }),
  fc.integer(),
  fc.constantFrom(999_999_999_999_999, 1e15, -999_999_999_999_998, 123_456_789_012_345),
  fc.integer({ min: -9, max: 9 }).chain((n) => decimals.map((d) => n * 10 ** d)),
);

describe('decimals', () => {
  test('are written without zeros that say nothing', () => {
    const cases: [number, number, string][] = [
      [1230, 3, '1.23'],
      [-1230, 3, '-1.23'],
      [-30, 3, '-0.03'],
      [5, 15, '0.000000000000005'],
      [0, 8, '0'],
      [-0, 8, '0'],
      [1200, 2, '12'],
      [7, 0, '7'],
      [Number.MAX_SAFE_INTEGER, 15, '9.007199254740991'],
    ];
    for (const [value, places, text] of cases) expect(decimalText(value, places)).toBe(text);
  });

  test('are integers: of nothing else there is a text', () => {
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY, -1.5, 2 ** 53])
      expect(() => decimalText(value, 2)).toThrow('no integer');
  });

  test('come back from their text, which has no more places than it needs', () => {
    fc.assert(
      fc.property(ticks, decimals, (value, places) => {
        const text = decimalText(value, places);
        expect(ticksOf(text, places) + 0).toBe(value + 0);
        expect(text).toMatch(/^-?(0|[1-9]\d*)(\.\d*[1-9])?$/);
        expect(decimalsOf(text)).toBeLessThanOrEqual(places);
        // The language reads decimal text to the nearest float64.
        expect(Number(text)).toBe(numberOf(value, places) + 0);
      }),
    );
  });

  test('that need more places, are no plain decimals or are beyond 2^53 have no integer', () => {
    for (const text of ['1.001', '', '.', '-', '1e3', ' 1', '0x1', '1.2.3', '90071992547409.93']) {
      expect(ticksOf(text, 2)).toBeNaN();
    }
    expect(ticksOf('90071992547409.91', 2)).toBe(Number.MAX_SAFE_INTEGER);
    expect(ticksOf('1.2300', 2)).toBe(123);
  });
});
