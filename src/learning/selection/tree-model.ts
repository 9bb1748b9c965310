// The trees within the graph of a served model, as the explaining kernel reads them.
import type { TreeModel } from '../../native/index.ts';
import type { AttributeSpec, GraphSpec, NodeSpec } from '../../onnx/graph.ts';

/** Most codes of a category that the kernel knows. */
const CODES = 255;
/** Questions on the way to a leaf that the kernel follows. */
const MAX_DEPTH = 64;
const MAX_NODES = 4_000_000;

const TRUE = 'nodes_truenodeids';
const FALSE = 'nodes_falsenodeids';
const LEAF: Question = { feature: -1 };

type Lists = Readonly<Record<string, readonly (number | string)[]>>;

/**
 * Returns the trees of a graph whose one ensemble reads its input as it comes; null where there is none or several, and for questions that the kernel does
 * not know. `cover` is 0: {@link coverTrees} counts it.
 */
export function treesOf(graph: GraphSpec, columns: number): TreeModel | null {
  const ensembles = graph.nodes.filter(({ op }) => op === 'TreeEnsembleRegressor');
  const [node] = ensembles;
  if (!node || ensembles.length > 1 || node.inputs[0] !== graph.inputs[0]?.name) return null;
  // What reads the input beside the trees would be left out of the sums.
  if (graph.nodes.some((other) => other !== node && other.inputs.includes(graph.inputs[0]!.name)))
    return null;
  try {
    return new Reader(node, columns).model();
  } catch (error) {
    if (error instanceof UnknownTrees) return null;
    throw error;
  }
}

class UnknownTrees extends Error {}

class Reader {
  readonly #lists: Lists;
  readonly #columns: number;
  readonly #classes: number;
  readonly #feature: number[] = [];
  readonly #threshold: number[] = [];
  readonly #left: number[] = [];
  readonly #right: number[] = [];
  readonly #missing: number[] = [];
  readonly #value: number[] = [];
  readonly #set: number[] = [];
  readonly #sets: number[] = [];

  constructor({ attributes = {} }: NodeSpec, columns: number) {
    const listOf = (value: AttributeSpec | undefined): readonly (number | string)[] => {
      if (!value) return [];
      if ('ints' in value) return value.ints.map(Number);
      if ('floats' in value) return value.floats;
      return 'strings' in value ? value.strings : [];
    };
    const names = Object.keys(attributes).filter((name) => /^(nodes|target)_/.test(name));
    this.#lists = Object.fromEntries(names.map((name) => [name, listOf(attributes[name])]));
    this.#columns = columns;
    const targets = attributes.n_targets;
    this.#classes = targets && 'int' in targets ? Number(targets.int) : 1;
    const aggregate = attributes.aggregate_function;
    if (aggregate && 'string' in aggregate && aggregate.string !== 'SUM') throw new UnknownTrees();
  }

