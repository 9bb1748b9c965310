// Features that the lasso finds again and again in halves of the time: stability selection.
import { InvalidOptionError } from '../../core/errors.ts';
import { Philox } from '../../core/philox.ts';
import { coordinateDescent, syrk } from '../../native/index.ts';
import { type Candidates, columnAt, timeBlocks } from './candidates.ts';
import type { RelevanceControl } from './relevance.ts';

/** Most columns: each block of time keeps a matrix of them. */
export const MAX_STABILITY_COLUMNS = 1500;
const BLOCKS = 16;
/** From one penalty to the next, and the last as a share of the first. */
const STEP = 0.8;
const STEPS = 30;

/** How it is run. */
export interface StabilityOptions {
  /** Share of the halves in which a stable feature is found, above 0.5. */
  readonly threshold: number;
  /** How many false features may be expected among the stable ones. */
  readonly expected_false: number;
  /** Halves of the time, drawn in pairs that complete each other. */
  readonly samples: number;
}

/** What it found. */
export interface Stability {
  /** [columns]: share of the halves in which a feature is among the first to come into the lasso. */
  readonly frequency: Float64Array;
  /** Features that each half may find. */
  readonly first: number;
  /** Blocks of time that halves are drawn of. */
  readonly blocks: number;
}

/**
 * Returns how often each candidate is among the first q features on the path of the lasso, on halves of the blocks of time. By theorem 1 of Meinshausen and
 * Buhlmann 2010 at most q^2 / ((2 threshold - 1) columns) false ones are expected at or above the threshold, for exchangeable noise: q is the largest that
 * keeps to `expected_false`. Halves come in pairs that complete each other (Shah and Samworth 2013). Classes count as their numbers. Throws InvalidOptionError for too many columns.
 */
export async function stability(
  candidates: Candidates,
  { threshold, expected_false, samples }: StabilityOptions,
  { seed, signal, progress }: RelevanceControl,
): Promise<Stability> {
  const columns = candidates.places.length;
  if (columns > MAX_STABILITY_COLUMNS) {
    const expected = `at most ${MAX_STABILITY_COLUMNS} features for stability: choose some by mutual information first`;
    throw new InvalidOptionError(`Expected ${expected}`, [{ pointer: '/features', expected }]);
  }
  const first = Math.max(1, Math.floor(Math.sqrt(expected_false * (2 * threshold - 1) * columns)));
  const blocks = await momentsOf(candidates, signal);
  const frequency = new Float64Array(columns);
  const pairs = Math.ceil(samples / 2);
  for (let pair = 0; pair < pairs; pair++) {
    const inFirst = halfOf(blocks.length, seed, pair);
    for (const half of [true, false]) {
      const sum = total(blocks.filter((_, block) => inFirst[block] === half));
      for (const column of await firstOnPath(sum, columns, first, signal))
        frequency[column]! += 1 / (2 * pairs);
      signal?.throwIfAborted();
    }
    progress?.((pair + 1) / pairs);
  }
  return { frequency, first, blocks: blocks.length };
}

/** Sums over some rows of standardised columns, the target last: [columns + 1, columns + 1], and of each alone. */
interface Moments {
  readonly count: number;
  readonly products: Float64Array;
  readonly sums: Float64Array;
}

async function momentsOf(candidates: Candidates, signal?: AbortSignal): Promise<Moments[]> {
  const { rows, places, target, startUs } = candidates;
  const width = places.length + 1;
  const all = [...places.map((_, i) => standardised(columnAt(candidates, i))), standardised(target)];
  const edges = timeBlocks(startUs, BLOCKS);
  const found: Moments[] = [];
  for (let block = 1; block < edges.length; block++) {
    const [from, to] = [edges[block - 1]!, edges[block]!];
    const count = to - from;
    const a = new Float64Array(width * count);
    all.forEach((column, i) => {
      a.set(column.subarray(from, to), i * count);
    });
    const { out } = await syrk.async({ n: width, k: count, transA: false, a }, signal);
    const sums = Float64Array.from(all, (column) => column.subarray(from, to).reduce((sum, x) => sum + x, 0));
    found.push({ count, products: out, sums });
  }
  return rows > 0 ? found : [];
}

// Of all rows: sums of squares keep their digits, and one scale holds for all halves.
function standardised(x: Float64Array): Float64Array {
  const mean = x.reduce((sum, value) => sum + value, 0) / x.length;
  const deviation = Math.sqrt(x.reduce((sum, value) => sum + (value - mean) ** 2, 0) / x.length);
  return x.map((value) => (deviation > 0 ? (value - mean) / deviation : 0));
}

function halfOf(blocks: number, seed: number, pair: number): boolean[] {
  const random = new Philox(seed, pair).fillUniform(new Float64Array(blocks));
  const order = Array.from(random.keys()).sort((a, b) => random[a]! - random[b]!);
  const half = new Array<boolean>(blocks).fill(false);
  for (const block of order.slice(0, Math.floor(blocks / 2))) half[block] = true;
  return half;
}

function total(parts: readonly Moments[]): Moments {
  const products = new Float64Array(parts[0]!.products.length);
  const sums = new Float64Array(parts[0]!.sums.length);
  for (const part of parts) {
    for (let i = 0; i < products.length; i++) products[i]! += part.products[i]!;
    for (let i = 0; i < sums.length; i++) sums[i]! += part.sums[i]!;
  }
  return { count: parts.reduce((sum, { count }) => sum + count, 0), products, sums };
}

/** The first columns whose coefficients leave 0 while the penalty falls; of those that leave together the largest. */
async function firstOnPath(
  { count, products: all, sums }: Moments,
  columns: number,
  first: number,
  signal?: AbortSignal,
): Promise<number[]> {
  const width = columns + 1;
  // Centred and scaled once more, within the half.
  const deviation = Float64Array.from(sums, (sum, i) =>
    Math.sqrt(Math.max(0, all[i * width + i]! / count - (sum / count) ** 2)),
  );
  const at = (i: number, j: number) => {
    const scale = deviation[i]! * deviation[j]!;
    return scale > 1e-12 ? (all[i * width + j]! / count - (sums[i]! * sums[j]!) / count / count) / scale : 0;
  };
  const gram = new Float64Array(columns * columns);
  for (let i = 0; i < columns; i++)
    for (let j = 0; j <= i; j++)
      gram[i * columns + j] = gram[j * columns + i] = i === j && deviation[i]! > 1e-6 ? 1 : at(i, j);
  const products = Float64Array.from({ length: columns }, (_, i) => at(i, columns));
  const most = products.reduce((least, value) => Math.max(least, Math.abs(value)), 0);
  if (most === 0) return [];
  const found = new Set<number>();
  let start: Float64Array | undefined;
  for (let step = 1; step <= STEPS && found.size < first; step++) {
    const l1 = most * STEP ** step;
    const { coefficients } = await coordinateDescent.async(
      {
        columns,
        gram,
        products,
        square: Float64Array.of(1),
        l1,
        tolerance: 1e-5,
        maxIterations: 1000,
        ...(start && { start }),
      },
      signal,
    );
    start = coefficients;
    const entered = Array.from(coefficients.keys()).filter((i) => coefficients[i] !== 0 && !found.has(i));
    entered.sort((a, b) => Math.abs(coefficients[b]!) - Math.abs(coefficients[a]!));
    for (const column of entered) if (found.size < first) found.add(column);
  }
  return [...found];
}
