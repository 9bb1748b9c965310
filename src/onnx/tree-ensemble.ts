// The lists of a TreeEnsembleRegressor, filled node by node.
import type { NodeSpec } from './graph.ts';

/** What an inner node asks and where its answers lead; numbers of nodes count within their tree. */
export interface TreeQuestion {
  readonly mode: 'BRANCH_LEQ' | 'BRANCH_LT' | 'BRANCH_GT' | 'BRANCH_EQ';
  readonly feature: number;
  readonly value: number;
  readonly yes: number;
  readonly no: number;
  /** 1 where NaN answers yes. */
  readonly missing: number;
}

/** What a leaf adds to an output. */
export interface LeafValue {
  readonly target: number;
  readonly value: number;
}

/** Trees of any library as one node that gives the sums of their leaves. */
export class TreeEnsemble {
  readonly #trees: number[] = [];
  readonly #nodes: number[] = [];
  readonly #features: number[] = [];
  readonly #modes: string[] = [];
  readonly #values: number[] = [];
  readonly #trueNodes: number[] = [];
  readonly #falseNodes: number[] = [];
  readonly #missingTrue: number[] = [];
  readonly #leafTrees: number[] = [];
  readonly #leafNodes: number[] = [];
  readonly #leafTargets: number[] = [];
  readonly #leafValues: number[] = [];

  /** Adds an inner node; node 0 of a tree comes first and is its root. */
  branch(tree: number, node: number, question: TreeQuestion): void {
    this.#add(tree, node, question);
  }

  /** Adds a leaf. */
  leaf(tree: number, node: number, values: readonly LeafValue[]): void {
    this.#add(tree, node, { mode: 'LEAF', feature: 0, value: 0, yes: 0, no: 0, missing: 0 });
    for (const { target, value } of values) {
      this.#leafTrees.push(tree);
      this.#leafNodes.push(node);
      this.#leafTargets.push(target);
      this.#leafValues.push(value);
    }
  }

  /** Returns the node from float32 `input` [rows, columns] to `output` [rows, targets]; values are rounded to float32. */
  node(input: string, output: string, targets: number): NodeSpec {
    return {
      op: 'TreeEnsembleRegressor',
      domain: 'ai.onnx.ml',
      inputs: [input],
      outputs: [output],
      attributes: {
        n_targets: { int: targets },
        nodes_treeids: { ints: this.#trees },
        nodes_nodeids: { ints: this.#nodes },
        nodes_featureids: { ints: this.#features },
        nodes_modes: { strings: this.#modes },
        nodes_values: { floats: this.#values },
        nodes_truenodeids: { ints: this.#trueNodes },
        nodes_falsenodeids: { ints: this.#falseNodes },
        nodes_missing_value_tracks_true: { ints: this.#missingTrue },
        target_treeids: { ints: this.#leafTrees },
        target_nodeids: { ints: this.#leafNodes },
        target_ids: { ints: this.#leafTargets },
        target_weights: { floats: this.#leafValues },
        aggregate_function: { string: 'SUM' },
        post_transform: { string: 'NONE' },
      },
    };
  }

  #add(tree: number, node: number, question: Omit<TreeQuestion, 'mode'> & { readonly mode: string }): void {
    this.#trees.push(tree);
    this.#nodes.push(node);
    this.#features.push(question.feature);
    this.#modes.push(question.mode);
    this.#values.push(question.value);
    this.#trueNodes.push(question.yes);
    this.#falseNodes.push(question.no);
    this.#missingTrue.push(question.missing);
  }
}
