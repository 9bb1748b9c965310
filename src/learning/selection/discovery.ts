// One test for each feature.
import { InsufficientHistoryError } from '../../core/errors.ts';
import { chiSquareTail, studentTail } from '../../core/special.ts';
import { type Candidates, ranked, timeBlocks } from './candidates.ts';

/**
 * What a test takes rows for. `blocks`: rows near each other in time know of each other, as neighbours of prices and labels that overlap do;
 * `rows`: all are independent.
 */
export type Independence = 'blocks' | 'rows';

/** Blocks of the test that takes nothing else for independent. */
export const BLOCKS = 20;
const LEAST_BLOCKS = 5;
/** Rows that a block has at least, so that its correlation says something. */
const BLOCK_ROWS = 10;

/** One test. */
export interface Tested {
  /** Spearman's correlation; with blocks its mean over them, with more than two classes Kruskal and Wallis' epsilon squared. */
  readonly effect: number;
  readonly p: number;
}

/**
 * Tests each candidate against the target. With `blocks` the rank correlation within each of up to {@link BLOCKS} blocks of time, and Student's
 * test of their mean (Fama and MacBeth 1973 with blocks in place of months): valid while what lasts longer than a block is small; classes
 * count as their numbers. With `rows` Spearman's test for numbers, Kruskal and Wallis' for classes (of two: that of Mann and Whitney).
 * Throws InsufficientHistoryError for too few blocks.
 */
export async function testEach(
  candidates: Candidates,
  independence: Independence,
  signal?: AbortSignal,
): Promise<Tested[]> {
  if (independence === 'blocks') return byBlocks(candidates, signal);
  const { rows, values, target, classes } = candidates;
  const ranks = await ranked(values, rows, signal);
  if (classes !== null) return kruskalWallis(ranks, rows, target, classes);
  const targets = await ranked(target, rows, signal);
  return Array.from(candidates.places, (_, i) => {
    const rho = pearson(ranks.subarray(i * rows, (i + 1) * rows), targets);
    const t = rho * Math.sqrt((rows - 2) / Math.max(0, (1 - rho) * (1 + rho)));
    return { effect: rho, p: Number.isNaN(rho) ? 1 : studentTail(t, rows - 2) };
  });
}

async function byBlocks(candidates: Candidates, signal?: AbortSignal): Promise<Tested[]> {
  const { rows, places, values, target, startUs } = candidates;
  const count = Math.min(BLOCKS, Math.floor(rows / BLOCK_ROWS));
  const edges = timeBlocks(startUs, count);
  if (edges.length - 1 < LEAST_BLOCKS) {
    const needed = LEAST_BLOCKS * BLOCK_ROWS;
    const detail = `Expected at least ${LEAST_BLOCKS} blocks of time, was ${edges.length - 1}`;
    throw new InsufficientHistoryError(detail, needed, rows);
  }
  const correlations: Float64Array[] = [];
  for (let block = 1; block < edges.length; block++) {
    const [from, to] = [edges[block - 1]!, edges[block]!];
    const size = to - from;
    const part = new Float64Array(places.length * size);
    for (let i = 0; i < places.length; i++)
      part.set(values.subarray(i * rows + from, i * rows + to), i * size);
    const ranks = await ranked(part, size, signal);
    const targets = await ranked(target.slice(from, to), size, signal);
    correlations.push(
      Float64Array.from(places, (_, i) => pearson(ranks.subarray(i * size, (i + 1) * size), targets)),
    );
  }
  return places.map((_, i) => meanTest(correlations.map((of) => of[i]!).filter(Number.isFinite)));
}

// A block in which either does not vary has no correlation.
function meanTest(values: readonly number[]): Tested {
  const n = values.length;
  if (n < LEAST_BLOCKS) return { effect: 0, p: 1 };
  const mean = values.reduce((sum, value) => sum + value, 0) / n;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  const error = Math.sqrt(squares / (n - 1) / n);
  if (error === 0) return { effect: mean, p: mean === 0 ? 1 : 0 };
  return { effect: mean, p: studentTail(mean / error, n - 1) };
}

// Corrected for ties; scipy.stats.kruskal.
function kruskalWallis(ranks: Float64Array, n: number, target: Float64Array, classes: number): Tested[] {
  const sizes = new Float64Array(classes);
  for (const one of target) sizes[one]!++;
  const groups = sizes.reduce((sum, size) => sum + (size > 0 ? 1 : 0), 0);
  return Array.from({ length: ranks.length / n }, (_, i) => {
    const own = ranks.subarray(i * n, (i + 1) * n);
    const sums = new Float64Array(classes);
    const middle = (n + 1) / 2;
    let spread = 0;
    for (let row = 0; row < n; row++) {
      sums[target[row]!]! += own[row]! - middle;
      spread += (own[row]! - middle) ** 2;
    }
    const between = sums.reduce((sum, of, k) => sum + (sizes[k]! > 0 ? (of * of) / sizes[k]! : 0), 0);
    if (groups < 2 || spread === 0) return { effect: 0, p: 1 };
    const h = ((n - 1) * between) / spread;
    return { effect: h / (n - 1), p: chiSquareTail(h, groups - 1) };
  });
}

/** Returns Pearson's correlation of two columns; NaN where one does not vary. */
export function pearson(x: Float64Array, y: Float64Array): number {
  const n = x.length;
  let [mx, my] = [0, 0];
  for (let i = 0; i < n; i++) {
    mx += x[i]!;
    my += y[i]!;
  }
  mx /= n;
  my /= n;
  let [xy, xx, yy] = [0, 0, 0];
  for (let i = 0; i < n; i++) {
    const [dx, dy] = [x[i]! - mx, y[i]! - my];
    xy += dx * dy;
    xx += dx * dx;
    yy += dy * dy;
  }
  return xx > 0 && yy > 0 ? Math.max(-1, Math.min(1, xy / Math.sqrt(xx * yy))) : Number.NaN;
}
