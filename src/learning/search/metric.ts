// What a search makes best: the metrics by their names in requests, which tasks they fit, and the one number that a sampler makes small.
import { z } from 'zod';
import { DivergedError, InsufficientHistoryError, InvalidOptionError } from '../../core/errors.ts';
import type { TargetSpec } from '../tables/target.ts';
import type { ValidationData } from '../validation/data.ts';
import { classificationScorer, predictedClasses } from '../validation/metrics/classification.ts';
import { informationScorer } from '../validation/metrics/information.ts';
import { regressionScorer } from '../validation/metrics/regression.ts';
import { scoreOnce } from '../validation/metrics/scorer.ts';
import { type Holdings, holdings, signPositions, tradingScorer } from '../validation/metrics/trading.ts';
import { takeSpans } from '../validation/spans.ts';

type Group = 'classification' | 'regression' | 'information' | 'trading';

interface Metric {
  readonly group: Group;
  /** Name of the score in its group. */
  readonly score: string;
  /** Whether more is better. */
  readonly higher: boolean;
}

const metric = (group: Group, score: string, higher: boolean): Metric => ({ group, score, higher });

/** Every metric by its name in requests. The conventions of a score are those of its group in src/learning/validation/metrics. */
export const METRICS = {
  sharpe_ratio: metric('trading', 'sharpe', true),
  accuracy: metric('classification', 'accuracy', true),
  balanced_accuracy: metric('classification', 'balanced_accuracy', true),
  auc: metric('classification', 'auc', true),
  log_loss: metric('classification', 'log_loss', false),
  brier: metric('classification', 'brier', false),
  f1: metric('classification', 'f1', true),
  rmse: metric('regression', 'rmse', false),
  mae: metric('regression', 'mae', false),
  r2: metric('regression', 'r2', true),
  ic: metric('information', 'ic', true),
  rank_ic: metric('information', 'rank_ic', true),
  hit_rate: metric('information', 'hit_rate', true),
} as const satisfies Readonly<Record<string, Metric>>;

/** Name of a metric. */
export type MetricName = keyof typeof METRICS;
export const METRIC_NAMES = Object.keys(METRICS) as MetricName[];

/** The metric of a request. */
export const metricSchema = z
  .enum(METRIC_NAMES as [MetricName, ...MetricName[]])
  .describe('what a search makes best, on the rows that its trials are tested on');

/** Targets whose forecast says which way to trade. */
const TRADABLE: ReadonlySet<TargetSpec['kind']> = new Set(['log_return', 'direction', 'signal']);
const CLASSES: ReadonlySet<TargetSpec['kind']> = new Set(['direction', 'signal']);
/** Least probability that the log-loss counts: scikit-learn's for forecasts of float32. */
const LEAST_PROBABILITY = 2 ** -23;

/** Returns the names of the metrics that a target has, in the order of {@link METRICS}; none without a target. */
export function metricsOf({ kind }: TargetSpec): MetricName[] {
  if (kind === 'none') return [];
  const task = CLASSES.has(kind) ? 'classification' : 'regression';
  return METRIC_NAMES.filter((name) => {
    const { group } = METRICS[name];
    return group === task || (TRADABLE.has(kind) && group !== 'classification' && group !== 'regression');
  });
}

/** Returns the metric of a search that names none. */
export function defaultMetric({ kind }: TargetSpec): MetricName {
  return CLASSES.has(kind) ? 'log_loss' : 'rmse';
}

/** Throws InvalidOptionError when a metric does not fit what is predicted. */
export function checkMetric(name: MetricName, target: TargetSpec, pointer = '/validation_metric'): void {
  const fitting = metricsOf(target);
  if (fitting.includes(name)) return;
  const expected =
    fitting.length > 0
      ? `one of ${fitting.join(', ')}, which fit the target ${target.kind}`
      : 'a target: what has none has no metric';
  throw new InvalidOptionError(`Expected ${expected}, was ${name}`, [{ pointer, expected, received: name }]);
}

/** Forecasts of tested rows. */
export interface ScoredForecasts {
  /** Numbers for each row: 1, or the number of classes. */
  readonly width: number;
  /** The rows, ascending. */
  readonly rows: Uint32Array;
  /** [rows, width]. */
  readonly predictions: Float64Array;
}

/** What the scores need to know beside the forecasts. */
export interface ScoringContext {
  readonly target: TargetSpec;
  /** Cost of trading one unit of equity, basis points. */
  readonly costBps: number;
}

