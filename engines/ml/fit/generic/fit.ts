// The models that answer for any symbol, from bars to files: fit, calibrate, score out of sample, and write graph, card and prose.

import { familyOf } from '../../../../src/learning/families.ts';
import type { Family } from '../../../../src/learning/family.ts';
import { type GenericType, genericId } from '../../../../src/learning/templates/generic.ts';
import { SIGNAL_INPUTS } from '../../../../src/learning/templates/inputs.ts';
import type { ValidationData } from '../../../../src/learning/validation/data.ts';
import { validationReport } from '../../../../src/learning/validation/report.ts';
import type { ScoreGroup } from '../../../../src/learning/validation/score-group.ts';
import { type TrainedModel, trainAndTest } from '../../../../src/learning/validation/train-and-test.ts';
import { encodeModel } from '../../../../src/onnx/graph.ts';
import { type ModelCard, modelCardSchema } from '../../../../src/onnx/model-card.ts';
import { sha256 } from '../../../../src/onnx/registry.ts';
import { digits, iso, type ModelFiles, modelFiles } from '../files.ts';
import type { PanelFile } from './panel.ts';
import { genericReadme } from './readme.ts';
import { type Horizon, rowsOf } from './rows.ts';

/** Horizons of the generic models. */
export const HORIZONS: Readonly<Record<'15m' | '1h' | '1d', Horizon>> = {
  '15m': { name: '15m', bars: 3, intervalUs: 300e6, exact: true, quoteUsd: 12_000 },
  '1h': { name: '1h', bars: 12, intervalUs: 300e6, exact: true, quoteUsd: 12_000 },
  '1d': { name: '1d', bars: 1, intervalUs: 86_400e6, exact: false, quoteUsd: 1 },
};

const SHARES = { test: 0.3, calibration: 0.2, stopping: 0 };
const LEVEL = 0.9;
const SCORE_LEVEL = 0.95;
const RESAMPLES = 500;
const SEED = 1;
const OPTIONS: Readonly<Record<GenericType, { family: string; options: Record<string, number> }>> = {
  trading_signals: { family: 'logistic', options: { l2: 1 } },
  price_prediction: { family: 'ridge', options: { alpha: 1 } },
};

/**
 * Returns the files of one generic model: a pure function of the bars. Nothing is chosen by the test rows; the width of "hold" is that
 * of the smallest third of the moves among the rows before them. Throws what `trainAndTest` throws.
 */
export async function fitGeneric(
  type: GenericType,
  panel: readonly PanelFile[],
  horizon: Horizon,
): Promise<ModelFiles> {
  const { family: name, options } = OPTIONS[type];
  const family: Family = familyOf(name);
  const series = panel.flatMap((file) => file.series);
  const returns = rowsOf(series, horizon);
  const isSignal = type === 'trading_signals';
  const hold = isSignal ? holdWidth(returns.targets) : null;
  const data = hold === null ? returns : { ...returns, ...classesOf(returns.targets, hold) };
  const task = isSignal ? 'classification' : 'regression';
  const candidate = {
    family,
    task,
    options: family.options.parse(options),
    ...(isSignal && {
      calibration: { kind: 'temperature', held_out_fraction: SHARES.calibration } as const,
    }),
  } as const;
  const model = await trainAndTest(candidate, data, SHARES, LEVEL, { seed: SEED, threads: 1 });
  const { paths, interval_method } = await validationReport(model.result, data, {
    resamples: RESAMPLES,
    level: SCORE_LEVEL,
    seed: SEED,
  });
  const graph = encodeModel(model.fitted.model);
  const card = cardOf(
    { type, panel, horizon, hold, data, model, graph, interval_method, options },
    paths[0]!.groups,
  );
  return modelFiles(card, graph, genericReadme(card));
}

// Sell, hold, buy.
function classesOf(targets: Float32Array, hold: number) {
  return { targets: targets.map((change) => (change < -hold ? 0 : change > hold ? 2 : 1)), classes: 3 };
}

/** The move that a third of the moves before the test rows do not pass, to two digits. */
function holdWidth(targets: Float32Array): number {
  const before = targets.slice(0, Math.floor(targets.length * (1 - SHARES.test)));
  const sizes = before.map(Math.abs).sort();
  return digits(sizes[Math.floor(sizes.length / 3)]!, 2);
}

