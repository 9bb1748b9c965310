import { expect, test } from 'bun:test';
import { encodeModel } from './graph.ts';
import { openSession } from './session.ts';
import { TreeEnsemble } from './tree-ensemble.ts';

test('a tree of each question adds its leaves to the outputs that they name; NaN goes where it is sent', async () => {
  const trees = new TreeEnsemble();
  const modes = ['BRANCH_LEQ', 'BRANCH_LT', 'BRANCH_GT', 'BRANCH_EQ'] as const;
  for (const [tree, mode] of modes.entries()) {
    trees.branch(tree, 0, { mode, feature: 0, value: 2, yes: 1, no: 2, missing: tree % 2 });
    trees.leaf(tree, 1, [{ target: tree % 2, value: 10 ** tree }]);
    trees.leaf(tree, 2, [
      { target: 0, value: 0 },
      { target: 1, value: 0.5 },
    ]);
  }
  const session = await openSession(
    encodeModel({
      mlOpset: 3,
      graph: {
        name: 'trees',
        nodes: [trees.node('input', 'output', 2)],
        constants: [],
        inputs: [{ name: 'input', type: 'float32', dims: ['N', 1] }],
        outputs: [{ name: 'output', type: 'float32', dims: ['N', 2] }],
      },
    }),
    { provider: 'cpu', finite: false },
  );
  const output = await session.predict(Float32Array.of(1, 2, 3, Number.NaN), 4);
  await session.close();
  // Yes at 1: <=, <. At 2: <=, ==. At 3: >. NaN: those that send it to yes, < and ==.
  expect([...output]).toEqual([1, 10 + 2 * 0.5, 1, 1000 + 2 * 0.5, 100, 3 * 0.5, 0, 1010 + 2 * 0.5]);
});
