// Histograms of trees: scikit-learn's values, laws that growing trees relies on, refusals that name the row.
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { InvalidOptionError, NonFiniteInputError } from '../../../core/errors.ts';
import { uniform } from '../../example-call.ts';
import golden from './golden.json';
import { treeHistograms } from './tree-histograms.ts';

const shape = fc.record({
  rows: fc.integer({ min: 1, max: 200 }),
  features: fc.integer({ min: 1, max: 5 }),
  nodes: fc.integer({ min: 1, max: 4 }),
  binCount: fc.integer({ min: 1, max: 30 }),
});
type Shape = typeof shape extends fc.Arbitrary<infer S> ? S : never;

function data(size: Shape, seed: number) {
  const random = uniform(seed);
  const below = (end: number) => Math.floor(random() * end);
  return {
    ...size,
    bins: Uint8Array.from({ length: size.rows * size.features }, () => below(size.binCount)),
    node: Int32Array.from({ length: size.rows }, () => below(size.nodes + 1) - 1),
    gradients: Float32Array.from({ length: size.rows }, () => random() - 0.5),
    hessians: Float32Array.from({ length: size.rows }, () => random()),
  };
}

const total = (values: ArrayLike<number>) => Array.from(values).reduce((a, b) => a + b, 0);

describe('treeHistograms', () => {
  test('answers what scikit-learn does', () => {
    const { rows, features, nodes, binCount } = golden;
    const bins = Uint8Array.from(golden.bins);
    const node = Int32Array.from(golden.node);
    for (const [Class, tolerance] of [
      [Float32Array, 1e-6],
      [Float64Array, 1e-13],
    ] as const) {
      const { sums, counts } = treeHistograms<Float64Array | Float32Array>({
        ...{ rows, features, nodes, binCount, bins, node },
        gradients: Class.from(golden.gradients),
        hessians: Class.from(golden.hessians),
      });
      expect([...counts]).toEqual(golden.counts);
      for (let i = 0; i < golden.sums.length; i++)
        expect(Math.abs(sums[i]! - golden.sums[i]!)).toBeLessThanOrEqual(tolerance);
    }
  });

  test('has every row of a node once for each feature', () => {
    fc.assert(
      fc.property(shape, fc.nat(), (size, seed) => {
        const call = data(size, seed);
        const { sums, counts } = treeHistograms(call);
        for (let node = 0; node < size.nodes; node++) {
          const own = [...call.node.keys()].filter((row) => call.node[row] === node);
          const gradient = total(own.map((row) => call.gradients[row]!));
          for (let feature = 0; feature < size.features; feature++) {
            const first = (node * size.features + feature) * size.binCount;
            const cells = Array.from({ length: size.binCount }, (_, bin) => first + bin);
            expect(total(cells.map((cell) => counts[cell]!))).toBe(own.length);
            // Each of up to 30 bins is rounded to f32 once.
            expect(total(cells.map((cell) => sums[2 * cell]!))).toBeCloseTo(gradient, 4);
          }
        }
      }),
    );
  });

  test('has the same bits for any order of the rows, in f32', () => {
    fc.assert(
      fc.property(shape, fc.nat(), (size, seed) => {
        const call = data(size, seed);
        const random = uniform(seed + 1);
        const order = [...call.node.keys()]
          .map((row) => [random(), row] as const)
          .sort(([a], [b]) => a - b)
          .map(([, row]) => row);
        const turned = {
          ...call,
          bins: Uint8Array.from(
            order.flatMap((row) => [...call.bins.subarray(row * size.features, (row + 1) * size.features)]),
          ),
          node: Int32Array.from(order, (row) => call.node[row]!),
          gradients: Float32Array.from(order, (row) => call.gradients[row]!),
          hessians: Float32Array.from(order, (row) => call.hessians[row]!),
        };
        const [one, other] = [treeHistograms(call), treeHistograms(turned)];
        expect([...other.sums]).toEqual([...one.sums]);
        expect([...other.counts]).toEqual([...one.counts]);
      }),
    );
  });

  test('leaves missing bins and rows of no node out', () => {
    const { counts, sums } = treeHistograms({
      ...{ rows: 4, features: 1, nodes: 1, binCount: 2 },
      bins: Uint8Array.of(0, 1, 2, 0),
      node: Int32Array.of(0, 0, 0, -5),
      gradients: Float32Array.of(1, 2, 4, 8),
      hessians: Float32Array.of(1, 1, 1, 1),
    });
    expect([...counts]).toEqual([1, 1]);
    expect([...sums]).toEqual([1, 1, 2, 1]);
  });

  test('refuses what is not finite and nodes beyond the last, and names the row', () => {
    const call = data({ rows: 5, features: 1, nodes: 2, binCount: 4 }, 1);
    const gradients = Float32Array.of(1, 2, 3, Number.NaN, 5);
    expect(() => treeHistograms({ ...call, gradients })).toThrow(NonFiniteInputError);
    expect(() => treeHistograms({ ...call, gradients })).toThrow(/row 3/);
    const node = Int32Array.of(0, 1, 2, 0, 0);
    expect(() => treeHistograms({ ...call, node })).toThrow(InvalidOptionError);
    expect(() => treeHistograms({ ...call, node })).toThrow(/row 2/);
  });
});
