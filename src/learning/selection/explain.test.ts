// What a served model makes of its features: shuffling, exact values of trees, sampled values of anything.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { Philox } from '../../core/philox.ts';
import { explainTrees } from '../../native/index.ts';
import { decodeModel } from '../../onnx/decode.ts';
import { encodeModel, type ModelSpec } from '../../onnx/graph.ts';
import { ridge } from '../classic/index.ts';
import { treeGraph } from '../trees/graph.ts';
import { grow, type Likeness, treeData } from '../trees/test-data.ts';
import { lossOf, permutationImportance, shuffled } from './permutation.ts';
import { featureGroups, type ServedFunction, serve } from './served.ts';
import { meanSizes, sampledShapley, treeShapley } from './shapley.ts';
import { coverTrees, treesOf } from './tree-model.ts';

const ROWS = 300;
const NAMES = ['a@-1', 'b@-1', 'a', 'b'];
const groups = featureGroups(NAMES);
const inputs = Float32Array.from(new Philox(1).fillNormal(new Float64Array(ROWS * 4)));
// b does not matter, and of a its newest step twice as much as the one before.
const targets = Float32Array.from(
  { length: ROWS },
  (_, row) => inputs[row * 4]! + 2 * inputs[row * 4 + 2]! + 3,
);

describe('a linear model of two features with two steps each', () => {
  let model: ServedFunction;
  let weights: number[];
  beforeAll(async () => {
    const data = { inputs, targets, rows: ROWS, columns: 4 };
    const fitted = await ridge.fit('regression', data, ridge.options.parse({ alpha: 1e-9 }), {
      seed: 1,
      threads: 1,
    });
    model = await serve(encodeModel(fitted.model), {
      input: 'input',
      output: 'output',
      columns: 4,
      threads: 1,
    });
    weights = [1, 0, 2, 0];
  });
  afterAll(() => model?.close());

  test('has features of whole names', () => {
    expect(groups).toEqual([
      { name: 'a', columns: [0, 2] },
      { name: 'b', columns: [1, 3] },
    ]);
  });

  test('loses when what matters is shuffled, all steps together, and nothing otherwise', async () => {
    const rows = { inputs, targets, classes: null };
    const control = { repeats: 5, seed: 3 };
    const one = await permutationImportance(model, groups, rows, control);
    const [a, b] = one.features;
    expect(one.loss).toBeLessThan(1e-4);
    // Shuffled by its rows, the root mean square of (a@-1 - other) + 2 (a - other).
    const expected = Array.from({ length: 5 }, (_, repeat) => {
      const from = shuffled(ROWS, 3, repeat);
      const part = (row: number) => inputs[row * 4]! + 2 * inputs[row * 4 + 2]!;
      return Math.sqrt(from.reduce((sum, other, row) => sum + (part(row) - part(other)) ** 2, 0) / ROWS);
    });
    const mean = expected.reduce((sum, value) => sum + value, 0) / 5;
    expect(a!.importance).toBeCloseTo(mean - one.loss, 4);
    const spread = expected.reduce((sum, value) => sum + (value - mean) ** 2, 0);
    expect(a!.standard_error).toBeCloseTo(Math.sqrt(spread / 4 / 5), 4);
    expect(Math.abs(b!.importance)).toBeLessThan(1e-4);
    expect(await permutationImportance(model, groups, rows, control)).toEqual(one);
  });

  test('has the sampled values of its coefficients, when each row of the background begins a walk', async () => {
    const background = inputs.slice(0, 40);
    const explained = inputs.slice(40 * 4, 45 * 4);
    const told = await sampledShapley(model, groups, explained, background, { walks: 10, seed: 1 });
    const means = [0, 1, 2, 3].map((c) => {
      let sum = 0;
      for (let row = 0; row < 10; row++) sum += background[row * 4 + c]! / 10;
      return sum;
    });
    for (let row = 0; row < 5; row++)
      groups.forEach(({ columns }, g) => {
        const expected = columns.reduce(
          (sum, c) => sum + weights[c]! * (explained[row * 4 + c]! - means[c]!),
          0,
        );
        // float32 sums of a few units.
        expect(told.values[row * 2 + g]!).toBeCloseTo(expected, 4);
      });
    expect([told.method, told.width]).toEqual(['sampling', 1]);
    expect(told.standardError[0]!).toBeGreaterThan(0.1);
    expect(told.standardError[1]!).toBeLessThan(1e-4);
    expect(meanSizes(told, 2)[0]!).toBeGreaterThan(1);
  });

  test('adds up to its answers less those of the background, row by row', async () => {
    const background = inputs.slice(0, 8 * 4);
    const explained = inputs.slice(200 * 4, 204 * 4);
    const told = await sampledShapley(model, groups, explained, background, { walks: 8, seed: 9 });
    const answers = await model.predict(explained);
    const mean = (await model.predict(background)).reduce((sum, value) => sum + value / 8, 0);
    answers.forEach((answer, row) => {
      expect(told.values[row * 2]! + told.values[row * 2 + 1]!).toBeCloseTo(answer - mean, 4);
    });
  });

  test('has a loss of what it says of classes', () => {
    const both = Float32Array.of(0.25, 0.75, 0.5, 0.5);
    const of = { targets: Float32Array.of(1, 0), classes: 2 };
    expect(lossOf(both, of)).toBeCloseTo(-(Math.log(0.75) + Math.log(0.5)) / 2, 6);
    expect(lossOf(Float32Array.of(0.75, 0.5), of)).toBeCloseTo(lossOf(both, of), 12);
  });
});

