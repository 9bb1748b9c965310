import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { z } from 'zod';
import { InvariantError } from '../core/errors.ts';
import { backoffDelayMs, defineJob } from './define.ts';

test('waits double with each attempt, an hour at most, and between half and the whole of it', () => {
  expect([1, 2, 3, 4].map((attempt) => backoffDelayMs(1000, attempt, 0))).toEqual([500, 1000, 2000, 4000]);
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 86_400_000 }),
      fc.integer({ min: 1, max: 1000 }),
      fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
      (first, attempt, random) => {
        const whole = Math.min(first * 2 ** (attempt - 1), 3_600_000);
        const delay = backoffDelayMs(first, attempt, random);
        expect(Number.isInteger(delay) && delay >= Math.floor(whole / 2) && delay <= whole).toBe(true);
      },
    ),
  );
});

test('a definition has its defaults, and one that cannot work is refused', () => {
  const parts = { kind: 'work', input: z.string(), result: z.string(), run: (text: string) => text };
  expect(defineJob(parts)).toMatchObject({
    concurrency: 1,
    timeoutMs: null,
    attempts: 1,
    backoffMs: 1000,
    priority: 0,
  });
  for (const wrong of [
    { kind: 'No Name' },
    { attempts: 0 },
    { concurrency: 1.5 },
    { timeoutMs: 0 },
    { priority: -1 },
  ])
    expect(() => defineJob({ ...parts, ...wrong })).toThrow(InvariantError);
});
