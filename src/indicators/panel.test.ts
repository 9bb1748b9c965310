// Panels of series, in one run, bar by bar and off-thread: the bits of each series alone; and what the border refuses.
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import {
  BackendUnavailableError,
  InvalidOptionError,
  NonFiniteInputError,
  ShapeMismatchError,
} from '../core/errors.ts';
import { buildInfo, kernels, pool } from '../native/index.ts';
import {
  type AnyIndicator,
  compute,
  computePanel,
  computePanelAsync,
  INDICATORS,
  INPUTS,
  type InputName,
  indicator,
  macd,
  open,
  openAndFill,
  openPanel,
  type Panel,
  sma,
} from './index.ts';
import { IndicatorRun, indicatorAddon } from './native-run.ts';
import { type Columns, map, row, sameBits, walk } from './test-series.ts';

/** Several walks as columns of one panel. */
function panelOf(bars: number, series: number): { own: Columns[]; panel: Panel<Float64Array> } {
  const own = Array.from({ length: series }, (_, s) => walk(bars, s + 1, 50 + s));
  const inputs = Object.fromEntries(
    INPUTS.map((name) => [
      name,
      Float64Array.from({ length: bars * series }, (_, i) => own[i % series]![name][Math.floor(i / series)]!),
    ]),
  );
  return { own, panel: { bars, series, inputs } };
}

const column = (panel: Float64Array, series: number, at: number): Float64Array =>
  panel.filter((_, i) => i % series === at);

/** Row `bar` of every input. */
const rowOf = (panel: Panel<Float64Array>, bar: number): Record<InputName, Float64Array> =>
  Object.fromEntries(
    INPUTS.map((name) => [name, panel.inputs[name]!.slice(bar * panel.series, (bar + 1) * panel.series)]),
  ) as Record<InputName, Float64Array>;

/** A sixth of each default, so that a short panel is past every warm-up. */
const short = (def: AnyIndicator): Record<string, number> => {
  const names = Object.entries(def.options).filter(([, { type }]) => type === 'int');
  return Object.fromEntries(names.map(([name, { min, max }], i) => [name, Math.min(max, min + 2 + i)]));
};

for (const def of INDICATORS) {
  describe(`${def.name} over a panel`, () => {
    const { own, panel } = panelOf(80, 67);
    const options = short(def);
    const whole = computePanel(def, options, panel).outputs;

    test('has the bits of each series alone', () => {
      for (const s of [0, 15, 16, 63, 64, 66]) {
        const alone = compute(def, options, own[s]!);
        for (const output of Object.keys(def.outputs))
          expect(sameBits(column(whole[output]!, panel.series, s), alone[output]!)).toBe(true);
      }
    });

    test('has the same bits bar by bar, remembers nothing of a row it was only shown, and off-thread', async () => {
      const stream = openPanel(def, options, panel.series);
      for (let bar = 0; bar < panel.bars; bar++) {
        stream.peek(rowOf(panel, panel.bars - 1 - bar));
        const peeked = stream.peek(rowOf(panel, bar)).slice();
        const values = stream.update(rowOf(panel, bar));
        expect(sameBits(peeked, values)).toBe(true);
        for (const [k, output] of stream.outputs.entries()) {
          const at = bar * panel.series;
          const expected = whole[output]!.subarray(at, at + panel.series);
          expect(sameBits(values.subarray(k * panel.series, (k + 1) * panel.series), expected)).toBe(true);
        }
      }
      const { outputs: later } = await computePanelAsync(def, options, panel);
      for (const output of Object.keys(def.outputs))
        expect(sameBits(later[output]!, whole[output]!)).toBe(true);
    });

    test('goes on where a history ends', () => {
      const { stream, outputs } = openAndFill(
        def,
        options,
        map(own[3]!, (values) => values.subarray(0, 50)),
      );
      const all = compute(def, options, own[3]!);
      for (const name of stream.outputs)
        expect(sameBits(outputs[name as keyof typeof outputs]!, all[name]!.subarray(0, 50))).toBe(true);
      for (let bar = 50; bar < 80; bar++) {
        const values = stream.update(row(own[3]!, bar));
        for (const [k, name] of stream.outputs.entries())
          expect(Object.is(values[k], all[name]![bar])).toBe(true);
      }
    });

    test('is of single precision when the inputs are, with the bits of a single series', () => {
      const single = (columns: Partial<Record<InputName, Float64Array>>) =>
        Object.fromEntries(
          Object.entries(columns).map(([name, values]) => [name, Float32Array.from(values)]),
        );
      const f32 = computePanel(def, options, { ...panel, inputs: single(panel.inputs) }).outputs;
      const alone = computePanel(def, options, { bars: 80, series: 1, inputs: single(own[9]!) }).outputs;
      for (const output of Object.keys(def.outputs)) {
        expect(f32[output]).toBeInstanceOf(Float32Array);
        const values = f32[output]!.filter((_, i) => i % panel.series === 9);
        expect(values.every((value, i) => Object.is(value, alone[output]![i]))).toBe(true);
      }
    });

    test('says where an input is not finite, and takes nothing of such a row', () => {
      for (const name of def.inputs) {
        const inputs = {
          ...panel.inputs,
          [name]: panel.inputs[name]!.with(30 * panel.series + 65, Number.NaN),
        };
        expect(() => computePanel(def, options, { ...panel, inputs })).toThrow(NonFiniteInputError);
        const stream = openPanel(def, options, panel.series);
        for (let bar = 0; bar < 40; bar++) {
          const good = rowOf(panel, bar);
          const bad = { ...good, [name]: good[name].with(65, Number.POSITIVE_INFINITY) };
          expect(() => stream.update(bad)).toThrow(NonFiniteInputError);
          const values = stream.update(good);
          const at = bar * panel.series;
          const expected = whole[stream.outputs[0]!]!.subarray(at, at + panel.series);
          expect(sameBits(values.subarray(0, panel.series), expected)).toBe(true);
        }
      }
    });
  });
}

