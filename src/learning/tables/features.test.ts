// One definition of each feature: no kind looks ahead, and a table gives what a stream of bars gives, bit for bit.
import { describe, expect, test } from 'bun:test';
import { INPUTS } from '../../indicators/define.ts';
import { FeatureStream, MODEL_INPUTS, modelInputs } from '../../indicators/feature-set.ts';
import { INDICATORS } from '../../indicators/registry.ts';
import { open } from '../../indicators/stream.ts';
import { row as barOf, walk } from '../../indicators/test-series.ts';
import {
  computeFeatures,
  dependsOnStart,
  FEATURE_KINDS,
  type FeatureSpec,
  featureNames,
  featureSchema,
  lookBack,
} from './features.ts';
import type { Frame } from './frame.ts';
import { inputTable } from './input-rows.ts';
import { FEATURE_EXAMPLES } from './test-features.ts';

const BARS = 420;
const spec = (given: object): FeatureSpec => featureSchema.parse(given);
const EVERY = Object.values(FEATURE_EXAMPLES).flat();

/** Three series of bars; the second one misses some numbers. */
function panel(bars: number): Frame {
  const names = ['A', 'B', 'C'];
  const walks = names.map((_, k) => walk(bars, 5 + k));
  const rows = bars * names.length;
  const columns = new Map(
    INPUTS.map((name) => [
      name,
      Float64Array.from({ length: rows }, (_, row) => {
        const [bar, k] = [Math.floor(row / 3), row % 3];
        const isMissing = k === 1 && bar % 97 === 13 && name !== 'open';
        return isMissing ? Number.NaN : walks[k]![name][bar]!;
      }),
    ]),
  );
  return {
    rows,
    tsUs: Float64Array.from({ length: rows }, (_, row) => Math.floor(row / 3) * 60e6),
    series: names,
    seriesOf: Uint32Array.from({ length: rows }, (_, row) => row % 3),
    columns,
  };
}

/** A frame up to a time, all of the rest replaced by `after` or left away. */
function cut(frame: Frame, rows: number, after?: number): Frame {
  const length = after === undefined ? rows : frame.rows;
  const change = (values: Float64Array) =>
    Float64Array.from({ length }, (_, row) => (row < rows ? values[row]! : after!));
  return {
    ...frame,
    rows: length,
    tsUs: frame.tsUs.slice(0, length),
    seriesOf: frame.seriesOf.slice(0, length),
    columns: new Map([...frame.columns].map(([name, values]) => [name, change(values)])),
  };
}

const bits = (values: Float64Array) => Buffer.from(values.buffer, values.byteOffset, values.byteLength);
const whole = panel(BARS);
const all = computeFeatures(whole, EVERY);
const width = all.names.length;
/** Returns a column [bars] of the series `k` of the panel. */
const columnOf = (features: typeof all, column: number, k: number) =>
  Float64Array.from(
    { length: BARS },
    (_, bar) => features.values[(bar * 3 + k) * features.names.length + column]!,
  );

describe('every kind of feature', () => {
  test('is among the examples, and has a value somewhere', () => {
    expect(Object.keys(FEATURE_EXAMPLES).sort()).toEqual([...FEATURE_KINDS].sort());
    for (let column = 0; column < width; column++)
      expect([all.names[column], columnOf(all, column, 0).some(Number.isFinite)]).toEqual([
        all.names[column],
        true,
      ]);
  });

  test('of a row is the same, bit for bit, whatever comes after it', () => {
    for (const bars of [1, 2, 30, 201, 311, BARS - 1]) {
      const expected = bits(all.values.subarray(0, bars * 3 * width));
      expect(bits(computeFeatures(cut(whole, bars * 3), EVERY).values).equals(expected)).toBe(true);
      const strange = computeFeatures(cut(whole, bars * 3, 1e6 + bars), EVERY);
      expect(bits(strange.values.subarray(0, bars * 3 * width)).equals(expected)).toBe(true);
    }
  });

  test('has its first value where its look-back says, or sooner where that is a length of fading averages', () => {
    let column = 0;
    for (const one of EVERY) {
      for (const name of featureNames([one])) {
        const first = columnOf(all, column, 0).findIndex(Number.isFinite);
        const expected = one.kind === 'bars' ? lookBack(one) - 1 : lookBack(one);
        expect([name, first]).toEqual([name, expected]);
        column++;
      }
    }
  });

  test('that does not depend on the start of a series is the same from a later start, bit for bit', () => {
    const from = 300;
    const later: Frame = {
      ...whole,
      rows: (BARS - from) * 3,
      tsUs: whole.tsUs.slice(from * 3),
      seriesOf: whole.seriesOf.slice(from * 3),
      columns: new Map([...whole.columns].map(([name, values]) => [name, values.slice(from * 3)])),
    };
    const free = EVERY.filter((one) => !dependsOnStart(one));
    expect(free.length).toBeGreaterThan(15);
    const [long, short] = [computeFeatures(whole, free), computeFeatures(later, free)];
    let column = 0;
    for (const one of free) {
      for (const name of featureNames([one])) {
        for (let bar = lookBack(one); bar < BARS - from; bar++) {
          const at = (features: typeof long, row: number) =>
            features.values[row * long.names.length + column]!;
          const same = Object.is(at(short, bar * 3), at(long, (bar + from) * 3));
          expect([name, bar, same]).toEqual([name, bar, true]);
        }
        column++;
      }
    }
  });
});

