import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { Batches } from './batches.ts';
import { learningRate, type Schedule } from './schedule.ts';

describe('the minibatches of a run', () => {
  test('hold every row of an epoch once, rows of weight 0 never, and fill up with weight 0', () => {
    const weights = fc.array(fc.constantFrom<number[]>(0, 1, 2.5), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(
        weights,
        fc.integer({ min: 1, max: 12 }),
        fc.nat(5),
        fc.nat(1000),
        (list: readonly number[], batch, epoch, seed) => {
          fc.pre(list.some((weight) => weight > 0));
          const batches = new Batches(list.length, { batch, weights: Float32Array.from(list), seed });
          const from = epoch * batches.perEpoch;
          const { indices, weights, totals } = batches.fill(from, from + batches.perEpoch);
          const seen = [...indices].map(Number).filter((_, i) => weights[i]! > 0);
          expect(seen.toSorted((a, b) => a - b)).toEqual([...list.keys()].filter((row) => list[row]! > 0));
          for (const [i, row] of [...indices].entries()) {
            if (weights[i]! > 0) expect(weights[i]).toBe(list[Number(row)]!);
          }
          expect(totals.reduce((a, b) => a + b, 0)).toBeCloseTo(
            list.reduce((a, b) => a + b, 0),
            9,
          );
        },
      ),
    );
  });

  test('are the same however an epoch is cut, and in another order in the next', () => {
    const make = () => new Batches(50, { batch: 8, seed: 3 });
    const whole = make().fill(7, 14).indices;
    const parts = [make().fill(7, 9), make().fill(9, 14)].flatMap(({ indices }) => [...indices]);
    expect(parts).toEqual([...whole]);
    expect([...make().fill(0, 7).indices]).not.toEqual([...whole]);
    expect([...new Batches(50, { batch: 8, seed: 4 }).fill(7, 14).indices]).not.toEqual([...whole]);
  });
});

describe('a learning rate', () => {
  const steps = 100;
  const rates = (schedule: Schedule) =>
    Array.from({ length: steps }, (_, i) => learningRate(schedule, i, steps));

  test('rises to its height in the warm-up and falls to 0 along a cosine', () => {
    const all = rates({ kind: 'cosine', rate: 0.2, warmUp: 0.1 });
    expect(all[0]).toBeCloseTo(0.02, 12);
    expect(all[9]).toBeCloseTo(0.2, 12);
    expect(all[10]).toBeCloseTo(0.2, 12);
    expect(all[55]).toBeCloseTo(0.1, 12);
    expect(all[99]!).toBeLessThan(0.001);
    expect(all.slice(10)).toEqual(all.slice(10).toSorted((a, b) => b - a));
  });

  test('stays, or falls in steps', () => {
    expect(new Set(rates({ kind: 'constant', rate: 0.3 }))).toEqual(new Set([0.3]));
    const all = rates({ kind: 'step', rate: 0.8, every: 0.25, factor: 0.5 });
    expect([all[0], all[24], all[25], all[50], all[99]]).toEqual([0.8, 0.8, 0.4, 0.2, 0.1]);
  });
});