test('the addon has every definition, with its columns, outputs and options', () => {
  const rows = new Map(
    indicatorAddon()
      .indicators()
      .map((entry) => [entry.name, entry]),
  );
  for (const def of INDICATORS) {
    expect(rows.get(def.name)).toEqual({
      name: def.name,
      inputs: [...def.inputs],
      outputs: Object.keys(def.outputs).length,
      options: Object.values(def.options).map(({ type, min, max }) => ({
        integer: type === 'int',
        min,
        max,
      })),
    });
  }
  expect(rows.size).toBe(INDICATORS.length);
  const table = kernels().slice(-INDICATORS.length);
  expect(table.map(({ id }) => id)).toEqual(INDICATORS.map(({ name }) => name));
  for (const { shape, dtypes } of table) {
    expect(shape).toMatch(/^\[bars, series\].* -> \[bars, series\]/);
    expect(dtypes).toEqual(['f64', 'f32']);
  }
});

test('a panel of wrong shape, element type or memory is refused by class, before work starts', () => {
  const { panel } = panelOf(10, 3);
  const rsi = indicator('rsi');
  const refused = (change: object) => () =>
    computePanel(rsi, {}, { ...panel, ...change } as Panel<Float64Array>);
  expect(refused({ bars: 9 })).toThrow(ShapeMismatchError);
  expect(refused({ bars: -1 })).toThrow(InvalidOptionError);
  expect(refused({ series: 1.5 })).toThrow(InvalidOptionError);
  expect(refused({ inputs: {} })).toThrow(ShapeMismatchError);
  expect(refused({ inputs: { close: new Int32Array(30) } })).toThrow(InvalidOptionError);
  expect(refused({ outputs: { rsi: new Float64Array(29) } })).toThrow(ShapeMismatchError);
  expect(refused({ outputs: { rsi: new Float32Array(30) } })).toThrow(InvalidOptionError);
  expect(refused({ outputs: { rsi: panel.inputs.close } })).toThrow(InvalidOptionError);
  const shared = new Float64Array(new SharedArrayBuffer(240));
  expect(refused({ inputs: { close: shared } })).toThrow(InvalidOptionError);
  const detached = new Float64Array(30);
  structuredClone(detached.buffer, { transfer: [detached.buffer] });
  expect(refused({ outputs: { rsi: detached } })).toThrow(InvalidOptionError);
  expect(refused({ bars: 0, inputs: { close: new Float64Array(0) } })().outputs).toEqual({
    rsi: new Float64Array(0),
  });
  expect(refused({ backend: 'gpu' })).toThrow(InvalidOptionError);
  expect(() => openPanel(rsi, {}, 0)).toThrow(InvalidOptionError);
  expect(() => openPanel(rsi, {}, 2).update({ close: new Float64Array(3) })).toThrow(ShapeMismatchError);
});

test('the border refuses random arguments with a code, and never crashes', () => {
  const addon = indicatorAddon();
  const value = fc.oneof(
    fc.double(),
    fc.integer({ min: -3, max: 60 }),
    fc.constant(undefined),
    fc.string(),
    fc.array(fc.double({ noNaN: false }), { maxLength: 9 }).map((numbers) => Float64Array.from(numbers)),
    fc.nat(40).map((length) => new Float32Array(length)),
    fc.array(fc.constant(new Float64Array(4)), { maxLength: 5 }),
  );
  const call = fc.array(value, { maxLength: 8 });
  const exports = ['indicatorRun', 'indicatorOpen', 'indicatorStateLength'] as const;
  fc.assert(
    fc.property(fc.constantFrom(...exports), call, (name, given) => {
      try {
        (addon[name] as (...values: unknown[]) => unknown)(...given);
      } catch (thrown) {
        expect((thrown as { code?: string }).code).toMatch(/^k(InvalidOption|Shape|NonFinite)$/);
      }
    }),
    { numRuns: 2000 },
  );
});

