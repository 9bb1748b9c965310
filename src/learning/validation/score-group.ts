// One group of scores of a model beside naive rules, with bootstrap intervals.
import type { Measure } from '../../trading/performance.ts';
import { bootstrapAsync, difference, type Interval, type Scorer, scoreOnce } from './metrics/scorer.ts';

/** How the intervals are made. */
export interface ScoringOptions {
  readonly resamples: number;
  readonly level: number;
  readonly seed: number;
  readonly signal?: AbortSignal;
}

/** An interval of the bootstrap; an end is null where it is not defined or has no bound. */
export interface ReportedInterval {
  readonly low: number | null;
  readonly high: number | null;
}

/** How far better than a naive forecast, in the unit of the score; above 0 is better whichever way the score points. */
export interface Advantage {
  readonly value: number | null;
  readonly interval: ReportedInterval;
  /** Whether the whole interval lies above 0. */
  readonly beats: boolean;
}

/** Scores that are made of the same rows. */
export interface ScoreGroup {
  /** Measures without an interval, as they depend on the order of rows: `total_return`, `max_drawdown`. */
  readonly whole?: Readonly<Record<string, Measure>>;
  readonly scores: Readonly<Record<string, Measure & { readonly interval: ReportedInterval }>>;
  /** By name of the naive forecast, then of the score. */
  readonly baselines: Readonly<
    Record<
      string,
      {
        readonly scores: Readonly<Record<string, Measure>>;
        readonly advantage: Readonly<Record<string, Advantage>>;
      }
    >
  >;
}

/** What is scored, and how. */
export interface Group {
  readonly conventions: Readonly<Record<string, string>>;
  readonly blockRows: number;
  readonly sampleSize: number;
  readonly model: Scorer;
  readonly baselines: Readonly<Record<string, Scorer>>;
  /** Measures beside the scores that no resample has a place for: they depend on the order of rows. */
  readonly whole?: Readonly<Record<string, Measure>>;
}

const LOWER_IS_BETTER: ReadonlySet<string> = new Set([
  ...['log_loss', 'brier', 'calibration_error'],
  ...['rmse', 'mae', 'median_ae', 'quantile_loss'],
  'turnover',
  'reconstruction_error',
  ...['mean_distance', 'deviation_distance', 'kurtosis_distance', 'correlation_distance'],
]);
/** Returns the scores of a group with bootstrap intervals, and how far they are from those of the naive rules. Throws CancelledError. */
export async function scoreGroup(group: Group, options: ScoringOptions): Promise<ScoreGroup> {
  const settings = { ...options, blockRows: group.blockRows };
  const measures = (scores: Record<string, number>) =>
    mapValues(scores, (value, name) => measure(value, group.conventions[name]!, group.sampleSize));
  const intervals = await bootstrapAsync(group.model, settings, options.signal);
  const values = scoreOnce(group.model);
  const baselines: Record<string, ScoreGroup['baselines'][string]> = {};
  for (const [name, scorer] of Object.entries(group.baselines)) {
    const apart = difference(group.model, scorer);
    const ranges = await bootstrapAsync(apart, settings, options.signal);
    baselines[name] = {
      scores: measures(scoreOnce(scorer)),
      advantage: mapValues(scoreOnce(apart), (value, score) =>
        advantage(value, ranges[score]!, LOWER_IS_BETTER.has(score)),
      ),
    };
  }
  const scores = mapValues(measures(values), (one, name) => ({
    ...one,
    interval: reported(intervals[name]!),
  }));
  return { scores, baselines, ...(group.whole && { whole: group.whole }) };
}

function advantage(value: number, { low, high }: Interval, lower: boolean): Advantage {
  const better = lower ? { low: -high, high: -low } : { low, high };
  return {
    value: Number.isFinite(value) ? (lower ? -value : value) : null,
    interval: reported(better),
    beats: better.low > 0,
  };
}

/** Returns an interval with null for an end that is not defined or has no bound. */
export function reported({ low, high }: Interval): ReportedInterval {
  return { low: Number.isFinite(low) ? low : null, high: Number.isFinite(high) ? high : null };
}

function measure(value: number, convention: string, sampleSize: number): Measure {
  const base = { sample_size: sampleSize, convention };
  if (Number.isFinite(value)) return { value, ...base };
  const reason = Number.isNaN(value)
    ? 'not defined on these rows: a class or a movement that it needs is absent'
    : 'without bound: what happened had been given no probability';
  return { value: null, reason, ...base };
}

function mapValues<A, B>(
  values: Readonly<Record<string, A>>,
  map: (value: A, name: string) => B,
): Record<string, B> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, map(value, name)]));
}
