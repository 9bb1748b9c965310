// The paired measurement: direction of the ratio, order of the sides, refusals.
import { describe, expect, test } from 'bun:test';
import { comparePairs, formatNs, quantile } from './pairs.ts';

describe('comparePairs', () => {
  test('answers with time of b over time of a, so above 1 means that a is faster', async () => {
    const result = await comparePairs({ name: 'x', a: { measureNs: () => 10 }, b: { measureNs: () => 30 } });
    expect(result).toEqual({ name: 'x', pairs: 15, median: 3, q1: 3, q3: 3, aNs: 10, bNs: 30 });
  });

  test('swaps the order of the sides in every pair', async () => {
    const order: string[] = [];
    const side = (name: string) => ({ measureNs: () => order.push(name) });
    await comparePairs({ name: 'x', a: side('a'), b: side('b'), pairs: 16 });
    expect(order.slice(2, 10).join('')).toBe('abbaabba');
  });

  test('times plain functions and awaits promises', async () => {
    const side = () => Promise.resolve(1);
    const result = await comparePairs({ name: 'x', a: side, b: () => 1, minSampleMs: 0.01 });
    expect(result.aNs).toBeGreaterThan(0);
    expect(result.q1).toBeLessThanOrEqual(result.median);
    expect(result.median).toBeLessThanOrEqual(result.q3);
  });

  test('refuses fewer than 15 pairs', async () => {
    await expect(comparePairs({ name: 'x', a: () => 1, b: () => 1, pairs: 14 })).rejects.toBeInstanceOf(
      RangeError,
    );
  });
});

test('quantile interpolates between neighbours and is NaN for nothing', () => {
  expect(quantile([4, 1, 3, 2], 0.5)).toBe(2.5);
  expect(quantile([1, 2, 3, 4, 5], 0.25)).toBe(2);
  expect(quantile([], 0.5)).toBeNaN();
});

test('formatNs picks the unit', () => {
  expect([2.5e9, 1_500_000, 2500, 12, 1.25].map(formatNs)).toEqual([
    '2.50 s',
    '1.50 ms',
    '2.50 us',
    '12 ns',
    '1.3 ns',
  ]);
});