test('options that contradict each other, past the checks in front, still fill every bar', () => {
  const columns = INPUTS.map((name) => walk(64)[name]);
  fc.assert(
    fc.property(
      fc.constantFrom(...INDICATORS),
      fc.array(fc.nat(40), { minLength: 8, maxLength: 8 }),
      (def, given) => {
        const options = Object.fromEntries(
          Object.entries(def.options).map(([name, { min, max }], at) => [
            name,
            Math.min(max, min + given[at]!),
          ]),
        );
        const run = new IndicatorRun([[def, options]], 1, Float64Array);
        const outputs = Object.keys(def.outputs).map(() => new Float64Array(64).fill(-777));
        run.run(64, columns, outputs);
        // Every bar was written.
        for (const values of outputs) expect(values.every((value) => value !== -777)).toBe(true);
      },
    ),
    { numRuns: 3000 },
  );
});

test('a panel larger than any cache has the bits of each series alone', () => {
  const [bars, series] = [33_000, 128];
  const { close } = walk(bars + series);
  const memory = pool.scope();
  const panel = memory.take('f64', bars * series);
  for (let i = 0; i < panel.length; i++) panel[i] = close[Math.floor(i / series) + (i % series)]!;
  const outputs = Object.fromEntries(
    Object.keys(macd.outputs).map((name) => [name, memory.take('f64', bars * series)]),
  );
  computePanel(macd as unknown as AnyIndicator, undefined, {
    bars,
    series,
    inputs: { close: panel },
    outputs,
  });
  for (const at of [0, 63, 64, 127]) {
    const alone = compute(macd, undefined, { close: close.slice(at, at + bars) });
    for (const [name, values] of Object.entries(alone))
      expect(sameBits(column(outputs[name]!, series, at), values)).toBe(true);
  }
  memory.release();
});

test('says what ran it, and refuses a backend that has no such row', async () => {
  const { panel } = panelOf(10, 3);
  const rsi = indicator('rsi');
  for (const backend of ['auto', 'cpu'] as const) {
    const { backend: ran, target } = computePanel(rsi, {}, { ...panel, backend });
    expect({ ran, target }).toEqual({ ran: 'cpu', target: buildInfo().simdTarget });
  }
  const metal = { ...panel, backend: 'metal' } as const;
  expect(() => computePanel(rsi, {}, metal)).toThrow(BackendUnavailableError);
  expect(await computePanelAsync(rsi, {}, metal).catch((error: Error) => error.name)).toBe(
    'BackendUnavailableError',
  );
});

test('a run whose caller has given up ends, whatever its shape, and so does one that is given up before', async () => {
  // One of each way to run: bar by bar, in parts, by windows; panels and series alone.
  for (const name of ['rsi', 'obv', 'stochastic', 'williams', 'bollinger']) {
    for (const series of [1, 64, 640]) {
      const bars = Math.floor(64_000 / series);
      const def = indicator(name);
      const addon = indicatorAddon();
      const number = INDICATORS.findIndex((one) => one.name === name);
      const options = Object.values(def.options).map(({ default: value }) => value);
      const parts = Float64Array.of(number, ...options);
      const state = new Float64Array(addon.indicatorStateLength(parts, 2, series));
      const inputs = INPUTS.map(() => new Float64Array(bars * series).fill(1));
      const outputs = Object.keys(def.outputs).map(() => new Float64Array(bars * series));
      const call = [parts, series, 0, bars, state, inputs, outputs, 0] as const;
      const given = addon.indicatorRunAsync(...call, Uint32Array.of(1));
      expect([name, series, await given.catch((error: { code: string }) => error.code)]).toEqual([
        name,
        series,
        'kCancelled',
      ]);
      expect(await addon.indicatorRunAsync(...call, Uint32Array.of(0))).toBe(1);
    }
  }
  const { panel } = panelOf(10, 3);
  const gone = computePanelAsync(indicator('rsi'), {}, panel, AbortSignal.abort());
  expect(await gone.catch((error: Error) => error.name)).toBe('CancelledError');
});

test('a stream whose bars are many stays in constant memory', () => {
  const stream = open(sma, { period: 50 });
  const before = process.memoryUsage().rss;
  for (let i = 0; i < 200_000; i++) stream.update({ close: 100 + (i % 13) });
  expect(process.memoryUsage().rss - before).toBeLessThan(64 * 2 ** 20);
  expect(stream.bars).toBe(200_000);
});
