// What must hold of indicators as mathematics: scale, bounds, and the values of the plainest markets.
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { compute, INDICATORS, indicator, open } from './index.ts';
import { map, sameBits, walk } from './test-series.ts';

describe('laws of scale, by powers of two, to the last bit', () => {
  for (const def of INDICATORS) {
    test(`${def.name} ${def.scale === 0 ? 'does not change with' : 'follows'} the price scale`, () => {
      fc.assert(
        fc.property(fc.integer(), fc.integer({ min: -40, max: 40 }), (seed, exponent) => {
          const prices = walk(100, seed);
          const plain = compute(def, {}, prices);
          const scaled = compute(
            def,
            {},
            map(prices, (column) => column.map((v) => v * 2 ** exponent)),
          );
          const factor = 2 ** (exponent * def.scale);
          for (const output of Object.keys(def.outputs)) {
            expect(
              sameBits(
                scaled[output]!,
                plain[output]!.map((v) => v * factor),
              ),
            ).toBe(true);
          }
        }),
        { numRuns: 30 },
      );
    });
  }
});

test('rsi stays from 0 to 100 on any finite prices', () => {
  const price = fc.double({ min: 1e-9, max: 1e9, noNaN: true });
  fc.assert(
    fc.property(
      fc.array(price, { minLength: 3, maxLength: 60 }),
      fc.integer({ min: 2, max: 20 }),
      (closes, period) => {
        const { rsi } = compute(
          indicator('rsi'),
          { period },
          { ...walk(0), close: Float64Array.from(closes) },
        );
        for (const value of rsi!.subarray(period)) expect(value >= 0 && value <= 100).toBe(true);
      },
    ),
  );
});

test('rsi is 50 when prices never move, 100 when they only rise and 0 when they only fall', () => {
  const last = (closes: number[]): number =>
    compute(indicator('rsi'), {}, { ...walk(0), close: Float64Array.from(closes) }).rsi!.at(-1)!;
  const steps = Array.from({ length: 30 }, (_, i) => i);
  expect(last(steps.map(() => 7))).toBe(50);
  expect(last(steps.map((i) => 7 + i))).toBe(100);
  expect(last(steps.map((i) => 70 - i))).toBe(0);
});

test('bands of a flat window touch, and macd refuses a slow period that is not above the fast one', () => {
  const flat = map(walk(40), (column) => column.fill(0.1));
  const bands = compute(indicator('bollinger'), {}, flat);
  expect(bands.upper!.at(-1)! - bands.lower!.at(-1)!).toBeLessThan(1e-15);
  expect(() => open(indicator('macd'), { fast: 26, slow: 26 })).toThrow(
    'Expected an integer above fast for slow',
  );
});
