// Choices by mutual information: each feature alone, and minimum redundancy beside maximum relevance.
import { turn } from '../../core/turn.ts';
import { binned, type Candidates, columnAt } from './candidates.ts';
import {
  CodePairs,
  classInformation,
  MAX_NEIGHBOUR_ROWS,
  neighbourInformation,
} from './mutual-information.ts';

/** What both are run with. */
export interface RelevanceControl {
  readonly seed: number;
  readonly signal?: AbortSignal | undefined;
  readonly progress?: ((fraction: number) => void) | undefined;
}

/** `neighbours`: of nearest neighbours; `binned`: of bins of equally many rows. */
export type Estimator = 'neighbours' | 'binned';

/** Rows times columns up to which neighbours take seconds. */
const NEIGHBOUR_CELLS = 2_000_000;

/** Nats: the quotient has no bound without one. */
const LEAST_REDUNDANCY = 1e-6;

/** Returns the estimator that is quick enough for so much data. */
export function quickEstimator({ rows, places }: Candidates): Estimator {
  return Math.min(rows, MAX_NEIGHBOUR_ROWS) * places.length <= NEIGHBOUR_CELLS ? 'neighbours' : 'binned';
}

/** Bins of so many rows: the square root of a fifth of them, 2 to 16. */
export function binsOf(rows: number): number {
  return Math.max(2, Math.min(16, Math.floor(Math.sqrt(rows / 5))));
}

/** Codes of the features [columns, rows] and of the target [rows]. */
export interface Codes {
  readonly features: Uint8Array;
  readonly target: Uint8Array;
  readonly pairs: CodePairs;
  readonly bins: number;
}

/** Returns features and target in bins; classes keep their numbers. */
export async function codesOf(candidates: Candidates, signal?: AbortSignal): Promise<Codes> {
  const { rows, values, target, classes } = candidates;
  const bins = binsOf(rows);
  return {
    bins,
    features: await binned(values, rows, bins, signal),
    target: classes === null ? await binned(target, rows, bins, signal) : Uint8Array.from(target),
    pairs: new CodePairs(Math.max(bins, classes ?? 0)),
  };
}

/** Returns the mutual information of each candidate and the target, nats: [columns]. */
export async function informationOf(
  candidates: Candidates,
  estimator: Estimator,
  neighbours: number,
  { seed, signal, progress }: RelevanceControl,
): Promise<Float64Array> {
  const { rows, places, target, classes } = candidates;
  const scores = new Float64Array(places.length);
  const codes = estimator === 'binned' ? await codesOf(candidates, signal) : null;
  const some = spread(rows, MAX_NEIGHBOUR_ROWS);
  const few = (x: Float64Array) => (some ? Float64Array.from(some, (row) => x[row]!) : x);
  const y = few(target);
  for (let i = 0; i < places.length; i++) {
    if (codes) {
      const x = codes.features.subarray(i * rows, (i + 1) * rows);
      scores[i] = codes.pairs.information(x, codes.target, true);
    } else {
      const x = few(columnAt(candidates, i));
      scores[i] =
        classes === null
          ? neighbourInformation(x, y, neighbours, seed)
          : classInformation(x, y, neighbours, seed);
    }
    progress?.((i + 1) / places.length);
    await turn();
    signal?.throwIfAborted();
  }
  return scores;
}

/** At most `most` evenly spread rows; null where all are. */
function spread(rows: number, most: number): Uint32Array | null {
  return rows <= most ? null : Uint32Array.from({ length: most }, (_, i) => Math.floor((i * rows) / most));
}

/** One step of mRMR. */
export interface Chosen {
  /** Place among the candidates. */
  readonly column: number;
  /** Mutual information with the target, nats. */
  readonly relevance: number;
  /** Mean mutual information with those chosen before, nats. */
  readonly redundancy: number;
  /** What it was chosen by. */
  readonly score: number;
}

/**
 * Returns `top` candidates in the order of their choice: each has the largest relevance less its redundancy (`difference`), or over it
 * (`quotient`), of those left; the first the largest relevance. Peng, Long and Ding 2005, with plug-in estimates, whose bias is much the
 * same on both sides. O(top columns rows).
 */
export async function minimumRedundancy(
  candidates: Candidates,
  top: number,
  form: 'difference' | 'quotient',
  { signal, progress }: RelevanceControl,
): Promise<Chosen[]> {
  const { rows, places } = candidates;
  const { features, target, pairs } = await codesOf(candidates, signal);
  const of = (i: number) => features.subarray(i * rows, (i + 1) * rows);
  const relevance = places.map((_, i) => pairs.information(of(i), target, false));
  const shared = new Float64Array(places.length);
  const left = new Set(places.keys());
  const chosen: Chosen[] = [];
  for (const most = Math.min(top, places.length); chosen.length < most; ) {
    let best: Chosen | undefined;
    for (const column of left) {
      const redundancy = chosen.length === 0 ? 0 : shared[column]! / chosen.length;
      const by = relevance[column]!;
      const quotient = chosen.length === 0 ? by : by / Math.max(redundancy, LEAST_REDUNDANCY);
      const score = form === 'difference' ? by - redundancy : quotient;
      if (!best || score > best.score) best = { column, relevance: by, redundancy, score };
    }
    chosen.push(best!);
    left.delete(best!.column);
    for (const column of left) shared[column]! += pairs.information(of(column), of(best!.column), false);
    progress?.(chosen.length / most);
    await turn();
    signal?.throwIfAborted();
  }
  return chosen;
}