  model(): TreeModel {
    const { nodes_treeids: of } = this.#lists;
    const leaves = this.#leaves();
    const trees = [...Map.groupBy(of!.keys(), (i) => of![i]!).values()];
    // Trees of the classes come in turn in the kernel; a class with fewer of them gets empty ones.
    const byClass = Array.from({ length: this.#classes }, (): number[][] => []);
    for (const places of trees) byClass[this.#classOf(places, leaves)]!.push(places);
    const rounds = Math.max(...byClass.map(({ length }) => length));
    const roots: number[] = [];
    for (let round = 0; round < rounds; round++)
      for (const own of byClass) roots.push(this.#add(own[round] ?? [], leaves));
    const nodes = this.#feature.length;
    return {
      columns: this.#columns,
      classes: this.#classes,
      base: new Float64Array(this.#classes),
      roots: Int32Array.from(roots),
      feature: Int32Array.from(this.#feature),
      threshold: Float32Array.from(this.#threshold),
      left: Int32Array.from(this.#left),
      right: Int32Array.from(this.#right),
      missingLeft: Uint8Array.from(this.#missing),
      set: Int32Array.from(this.#set),
      sets: Uint32Array.from(this.#sets),
      value: Float32Array.from(this.#value),
      gain: new Float64Array(nodes),
      cover: new Float64Array(nodes),
    };
  }

  /** What the leaves add, by tree and node. */
  #leaves(): Map<string, { readonly target: number; readonly weight: number }> {
    const {
      target_treeids: trees,
      target_nodeids: nodes,
      target_ids: ids,
      target_weights: weights,
    } = this.#lists;
    const found = new Map<string, { target: number; weight: number }>();
    for (const [i, tree] of trees!.entries()) {
      const key = `${tree}/${nodes![i]}`;
      // A leaf that adds to several outputs.
      if (found.has(key)) throw new UnknownTrees();
      found.set(key, { target: Number(ids![i]), weight: Number(weights![i]) });
    }
    return found;
  }

  #classOf(places: readonly number[], leaves: ReadonlyMap<string, { readonly target: number }>): number {
    const { nodes_treeids: of, nodes_nodeids: ids } = this.#lists;
    const targets = new Set(
      places.map((i) => leaves.get(`${of![i]}/${ids![i]}`)?.target).filter((target) => target !== undefined),
    );
    if (targets.size > 1) throw new UnknownTrees();
    return [...targets][0] ?? 0;
  }

  // Children come after their parents in the kernel, whatever their order in the file.
  #add(places: readonly number[], leaves: ReadonlyMap<string, { readonly weight: number }>): number {
    const { nodes_treeids: of, nodes_nodeids: ids } = this.#lists;
    if (places.length === 0) return this.#push({ feature: -1 });
    const byId = new Map(places.map((i) => [Number(ids![i]), i]));
    const visit = (i: number | undefined, depth: number): number => {
      if (i === undefined || depth > MAX_DEPTH) throw new UnknownTrees();
      if (this.#lists.nodes_modes![i] === 'LEAF') {
        const node = this.#push({ feature: -1 });
        this.#value[node] = leaves.get(`${of![i]}/${ids![i]}`)?.weight ?? 0;
        return node;
      }
      const { isSwapped, ...question } = this.#question(i);
      const next = (list: string, from: number) => byId.get(Number(this.#lists[list]![from]));
      // A set of codes is a chain of questions with one answer: one question here, so that what comes after it stays together.
      let last = i;
      for (let other = next(FALSE, last); question.codes; other = next(FALSE, last)) {
        if (other === undefined || next(TRUE, other) !== next(TRUE, i)) break;
        const { feature, codes } = this.#lists.nodes_modes![other] === 'LEAF' ? LEAF : this.#question(other);
        if (!codes || feature !== question.feature) break;
        question.codes.push(...codes);
        last = other;
      }
      const node = this.#push(question);
      const [yes, no] = [visit(next(TRUE, i), depth + 1), visit(next(FALSE, last), depth + 1)];
      this.#left[node] = isSwapped ? no : yes;
      this.#right[node] = isSwapped ? yes : no;
      return node;
    };
    return visit(places[0], 0);
  }

  #question(i: number): Question & { readonly isSwapped: boolean } {
    const mode = this.#lists.nodes_modes![i];
    const value = Number(this.#lists.nodes_values![i]);
    const missing = Number(this.#lists.nodes_missing_value_tracks_true?.[i] ?? 0);
    const feature = Number(this.#lists.nodes_featureids![i]);
    const plain = { feature, missing, isSwapped: false };
    if (mode === 'BRANCH_LEQ') return { ...plain, threshold: value };
    if (mode === 'BRANCH_LT') return { ...plain, threshold: below(value) };
    if (mode === 'BRANCH_GT') return { ...plain, threshold: value, missing: 1 - missing, isSwapped: true };
    const isCode = Number.isInteger(value) && value >= 0 && value < CODES && missing === 0;
    if (mode === 'BRANCH_EQ' && isCode) return { ...plain, codes: [value] };
    throw new UnknownTrees();
  }

  #push({ feature, threshold = 0, missing = 0, codes }: Question): number {
    if (this.#feature.length >= MAX_NODES) throw new UnknownTrees();
    this.#feature.push(feature);
    this.#threshold.push(threshold);
    this.#left.push(-1);
    this.#right.push(-1);
    this.#missing.push(missing);
    this.#value.push(0);
    this.#set.push(codes ? this.#sets.length : -1);
    if (codes) {
      const words = new Uint32Array(8);
      for (const code of codes) words[code >> 5]! |= 1 << (code & 31);
      this.#sets.push(...words);
    }
    return this.#feature.length - 1;
  }
}

/** What a node asks; -1 for a leaf. */
interface Question {
  readonly feature: number;
  readonly threshold?: number;
  readonly missing?: number;
  /** Codes that answer yes. */
  readonly codes?: number[];
}

/** The float32 next below: `x < value` is `x <= below(value)` for every float32 x. */
function below(value: number): number {
  const float = Float32Array.of(value);
  const bits = new Int32Array(float.buffer);
  if (float[0] === 0) return -1.401298464324817e-45;
  bits[0]! += float[0]! > 0 ? -1 : 1;
  return float[0]!;
}

/** Returns the trees with the rows [rows, columns] counted that come to each node. */
export function coverTrees(model: TreeModel, rows: Float32Array): TreeModel {
  const cover = new Float64Array(model.feature.length);
  const { columns } = model;
  for (let row = 0; row < rows.length / columns; row++) {
    for (const root of model.roots) {
      let node = root;
      cover[node]!++;
      while (model.feature[node]! >= 0) {
        const value = rows[row * columns + model.feature[node]!]!;
        node = goesLeft(model, node, value) ? model.left[node]! : model.right[node]!;
        cover[node]!++;
      }
    }
  }
  return { ...model, cover };
}

function goesLeft({ set, sets, threshold, missingLeft }: TreeModel, node: number, value: number): boolean {
  const first = set[node]!;
  if (first < 0) return Number.isNaN(value) ? missingLeft[node] === 1 : value <= threshold[node]!;
  if (!Number.isInteger(value) || value < 0 || value >= CODES) return false;
  return ((sets[first + (value >> 5)]! >>> (value & 31)) & 1) === 1;
}
