import { describe, expect, test } from 'bun:test';
import { DivergedError, InvalidOptionError } from '../../core/errors.ts';
import { type TargetSpec, targetSchema } from '../tables/target.ts';
import {
  checkMetric,
  defaultMetric,
  lossOf,
  METRIC_NAMES,
  METRICS,
  metricsOf,
  scoreOfLoss,
  scoresOf,
} from './metric.ts';
import { testSet } from './test-table.ts';

const ROWS = 300;
const rows = Uint32Array.from({ length: ROWS }, (_, i) => i);
const TARGETS: Readonly<Record<TargetSpec['kind'], TargetSpec>> = {
  none: targetSchema.parse({ kind: 'none' }),
  value: targetSchema.parse({ kind: 'value' }),
  log_return: targetSchema.parse({ kind: 'log_return' }),
  direction: targetSchema.parse({ kind: 'direction' }),
  signal: targetSchema.parse({ kind: 'signal', buy_above: 0.002, sell_below: -0.002 }),
  volatility: targetSchema.parse({ kind: 'volatility', horizon: 5 }),
};

/** Forecasts that know the truth in the share `known` of the rows, spread over all of them, and its opposite in the others. */
function forecastsOf(kind: 'log_return' | 'direction' | 'signal', known: number) {
  const { data } = testSet(ROWS, kind);
  const width = data.classes ?? 1;
  const predictions = new Float64Array(ROWS * width);
  for (let row = 0; row < ROWS; row++) {
    const right = (row * 7) % 10 < known * 10;
    const target = data.targets![row]!;
    if (width === 1) predictions[row] = right ? target : -target;
    else {
      const said = right ? target : width - 1 - target;
      for (let one = 0; one < width; one++)
        predictions[row * width + one] = one === said ? 0.8 : 0.2 / (width - 1);
    }
  }
  return { data, forecasts: { width, rows, predictions } };
}

describe('metrics of a search', () => {
  test('are better the more of the truth is known, each in its direction', () => {
    for (const kind of ['log_return', 'direction', 'signal'] as const) {
      const context = { target: TARGETS[kind], costBps: 1 };
      const [much, little] = [0.9, 0.5].map((known) => {
        const { data, forecasts } = forecastsOf(kind, known);
        return scoresOf(forecasts, data, context);
      });
      expect(Object.keys(much!)).toEqual(metricsOf(context.target));
      for (const name of metricsOf(context.target)) {
        expect([kind, name, lossOf(name, much!) < lossOf(name, little!)]).toEqual([kind, name, true]);
        expect(scoreOfLoss(name, lossOf(name, much!))).toBe(much![name]!);
      }
    }
  });

  test('hold what three classes say: short, nothing or long', () => {
    const { data, forecasts } = forecastsOf('signal', 1);
    const context = { target: TARGETS.signal, costBps: 0 };
    const perfect = scoresOf(forecasts, data, context).sharpe_ratio!;
    const flat = {
      ...forecasts,
      predictions: Float64Array.from({ length: ROWS * 3 }, (_, i) => (i % 3 === 1 ? 0.8 : 0.1)),
    };
    expect(perfect).toBeGreaterThan(1);
    expect(scoresOf(flat, data, { ...context, costBps: 5 }).sharpe_ratio).toBe(0);
    const net = data.targets!.reduce((sum, label, row) => sum + (label - 1) * data.returns![row]!, 0) / ROWS;
    const squares = data.targets!.reduce(
      (sum, label, row) => sum + ((label - 1) * data.returns![row]! - net) ** 2,
      0,
    );
    // Daily rows without weekends: 365 a year.
    expect(perfect).toBeCloseTo((net / Math.sqrt(squares / (ROWS - 1))) * Math.sqrt(365.25), 0);
  });

  test('are told without the Sharpe ratio where labels are longer than the tested rows', () => {
    const { data, forecasts } = forecastsOf('direction', 0.8);
    const endUs = data.spans.endUs.map((end) => end + 1000 * 86_400e6);
    const long = { ...data, spans: { ...data.spans, endUs } };
    const scores = scoresOf(forecasts, long, { target: TARGETS.direction, costBps: 1 });
    expect(scores.sharpe_ratio).toBeNull();
    expect(Object.values(scores).filter((score) => score === null)).toHaveLength(1);
  });

  test('cost what is traded', () => {
    const { data, forecasts } = forecastsOf('direction', 0.8);
    const sharpe = (costBps: number) =>
      scoresOf(forecasts, data, { target: TARGETS.direction, costBps }).sharpe_ratio!;
    expect(sharpe(20)).toBeLessThan(sharpe(0));
  });

  test('stay finite for forecasts that are certain and wrong, and say 0 of those that never move', () => {
    const { data, forecasts } = forecastsOf('direction', 0.5);
    const sure = {
      ...forecasts,
      predictions: Float64Array.from(forecasts.predictions, (p) => (p > 0.5 ? 1 : 0)),
    };
    const context = { target: TARGETS.direction, costBps: 1 };
    // Half of the rows, each with the least probability of float32: -log(2^-23).
    expect(scoresOf(sure, data, context).log_loss!).toBeCloseTo(0.5 * 23 * Math.LN2, 5);
    const still = { ...forecasts, predictions: new Float64Array(ROWS * 2).fill(0.5) };
    expect(scoresOf(still, data, context)).toMatchObject({ ic: 0, rank_ic: 0, auc: 0.5 });
  });

  test('are those of the group that is asked for alone', () => {
    const { data, forecasts } = forecastsOf('direction', 0.8);
    const context = { target: TARGETS.direction, costBps: 1 };
    const all = scoresOf(forecasts, data, context);
    for (const name of metricsOf(TARGETS.direction))
      expect(scoresOf(forecasts, data, context, [name])).toEqual({ [name]: all[name]! });
  });

  test('are refused where they do not fit the target, and where they are not defined', () => {
    const fitting = Object.fromEntries(
      Object.entries(TARGETS).map(([kind, target]) => [kind, metricsOf(target)]),
    );
    expect(fitting.none).toEqual([]);
    expect(fitting.value).toEqual(['rmse', 'mae', 'r2']);
    expect(fitting.volatility).toEqual(['rmse', 'mae', 'r2']);
    expect(fitting.log_return).toEqual(['sharpe_ratio', 'rmse', 'mae', 'r2', 'ic', 'rank_ic', 'hit_rate']);
    for (const kind of ['direction', 'signal'] as const)
      expect(fitting[kind]).toEqual(METRIC_NAMES.filter((name) => METRICS[name].group !== 'regression'));
    for (const target of Object.values(TARGETS)) {
      for (const name of METRIC_NAMES) {
        if (metricsOf(target).includes(name)) expect(() => checkMetric(name, target)).not.toThrow();
        else expect(() => checkMetric(name, target)).toThrow(InvalidOptionError);
      }
      if (target.kind !== 'none') expect(metricsOf(target)).toContain(defaultMetric(target));
    }
    expect(() => lossOf('auc', { auc: null })).toThrow(DivergedError);
    expect(() => lossOf('auc', {})).toThrow(DivergedError);
  });
});
