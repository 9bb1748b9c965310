// What columns add: LightGBM's values, all subsets by hand, sums.
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { explainTrees, predictTrees, type TreeModel } from '../../native/index.ts';
import golden from './golden.json';
import { grow, treeData } from './test-data.ts';

/** Returns the sum of a class where only some columns are known: others go both ways, by the rows of training. */
function expected(model: TreeModel, row: ArrayLike<number>, known: number, k: number): number {
  const part = (node: number, child: number) =>
    model.cover[node]! > 0 ? model.cover[child]! / model.cover[node]! : 0.5;
  const goesLeft = (node: number, value: number) => {
    const first = model.set[node]!;
    if (first >= 0) {
      if (!Number.isInteger(value) || value < 0 || value > 254) return false;
      return ((model.sets[first + (value >> 5)]! >>> (value & 31)) & 1) === 1;
    }
    return Number.isNaN(value) ? model.missingLeft[node] === 1 : value <= model.threshold[node]!;
  };
  const visit = (node: number): number => {
    const feature = model.feature[node]!;
    if (feature < 0) return model.value[node]!;
    const [left, right] = [model.left[node]!, model.right[node]!];
    if ((known >> feature) & 1) return visit(goesLeft(node, row[feature]!) ? left : right);
    return part(node, left) * visit(left) + part(node, right) * visit(right);
  };
  return model.roots.reduce(
    (sum, root, tree) => sum + (tree % model.classes === k ? visit(root) : 0),
    model.base[k]!,
  );
}

/** Returns Shapley's value of each column: the definition, over all subsets. */
function shapley(model: TreeModel, row: ArrayLike<number>, k: number): number[] {
  const { columns } = model;
  const factorial = (n: number): number => (n < 2 ? 1 : n * factorial(n - 1));
  const size = (set: number) => set.toString(2).replaceAll('0', '').length;
  const sums = Array.from({ length: 2 ** columns }, (_, set) => expected(model, row, set, k));
  return Array.from({ length: columns }, (_, column) =>
    sums.reduce((sum, without, set) => {
      if ((set >> column) & 1) return sum;
      const ways = (factorial(size(set)) * factorial(columns - size(set) - 1)) / factorial(columns);
      return sum + ways * (sums[set | (1 << column)]! - without);
    }, 0),
  );
}

describe('explainTrees', () => {
  test('is the definition over all subsets of columns, and adds up to the prediction', async () => {
    const likeness = fc.record({
      rows: fc.integer({ min: 30, max: 120 }),
      columns: fc.integer({ min: 1, max: 5 }),
      gaps: fc.constantFrom(0, 0.2),
      categories: fc.integer({ min: 0, max: 1 }),
      classes: fc.constantFrom(undefined, 3),
    });
    await fc.assert(
      fc.asyncProperty(
        likeness,
        fc.nat(),
        fc.constantFrom('leaf', 'oblivious'),
        async (like, seed, growth) => {
          const categories = growth === 'oblivious' ? 0 : like.categories;
          const { classes, ...rest } = like;
          const data = treeData({ ...rest, categories, ...(classes ? { classes } : {}) }, seed);
          const options = {
            ...{ growth, rounds: 4, max_leaves: 8, min_rows: 1, category_rows: 1 },
            categories: Array.from({ length: categories }, (_, column) => column),
          };
          const { trees } = await grow(data, options);
          const inputs = data.inputs.slice(0, 3 * data.columns);
          const parts = await explainTrees(trees, inputs);
          const sums = await predictTrees(trees, inputs);
          for (let at = 0; at < 3 * trees.classes; at++) {
            const row = inputs.subarray(Math.floor(at / trees.classes) * data.columns).slice(0, data.columns);
            const own = [...parts.slice(at * (data.columns + 1), (at + 1) * (data.columns + 1))];
            const right = shapley(trees, row, at % trees.classes);
            // Weights of up to 8 columns lose a few of 16 digits.
            right.forEach((value, column) => {
              expect(own[column]!).toBeCloseTo(value, 9);
            });
            // The sum is rounded to f32 once.
            expect(own.reduce((sum, part) => sum + part, 0)).toBeCloseTo(sums[at]!, 4);
          }
        },
      ),
      { numRuns: 25 },
    );
  });

  test("is LightGBM's, for its trees", async () => {
    const { columns, roots, nodes, inputs, contributions } = golden.shap;
    const list = (at: number) => nodes.map((node) => node[at]!);
    const model: TreeModel = {
      ...{ columns, classes: 1, base: Float64Array.of(0), roots: Int32Array.from(roots) },
      ...{ feature: Int32Array.from(list(0)), threshold: Float32Array.from(list(1)) },
      ...{ left: Int32Array.from(list(2)), right: Int32Array.from(list(3)) },
      ...{ missingLeft: Uint8Array.from(list(4)), value: Float32Array.from(list(5)) },
      ...{ cover: Float64Array.from(list(6)), gain: new Float64Array(nodes.length) },
      ...{ set: new Int32Array(nodes.length).fill(-1), sets: new Uint32Array(0) },
    };
    const parts = await explainTrees(
      model,
      Float32Array.from(inputs, (value) => value ?? Number.NaN),
    );
    expect(parts.length).toBe(contributions.length);
    // Leaves of up to 20 in f32.
    parts.forEach((part, i) => {
      expect(part).toBeCloseTo(contributions[i]!, 5);
    });
  });
});