/**
 * Returns metrics of the target at these rows (all of them, or those named), without intervals: a search needs the number alone. Null is
 * "not defined here". Three classes are sell, hold and buy: they are held as -1, 0 and 1, and ordered by the probability of buy less that of
 * sell. Forecasts that are all the same have an information coefficient of 0, and who holds nothing has a Sharpe ratio of 0.
 */
export function scoresOf(
  forecasts: ScoredForecasts,
  data: ValidationData,
  context: ScoringContext,
  names: readonly MetricName[] = metricsOf(context.target),
): Record<string, number | null> {
  const groups = new Map<Group, Readonly<Record<string, number>>>();
  for (const name of names) {
    const { group } = METRICS[name];
    if (!groups.has(group)) groups.set(group, groupScores(group, forecasts, data, context));
  }
  return Object.fromEntries(
    names.map((name) => {
      const { group, score } = METRICS[name];
      const value = groups.get(group)![score] ?? Number.NaN;
      return [name, Number.isFinite(value) ? value : null];
    }),
  );
}

function groupScores(
  group: Group,
  { width, rows, predictions }: ScoredForecasts,
  data: ValidationData,
  { target, costBps }: ScoringContext,
): Readonly<Record<string, number>> {
  const targets = () => Float32Array.from(rows, (row) => data.targets![row]!);
  if (group === 'classification') {
    const probabilities = atLeast(predictions);
    return scoreOnce(classificationScorer({ probabilities, labels: targets(), classes: width }));
  }
  if (group === 'regression')
    return scoreOnce(regressionScorer({ forecasts: predictions, targets: targets() }));
  if (!(data.returns && TRADABLE.has(target.kind))) return {};
  const returns = Float64Array.from(rows, (row) => data.returns![row]!);
  const spans = takeSpans(data.spans, rows);
  const { signal, neutral } = signalOf(predictions, width);
  if (group === 'information') {
    const scores = scoreOnce(informationScorer({ forecasts: signal, returns, tsUs: spans.startUs }, neutral));
    return signal.every((value) => value === signal[0]) ? { ...scores, ic: 0, rank_ic: 0 } : scores;
  }
  try {
    const held = holdingsOf({ width, rows, predictions }, data, costBps);
    return held ? scoreOnce(tradingScorer(held)) : { sharpe: 0 };
  } catch (error) {
    // Labels so long that no two follow each other leave the other metrics as they are.
    if (error instanceof InsufficientHistoryError) return {};
    throw error;
  }
}

/**
 * Returns the holdings of who trades on these forecasts of returns, see {@link scoresOf}; null where nothing is ever held. `data` has
 * returns. Throws InsufficientHistoryError below 2 holdings.
 */
export function holdingsOf(
  { width, rows, predictions }: ScoredForecasts,
  data: ValidationData,
  costBps: number,
): Holdings | null {
  const { signal, neutral } = signalOf(predictions, width);
  const positions = width === 3 ? heldOf(predictions) : signPositions(signal, neutral);
  if (positions.every((position) => position === 0)) return null;
  const { series } = data;
  return holdings(
    {
      positions,
      returns: Float64Array.from(rows, (row) => data.returns![row]!),
      spans: takeSpans(data.spans, rows),
      ...(series && { series: Uint32Array.from(rows, (row) => series[row]!) }),
    },
    { costBps },
  );
}

/** Returns what a sampler makes small: the score, less than 0 where more is better. Throws DivergedError for one that is not defined. */
export function lossOf(name: MetricName, scores: Readonly<Record<string, number | null>>): number {
  const score = scores[name] ?? null;
  if (score === null)
    throw new DivergedError(`Expected ${name} to be defined on the tested rows, was not`, 0);
  return METRICS[name].higher ? -score : score;
}

/** Returns the score that a loss is of. */
export function scoreOfLoss(name: MetricName, loss: number): number {
  return METRICS[name].higher ? -loss : loss;
}

function atLeast(probabilities: Float64Array): Float64Array {
  return probabilities.map((value) => Math.min(1, Math.max(LEAST_PROBABILITY, value)));
}

function signalOf(predictions: Float64Array, width: number) {
  if (width === 1) return { signal: predictions, neutral: 0 };
  const rows = predictions.length / width;
  const signal = Float64Array.from({ length: rows }, (_, i) =>
    width === 2 ? predictions[2 * i + 1]! : predictions[3 * i + 2]! - predictions[3 * i]!,
  );
  return { signal, neutral: width === 2 ? 0.5 : 0 };
}

function heldOf(predictions: Float64Array): Float64Array {
  return Float64Array.from(predictedClasses(predictions, 3), (one) => one - 1);
}
