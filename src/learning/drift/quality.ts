// The quality of a table: what is missing, constant, out of place, doubled or out of time, each with a count and a reason.
import { InvalidOptionError, ShapeMismatchError } from '../../core/errors.ts';
import { turn } from '../../core/turn.ts';
import { CategorySketch } from './category-sketch.ts';
import { type Distribution, quantileOf } from './distribution.ts';
import { duplicateRows } from './duplicates.ts';
import { NumericSketch } from './numeric-sketch.ts';
import { clockFindings, type Found, type TimeOptions, timeFindings } from './quality-time.ts';
import { TableSketch } from './table-sketch.ts';
import type { Chunk, ColumnValues, QualityFlag, QualityReport } from './types.ts';

/** A table to look at. */
export interface QualityTable {
  readonly columns: Chunk;
  /** [rows]: microseconds since the epoch. */
  readonly tsUs?: Float64Array;
  /** [rows]: which series a row belongs to. */
  readonly seriesOf?: Uint32Array;
  /** [rows]: when each row was received, by a clock that is trusted. */
  readonly receivedUs?: Float64Array;
}

export interface QualityOptions extends Partial<TimeOptions> {
  /** What ranges and categories are compared with. */
  readonly reference?: TableSketch;
  /** Shares above which a finding fails; what is not given has the defaults of {@link QUALITY_THRESHOLDS}. */
  readonly thresholds?: Partial<Readonly<Record<QualityFlag, number>>>;
  /** Modified z-score from which a number is an outlier. Default 3.5 (Iglewicz and Hoaglin 1993). */
  readonly outlierScore?: number;
  readonly signal?: AbortSignal;
}

export const QUALITY_THRESHOLDS: Readonly<Record<QualityFlag, number>> = {
  missing: 0.05,
  all_missing: 0,
  constant: 0,
  non_finite: 0,
  outliers: 0.05,
  out_of_range: 0.01,
  new_categories: 0.01,
  duplicate_rows: 0.01,
  time_not_rising: 0,
  time_gaps: 0.01,
  clock_jump: 0,
  clock_drift: 0,
  empty: 0,
};

/** 0.75 quantile of the normal distribution: makes the median deviation a standard deviation of normal numbers. */
const NORMAL = 0.6744897501960817;

/** Returns the median distance from the median; both may be off by the error of the distribution. */
function medianDeviation(distribution: Distribution, median: number): number {
  const { values, upTo, rows } = distribution;
  const far = Array.from(values, (value, i) => ({
    off: Math.abs(value - median),
    rows: upTo[i]! - (i > 0 ? upTo[i - 1]! : 0),
  })).sort((a, b) => a.off - b.off);
  let seen = 0;
  for (const { off, rows: some } of far) {
    seen += some;
    if (seen >= rows / 2) return off;
  }
  return 0;
}

function* numericFindings(
  column: string,
  values: ColumnValues,
  sketch: NumericSketch,
  before: NumericSketch | undefined,
  score: number,
): Generator<Found> {
  const rows = values.length;
  if (sketch.nonFinite > 0)
    yield {
      ...{ flag: 'non_finite', column, count: sketch.nonFinite, share: sketch.nonFinite / rows },
      reason: `${sketch.nonFinite} values are infinite`,
    };
  if (sketch.numbers === 0) return;
  const distribution = sketch.distribution();
  const median = quantileOf(distribution, 0.5);
  const deviation = medianDeviation(distribution, median);
  const [low, high] = before?.numbers ? [before.min, before.max] : [-Infinity, Infinity];
  let [outliers, outside] = [0, 0];
  for (const value of values) {
    if (typeof value !== 'number' || !Number.isFinite(value)) continue;
    // Without a spread nothing is far.
    if (deviation > 0 && (NORMAL * Math.abs(value - median)) / deviation > score) outliers += 1;
    if (value < low || value > high) outside += 1;
  }
  if (outliers > 0)
    yield {
      ...{ flag: 'outliers', column, count: outliers, share: outliers / sketch.numbers },
      reason: `${outliers} values are more than ${score} robust deviations from the median`,
    };
  if (outside > 0)
    yield {
      ...{ flag: 'out_of_range', column, count: outside, share: outside / sketch.numbers },
      reason: `${outside} values are outside the range of the reference`,
    };
}