describe('a table gives what the stream gives', () => {
  test.each(INDICATORS.map(({ name }) => name))('%s, passing over a bar with a gap', (name) => {
    const def = INDICATORS.find((one) => one.name === name)!;
    const one = spec({ kind: 'indicator', name });
    const features = computeFeatures(whole, [one]);
    for (const k of [0, 1]) {
      const stream = open(def);
      for (let bar = 0; bar < BARS; bar++) {
        const row = bar * 3 + k;
        const values = INPUTS.map((input) => [input, whole.columns.get(input)![row]!] as const);
        const known = values.every(([input, value]) => !def.inputs.includes(input) || Number.isFinite(value));
        const now = known ? stream.update(Object.fromEntries(values) as never) : null;
        for (let i = 0; i < features.names.length; i++) {
          const expected = now?.[i] ?? Number.NaN;
          const ours = features.values[row * features.names.length + i]!;
          if (!Object.is(ours, expected)) throw new Error(`${features.names[i]} differs at bar ${bar}`);
        }
      }
    }
  });

  test('the seven inputs of the stream', () => {
    const features = computeFeatures(whole, FEATURE_EXAMPLES.bars);
    const stream = new FeatureStream();
    const prices = walk(BARS, 5);
    for (let bar = 0; bar < BARS; bar++) {
      const now = barOf(prices, bar);
      const expected = modelInputs(now, stream.update(now)) ?? new Float64Array(7).fill(Number.NaN);
      expect([...features.values.subarray(bar * 3 * 7, bar * 3 * 7 + 7)]).toEqual([...expected]);
    }
    expect(features.names).toEqual(MODEL_INPUTS);
  });
});

