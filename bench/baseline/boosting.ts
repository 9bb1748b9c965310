// Boosted trees of two classes in plain TypeScript: columns cut into bins, leaves split best first, ended by watched rows.
import { Philox } from '../../src/core/philox.ts';

/** Rows of two classes. */
export interface BinaryRows {
  /** [rows, columns]. */
  readonly inputs: Float32Array;
  /** [rows]: 0 or 1. */
  readonly targets: Float32Array;
  readonly rows: number;
  readonly columns: number;
}

/** As the family gradient_boosting names them. */
export interface BoostingSettings {
  readonly learning_rate: number;
  readonly max_leaves: number;
  readonly min_rows: number;
  readonly l2: number;
  readonly row_share: number;
  readonly column_share: number;
  /** Most rounds; as many without a better loss on the watched rows as `patience` end the fit. */
  readonly rounds: number;
  readonly patience: number;
}

const BINS = 255;

interface Leaf {
  readonly rows: Uint32Array;
  readonly gradient: number;
  readonly hessian: number;
  readonly split: Split | null;
  readonly node: number;
}

interface Split {
  readonly gain: number;
  readonly column: number;
  readonly bin: number;
}

/** A tree as lists: `column` below 0 is a leaf, whose value is `value`; rows of a bin up to `bin` go to `left`, others to `left + 1`. */
interface Tree {
  readonly column: number[];
  readonly bin: number[];
  readonly left: number[];
  readonly value: number[];
}

/** Returns the probabilities of class 1 of the rows of `test`, by the trees up to the best round. Friedman 2001 with second-order steps. */
export function boost(
  train: BinaryRows,
  watched: BinaryRows,
  test: BinaryRows,
  settings: BoostingSettings,
  seed: number,
): Float64Array {
  const { columns } = train;
  const cuts = Array.from({ length: columns }, (_, column) => cutsOf(train, column));
  const [own, aside, later] = [train, watched, test].map((rows) => binned(rows, cuts));
  const share = train.targets.reduce((sum, target) => sum + target, 0) / train.rows;
  const base = Math.log(share / (1 - share));
  const [sums, asideSums, laterSums] = [train, watched, test].map(({ rows }) =>
    new Float64Array(rows).fill(base),
  );
  let best = { loss: Number.POSITIVE_INFINITY, round: 0, sums: laterSums!.slice() };
  for (let round = 0; round < settings.rounds && round - best.round < settings.patience; round++) {
    const tree = grow(own!, train, sums!, settings, new Philox(seed, round));
    for (const [codes, into] of [
      [own!, sums!],
      [aside!, asideSums!],
      [later!, laterSums!],
    ] as const)
      addTree(tree, codes, columns, into);
    const loss = logLoss(watched.targets, asideSums!);
    if (loss < best.loss) best = { loss, round, sums: laterSums!.slice() };
  }
  return best.sums.map((sum) => 1 / (1 + Math.exp(-sum)));
}

/** Returns the mean log-loss of sums in log-odds. */
export function logLoss(targets: Float32Array, sums: Float64Array): number {
  let loss = 0;
  for (let row = 0; row < sums.length; row++) {
    const sum = targets[row]! > 0 ? -sums[row]! : sums[row]!;
    loss += sum > 30 ? sum : Math.log1p(Math.exp(sum));
  }
  return loss / sums.length;
}

/** Upper ends of bins of about equally many rows. */
function cutsOf({ inputs, rows, columns }: BinaryRows, column: number): Float32Array {
  const values = Float32Array.from({ length: rows }, (_, row) => inputs[row * columns + column]!).sort();
  const ends = new Set<number>();
  for (let bin = 1; bin < BINS; bin++) ends.add(values[Math.floor((bin * rows) / BINS)]!);
  return Float32Array.from(ends);
}

function binned({ inputs, rows, columns }: BinaryRows, cuts: readonly Float32Array[]): Uint8Array {
  const codes = new Uint8Array(rows * columns);
  for (let at = 0; at < codes.length; at++) {
    const ends = cuts[at % columns]!;
    let [low, high] = [0, ends.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (inputs[at]! <= ends[middle]!) high = middle;
      else low = middle + 1;
    }
    codes[at] = low;
  }
  return codes;
}

