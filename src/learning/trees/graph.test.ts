// The graph of trees and the trees themselves give the same bits, for every float32.
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { predictTrees, type TreeModel } from '../../native/index.ts';
import { treeGraph } from './graph.ts';
import { grow, runGraph, treeData } from './test-data.ts';

/** Returns the next float32 above or below. */
function beside(value: number, step: 1 | -1): number {
  const bits = new Int32Array(1);
  const float = new Float32Array(bits.buffer);
  float[0] = value;
  if (value === 0) return step * 1.401298464324817e-45;
  bits[0] = bits[0]! + (value > 0 ? step : -step);
  return float[0]!;
}

/** Returns rows that ask every question of the trees at its threshold and beside it, and strange values of each column. */
function hostileRows(model: TreeModel): Float32Array {
  const { columns } = model;
  const values: number[][] = Array.from({ length: columns }, () => [
    ...[Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, -0, 3.4e38, -3.4e38, 1e-45],
    ...[-1, 2.5, 7, 11, 12, 31, 32, 33, 63, 64, 254, 255, 256, 300, 2 ** 31, 2 ** 32 + 1, 11.000001],
  ]);
  model.feature.forEach((feature, node) => {
    if (feature < 0) return;
    const threshold = model.threshold[node]!;
    values[feature]!.push(threshold, beside(threshold, 1), beside(threshold, -1));
  });
  const rows = Math.max(...values.map((list) => list.length));
  return Float32Array.from({ length: rows * columns }, (_, i) => {
    const list = values[i % columns]!;
    return list[(Math.floor(i / columns) * (1 + (i % columns))) % list.length]!;
  });
}

describe('treeGraph', () => {
  test('gives the bits of the native trees at, beside and far from every threshold', async () => {
    const likeness = fc.record({
      rows: fc.integer({ min: 20, max: 400 }),
      columns: fc.integer({ min: 1, max: 11 }),
      gaps: fc.constantFrom(0, 0.2),
      categories: fc.integer({ min: 0, max: 3 }),
      levels: fc.constantFrom(3, 20, 1e6),
    });
    await fc.assert(
      fc.asyncProperty(
        likeness,
        fc.nat(),
        fc.constantFrom('leaf', 'level', 'oblivious'),
        async (like, seed, growth) => {
          const categories = growth === 'oblivious' ? 0 : Math.min(like.categories, like.columns);
          const data = treeData({ ...like, categories }, seed);
          const options = {
            ...{ growth, rounds: 15, min_rows: 1, max_depth: 5, category_rows: 1 },
            categories: Array.from({ length: categories }, (_, column) => column),
          };
          const { trees, model } = await grow(data, options);
          for (const inputs of [data.inputs, hostileRows(trees)]) {
            const native = await predictTrees(trees, inputs);
            expect(await runGraph(model, inputs, inputs.length / data.columns)).toEqual(native);
          }
        },
      ),
      { numRuns: 30 },
    );
  }, 120_000);

  test('says of two classes what the sums do', async () => {
    const data = treeData({ rows: 300, columns: 4, classes: 2 }, 3);
    const options = { rounds: 20, min_rows: 5 };
    const { trees, model } = await grow(data, options);
    const sums = await predictTrees(trees, data.inputs);
    const output = await runGraph(model, data.inputs, data.rows);
    sums.forEach((sum, row) => {
      // A sigmoid in f32, and one less it.
      expect(output[2 * row + 1]).toBeCloseTo(1 / (1 + Math.exp(-sum)), 6);
      expect(output[2 * row]! + output[2 * row + 1]!).toBeCloseTo(1, 6);
    });
  });

  test('adds up to 1 over more classes', async () => {
    const data = treeData({ rows: 300, columns: 4, classes: 4 }, 3);
    const options = { rounds: 10, min_rows: 5 };
    const { model } = await grow(data, options);
    const output = await runGraph(model, data.inputs, data.rows);
    expect(output.length).toBe(4 * data.rows);
    for (let row = 0; row < data.rows; row++) {
      expect(output.slice(4 * row, 4 * row + 4).reduce((sum, p) => sum + p, 0)).toBeCloseTo(1, 5);
    }
  });

  test('is the hand-made tree', async () => {
    const model: TreeModel = {
      ...{ columns: 1, classes: 1, base: Float64Array.of(10), roots: Int32Array.of(0) },
      ...{ feature: Int32Array.of(0, -1, -1), threshold: Float32Array.of(0.5, 0, 0) },
      ...{ left: Int32Array.of(1, -1, -1), right: Int32Array.of(2, -1, -1) },
      ...{ missingLeft: Uint8Array.of(1, 0, 0), set: Int32Array.of(-1, -1, -1), sets: new Uint32Array(0) },
      ...{ value: Float32Array.of(0, 1, 2), gain: new Float64Array(3), cover: new Float64Array(3) },
    };
    const inputs = Float32Array.of(0.5, 0.6, Number.NaN);
    expect([...(await predictTrees(model, inputs))]).toEqual([11, 12, 11]);
    expect([...(await runGraph(treeGraph(model, 'identity'), inputs, 3))]).toEqual([11, 12, 11]);
  });
});
