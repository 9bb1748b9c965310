// How like real rows made ones are, by rows that the fit never saw: moments and dependence, beside rows of simpler laws.
import { Philox } from '../../../core/philox.ts';
import { bootstrapAsync, difference, type Interval, type Scorer, scoreOnce } from '../metrics/scorer.ts';
import { type Group, type ReportedInterval, reported, type ScoringOptions } from '../score-group.ts';
import { blockRowsOf, type Centre, centred, centreOf, type Parts, type Points, pointsOf } from './rows.ts';

/** The conventions of each score, in words: how far made rows are from real ones; 0 is alike. */
export const GENERATION_SCORES = {
  mean_distance: 'mean over the columns of the distance of the means, in deviations of the fit',
  deviation_distance: 'mean over the columns of |ln(deviation made / deviation real)|',
  kurtosis_distance: 'distance of the kurtosis of all numbers, each column less its mean of the fit',
  correlation_distance:
    'mean distance of the correlations of pairs of columns (16 evenly spread columns at most); the steps of a row are columns, so that memory counts',
} as const;

/** One moment of real and of made rows, with intervals of the bootstrap. */
export interface MomentPair {
  readonly real: number | null;
  readonly real_interval: ReportedInterval;
  readonly made: number | null;
  readonly made_interval: ReportedInterval;
  /** Interval of made less real: 0 in it means that the test can't tell them apart by this moment. */
  readonly difference_interval: ReportedInterval;
}

/** Columns whose pairs are correlated. */
const PAIRED_COLUMNS = 16;
/** Lags of the autocorrelation, in steps of a row. */
const LAGS = [1, 2, 3];
/** Streams of random numbers: what the generator is given, and each simpler law. */
const STREAMS = { generator: 1, columns: 2, normal: 3, rows: 4 } as const;

/** Returns uniforms in [0, 1) as a generator takes them, [rows, columns], the same for the same seed. */
export function uniformsOf(rows: number, columns: number, seed: number): Float32Array {
  const drawn = new Philox(seed, STREAMS.generator).fillUniform(new Float64Array(rows * columns));
  // Rounding to float32 must not reach 1.
  return Float32Array.from(drawn, (uniform) => Math.min(uniform, 1 - 2 ** -24));
}

/**
 * Returns the scores of made rows [as many as test rows, columns] beside rows that are `independent_columns` (each number drawn from its
 * column of the fit), `normal` (of mean and deviation of each column) and `training_rows` (rows of the fit over again, which no new
 * row can be expected to beat).
 */
export function generationGroup(parts: Parts, made: ArrayLike<number>, seed: number): Group {
  const { real, centre, fit } = standard(parts);
  const scorer = (values: ArrayLike<number>) => distances(real, shaped(real, values, centre));
  const { rows, columns } = real;
  const place = (stream: number, count: number) =>
    new Philox(seed, stream).fillUniform(new Float64Array(count));
  const drawn = place(STREAMS.columns, rows * columns);
  const whole = place(STREAMS.rows, rows);
  const from = (uniform: number) => Math.min(fit.rows - 1, Math.floor(uniform * fit.rows)) * columns;
  const normals = place(STREAMS.normal, rows * columns * 2);
  return {
    conventions: GENERATION_SCORES,
    blockRows: blockRowsOf(parts),
    sampleSize: rows,
    model: scorer(made),
    baselines: {
      independent_columns: distances(real, {
        ...real,
        values: drawn.map((uniform, i) => fit.values[from(uniform) + (i % columns)]!),
      }),
      normal: distances(real, { ...real, values: drawn.map((_, i) => normal(normals, i)) }),
      training_rows: distances(real, {
        ...real,
        values: drawn.map((_, i) => fit.values[from(whole[Math.floor(i / columns)]!) + (i % columns)]!),
      }),
    },
  };
}

/** Returns moments and autocorrelations of real and of made rows by name, in deviations of the fit. Throws CancelledError. */
export async function momentsOf(
  parts: Parts,
  made: ArrayLike<number>,
  options: ScoringOptions,
): Promise<Record<string, MomentPair>> {
  const { real, centre } = standard(parts);
  const settings = { ...options, blockRows: blockRowsOf(parts) };
  const scorers = [momentScorer(real, parts.steps), momentScorer(shaped(real, made, centre), parts.steps)];
  const apart = difference(scorers[1]!, scorers[0]!);
  const intervals: Record<string, Interval>[] = [];
  for (const one of [...scorers, apart]) intervals.push(await bootstrapAsync(one, settings, options.signal));
  const [first, second] = scorers.map((one) => scoreOnce(one));
  const finite = (value: number) => (Number.isFinite(value) ? value : null);
  return Object.fromEntries(
    Object.keys(first!).map((name) => [
      name,
      {
        real: finite(first![name]!),
        real_interval: reported(intervals[0]![name]!),
        made: finite(second![name]!),
        made_interval: reported(intervals[1]![name]!),
        difference_interval: reported(intervals[2]![name]!),
      },
    ]),
  );
}

function standard(parts: Parts): { real: Points; centre: Centre; fit: Points } {
  const fit = pointsOf(parts.data, parts.fit);
  const centre = centreOf(fit);
  return { centre, fit: centred(fit, centre), real: centred(pointsOf(parts.data, parts.test), centre) };
}

