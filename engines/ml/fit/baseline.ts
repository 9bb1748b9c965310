// The baseline model from bars to files: fit, score out of sample, and write graph, card and prose.
import type { FEATURES } from '../../../src/indicators/feature-set.ts';
import { MODEL_INPUTS } from '../../../src/indicators/feature-set.ts';
import { bootstrap, scoreOnce } from '../../../src/learning/validation/metrics/scorer.ts';
import { SPANS_PER_BLOCK } from '../../../src/learning/validation/report.ts';
import { encodeLogistic } from '../../../src/onnx/logistic.ts';
import { modelCardSchema } from '../../../src/onnx/model-card.ts';
import { sha256 } from '../../../src/onnx/registry.ts';
import type { BarFile } from './bars.ts';
import { readme } from './baseline-readme.ts';
import { buildDataset, type Dataset, splitInTime } from './dataset.ts';
import { digits, iso, type ModelFiles, modelFiles } from './files.ts';
import { fitLogistic, type LogisticFit, predictLogistic } from './logistic-regression.ts';
import { forecastScorer } from './scores.ts';

/** What a fit needs to know beside the bars. */
export interface BaselineOptions {
  /** Name of the data file, without its folder. */
  readonly file: string;
  readonly symbol: string;
  /** Bars between a row and the close that it predicts. */
  readonly horizon: number;
  readonly l2: number;
  /** Seed of the bootstrap; the fit itself draws nothing. */
  readonly seed: number;
  /** Date of the card; the date of the last bar when null, so that fitting again gives equal bytes. */
  readonly created: string | null;
}

const TRAIN_FRACTION = 0.7;
const RESAMPLES = 2000;
const LEVEL = 0.95;

type FeatureWord = (typeof FEATURES)[number] | 'close';
const formulas: Record<(typeof MODEL_INPUTS)[number], string> = {
  rsi_14_centred: formula`${'rsi_14'} / 100 - 0.5`,
  close_to_ema_12: formula`(${'close'} - ${'ema_12'}) / ${'atr_14'}`,
  ema_12_to_ema_26: formula`(${'ema_12'} - ${'ema_26'}) / ${'atr_14'}`,
  ema_50_to_ema_200: formula`(${'ema_50'} - ${'ema_200'}) / ${'atr_14'}`,
  macd_histogram_scaled: formula`${'macd_histogram'} / ${'atr_14'}`,
  bollinger_position: formula`(${'close'} - ${'bb_lower'}) / (${'bb_upper'} - ${'bb_lower'}) - 0.5`,
  atr_14_to_close: formula`${'atr_14'} / ${'close'}`,
};

/**
 * Returns the files of the model: a pure function of the bars and options, byte for byte. Parameters are kept to 10
 * significant digits and scores to 6, below which two machines' `exp` and `log` may differ in the last bit.
 * Throws what `buildDataset`, `splitInTime` and `fitLogistic` throw.
 */
export function fitBaseline(source: BarFile, options: BaselineOptions): ModelFiles {
  const { horizon, symbol } = options;
  const data = buildDataset(source.bars, horizon);
  const { train, test } = splitInTime(data, TRAIN_FRACTION, horizon * source.intervalUs);
  const fit = rounded(fitLogistic(train, options.l2));
  const scorer = forecastScorer(test, predictLogistic(test, fit));
  const scores = scoreOnce(scorer);
  const trainRate = mean(train.labels);
  const constant = scoreOnce(forecastScorer(test, new Float64Array(test.rows).fill(trainRate)));
  const blockRows = SPANS_PER_BLOCK * horizon;
  const intervals = bootstrap(scorer, { resamples: RESAMPLES, blockRows, level: LEVEL, seed: options.seed });

  const minutes = (horizon * source.intervalUs) / 60e6;
  const id = `${symbol.split(/[-/]/)[0]!.toLowerCase()}-direction-${minutes}m`;
  const graph = encodeLogistic(
    { ...fit, inputNames: MODEL_INPUTS },
    { model_id: id, symbol, horizon_bars: String(horizon), interval_us: String(source.intervalUs) },
  );
  const method = `circular block bootstrap, ${RESAMPLES} resamples of ${blockRows}-row blocks, percentiles`;
  const last = source.bars.at(-1)!;
  const card = modelCardSchema.parse({
    model_id: id,
    model_type: 'classification',
    version: '1.0.0',
    algorithm: "logistic regression, L2, Newton's method",
    inputs: MODEL_INPUTS.map((name) => ({ name, formula: formulas[name] })),
    output: {
      name: 'probability',
      meaning: `probability that the close ${horizon} bars ahead is above the current close`,
    },
    trained_on: {
      file: options.file,
      sha256: source.sha256,
      symbol,
      interval_us: source.intervalUs,
      rows: source.bars.length,
      from: iso(source.bars[0]!.ts_event_us),
      to: iso(last.ts_event_us),
    },
    hyperparameters: { horizon_bars: horizon, l2: options.l2 },
    split: {
      train_fraction: TRAIN_FRACTION,
      embargo_bars: horizon,
      train: part(train),
      test: part(test),
    },
    seed: {
      value: options.seed,
      used_for: "the bootstrap intervals (Philox4x32-10); nothing is random in Newton's method",
    },
    out_of_sample: {
      metrics: mapValues(
        {
          ...scores,
          train_base_rate: trainRate,
          constant_accuracy: constant.accuracy,
          constant_log_loss: constant.log_loss,
          constant_brier: constant.brier,
          constant_gross_return_bps: constant.gross_return_bps,
        },
        (value) => digits(value, 6),
      ),
      intervals: mapValues(intervals, ({ low, high }) => ({
        low: digits(low, 6),
        high: digits(high, 6),
        level: LEVEL,
        method,
      })),
    },
    parameters: fit,
    artefact: { file: 'model.onnx', sha256: sha256(graph), bytes: graph.length },
    created: options.created ?? iso(last.ts_event_us).slice(0, 10),
    licence: 'Apache-2.0, as this project; the price data are not included',
  });
  return modelFiles(card, graph, readme(card));
}

function rounded(fit: LogisticFit): Omit<LogisticFit, 'iterations'> {
  const all = (values: readonly number[]) => values.map((value) => digits(value, 10));
  return {
    mean: all(fit.mean),
    std: all(fit.std),
    coefficients: all(fit.coefficients),
    intercept: digits(fit.intercept, 10),
  };
}

function part(data: Dataset): { rows: number; from: string; to: string } {
  return { rows: data.rows, from: iso(data.tsUs[0]!), to: iso(data.tsUs.at(-1)!) };
}

/** Joins a formula; its words are checked against the feature names by the compiler. */
function formula(texts: TemplateStringsArray, ...words: FeatureWord[]): string {
  return String.raw({ raw: texts }, ...words);
}

function mapValues<K extends string, A, B>(
  values: Readonly<Record<K, A>>,
  map: (value: A) => B,
): Record<K, B> {
  return Object.fromEntries(Object.entries<A>(values).map(([key, value]) => [key, map(value)])) as Record<
    K,
    B
  >;
}

function mean(values: Uint8Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
