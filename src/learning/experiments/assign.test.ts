// Arms of keys: sticky, in their shares, independent between experiments, and moved no more than a change of shares asks for.
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { chiSquareTail } from '../../core/special.ts';
import { BUCKETS, bucketOf, quotasOf, Split, seedOf, tableOf } from './assign.ts';
import golden from './golden.json' with { type: 'json' };
import { mismatchOf } from './mismatch.ts';

const keys = Array.from({ length: 100_000 }, (_, i) => `order-${i}`);
// Of fixed keys: no chance is left, and a chi-square this improbable says that the hash is at fault.
const IMPROBABLE = 1e-4;

function chiSquareOf(counts: ArrayLike<number>): number {
  const all = Array.from(counts);
  const mean = all.reduce((sum, count) => sum + count, 0) / all.length;
  return all.reduce((sum, count) => sum + (count - mean) ** 2 / mean, 0);
}

const weights = (arms: number) =>
  fc
    .array(fc.integer({ min: 0, max: 1000 }), { minLength: arms, maxLength: arms })
    .filter((list) => list.some((weight) => weight > 0));
const histories = fc
  .integer({ min: 2, max: 5 })
  .chain((arms) => fc.array(weights(arms), { minLength: 1, maxLength: 6 }));

describe('the part of a key', () => {
  test('is xxHash32 scaled', () => {
    for (const { key, seed, hash } of golden.hashes) {
      expect(Bun.hash.xxHash32(key, seed)).toBe(hash);
      expect(bucketOf(seed, key)).toBe(Math.floor((hash / 2 ** 32) * BUCKETS));
    }
  });

  test('is any of them alike, also for keys that count up', () => {
    const counts = new Float64Array(100);
    const seed = seedOf('experiment');
    for (const key of keys) counts[Math.floor(bucketOf(seed, key) / 100)]!++;
    expect(chiSquareTail(chiSquareOf(counts), 99)).toBeGreaterThan(IMPROBABLE);
  });

  test('in one experiment tells nothing of the part in another', () => {
    for (const [one, other] of [
      ['a', 'b'],
      ['experiment-1', 'experiment-2'],
      ['0190', '0191'],
    ] as const) {
      const seeds = [seedOf(one), seedOf(other)] as const;
      const counts = new Float64Array(100);
      for (const key of keys) {
        const [x, y] = seeds.map((seed) => Math.floor(bucketOf(seed, key) / 1000)) as [number, number];
        counts[x * 10 + y]!++;
      }
      expect(chiSquareTail(chiSquareOf(counts), 99)).toBeGreaterThan(IMPROBABLE);
    }
  });
});

describe('a split', () => {
  test('gives keys to arms in their shares', () => {
    const shares = [0.5, 0.3, 0.2];
    const split = new Split('experiment', [shares]);
    const counts = shares.map(() => 0);
    for (const key of keys) counts[split.armOf(key)]!++;
    expect(mismatchOf([{ weights: shares, counts }]).chiSquareP).toBeGreaterThan(IMPROBABLE);
    // The same key, the same arm: also of another object, as after a restart.
    const again = new Split('experiment', [shares]);
    expect(keys.slice(0, 1000).map((key) => again.armOf(key))).toEqual(
      keys.slice(0, 1000).map((key) => split.armOf(key)),
    );
  });

  test('gives every part away, and none to an arm without weight', () => {
    fc.assert(
      fc.property(histories, (history) => {
        const last = history.at(-1)!;
        const counts = last.map(() => 0);
        for (const arm of tableOf(history)) counts[arm]!++;
        expect(counts).toEqual(quotasOf(last));
        expect(counts.reduce((sum, count) => sum + count, 0)).toBe(BUCKETS);
        for (const [arm, weight] of last.entries()) if (weight === 0) expect(counts[arm]).toBe(0);
      }),
      { numRuns: 50 },
    );
  });

  test('moves only as many parts as the shares differ by', () => {
    fc.assert(
      fc.property(histories, (history) => {
        fc.pre(history.length > 1);
        const [before, after] = [tableOf(history.slice(0, -1)), tableOf(history)];
        const [from, to] = [quotasOf(history.at(-2)!), quotasOf(history.at(-1)!)];
        const least = to.reduce((sum, parts, arm) => sum + Math.max(0, parts - from[arm]!), 0);
        expect(after.reduce((sum, arm, i) => sum + (arm === before[i] ? 0 : 1), 0)).toBe(least);
      }),
      { numRuns: 50 },
    );
  });

  test('of two arms gives a share that went up and down again the same keys', () => {
    const small = tableOf([[0.99, 0.01]]);
    expect(
      tableOf([
        [0.99, 0.01],
        [0.5, 0.5],
        [0.99, 0.01],
      ]),
    ).toEqual(small);
    // Whoever was in the small share is in the larger one.
    const large = tableOf([
      [0.99, 0.01],
      [0.75, 0.25],
    ]);
    expect(small.every((arm, i) => arm === 0 || large[i] === 1)).toBe(true);
  });
});
