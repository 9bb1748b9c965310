// Trees as an ONNX graph.
import type { TreeModel } from '../../native/index.ts';
import type { GraphSpec, ModelSpec, NodeSpec, TensorSpec } from '../../onnx/graph.ts';
import { TreeEnsemble } from '../../onnx/tree-ensemble.ts';

/** What the sums of a row become: themselves, exp, the probabilities of two or more classes, or shares of votes. */
export type Link = 'identity' | 'exp' | 'logistic' | 'softmax' | 'vote' | 'votes';

const INPUT = 'input';

/**
 * Returns the graph of the trees: `input` [rows, columns] to `output` [rows, width], width 1 for numbers and one column for each class
 * otherwise. A row reaches the leaves that the native model gives it, for every float32, NaN and infinity included; the sums
 * have the same bits.
 */
export function treeGraph(model: TreeModel, link: Link): ModelSpec {
  const graph = linked(model, link);
  return { doc: 'Decision trees', mlOpset: 3, graph };
}

function linked(model: TreeModel, link: Link): GraphSpec {
  const constants: TensorSpec[] = [
    { name: 'base', type: 'float32', dims: [model.classes], data: Float32Array.from(model.base) },
  ];
  // The base is added apart: with it the sums of the leaves would be rounded.
  const nodes: NodeSpec[] = [
    ensemble(model),
    { op: 'Add', inputs: ['leaves', 'base'], outputs: [link === 'identity' ? 'output' : 'sums'] },
  ];
  const then = (op: string, inputs: string[], output: string, attributes?: NodeSpec['attributes']) =>
    nodes.push({ op, inputs, outputs: [output], ...(attributes ? { attributes } : {}) });
  const one = (): void => {
    constants.push({ name: 'one', type: 'float32', dims: [1], data: Float32Array.of(1) });
  };
  if (link === 'exp') then('Exp', ['sums'], 'output');
  if (link === 'softmax') then('Softmax', ['sums'], 'output', { axis: { int: 1 } });
  if (link === 'logistic' || link === 'vote') {
    one();
    if (link === 'logistic') then('Sigmoid', ['sums'], 'second');
    else {
      constants.push({ name: 'zero', type: 'float32', dims: [], data: Float32Array.of(0) });
      constants.push({ name: 'most', type: 'float32', dims: [], data: Float32Array.of(1) });
      then('Clip', ['sums', 'zero', 'most'], 'second');
    }
    then('Sub', ['one', 'second'], 'first');
    then('Concat', ['first', 'second'], 'output', { axis: { int: 1 } });
  }
  if (link === 'votes') {
    constants.push({ name: 'axes', type: 'int64', dims: [1], data: BigInt64Array.of(1n) });
    // Each class has trees of its own: all of them may say no.
    constants.push({ name: 'tiny', type: 'float32', dims: [1], data: Float32Array.of(1e-9) });
    then('Relu', ['sums'], 'votes');
    then('Add', ['votes', 'tiny'], 'shares');
    then('ReduceSum', ['shares', 'axes'], 'total');
    then('Div', ['shares', 'total'], 'output');
  }
  const width = link === 'logistic' || link === 'vote' ? 2 : model.classes;
  return {
    name: 'trees',
    nodes,
    constants,
    inputs: [{ name: INPUT, type: 'float32', dims: ['N', model.columns] }],
    outputs: [{ name: 'output', type: 'float32', dims: ['N', width] }],
  };
}

function ensemble(model: TreeModel): NodeSpec {
  const lists = new TreeEnsemble();
  for (let tree = 0; tree < model.roots.length; tree++) addTree(model, tree, lists);
  return lists.node(INPUT, 'leaves', model.classes);
}

// Nodes keep their order; the further nodes of a chain of categories come after all of them.
function addTree(model: TreeModel, tree: number, lists: TreeEnsemble): void {
  const root = model.roots[tree]!;
  const end = model.roots[tree + 1] ?? model.feature.length;
  const chained: (() => void)[] = [];
  let next = end - root;
  for (let at = root; at < end; at++) {
    const node = at - root;
    const feature = model.feature[at]!;
    const yes = model.left[at]! - root;
    const no = model.right[at]! - root;
    if (feature < 0) {
      lists.leaf(tree, node, [{ target: tree % model.classes, value: model.value[at]! }]);
    } else if (model.set[at]! < 0) {
      const missing = model.missingLeft[at]!;
      lists.branch(tree, node, {
        ...{ mode: 'BRANCH_LEQ', feature, value: model.threshold[at]!, yes, no, missing },
      });
    } else {
      // One question for each code: the first that is answered yes goes left.
      const codes = codesOf(model, at);
      codes.forEach((value, i) => {
        const here = i === 0 ? node : next++;
        const other = i + 1 < codes.length ? next : no;
        const ask = () =>
          lists.branch(tree, here, { mode: 'BRANCH_EQ', feature, value, yes, no: other, missing: 0 });
        if (i === 0) ask();
        else chained.push(ask);
      });
    }
  }
  for (const ask of chained) ask();
}

/** Returns the codes that go left at a node of categories, ascending. */
export function codesOf(model: TreeModel, node: number): number[] {
  const first = model.set[node]!;
  return Array.from({ length: 256 }, (_, code) => code).filter(
    (code) => ((model.sets[first + (code >> 5)]! >>> (code & 31)) & 1) === 1,
  );
}
