// Sums of decimals are the decimals.
import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { DecimalSum } from './decimal-sum.ts';

function sumOf(numbers: readonly number[]): number {
  const sum = new DecimalSum();
  for (const number of numbers) sum.add(number);
  return sum.value;
}

test('a sum of decimals is the nearest number to the exact one', () => {
  const unit = fc.integer({ min: -1_000_000, max: 1_000_000 });
  const numbers = fc.array(fc.tuple(unit, fc.integer({ min: 0, max: 8 })), { maxLength: 50 });
  fc.assert(
    fc.property(numbers, (given) => {
      const exact = given.reduce((sum, [n, d]) => sum + BigInt(n) * 10n ** BigInt(8 - d), 0n);
      expect(sumOf(given.map(([n, d]) => Number(`${n}e-${d}`)))).toBe(Number(`${exact}e-8`));
    }),
  );
});

test('what is no decimal or too large for exact integers makes a plain sum, until the next one begins', () => {
  const sum = new DecimalSum();
  for (const [numbers, value] of [
    [[0.1, 1 / 3, 0.2], 0.1 + 1 / 3 + 0.2],
    [[0.7, 0.1, 0.2], 1],
    [[0.25, 1e20, 1e15], 1e20 + 1e15],
    [[0.1, 1e15], 1e15 + 0.1],
  ] as const) {
    sum.reset();
    for (const number of numbers) sum.add(number);
    expect(sum.value).toBe(value);
  }
});