function grow(
  codes: Uint8Array,
  { targets, rows, columns }: BinaryRows,
  sums: Float64Array,
  settings: BoostingSettings,
  random: Philox,
): Tree {
  const [gradients, hessians] = [new Float64Array(rows), new Float64Array(rows)];
  for (let row = 0; row < rows; row++) {
    const probability = 1 / (1 + Math.exp(-sums[row]!));
    gradients[row] = probability - targets[row]!;
    hessians[row] = probability * (1 - probability);
  }
  const draws = new Float64Array(rows + columns);
  random.fillUniform(draws);
  const seen = Uint32Array.from({ length: rows }, (_, row) => row).filter(
    (row) => draws[row]! <= settings.row_share,
  );
  const asked = Array.from({ length: columns }, (_, column) => column).filter(
    (column) => draws[rows + column]! <= settings.column_share,
  );
  const tree: Tree = { column: [-1], bin: [0], left: [0], value: [0] };
  const leafOf = (own: Uint32Array, node: number): Leaf => {
    const [gradient, hessian] = totals(own, gradients, hessians);
    tree.value[node] = (-settings.learning_rate * gradient) / (hessian + settings.l2);
    const split = bestSplit({ codes, columns, own, asked, gradients, hessians, settings });
    return { rows: own, gradient, hessian, split, node };
  };
  const leaves = [leafOf(seen, 0)];
  while (leaves.length < settings.max_leaves) {
    const most = leaves.reduce((a, b) => ((b.split?.gain ?? 0) > (a.split?.gain ?? 0) ? b : a));
    if (!most.split) break;
    const { column, bin } = most.split;
    const left = tree.column.length;
    tree.column[most.node] = column;
    tree.bin[most.node] = bin;
    tree.left[most.node] = left;
    tree.column.push(-1, -1);
    tree.bin.push(0, 0);
    tree.left.push(0, 0);
    const low = (row: number) => codes[row * columns + column]! <= bin;
    leaves.splice(
      leaves.indexOf(most),
      1,
      leafOf(most.rows.filter(low), left),
      leafOf(
        most.rows.filter((row) => !low(row)),
        left + 1,
      ),
    );
  }
  return tree;
}

function totals(own: Uint32Array, gradients: Float64Array, hessians: Float64Array): [number, number] {
  let [gradient, hessian] = [0, 0];
  for (const row of own) {
    gradient += gradients[row]!;
    hessian += hessians[row]!;
  }
  return [gradient, hessian];
}

interface Node {
  readonly codes: Uint8Array;
  readonly columns: number;
  readonly own: Uint32Array;
  readonly asked: readonly number[];
  readonly gradients: Float64Array;
  readonly hessians: Float64Array;
  readonly settings: BoostingSettings;
}

function bestSplit({ codes, columns, own, asked, gradients, hessians, settings }: Node): Split | null {
  const { min_rows, l2 } = settings;
  if (own.length < 2 * min_rows) return null;
  const [gradient, hessian] = totals(own, gradients, hessians);
  const whole = gradient ** 2 / (hessian + l2);
  const [g, h, n] = [new Float64Array(BINS), new Float64Array(BINS), new Uint32Array(BINS)];
  let best: Split | null = null;
  for (const column of asked) {
    g.fill(0);
    h.fill(0);
    n.fill(0);
    for (const row of own) {
      const bin = codes[row * columns + column]!;
      g[bin]! += gradients[row]!;
      h[bin]! += hessians[row]!;
      n[bin]!++;
    }
    let [left, leftHessian, count] = [0, 0, 0];
    for (let bin = 0; bin + 1 < BINS; bin++) {
      left += g[bin]!;
      leftHessian += h[bin]!;
      count += n[bin]!;
      if (count < min_rows) continue;
      if (own.length - count < min_rows) break;
      const right = (gradient - left) ** 2 / (hessian - leftHessian + l2);
      const gain = left ** 2 / (leftHessian + l2) + right - whole;
      if (gain > (best?.gain ?? 1e-9)) best = { gain, column, bin };
    }
  }
  return best;
}

function addTree(tree: Tree, codes: Uint8Array, columns: number, into: Float64Array): void {
  for (let row = 0; row < into.length; row++) {
    let node = 0;
    while (tree.column[node]! >= 0) {
      const low = codes[row * columns + tree.column[node]!]! <= tree.bin[node]!;
      node = tree.left[node]! + (low ? 0 : 1);
    }
    into[row]! += tree.value[node]!;
  }
}