interface CardParts {
  readonly type: GenericType;
  readonly panel: readonly PanelFile[];
  readonly horizon: Horizon;
  readonly hold: number | null;
  readonly data: ValidationData;
  readonly model: TrainedModel;
  readonly graph: Uint8Array;
  readonly interval_method: string;
  readonly options: Readonly<Record<string, number>>;
}

function cardOf(parts: CardParts, groups: Readonly<Record<string, ScoreGroup>>): ModelCard {
  const { type, panel, horizon, hold, data, model, graph, options } = parts;
  const { spans, rows } = data;
  const { rows: counts, result, interval, coverage } = model;
  const [fold] = result.folds;
  const files = panel.map(({ file, sha256: hash, series }) => ({
    file,
    sha256: hash,
    symbol: series.map(({ symbol }) => symbol).join(' '),
  }));
  const [first, ...more] = files;
  const last = iso(spans.endUs.reduce((a, b) => Math.max(a, b)));
  const ahead = horizon.name;
  return modelCardSchema.parse({
    model_id: genericId(type, horizon.name),
    model_type: hold === null ? 'regression' : 'classification',
    version: '1.0.0',
    algorithm:
      hold === null ? 'ridge regression' : 'logistic regression of three classes, calibrated by temperature',
    inputs: SIGNAL_INPUTS.map((input) => ({ name: input.name, formula: input.formula })),
    output: {
      name: 'output',
      ...(hold !== null && { classes: ['SELL', 'HOLD', 'BUY'] }),
      meaning:
        hold === null
          ? `expected logarithmic return over ${ahead}`
          : `probabilities of a logarithmic return below -${hold}, between, and above ${hold} over ${ahead}: sell, hold, buy`,
    },
    serving: {
      target: { kind: hold === null ? 'log_return' : 'signal', column: 'price_data', horizon: ahead },
      ...(interval
        ? { interval: { level: interval.level, margin: digits(interval.margin, 6) } }
        : { calibrated: true }),
    },
    trained_on: {
      ...first!,
      ...(more.length > 0 && { more }),
      interval_us: horizon.intervalUs,
      rows,
      from: iso(spans.startUs[0]!),
      to: last,
    },
    hyperparameters: {
      ...options,
      horizon_bars: horizon.bars,
      usd_per_quote: horizon.quoteUsd,
      ...(hold !== null && { hold_below: hold }),
    },
    split: {
      train_fraction: 1 - SHARES.test,
      embargo_bars: horizon.bars,
      train: {
        rows: counts.fit + counts.calibration,
        from: iso(spans.startUs[0]!),
        to: iso(spans.startUs[rows - counts.test - 1]!),
      },
      test: { rows: counts.test, from: iso(fold!.test_from_us), to: iso(fold!.test_to_us) },
    },
    seed: { value: SEED, used_for: 'the bootstrap intervals; nothing is random in the fit' },
    out_of_sample: scores(groups, coverage, parts.interval_method),
    artefact: { file: 'model.onnx', sha256: sha256(graph), bytes: graph.length },
    created: last.slice(0, 10),
    licence: 'Apache-2.0, as this project; the price data are not included',
  });
}

// Scores by the names that trained versions have; of each naive forecast its own, and by how much it is beaten.
function scores(groups: Readonly<Record<string, ScoreGroup>>, coverage: number | null, method: string) {
  const metrics: Record<string, number> = {};
  const intervals: ModelCard['out_of_sample']['intervals'] = {};
  const put = (name: string, value: number | null, range?: { low: number | null; high: number | null }) => {
    if (value === null) return;
    metrics[name] = digits(value, 6);
    if (range?.low == null || range.high == null) return;
    intervals[name] = { low: digits(range.low, 6), high: digits(range.high, 6), level: SCORE_LEVEL, method };
  };
  for (const [group, { scores: own, baselines }] of Object.entries(groups)) {
    for (const [name, { value, interval }] of Object.entries(own)) put(`${group}.${name}`, value, interval);
    for (const [naive, its] of Object.entries(baselines)) {
      for (const [name, { value }] of Object.entries(its.scores)) put(`${group}.${naive}.${name}`, value);
      for (const [name, { value, interval }] of Object.entries(its.advantage))
        put(`${group}.${naive}.${name}.advantage`, value, interval);
    }
  }
  if (coverage !== null) metrics['interval.test_coverage'] = digits(coverage, 6);
  return { metrics, intervals };
}
