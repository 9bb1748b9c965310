// The feature vector: each feature is its indicator, missing ones are null, model inputs do not depend on the scale.
import { describe, expect, test } from 'bun:test';
import { gunzipSync } from 'bun';
import { sharedData } from '../../test/shared-data.ts';
import { NonFiniteInputError } from '../core/errors.ts';
import {
  atr,
  bollinger,
  compute,
  ema,
  FEATURE_BARS,
  FEATURES,
  type FeatureName,
  FeatureStream,
  type FeatureValues,
  INPUTS,
  MODEL_INPUTS,
  macd,
  modelInputs,
  rsi,
} from './index.ts';
import { type Columns, map, row, walk } from './test-series.ts';

const btc = sharedData('btc-perp-1min-ohlcv-2022-01.csv.gz');

/** What the features have to be, from the indicators run one by one over the whole series. */
function expected(prices: Columns): Record<FeatureName, Float64Array> {
  const line = compute(macd, { fast: 12, slow: 26, signal: 9 }, prices);
  const bands = compute(bollinger, { period: 20, deviations: 2 }, prices);
  const average = (period: number): Float64Array => compute(ema, { period }, prices).ema;
  return {
    rsi_14: compute(rsi, { period: 14 }, prices).rsi,
    ema_12: average(12),
    ema_26: average(26),
    ema_50: average(50),
    ema_200: average(200),
    macd: line.macd,
    macd_signal: line.signal,
    macd_histogram: line.histogram,
    bb_upper: bands.upper,
    bb_middle: bands.middle,
    bb_lower: bands.lower,
    atr_14: compute(atr, { period: 14 }, prices).atr,
  };
}

function run(prices: Columns): (FeatureValues | null)[] {
  const stream = new FeatureStream();
  return Array.from(prices.close, (_, i) => stream.update(row(prices, i)));
}

function check(prices: Columns): void {
  const columns = expected(prices);
  for (const [i, features] of run(prices).entries()) {
    for (const name of FEATURES) {
      const value = columns[name][i] as number;
      const ours = features === null ? null : features[name];
      if (!Object.is(ours, Number.isNaN(value) ? null : value))
        throw new Error(`${name} differs at bar ${i}`);
    }
  }
}

describe('FeatureStream', () => {
  test('gives every feature the bits of its indicator, and null before it exists', () => check(walk(400)));

  test.skipIf(btc === null)('does so on a real market too (skipped without the shared data)', async () => {
    const text = new TextDecoder().decode(gunzipSync(await Bun.file(btc as string).bytes()));
    const rows = text.split('\n').slice(1, 2001);
    const column = (at: number): Float64Array =>
      Float64Array.from(rows, (line) => Number(line.split(',')[at]));
    const columns = Object.fromEntries(INPUTS.map((name, i) => [name, column(i + 1)])) as Columns;
    check(columns);
    expect(columns.close).toHaveLength(2000);
  });

  test('lists its features in order, the first of them at the twelfth bar and all from bar 200', () => {
    const features = run(walk(220));
    expect(Object.keys(features.at(-1) as FeatureValues)).toEqual([...FEATURES]);
    expect(features.findIndex((values) => values !== null)).toBe(11);
    const complete = (values: FeatureValues | null): boolean =>
      values !== null && Object.values(values).every((value) => value !== null);
    expect(features.findIndex(complete)).toBe(FEATURE_BARS - 1);
  });

  test('refuses a bar with NaN in any column and remembers nothing of it', () => {
    const prices = walk(260);
    const clean = run(prices);
    const stream = new FeatureStream();
    for (let i = 0; i < 260; i++) {
      for (const input of INPUTS) {
        expect(() => stream.update({ ...row(prices, i), [input]: Number.NaN })).toThrow(NonFiniteInputError);
      }
      expect(stream.update(row(prices, i))).toEqual(clean[i] as FeatureValues | null);
    }
  });
});

describe('modelInputs', () => {
  const prices = walk(300);
  const features = run(prices);
  const bar = row(prices, 299);
  const full = features[299] as FeatureValues;

  test('is null until every feature exists, then one number per name', () => {
    const inputs = features.map((values, i) => modelInputs(row(prices, i), values));
    expect(inputs.findIndex((values) => values !== null)).toBe(FEATURE_BARS - 1);
    for (const values of inputs.slice(FEATURE_BARS - 1)) {
      expect(values).toHaveLength(MODEL_INPUTS.length);
      expect(values?.every(Number.isFinite)).toBe(true);
    }
  });

  test('follows its formulas', () => {
    const f = full as Record<FeatureName, number>;
    expect(Array.from(modelInputs(bar, full) as Float64Array)).toEqual([
      f.rsi_14 / 100 - 0.5,
      (bar.close - f.ema_12) / f.atr_14,
      (f.ema_12 - f.ema_26) / f.atr_14,
      (f.ema_50 - f.ema_200) / f.atr_14,
      f.macd_histogram / f.atr_14,
      (bar.close - f.bb_lower) / (f.bb_upper - f.bb_lower) - 0.5,
      f.atr_14 / bar.close,
    ]);
  });

  test('does not change when all prices are scaled by a power of two', () => {
    const scaled = map(prices, (column) => column.map((value) => value / 1024));
    const last = run(scaled).at(-1) as FeatureValues;
    expect(modelInputs(row(scaled, 299), last)).toEqual(modelInputs(bar, full));
  });

  test('is null without movement or without a positive close, and centred when only the bands touch', () => {
    expect(modelInputs(bar, { ...full, atr_14: 0 })).toBeNull();
    expect(modelInputs({ close: 0 }, full)).toBeNull();
    expect(modelInputs(bar, null)).toBeNull();
    for (const name of ['rsi_14', 'ema_200', 'macd_histogram', 'bb_lower', 'atr_14'] as const) {
      expect(modelInputs(bar, { ...full, [name]: null })).toBeNull();
    }
    expect(modelInputs(bar, { ...full, bb_upper: 7, bb_lower: 7 })?.[5]).toBe(0);
  });
});
