// Imported trees as an ONNX graph.
import type { ModelSpec, NodeSpec, TensorSpec } from '../../onnx/graph.ts';
import { TreeEnsemble } from '../../onnx/tree-ensemble.ts';
import type { ImportedTrees, ImportLink, Question } from './trees.ts';

const MODES = {
  'x < t': 'BRANCH_LT',
  'x <= t': 'BRANCH_LEQ',
  'x > t': 'BRANCH_GT',
} as const satisfies Record<Question, string>;

/**
 * Returns the graph: `input` float32 [rows, columns], NaN missing, to `output` float32 [rows, width]: one number, or the
 * probabilities of all classes. Rows reach the leaves of the original library; leaves are rounded to float32 and added in it.
 */
export function importGraph(model: ImportedTrees): ModelSpec {
  const { columns, outputs, link } = model;
  const tail = linkNodes(link);
  return {
    doc: 'Decision trees of another library',
    mlOpset: 3,
    graph: {
      name: 'imported_trees',
      nodes: [
        ensemble(model),
        // The base is added apart: with it the sums of the leaves would be rounded once more.
        { op: 'Add', inputs: ['leaves', 'base'], outputs: [tail.nodes.length > 0 ? 'sums' : 'output'] },
        ...tail.nodes,
      ],
      constants: [
        { name: 'base', type: 'float32', dims: [outputs], data: Float32Array.from(model.base) },
        ...tail.constants,
      ],
      inputs: [{ name: 'input', type: 'float32', dims: ['N', columns] }],
      outputs: [{ name: 'output', type: 'float32', dims: ['N', link === 'logistic' ? 2 : outputs] }],
    },
  };
}

function linkNodes(link: ImportLink): { nodes: NodeSpec[]; constants: TensorSpec[] } {
  const one = (op: string, attributes?: NodeSpec['attributes']) => ({
    nodes: [{ op, inputs: ['sums'], outputs: ['output'], ...(attributes && { attributes }) }],
    constants: [],
  });
  switch (link) {
    case 'identity':
      return { nodes: [], constants: [] };
    case 'exp':
      return one('Exp');
    case 'softmax':
      return one('Softmax', { axis: { int: 1 } });
    case 'sigmoid':
    case 'one_versus_all':
      return one('Sigmoid');
    case 'logistic':
      return {
        nodes: [
          { op: 'Sigmoid', inputs: ['sums'], outputs: ['second'] },
          { op: 'Sub', inputs: ['one', 'second'], outputs: ['first'] },
          {
            op: 'Concat',
            inputs: ['first', 'second'],
            outputs: ['output'],
            attributes: { axis: { int: 1 } },
          },
        ],
        constants: [{ name: 'one', type: 'float32', dims: [1], data: Float32Array.of(1) }],
      };
  }
}

function ensemble({ trees, outputs, question }: ImportedTrees): NodeSpec {
  const lists = new TreeEnsemble();
  const all = Array.from({ length: outputs }, (_, k) => k);
  for (const [place, tree] of trees.entries()) {
    const targets = tree.output === null ? all : [tree.output];
    for (const [node, feature] of tree.feature.entries()) {
      if (feature === -1) {
        const values = targets.map((target, i) => ({ target, value: tree.leaf[node * targets.length + i]! }));
        lists.leaf(place, node, values);
        continue;
      }
      lists.branch(place, node, {
        mode: MODES[question],
        feature,
        value: tree.threshold[node]!,
        yes: tree.yes[node]!,
        no: tree.no[node]!,
        missing: tree.missingYes[node]!,
      });
    }
  }
  return lists.node('input', 'leaves', outputs);
}