describe('features', () => {
  const small = (close: number[], series = 1): Frame => ({
    rows: close.length,
    tsUs: Float64Array.from(close, (_, row) => Math.floor(row / series)),
    series: Array.from({ length: series }, (_, k) => String(k)),
    seriesOf: Uint32Array.from(close, (_, row) => row % series),
    columns: new Map([
      ['close', Float64Array.from(close)],
      ['half', Float64Array.from(close, (x) => x / 2)],
    ]),
  });
  const one = (frame: Frame, given: object) => [...computeFeatures(frame, [spec(given)]).values];

  test('are what their formulas say', () => {
    const frame = small([1, 2, 4, 3]);
    const nan = Number.NaN;
    expect(one(frame, { kind: 'difference', column: 'close', periods: 2 })).toEqual([nan, nan, 3, 1]);
    expect(one(frame, { kind: 'ratio', column: 'close', to: 'half' })).toEqual([2, 2, 2, 2]);
    expect(one(frame, { kind: 'ratio', column: 'close', to: 'close', lag: 1 })).toEqual([nan, 2, 2, 0.75]);
    expect(one(small([1, 0, 5]), { kind: 'ratio', column: 'close', to: 'close', lag: 1 })).toEqual([
      nan,
      0,
      nan,
    ]);
    const sma = { kind: 'indicator', name: 'sma', options: { period: 2 } };
    expect(one(frame, sma)).toEqual([nan, 1.5, 3, 3.5]);
    expect(one(frame, { ...sma, lag: 1, relative: true })).toEqual([nan, nan, 0.75, 0.75]);
  });

  test('of a cross-section compare the series of one time: pandas rank(pct=True), sample deviations', () => {
    const frame = small([3, 1, 3, Number.NaN, 7, 7, 7, Number.NaN, 1, 2, 3, 4], 4);
    const of = { kind: 'value', column: 'close' };
    const nan = Number.NaN;
    expect(one(frame, { kind: 'cross_section', of })).toEqual([
      ...[2.5 / 3, 1 / 3, 2.5 / 3, nan],
      ...[2 / 3, 2 / 3, 2 / 3, nan],
      ...[0.25, 0.5, 0.75, 1],
    ]);
    const z = one(frame, { kind: 'cross_section', of, method: 'z_score' });
    expect(z.slice(3, 8)).toEqual([nan, 0, 0, 0, nan]);
    expect(z[0]).toBeCloseTo(1 / Math.sqrt(3), 12);
    expect(z[11]).toBeCloseTo(1.5 / Math.sqrt(5 / 3), 12);
    for (const method of ['rank', 'z_score'])
      expect(one(small([5, 6]), { kind: 'cross_section', of, method })).toEqual([nan, nan]);
  });

  test('of a window of equal numbers are 0, with a missing number nothing', () => {
    const given = { kind: 'z_score', column: 'close', window: 3 };
    expect(one(small([0.1, 0.1, 0.1, 0.1]), given).slice(2)).toEqual([0, 0]);
    expect(one(small([1, Number.NaN, 2, 3, 4]), given).slice(2)).toEqual([Number.NaN, Number.NaN, 1]);
  });

  test('have names that tell them apart, and refuse the same one twice', () => {
    const given = [
      { kind: 'indicator', name: 'rsi' },
      { kind: 'indicator', name: 'rsi', options: { period: 7 }, lag: 1 },
      { kind: 'indicator', name: 'ema', options: { period: 50 }, relative: true },
      { kind: 'indicator', name: 'sma', options: { period: 5 }, column: 'volume' },
      { kind: 'indicator', name: 'macd', output: 'signal' },
      { kind: 'cross_section', of: { kind: 'value', column: 'x' } },
    ].map(spec);
    expect(featureNames(given)).toEqual([
      ...['rsi_14', 'rsi_7_lag_1', 'ema_50_to_close', 'volume_sma_5', 'macd_12_26_9_signal'],
      'x_cross_rank',
    ]);
    const twice = [
      spec({ kind: 'indicator', name: 'rsi' }),
      spec({ kind: 'indicator', name: 'rsi', options: { period: 14 } }),
    ];
    expect(() => featureNames(twice)).toThrow('rsi_14 twice');
  });

  test.each([
    [{ kind: 'indicator', name: 'oracle' }, 'name'],
    [{ kind: 'indicator', name: 'rsi', options: { period: 1 } }, 'options/period'],
    [{ kind: 'indicator', name: 'rsi', options: { length: 14 } }, 'options/length'],
    [{ kind: 'indicator', name: 'macd', options: { fast: 30, slow: 20 } }, 'options'],
    [{ kind: 'indicator', name: 'rsi', output: 'macd' }, 'output'],
    [{ kind: 'indicator', name: 'rsi', relative: true }, 'relative'],
    [{ kind: 'cross_section', of: { kind: 'bars' } }, 'of/kind'],
    [{ kind: 'ratio', column: 'close' }, 'to'],
  ])('%j is refused where it is wrong', (given, path) => {
    const { error } = featureSchema.safeParse(given);
    expect(error!.issues[0]!.path.join('/')).toStartWith(path);
  });

  test('of so many steps are those of the rows before, as training has them', () => {
    const table = inputTable(small([1, 2, 3, 4, 5, 6], 2), [spec({ kind: 'value', column: 'close' })], 2);
    const input = new Float32Array(2);
    expect([table.names, table.fill(3, input), [...input]]).toEqual([['close@-1', 'close'], 2, [2, 4]]);
    expect([table.fill(0, input), [...input]]).toEqual([1, [Number.NaN, 1]]);
  });
});
