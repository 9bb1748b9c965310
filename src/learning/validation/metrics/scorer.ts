// What a metric is here: a function of how often each unit counts, so that one piece of code gives the score and its bootstrap.
import { InvalidOptionError } from '../../../core/errors.ts';
import { Philox } from '../../../core/philox.ts';
import { CancelledError } from '../../../native/errors.ts';

/** Scores of one sample. */
export interface Scorer<Name extends string = string> {
  /** What is resampled: rows, or times of a panel. */
  readonly units: number;
  /** Returns the scores where unit i counts `weights[i]` (at least 0) times; NaN where a score is not defined. */
  score(weights: Float64Array): Record<Name, number>;
}

/** Returns the scores with every unit counted once. */
export function scoreOnce<Name extends string>(scorer: Scorer<Name>): Record<Name, number> {
  return scorer.score(new Float64Array(scorer.units).fill(1));
}

/** A range that holds the score with probability `level`, as far as the bootstrap can tell. */
export interface Interval {
  readonly low: number;
  readonly high: number;
}

/** How to resample. */
export interface BootstrapOptions {
  readonly resamples: number;
  /** Units drawn together, so that neighbours whose labels overlap stay together. */
  readonly blockRows: number;
  readonly level: number;
  /** Seed of Philox4x32-10; resample i draws from stream i. */
  readonly seed: number;
}

/**
 * Returns a percentile interval per score by the circular block bootstrap (Politis and Romano 1992): blocks of consecutive units
 * are drawn with replacement until the sample is as long as the data. A resample in which a score is not defined does not count
 * for it; NaN when none is left. Cost: resamples x one scoring. Throws InvalidOptionError for options out of range.
 */
export function bootstrap<Name extends string>(
  scorer: Scorer<Name>,
  options: BootstrapOptions,
): Record<Name, Interval> {
  return intervalsOf([...resample(scorer, options)], options.level);
}

/** Returns what {@link bootstrap} returns, and lets the event loop turn meanwhile. Throws CancelledError as well. */
export async function bootstrapAsync<Name extends string>(
  scorer: Scorer<Name>,
  options: BootstrapOptions,
  signal?: AbortSignal,
): Promise<Record<Name, Interval>> {
  const samples: Record<Name, number>[] = [];
  let turned = performance.now();
  for (const sample of resample(scorer, options)) {
    samples.push(sample);
    if (performance.now() - turned < TURN_MS) continue;
    await new Promise((turn) => setImmediate(turn));
    if (signal?.aborted) throw new CancelledError('The bootstrap was cancelled');
    turned = performance.now();
  }
  return intervalsOf(samples, options.level);
}

/** How long one stretch of resampling holds the event loop. */
const TURN_MS = 20;

function* resample<Name extends string>(
  scorer: Scorer<Name>,
  { resamples, blockRows, level, seed }: BootstrapOptions,
): Generator<Record<Name, number>> {
  const { units } = scorer;
  if (!(resamples >= 2 && blockRows >= 1 && blockRows <= units && level > 0 && level < 1)) {
    throw new InvalidOptionError(
      'Expected 2 resamples or more, blocks within the data and a level between 0 and 1',
    );
  }
  const weights = new Float64Array(units);
  const starts = new Float64Array(Math.ceil(units / blockRows));
  for (let sample = 0; sample < resamples; sample++) {
    weights.fill(0);
    new Philox(seed, sample).fillUniform(starts);
    for (const [block, uniform] of starts.entries()) {
      const start = Math.floor(uniform * units);
      const length = Math.min(blockRows, units - block * blockRows);
      for (let i = 0; i < length; i++) weights[(start + i) % units]!++;
    }
    yield scorer.score(weights);
  }
}

function intervalsOf<Name extends string>(
  samples: readonly Record<Name, number>[],
  level: number,
): Record<Name, Interval> {
  const names = Object.keys(samples[0]!) as Name[];
  const intervals = names.map((name) => {
    // A sample without one of the labels has no AUC; sorting NaN would put it anywhere.
    const values = samples.map((one) => one[name]).filter((value) => !Number.isNaN(value));
    const ascending = Float64Array.from(values).sort();
    return [
      name,
      { low: quantile(ascending, (1 - level) / 2), high: quantile(ascending, (1 + level) / 2) },
    ] as const;
  });
  return Object.fromEntries(intervals) as Record<Name, Interval>;
}

/** Returns the score differences of two scorers over the same units: what they agree on in name. */
export function difference<Name extends string>(first: Scorer<Name>, second: Scorer<Name>): Scorer<Name> {
  if (first.units !== second.units) throw new InvalidOptionError('Expected two scorers over the same units');
  return {
    units: first.units,
    score(weights) {
      const [a, b] = [first.score(weights), second.score(weights)];
      const both = Object.entries<number>(a).filter(([name]) => name in b);
      return Object.fromEntries(both.map(([name, value]) => [name, value - b[name as Name]])) as Record<
        Name,
        number
      >;
    },
  };
}

/** Linear interpolation between order statistics (Hyndman and Fan type 7); NaN of nothing. */
export function quantile(ascending: Float64Array, share: number): number {
  const at = share * (ascending.length - 1);
  const below = Math.floor(at);
  const low = ascending[below] ?? Number.NaN;
  return low + (at - below) * ((ascending[below + 1] ?? low) - low);
}

/** Returns the indices of `values` by rising value, equal ones in their order. */
export function ascendingOrder(values: ArrayLike<number>): Uint32Array {
  return Uint32Array.from({ length: values.length }, (_, i) => i).sort((a, b) => values[a]! - values[b]!);
}
