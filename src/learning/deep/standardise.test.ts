import { describe, expect, test } from 'bun:test';
import { balancedWeights, scalingOf, standardise } from './standardise.ts';

describe('standardising', () => {
  test('brings columns to mean 0 and deviation 1 by the rows that count', () => {
    const values = Float32Array.of(1, 1000, 3, 1000, 500, -7);
    const scaling = scalingOf(values, 2, Float32Array.of(1, 2, 0));
    expect([...scaling.mean]).toEqual([2, 1000]);
    // The second column is constant where it counts.
    expect([...scaling.scale]).toEqual([1, 1]);
    expect([...standardise(values, scaling)]).toEqual([-1, 0, 1, 0, 498, -1007]);
  });

  test('lets the same feature of all steps share its figures', () => {
    // Two steps of two features.
    const scaling = scalingOf(Float32Array.of(0, 10, 2, 30, 4, 10, 6, 30), 4, undefined, 2);
    expect([...scaling.mean]).toEqual([3, 20, 3, 20]);
    expect([...scaling.scale]).toEqual([Math.fround(Math.sqrt(5)), 10, Math.fround(Math.sqrt(5)), 10]);
  });

  test('keeps the deviation of a price that is large beside it', () => {
    const values = Float32Array.from({ length: 1000 }, (_, i) => 60_000 + (i % 2));
    expect(scalingOf(values, 1, undefined).scale[0]).toBeCloseTo(0.5, 6);
  });

  test('gives classes that occur the same weight', () => {
    const targets = Float32Array.of(0, 0, 0, 1);
    const data = { inputs: new Float32Array(4), rows: 4, columns: 1, targets, classes: 2 };
    const weights = balancedWeights(data);
    expect(weights[0]! * 3).toBeCloseTo(2, 6);
    expect(weights[3]).toBe(2);
  });
});
