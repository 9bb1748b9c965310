// Paired measurement: two sides take turns in one process, so a slow moment of the machine hits both.

/** One side of a comparison: run it and be timed from outside, or answer with nanoseconds measured elsewhere. */
export type Side = (() => unknown) | { readonly measureNs: () => Promise<number> | number };

/** What to compare; `a` is ours and `b` the rival. */
export interface PairOptions {
  readonly name: string;
  readonly a: Side;
  readonly b: Side;
  /** Interleaved pairs to take; default and least 15. */
  readonly pairs?: number;
  /** Shortest time of one sample; a faster side runs several times a sample. Default 2 ms. */
  readonly minSampleMs?: number;
}

/** The ratios `time of b / time of a` of all pairs: above 1 means that `a` is faster. Times are medians of one run. */
export interface PairResult {
  readonly name: string;
  readonly pairs: number;
  readonly median: number;
  readonly q1: number;
  readonly q3: number;
  readonly aNs: number;
  readonly bNs: number;
}

const leastPairs = 15;

// Long enough for the runtime to compile both sides with its best tier.
const warmUpNs = 50e6;

/** Returns the quantile (0..1) of numbers by linear interpolation (type 7 of Hyndman and Fan 1996); NaN when empty. */
export function quantile(values: readonly number[], at: number): number {
  const sorted = [...values].sort((x, y) => x - y);
  const position = (sorted.length - 1) * at;
  const low = sorted[Math.floor(position)] ?? Number.NaN;
  const high = sorted[Math.ceil(position)] ?? Number.NaN;
  return low + (high - low) * (position - Math.floor(position));
}

async function timeOf(run: () => unknown, repeats: number): Promise<number> {
  const start = Bun.nanoseconds();
  for (let i = 0; i < repeats; i++) {
    const result = run();
    // Awaiting a plain value would add a turn of the microtask queue to every call.
    if (result instanceof Promise) await result;
  }
  return (Bun.nanoseconds() - start) / repeats;
}

/** Returns a sampler of one side, after a warm-up that also finds how often it runs in one sample. */
async function prepare(side: Side, minSampleMs: number): Promise<() => Promise<number>> {
  if (typeof side !== 'function') {
    await side.measureNs();
    return async () => side.measureNs();
  }
  const warmUpEnd = Bun.nanoseconds() + warmUpNs;
  let last = 0;
  while (Bun.nanoseconds() < warmUpEnd) last = await timeOf(side, 1);
  let repeats = 1;
  if (last > minSampleMs * 1e6) return () => timeOf(side, repeats);
  while ((await timeOf(side, repeats)) * repeats < minSampleMs * 1e6) repeats *= 2;
  return () => timeOf(side, repeats);
}

/** How sides take turns. */
export interface InterleaveOptions {
  /** Turns of each side. */
  readonly rounds: number;
  /** Shortest time of one sample; a faster side runs several times a sample. Default 2 ms. */
  readonly minSampleMs?: number;
}

/**
 * Resolves to the nanoseconds of every side in every round, [sides][rounds], after a warm-up of each. Sides run one after
 * the other; each round reverses the order of the last one, so that neither a slow moment nor a neighbour's caches favour
 * one of them.
 */
export async function interleave(
  sides: readonly Side[],
  { rounds, minSampleMs = 2 }: InterleaveOptions,
): Promise<number[][]> {
  const samplers: (() => Promise<number>)[] = [];
  for (const side of sides) samplers.push(await prepare(side, minSampleMs));
  const times = sides.map(() => [] as number[]);
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < sides.length; turn++) {
      const side = round % 2 === 0 ? turn : sides.length - 1 - turn;
      times[side]!.push(await samplers[side]!());
    }
  }
  return times;
}

/** The ratios of two sides over their rounds: median and quartiles. */
export interface Ratio {
  readonly median: number;
  readonly q1: number;
  readonly q3: number;
}

/** Returns median and quartiles of `other / base` over the rounds: above 1 means that `base` is faster. */
export function ratioOf(base: readonly number[], other: readonly number[]): Ratio {
  const ratios = other.map((time, round) => time / base[round]!);
  return { median: quantile(ratios, 0.5), q1: quantile(ratios, 0.25), q3: quantile(ratios, 0.75) };
}

/**
 * Returns the median and quartiles of `time of b / time of a` over interleaved pairs; each pair swaps the order of the
 * last one. Throws `RangeError` for fewer than 15 pairs.
 */
export async function comparePairs(options: PairOptions): Promise<PairResult> {
  const { name, pairs = leastPairs, minSampleMs = 2 } = options;
  if (!Number.isInteger(pairs) || pairs < leastPairs) {
    throw new RangeError(`Expected an integer from ${leastPairs} for pairs, was ${pairs}`);
  }
  const [timesA = [], timesB = []] = await interleave([options.a, options.b], { rounds: pairs, minSampleMs });
  return {
    name,
    pairs,
    ...ratioOf(timesA, timesB),
    aNs: quantile(timesA, 0.5),
    bNs: quantile(timesB, 0.5),
  };
}

/** Returns a duration as `1.20 ms`, `3.40 us` or `5.6 ns`. */
export function formatNs(ns: number): string {
  if (ns >= 1e9) return `${(ns / 1e9).toFixed(2)} s`;
  if (ns >= 1e6) return `${(ns / 1e6).toFixed(2)} ms`;
  return ns >= 1e3 ? `${(ns / 1e3).toFixed(2)} us` : `${ns.toFixed(ns < 10 ? 1 : 0)} ns`;
}

/** Compares both sides and returns the row of a table: name, median times of each side, and the ratio with its quartiles (above 1: `a` is faster). */
export async function pairRow(options: PairOptions): Promise<string[]> {
  const { aNs, bNs, median, q1, q3 } = await comparePairs(options);
  const ratio = `${median.toFixed(2)}x (${q1.toFixed(2)} .. ${q3.toFixed(2)})`;
  return [options.name, formatNs(aNs), formatNs(bNs), ratio];
}