describe('the trees of a served file', () => {
  test.each<readonly [string, Likeness]>([
    ['numbers', { rows: 200, columns: 4, gaps: 0.1, categories: 0 }],
    ['categories', { rows: 200, columns: 4, gaps: 0, categories: 1 }],
    ['three classes', { rows: 200, columns: 4, gaps: 0.1, categories: 0, classes: 3 }],
  ])('of %s have the values of those that grew', async (_, likeness) => {
    const data = treeData(likeness, 5);
    const categories = likeness.categories === 1 ? [0] : [];
    const { trees } = await grow(data, {
      rounds: 6,
      max_leaves: 8,
      min_rows: 1,
      category_rows: 1,
      categories,
    });
    const graph = (treeGraph(trees, 'identity') as ModelSpec).graph;
    const read = treesOf(decodeModel(encodeModel(treeGraph(trees, 'identity'))).graph, 4)!;
    const rows = data.inputs.slice(0, 5 * 4);
    const expected = await explainTrees(coverTrees(trees, data.inputs), rows);
    const ours = await explainTrees(coverTrees(read, data.inputs), rows);
    for (let i = 0; i < expected.length; i++) {
      // The last of each is the mean, with the base that the graph adds by itself.
      if (i % 5 !== 4) expect(ours[i]!).toBeCloseTo(expected[i]!, 9);
    }
    const each = [0, 1, 2, 3].map((c) => ({ name: `x${c}`, columns: [c] }));
    const told = await treeShapley(graph, each, rows, data.inputs, { columns: 4, threads: 1 });
    expect(told!.method).toBe('tree');
    const width = likeness.classes ?? 1;
    expect(told!.values[1 * width]!).toBeCloseTo(expected[1]!, 9);
    // Rows of training that came to each node are what growing counted.
    if (categories.length === 0 && likeness.classes === undefined)
      expect([...coverTrees(trees, data.inputs).cover]).toEqual([...trees.cover]);
  });

  test('are null for a graph of anything else', async () => {
    const data = treeData({ rows: 60, columns: 2, gaps: 0, categories: 0 }, 5);
    const { trees } = await grow(data, { rounds: 2, min_rows: 1 });
    const { graph } = treeGraph(trees, 'identity');
    const [ensemble] = graph.nodes;
    expect(treesOf({ ...graph, nodes: [] }, 2)).toBeNull();
    expect(treesOf({ ...graph, nodes: [ensemble!, ensemble!] }, 2)).toBeNull();
    const min = { ...ensemble!.attributes, aggregate_function: { string: 'MIN' } };
    expect(treesOf({ ...graph, nodes: [{ ...ensemble!, attributes: min }] }, 2)).toBeNull();
  });
});