const shaped = (like: Points, values: ArrayLike<number>, centre: Centre) =>
  centred({ ...like, values: Float64Array.from(values) }, centre);

/** Box and Muller. */
function normal(uniforms: Float64Array, i: number): number {
  return Math.sqrt(-2 * Math.log(1 - uniforms[2 * i]!)) * Math.cos(2 * Math.PI * uniforms[2 * i + 1]!);
}

interface ColumnMoments {
  readonly mean: Float64Array;
  readonly deviation: Float64Array;
  readonly kurtosis: number;
  readonly correlations: Float64Array;
}

function columnMoments({ rows, columns, values }: Points, weights: Float64Array): ColumnMoments {
  const mean = new Float64Array(columns);
  const deviation = new Float64Array(columns);
  let [total, second, fourth] = [0, 0, 0];
  for (let i = 0; i < rows; i++) {
    const weight = weights[i]!;
    if (weight === 0) continue;
    total += weight;
    for (let c = 0; c < columns; c++) {
      const x = values[i * columns + c]!;
      mean[c]! += weight * x;
      deviation[c]! += weight * x * x;
      second += weight * x * x;
      fourth += weight * x ** 4;
    }
  }
  for (let c = 0; c < columns; c++) {
    mean[c]! /= total;
    deviation[c] = Math.sqrt(Math.max(0, deviation[c]! / total - mean[c]! ** 2));
  }
  const paired = Math.min(columns, PAIRED_COLUMNS);
  const chosen = Array.from({ length: paired }, (_, k) => Math.floor((k * columns) / paired));
  const correlations = new Float64Array((paired * (paired - 1)) / 2);
  let at = 0;
  for (const [k, a] of chosen.entries()) {
    for (const b of chosen.slice(k + 1)) {
      let product = 0;
      for (let i = 0; i < rows; i++)
        product += weights[i]! * values[i * columns + a]! * values[i * columns + b]!;
      correlations[at++] = (product / total - mean[a]! * mean[b]!) / (deviation[a]! * deviation[b]!);
    }
  }
  return { mean, deviation, kurtosis: (fourth * total * columns) / second ** 2, correlations };
}

function distances(real: Points, made: Points): Scorer<keyof typeof GENERATION_SCORES> {
  const apart = (a: Float64Array, b: Float64Array, by: (x: number, y: number) => number) =>
    a.reduce((sum, x, i) => sum + Math.abs(by(x, b[i]!)), 0) / a.length;
  const less = (x: number, y: number) => x - y;
  return {
    units: real.rows,
    score(weights) {
      const [a, b] = [columnMoments(made, weights), columnMoments(real, weights)];
      return {
        mean_distance: apart(a.mean, b.mean, less),
        deviation_distance: apart(a.deviation, b.deviation, (x, y) => Math.log(x / y)),
        kurtosis_distance: Math.abs(a.kurtosis - b.kurtosis),
        correlation_distance: apart(a.correlations, b.correlations, less),
      };
    },
  };
}

/** Moments of all numbers of a row together, and how steps of a row go with the steps before. */
function momentScorer({ rows, columns, values }: Points, steps: number): Scorer {
  const features = columns / steps;
  const lags = LAGS.filter((lag) => lag < steps);
  const sums = Float64Array.from({ length: rows }, (_, i) =>
    values.subarray(i * columns, (i + 1) * columns).reduce((sum, x) => sum + x, 0),
  );
  return {
    units: rows,
    score(weights) {
      let total = 0;
      let sum = 0;
      for (let i = 0; i < rows; i++) {
        total += weights[i]! * columns;
        sum += weights[i]! * sums[i]!;
      }
      const mean = sum / total;
      let [variance, third, fourth] = [0, 0, 0];
      for (let i = 0; i < rows; i++) {
        const weight = weights[i]! / total;
        if (weight === 0) continue;
        for (let at = i * columns; at < (i + 1) * columns; at++) {
          const x = values[at]! - mean;
          variance += weight * x * x;
          third += weight * x * x * x;
          fourth += weight * x * x * x * x;
        }
      }
      const result: Record<string, number> = {
        mean,
        deviation: Math.sqrt(variance),
        skewness: third / variance ** 1.5,
        kurtosis: fourth / variance ** 2,
      };
      const lagged = (lag: number, of: (x: number) => number, spread: number) => {
        let [products, count] = [0, 0];
        for (let i = 0; i < rows; i++) {
          const weight = weights[i]!;
          if (weight === 0) continue;
          for (let c = lag * features; c < columns; c++) {
            const at = i * columns + c;
            products += weight * of(values[at]! - mean) * of(values[at - lag * features]! - mean);
            count += weight;
          }
        }
        return products / count / spread;
      };
      for (const lag of lags) result[`autocorrelation_${lag}`] = lagged(lag, (x) => x, variance);
      if (lags.length > 0) {
        const spread = fourth - variance ** 2;
        result.squared_autocorrelation_1 = lagged(1, (x) => x * x - variance, spread);
      }
      return result;
    },
  };
}