function* columnFindings(
  column: string,
  values: ColumnValues,
  table: TableSketch,
  { reference, outlierScore = 3.5 }: QualityOptions,
): Generator<Found> {
  const sketch = table.column(column)!;
  const before = reference?.column(column);
  const { missing, non_finite: infinite, distinct } = sketch.summary();
  const rows = values.length;
  if (missing + infinite === rows)
    yield { flag: 'all_missing', column, count: rows, share: 1, reason: 'no row has a value' };
  else if (missing > 0)
    yield {
      ...{ flag: 'missing', column, count: missing, share: missing / rows },
      reason: `${missing} of ${rows} rows have no value`,
    };
  if (distinct === 1 && rows - missing - infinite > 1)
    yield {
      ...{ flag: 'constant', column, count: rows - missing - infinite, share: 1 },
      reason: 'all values are the same',
    };
  if (sketch instanceof NumericSketch) {
    const same = before instanceof NumericSketch ? before : undefined;
    yield* numericFindings(column, values, sketch, same, outlierScore);
  } else if (before instanceof CategorySketch && before.error === 0) {
    const unseen = [...sketch.counts].filter(([name]) => !before.counts.has(name));
    const count = unseen.reduce((sum, [, some]) => sum + some, 0);
    if (count > 0)
      yield {
        ...{ flag: 'new_categories', column, count, share: count / sketch.values },
        reason: `${unseen.length} categories are not in the reference`,
      };
  }
}

const positive = (value: number | undefined, fallback: number, pointer: string): number => {
  if (value === undefined) return fallback;
  if (value > 0 && Number.isFinite(value)) return value;
  const expected = 'a number above 0';
  throw new InvalidOptionError(`Expected ${expected} for ${pointer}`, [{ pointer, expected }]);
};

/**
 * Resolves to what was found in a table, with what failed first. Nothing is found in what is not there: no times, no reference, no second clock. Rejects with
 * `ShapeMismatchError` for columns of different lengths and `InvalidOptionError` for options out of range.
 */
export async function qualityReport(
  table: QualityTable,
  options: QualityOptions = {},
): Promise<QualityReport> {
  const { columns, tsUs, seriesOf, receivedUs } = table;
  const time: TimeOptions = {
    gapFactor: positive(options.gapFactor, 3, 'gap_factor'),
    jumpUs: positive(options.jumpUs, 1e6, 'jump_us'),
    driftPpm: positive(options.driftPpm, 200, 'drift_ppm'),
  };
  positive(options.outlierScore, 3.5, 'outlier_score');
  for (const [name, share] of Object.entries(options.thresholds ?? {})) {
    const [pointer, expected] = [`thresholds/${name}`, 'a share from 0 to 1 of a known flag'];
    if (!Object.hasOwn(QUALITY_THRESHOLDS, name) || !(share! >= 0 && share! <= 1))
      throw new InvalidOptionError(`Expected ${expected} for ${pointer}`, [{ pointer, expected }]);
  }
  const sketch = await TableSketch.buildLater(columns, options.signal ? { signal: options.signal } : {});
  const { rows } = sketch;
  for (const [name, more] of Object.entries({ tsUs, seriesOf, receivedUs }))
    if (more && more.length !== rows)
      throw new ShapeMismatchError(`Expected ${rows} values for ${name}, were ${more.length}`);
  const found: Found[] = [];
  if (rows === 0)
    found.push({ flag: 'empty', column: null, count: 0, share: 1, reason: 'there are no rows' });
  else {
    for (const [name, values] of columns) {
      found.push(...columnFindings(name, values, sketch, options));
      options.signal?.throwIfAborted();
      await turn();
    }
    const stamps = [tsUs, seriesOf && Float64Array.from(seriesOf)].filter((values) => values !== undefined);
    const doubled = await duplicateRows([...columns.values(), ...stamps], rows);
    if (doubled > 0)
      found.push({
        ...{ flag: 'duplicate_rows', column: null, count: doubled, share: doubled / rows },
        reason: `${doubled} rows are equal to an earlier one`,
      });
    if (tsUs) found.push(...timeFindings(tsUs, seriesOf, time));
    if (tsUs && receivedUs) found.push(...clockFindings(tsUs, receivedUs, time));
  }
  const thresholds = { ...QUALITY_THRESHOLDS, ...options.thresholds };
  const findings = found
    .map((finding) => ({ ...finding, failed: finding.share > thresholds[finding.flag] }))
    .sort((a, b) => Number(b.failed) - Number(a.failed));
  const passed = !findings.some(({ failed }) => failed);
  return { rows, columns: columns.size, findings, passed };
}
