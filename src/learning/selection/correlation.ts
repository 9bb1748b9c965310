// How columns move together: matrices, the strongest pairs, and groups that say much the same.
import { turn } from '../../core/turn.ts';
import { correlation } from '../../native/index.ts';
import { ranked } from './candidates.ts';

export const CORRELATIONS = ['pearson', 'spearman', 'kendall'] as const;
export type CorrelationMethod = (typeof CORRELATIONS)[number];

/**
 * Returns the matrix [columns, columns] of columns without missing values ([columns, rows]): symmetric, 1 on the diagonal, NaN for a column that does not
 * vary. Kendall's is tau-b. O(columns^2 rows), times log rows for Kendall's.
 */
export async function correlations(
  values: Float64Array,
  rows: number,
  method: CorrelationMethod,
  signal?: AbortSignal,
): Promise<Float64Array> {
  const columns = values.length / rows;
  if (method === 'kendall') return kendalls(values, rows, signal);
  const x = method === 'pearson' ? values : await ranked(values, rows, signal);
  const across = new Float64Array(x.length);
  for (let c = 0; c < columns; c++) for (let r = 0; r < rows; r++) across[r * columns + c] = x[c * rows + r]!;
  const { out } = await correlation.async(
    { observations: rows, assets: columns, values: across, missing: 'propagate' },
    signal,
  );
  return out;
}

async function kendalls(values: Float64Array, rows: number, signal?: AbortSignal): Promise<Float64Array> {
  const columns = values.length / rows;
  const out = new Float64Array(columns * columns);
  const of = (c: number) => values.subarray(c * rows, (c + 1) * rows);
  for (let a = 0; a < columns; a++) {
    const order = Uint32Array.from({ length: rows }, (_, i) => i).sort((i, j) => of(a)[i]! - of(a)[j]!);
    for (let b = a; b < columns; b++) {
      out[a * columns + b] = out[b * columns + a] = kendall(of(a), of(b), order);
      signal?.throwIfAborted();
    }
    await turn();
  }
  return out;
}

/** Returns Kendall's tau-b: Knight 1966. `order` sorts `x`. */
export function kendall(x: Float64Array, y: Float64Array, order: Uint32Array): number {
  const n = x.length;
  // Within equal x by y, so that such pairs count as no exchange.
  const sorted = order.slice();
  let [tiesX, tiesBoth] = [0, 0];
  for (let from = 0; from < n; ) {
    let to = from + 1;
    while (to < n && x[sorted[to]!] === x[sorted[from]!]) to++;
    if (to - from > 1) {
      sorted.subarray(from, to).sort((i, j) => y[i]! - y[j]!);
      tiesX += pairsOf(to - from);
      tiesBoth += tiesIn(sorted.subarray(from, to), y);
    }
    from = to;
  }
  const line = Float64Array.from(sorted, (i) => y[i]!);
  const tiesY = tiesIn(
    Uint32Array.from({ length: n }, (_, i) => i).sort((i, j) => y[i]! - y[j]!),
    y,
  );
  const all = pairsOf(n);
  const discordant = exchanges(line);
  const concordantLess = all - tiesX - tiesY + tiesBoth - 2 * discordant;
  const spread = Math.sqrt(all - tiesX) * Math.sqrt(all - tiesY);
  return spread > 0 ? Math.max(-1, Math.min(1, concordantLess / spread)) : Number.NaN;
}

const pairsOf = (n: number) => (n * (n - 1)) / 2;

function tiesIn(order: Uint32Array, y: Float64Array): number {
  let ties = 0;
  for (let from = 0; from < order.length; ) {
    let to = from + 1;
    while (to < order.length && y[order[to]!] === y[order[from]!]) to++;
    ties += pairsOf(to - from);
    from = to;
  }
  return ties;
}

/** Exchanges of neighbours that sort a line, by merging. */
function exchanges(line: Float64Array): number {
  let count = 0;
  let [from, to] = [Float64Array.from(line), new Float64Array(line.length)];
  for (let size = 1; size < line.length; size *= 2) {
    for (let start = 0; start < line.length; start += 2 * size) {
      const middle = Math.min(start + size, line.length);
      const end = Math.min(start + 2 * size, line.length);
      let [left, right] = [start, middle];
      for (let place = start; place < end; place++) {
        if (left < middle && (right >= end || from[left]! <= from[right]!)) to[place] = from[left++]!;
        else {
          to[place] = from[right++]!;
          count += middle - left;
        }
      }
    }
    [from, to] = [to, from];
  }
  return count;
}

/** Two columns. */
export interface Pair {
  readonly a: number;
  readonly b: number;
  readonly value: number;
}

/** Returns the `most` pairs of columns of the largest absolute correlation, the strongest first. */
export function strongestPairs(matrix: Float64Array, columns: number, most: number): Pair[] {
  const pairs: Pair[] = [];
  let floor = 0;
  const keep = () => {
    pairs.sort((p, q) => Math.abs(q.value) - Math.abs(p.value) || p.a - q.a || p.b - q.b);
    pairs.length = Math.min(pairs.length, most);
    if (pairs.length === most) floor = Math.abs(pairs.at(-1)?.value ?? 0);
  };
  for (let a = 0; a < columns; a++) {
    for (let b = a + 1; b < columns; b++) {
      const value = matrix[a * columns + b]!;
      if (Math.abs(value) > floor || (pairs.length < most && !Number.isNaN(value)))
        pairs.push({ a, b, value });
    }
    if (pairs.length > 4 * most) keep();
  }
  keep();
  return pairs;
}

/**
 * Returns groups of two or more columns in which each is tied to another one by an absolute correlation of at least `threshold` (single linkage), the largest
 * first. The first of a group is the one that its others are nearest to on average: what stays when the group is thinned out.
 */
export function redundantGroups(matrix: Float64Array, columns: number, threshold: number): number[][] {
  const root = Uint32Array.from({ length: columns }, (_, i) => i);
  const find = (i: number): number => {
    let at = i;
    while (root[at] !== at) at = root[at] = root[root[at]!]!;
    return at;
  };
  const tie = (a: number, b: number) => Math.abs(matrix[a * columns + b]!);
  for (let a = 0; a < columns; a++)
    for (let b = a + 1; b < columns; b++) if (tie(a, b) >= threshold) root[find(b)] = find(a);
  const groups = [...Map.groupBy(root.keys(), find).values()].filter((group) => group.length > 1);
  for (const group of groups) {
    const nearness = new Map(
      group.map((a) => [a, group.reduce((sum, b) => sum + (a === b ? 0 : tie(a, b)), 0)] as const),
    );
    group.sort((a, b) => nearness.get(b)! - nearness.get(a)! || a - b);
  }
  return groups.sort((p, q) => q.length - p.length || p[0]! - q[0]!);
}
