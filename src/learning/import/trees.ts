// Trees as they come out of a file of another library, checked and bounded before anything is made of them.
import { InvalidModelError } from '../../onnx/errors.ts';
import { UnsupportedModelError } from '../errors.ts';

/** Limits of an imported model; an ONNX file of at most 64 MiB holds about as many nodes. */
export const IMPORT_LIMITS = {
  bytes: 64 * 1024 * 1024,
  trees: 20_000,
  nodes: 1_000_000,
  depth: 512,
  columns: 100_000,
  outputs: 1000,
} as const;

/** Which question all inner nodes ask of a value x and their threshold t. */
export type Question = 'x < t' | 'x <= t' | 'x > t';

/** One tree; node 0 is its root. Arrays are [nodes]. */
export interface ImportedTree {
  /** Column of the question; -1 at a leaf. */
  readonly feature: Int32Array;
  /** Thresholds: float32 values with which the question has the answer that the library gives, for every float32 x. */
  readonly threshold: Float32Array;
  /** Nodes for a yes and for a no. */
  readonly yes: Int32Array;
  readonly no: Int32Array;
  /** 1 where NaN answers yes. */
  readonly missingYes: Uint8Array;
  /** [nodes] when `output` names the output that the leaves add to, [nodes, outputs] when it is null. */
  readonly leaf: Float64Array;
  readonly output: number | null;
}

/** What the sums of a row become. */
export type ImportLink = 'identity' | 'exp' | 'sigmoid' | 'logistic' | 'softmax' | 'one_versus_all';

/** A whole model. */
export interface ImportedTrees {
  readonly question: Question;
  readonly columns: number;
  /** Names of the columns, null where the file has none. */
  readonly names: readonly string[] | null;
  /** Sums for each row: 1, or the number of classes. */
  readonly outputs: number;
  readonly trees: readonly ImportedTree[];
  /** [outputs], added to the sums. */
  readonly base: Float64Array;
  readonly link: ImportLink;
  /** The objective as the file names it. */
  readonly objective: string;
}

/**
 * Checks what a parser made: every node below the root is reached once, ends in leaves within the depth limit, and names columns and
 * nodes that exist. Throws InvalidModelError, UnsupportedModelError over a limit.
 */
export function checkTrees(model: ImportedTrees): void {
  const { trees, columns, outputs } = model;
  limit('trees', trees.length, IMPORT_LIMITS.trees);
  limit('columns', columns, IMPORT_LIMITS.columns);
  limit('outputs', outputs, IMPORT_LIMITS.outputs);
  if (trees.length === 0 || columns < 1 || outputs < 1) {
    throw new InvalidModelError('Expected at least one tree, one column and one output');
  }
  if (model.base.length !== outputs || !model.base.every((value) => Number.isFinite(Math.fround(value)))) {
    throw new InvalidModelError('Expected one finite base score for each output');
  }
  if (model.names && (model.names.length !== columns || new Set(model.names).size !== columns)) {
    throw new InvalidModelError('Expected one name for each column, each once');
  }
  let nodes = 0;
  for (const [place, tree] of trees.entries()) {
    nodes += tree.feature.length;
    limit('nodes', nodes, IMPORT_LIMITS.nodes);
    if (tree.output !== null && !(tree.output >= 0 && tree.output < outputs)) {
      throw new InvalidModelError(`Expected an output that exists, was not in tree ${place}`);
    }
    checkTree(tree, place, columns, outputs);
  }
}

function checkTree(tree: ImportedTree, place: number, columns: number, outputs: number): void {
  const count = tree.feature.length;
  const seen = new Uint8Array(count);
  const width = tree.output === null ? outputs : 1;
  const open: [node: number, depth: number][] = [[0, 0]];
  for (let next = open.pop(); next; next = open.pop()) {
    const [node, depth] = next;
    if (!(node >= 0 && node < count) || seen[node] === 1) {
      throw new InvalidModelError(`Expected nodes that exist and are reached once, was not in tree ${place}`);
    }
    seen[node] = 1;
    limit('depth', depth, IMPORT_LIMITS.depth);
    const feature = tree.feature[node]!;
    if (feature === -1) {
      const values = tree.leaf.subarray(node * width, (node + 1) * width);
      if (values.length !== width || !values.every((value) => Number.isFinite(Math.fround(value)))) {
        throw new InvalidModelError(`Expected leaves that float32 holds, was not in tree ${place}`);
      }
    } else {
      if (!(feature >= 0 && feature < columns) || Number.isNaN(tree.threshold[node]!)) {
        throw new InvalidModelError(
          `Expected a column and a threshold for each question, was not in tree ${place}`,
        );
      }
      open.push([tree.no[node]!, depth + 1], [tree.yes[node]!, depth + 1]);
    }
  }
}

/** Throws UnsupportedModelError when `count` is over `most`. */
export function limit(what: keyof typeof IMPORT_LIMITS, count: number, most: number): void {
  if (count > most)
    throw new UnsupportedModelError(`Expected at most ${most} for ${what}, was ${count}`, what);
}

const bits = new DataView(new ArrayBuffer(4));

/**
 * Returns the largest float32 that is not above `value`: for every float32 x, x <= value exactly when x <= the result.
 */
export function floorFloat32(value: number): number {
  const rounded = Math.fround(value);
  if (!(rounded > value)) return rounded;
  bits.setFloat32(0, rounded);
  // Bits of positive floats rise with the value, those of negative ones fall; 0 goes to the smallest negative number.
  if (rounded > 0) bits.setInt32(0, bits.getInt32(0) - 1);
  else if (rounded < 0) bits.setInt32(0, bits.getInt32(0) + 1);
  else bits.setUint32(0, 0x8000_0001);
  return bits.getFloat32(0);
}
