// Scores of a cross-validation with their sample sizes, beside the naive forecasts, with bootstrap intervals.
import { InvalidOptionError } from '../../core/errors.ts';
import { type CrossValidation, type Fold, type Path, requireMade } from './cross-validate.ts';
import { checkValidationData, type ValidationData } from './data.ts';
import { CLASSIFICATION_SCORES, classificationScorer, confusionMatrix } from './metrics/classification.ts';
import { INFORMATION_SCORES, informationScorer, timeEdges } from './metrics/information.ts';
import { REGRESSION_SCORES, regressionScorer } from './metrics/regression.ts';
import type { Scorer } from './metrics/scorer.ts';
import {
  equityMeasures,
  holdings,
  signPositions,
  TRADING_SCORES,
  type TradingOptions,
  tradingScorer,
} from './metrics/trading.ts';
import { type Group, type ScoreGroup, type ScoringOptions, scoreGroup } from './score-group.ts';
import { overlappingRows, takeSpans } from './spans.ts';

/** The scores of one path. */
export interface PathReport {
  readonly rows: number;
  /** By what is scored: `classification` or `regression`; `information` and `trading` when there are returns. */
  readonly groups: Readonly<Record<string, ScoreGroup>>;
  /** Only for classification: rows of each class (outer) that were predicted as each class (inner). */
  readonly confusion?: readonly (readonly number[])[];
}

/** What a validation says. */
export interface ValidationReport {
  readonly task: CrossValidation['task'];
  readonly scheme: CrossValidation['scheme'];
  readonly folds: readonly Fold[];
  readonly paths: readonly PathReport[];
  /** How the intervals were made, in words. */
  readonly interval_method: string;
}

/** How the intervals are made, and what trading costs. */
export interface ReportOptions extends ScoringOptions {
  /** With it, and returns in the data, what trading on the sign of the forecasts would have earned is scored beside buying and holding. */
  readonly trading?: TradingOptions;
}

/** Four label spans a block: neighbours within one span share most of their label. */
export const SPANS_PER_BLOCK = 4;

/**
 * Scores every path of a cross-validation of `data`. Intervals are percentiles of the circular block bootstrap; a model and a naive
 * forecast are compared on the same resamples. A score that is not defined is null with its reason.
 * Throws what the scorers throw; CancelledError; InvariantError for forecasts that `crossValidate` did not make.
 */
export async function validationReport(
  result: CrossValidation,
  data: ValidationData,
  options: ReportOptions,
): Promise<ValidationReport> {
  requireMade(result);
  checkValidationData(data);
  const paths: PathReport[] = [];
  for (const path of result.paths) {
    const groups: Record<string, ScoreGroup> = {};
    for (const [name, group] of Object.entries(groupsOf(result, path, data, options))) {
      groups[name] = await scoreGroup(group, options);
    }
    const confusion = confusionOf(result, path, data);
    paths.push({ rows: path.rows.length, groups, ...(confusion && { confusion }) });
  }
  return {
    task: result.task,
    scheme: result.scheme,
    folds: result.folds,
    paths,
    interval_method: `circular block bootstrap, ${options.resamples} resamples of blocks of ${SPANS_PER_BLOCK} label spans, percentiles, level ${options.level}`,
  };
}

function confusionOf({ task, width }: CrossValidation, path: Path, data: ValidationData): number[][] | null {
  if (task !== 'classification') return null;
  const labels = Uint32Array.from(path.rows, (row) => data.targets![row]!);
  const counts = confusionMatrix({ probabilities: path.predictions, labels, classes: width });
  return Array.from({ length: width }, (_, k) => [...counts.subarray(k * width, (k + 1) * width)]);
}

function groupsOf(
  { task, width }: CrossValidation,
  path: Path,
  data: ValidationData,
  { trading }: ReportOptions,
): Record<string, Group> {
  const spans = takeSpans(data.spans, path.rows);
  const targets = Float32Array.from(path.rows, (row) => data.targets![row]!);
  const overlap = overlappingRows(spans);
  const rows = path.rows.length;
  const forecasts = (
    scorer: (forecasts: Float64Array) => Scorer,
    shared: Omit<Group, 'model' | 'baselines'>,
  ) => ({
    ...shared,
    model: scorer(path.predictions),
    baselines: Object.fromEntries(
      Object.entries(path.baselines).map(([name, values]) => [name, scorer(values)]),
    ),
  });
  const sized = { blockRows: blockOf(overlap, rows), sampleSize: rows };
  const groups: Record<string, Group> = {
    [task]:
      task === 'classification'
        ? forecasts(
            (probabilities) => classificationScorer({ probabilities, labels: targets, classes: width }),
            { conventions: CLASSIFICATION_SCORES, ...sized },
          )
        : forecasts((values) => regressionScorer({ forecasts: values, targets }), {
            conventions: REGRESSION_SCORES,
            ...sized,
          }),
  };
  if (data.returns && width <= 2) {
    const returns = Float64Array.from(path.rows, (row) => data.returns![row]!);
    const times = timeEdges(spans.startUs).length - 1;
    const neutral = width === 2 ? 0.5 : 0;
    groups.information = forecasts(
      (values) =>
        informationScorer({ forecasts: lastColumn(values, width), returns, tsUs: spans.startUs }, neutral),
      {
        conventions: INFORMATION_SCORES,
        sampleSize: times,
        // A panel is resampled by its times: as many of them as rows overlap, in proportion.
        blockRows: blockOf(Math.ceil((overlap * times) / rows), times),
      },
    );
    if (trading)
      groups.trading = tradingGroup(path, lastColumn(path.predictions, width), neutral, data, trading);
  }
  return groups;
}

function tradingGroup(
  path: Path,
  forecasts: Float64Array,
  neutral: number,
  data: ValidationData,
  options: TradingOptions,
): Group {
  const { series } = data;
  const sample = {
    positions: signPositions(forecasts, neutral),
    returns: Float64Array.from(path.rows, (row) => data.returns![row]!),
    spans: takeSpans(data.spans, path.rows),
    ...(series && { series: Uint32Array.from(path.rows, (row) => series[row]!) }),
  };
  const held = holdings(sample, options);
  const kept = holdings({ ...sample, positions: new Float64Array(path.rows.length).fill(1) }, options);
  const conventions = Object.fromEntries(
    Object.entries(TRADING_SCORES).map(([name, words]) => [name, `${words} (${held.convention})`]),
  );
  return {
    conventions,
    // Holdings don't overlap: each is a span of its own.
    blockRows: blockOf(1, held.net.length),
    sampleSize: held.net.length,
    model: tradingScorer(held),
    baselines: { buy_and_hold: tradingScorer(kept) },
    whole: equityMeasures(held),
  };
}

function blockOf(overlap: number, units: number): number {
  if (units < 2) throw new InvalidOptionError('Expected at least two tested rows or times to score');
  return Math.max(1, Math.min(units, SPANS_PER_BLOCK * overlap));
}

function lastColumn(values: Float64Array, width: number): Float64Array {
  return Float64Array.from({ length: values.length / width }, (_, i) => values[i * width + width - 1]!);
}
