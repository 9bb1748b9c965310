// Partitions of keys: numbers that logs and leases already carry must never change.
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { PARTITIONS, partitionOf } from './partition.ts';

describe('partitionOf', () => {
  test('is FNV-1a of 32 bits: the published values of the test vectors', () => {
    // http://www.isthe.com/chongo/src/fnv/test_fnv.c, fnv1a 32 bit: '', 'a', 'foobar'.
    const whole = 2 ** 32;
    expect(partitionOf('', whole)).toBe(0x811c9dc5);
    expect(partitionOf('a', whole)).toBe(0xe40c292c);
    expect(partitionOf('foobar', whole)).toBe(0xbf9cf968);
  });

  test('is one of the partitions for every key, and always the same', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (key) => {
        const partition = partitionOf(key);
        expect(partition).toBe(partitionOf(key));
        expect(partition).toBeGreaterThanOrEqual(0);
        expect(partition).toBeLessThan(PARTITIONS);
      }),
    );
  });

  test('spreads keys that differ in a number evenly', () => {
    const counts = new Array<number>(PARTITIONS).fill(0);
    for (let i = 0; i < 8000; i++) counts[partitionOf(`portfolio-${i}`)]!++;
    for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(150);
  });
});
