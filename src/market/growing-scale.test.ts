// A scale grows with the texts of its instrument, and no integer is ever inexact.
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { GrowingScale } from './growing-scale.ts';
import { decimalText } from './scale.ts';

describe('a growing scale', () => {
  test('has as many decimals as were needed so far, and gives every text back', () => {
    const decimal = fc
      .tuple(fc.nat({ max: 99_999 }), fc.nat({ max: 9_999 }), fc.integer({ min: 1, max: 4 }))
      .map(([whole, part, places]) => `${whole}.${String(part).padStart(places, '0').slice(0, places)}`);
    fc.assert(
      fc.property(fc.array(decimal, { minLength: 1, maxLength: 20 }), (texts) => {
        const scale = new GrowingScale();
        for (const text of texts) {
          const ticks = scale.price(text);
          expect(Number(decimalText(ticks, scale.scale.price))).toBe(Number(text));
        }
        expect(scale.scale.size).toBe(0);
      }),
    );
  });

  test('refuses what is no plain decimal or too long to be exact, and stays as it was', () => {
    const scale = new GrowingScale({ price: 2, size: 3 });
    const before = scale.scale;
    expect(
      ['', 'x', '1e5', '0.1234567890123456', '90071992547409.93'].map((text) => scale.price(text)),
    ).toEqual(Array(5).fill(Number.NaN));
    expect(scale.scale).toBe(before);
    expect([scale.size('1.2345'), scale.scale]).toEqual([12345, { price: 2, size: 4 }]);
  });
});
