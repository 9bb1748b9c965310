// The contract that every indicator of the registry keeps: outside values, stream, warm-up, options, edges and laws.
import { describe, expect, test } from 'bun:test';
import { existsSync, readdirSync } from 'node:fs';
import fc from 'fast-check';
import {
  InvalidOptionError,
  InvariantError,
  NonFiniteInputError,
  NotFoundError,
  ShapeMismatchError,
} from '../core/errors.ts';
import {
  type AnyIndicator,
  compute,
  defineIndicator,
  INDICATORS,
  INPUTS,
  type InputName,
  indicator,
  type OhlcvBar,
  open,
  schemaOf,
  warmupOf,
} from './index.ts';

interface Golden {
  source: { library: string; version: string; function: string };
  tolerance: { rel: number; abs: number; reason: string };
  inputs: Partial<Record<InputName, number[]>>;
  cases: { options: Record<string, number>; outputs: Record<string, (number | null)[]> }[];
}
type Columns = Record<InputName, Float64Array>;

/** Holds when both are equal to the last bit, NaN with NaN; `toEqual` says no to NaN inside typed arrays. */
const sameBits = (a: Float64Array, b: Float64Array): boolean =>
  a.length === b.length && a.every((v, i) => Object.is(v, b[i]));
const folder = (name: string): string => `${import.meta.dir}/${name}`;
const same = (a: number, b: number): boolean => Object.is(a, b);
const defaults = (def: AnyIndicator): Record<string, number> =>
  schemaOf(def).parse({}) as Record<string, number>;

/** A seeded walk whose bars are consistent: low <= open, close <= high. */
function walk(length: number, seed = 1, start = 100): Columns {
  const columns = Object.fromEntries(INPUTS.map((name) => [name, new Float64Array(length)])) as Columns;
  let state = seed;
  const uniform = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
  let close = start;
  for (let i = 0; i < length; i++) {
    const previous = close;
    close = previous * (1 + 0.02 * (uniform() - 0.5));
    columns.open[i] = previous;
    columns.close[i] = close;
    columns.high[i] = Math.max(previous, close) * (1 + 0.005 * uniform());
    columns.low[i] = Math.min(previous, close) * (1 - 0.005 * uniform());
    columns.volume[i] = 1000 * uniform();
  }
  return columns;
}

const row = (columns: Columns, i: number): OhlcvBar =>
  Object.fromEntries(INPUTS.map((name) => [name, columns[name][i] as number])) as OhlcvBar;
const map = (columns: Columns, change: (column: Float64Array) => Float64Array): Columns =>
  Object.fromEntries(INPUTS.map((name) => [name, change(columns[name])])) as Columns;

test('every folder with a definition is in the registry, and the other way round', () => {
  const folders = readdirSync(import.meta.dir, { withFileTypes: true }).filter((entry) =>
    entry.isDirectory(),
  );
  expect(folders.map((entry) => entry.name).sort()).toEqual(INDICATORS.map((def) => def.name).sort());
});

test('an unknown name is not found', () => {
  expect(() => indicator('nope')).toThrow(NotFoundError);
  expect(() => indicator('constructor')).toThrow(NotFoundError);
});

test('a definition that contradicts itself is refused', () => {
  const good = { ...indicator('rsi') };
  expect(() => defineIndicator({ ...good, name: 'RSI' })).toThrow(InvariantError);
  expect(() => defineIndicator({ ...good, warmup: 'length' })).toThrow(InvariantError);
  expect(() => defineIndicator({ ...good, inputs: [] })).toThrow(InvariantError);
  const period = { type: 'int', min: 2, max: 5, default: 9, unit: 'bars' } as const;
  expect(() => defineIndicator({ ...good, options: { period } })).toThrow(InvariantError);
  // @ts-expect-error a key that no definition has is refused by the type
  defineIndicator({ ...good, colour: 'red' });
});

for (const def of INDICATORS) {
  describe(def.name, () => {
    const options = defaults(def);
    const warmup = warmupOf(def, options);
    const prices = walk(warmup + 120);
    const whole = compute(def, {}, prices);
    const outputs = Object.keys(def.outputs);

    test('lives in a folder of its name, with prose and golden values', async () => {
      expect((await import(`${folder(def.name)}/def.ts`)).default).toBe(def);
      expect(existsSync(`${folder(def.name)}/doc.md`)).toBe(true);
      expect(existsSync(`${folder(def.name)}/golden.json`)).toBe(true);
    });

    test('agrees with the named outside source within its tolerance', async () => {
      const golden = (await Bun.file(`${folder(def.name)}/golden.json`).json()) as Golden;
      expect(golden.source.version).not.toBe('');
      expect(golden.tolerance.reason).not.toBe('');
      const inputs = Object.fromEntries(
        Object.entries(golden.inputs).map(([name, column]) => [name, Float64Array.from(column)]),
      ) as Columns;
      for (const { options: given, outputs: expected } of golden.cases) {
        const actual = compute(def, given, inputs);
        expect(Object.keys(expected)).toEqual(outputs);
        for (const output of outputs) {
          expected[output]?.forEach((value, i) => {
            const ours = actual[output]?.[i] as number;
            if (value === null) expect(ours).toBeNaN();
            else
              expect(Math.abs(ours - value)).toBeLessThanOrEqual(
                golden.tolerance.abs + golden.tolerance.rel * Math.abs(value),
              );
          });
        }
      }
    });

    test('gives the same bits bar by bar as over the whole series', () => {
      const stream = open(def);
      expect(stream.outputs).toEqual(outputs);
      for (let i = 0; i < prices.close.length; i++) {
        const values = stream.update(row(prices, i));
        for (const [k, output] of outputs.entries()) expect(same(values[k]!, whole[output]![i]!)).toBe(true);
      }
    });

    test('remembers nothing of a bar it was only shown', () => {
      const stream = open(def);
      const other = walk(prices.close.length, 7, 3000);
      for (let i = 0; i < prices.close.length; i++) {
        stream.peek(row(other, i));
        const peeked = Float64Array.from(stream.peek(row(prices, i)));
        expect(sameBits(stream.update(row(prices, i)), peeked)).toBe(true);
        for (const [k, output] of outputs.entries()) expect(same(peeked[k]!, whole[output]![i]!)).toBe(true);
      }
    });

    test('has its first value exactly at warm-up, whatever the options', () => {
      const given = Object.fromEntries(
        Object.entries(def.options).map(([name, o]) => [name, Math.min(o.max, o.default + 3)]),
      );
      for (const each of [options, given]) {
        const first = warmupOf(def, each);
        const series = compute(def, each, walk(first + 2));
        for (const output of outputs) expect(series[output]!.findIndex((v) => !Number.isNaN(v))).toBe(first);
        for (const output of outputs)
          expect(compute(def, each, walk(first))[output]!.every(Number.isNaN)).toBe(true);
      }
    });

    test('takes every option at its bounds and refuses it beyond them', () => {
      for (const [name, spec] of Object.entries(def.options)) {
        const beyond = spec.type === 'int' ? 1 : 1e-9;
        for (const value of [spec.min, spec.max])
          expect(schemaOf(def).safeParse({ [name]: value }).success).toBe(true);
        for (const value of [spec.min - beyond, spec.max + beyond, Number.NaN, '14']) {
          expect(() => open(def, { [name]: value as number })).toThrow(InvalidOptionError);
        }
        if (spec.type === 'int')
          expect(() => open(def, { [name]: spec.min + 0.5 })).toThrow(InvalidOptionError);
      }
      expect(() => open(def, { lenght: 3 })).toThrow('Expected one of the options');
    });

    test('refuses NaN and infinity, and remembers nothing of such a bar', () => {
      const stream = open(def);
      for (let i = 0; i < prices.close.length; i++) {
        for (const input of def.inputs) {
          for (const bad of [Number.NaN, Number.POSITIVE_INFINITY]) {
            expect(() => stream.update({ ...row(prices, i), [input]: bad })).toThrow(NonFiniteInputError);
            expect(() => stream.peek({ ...row(prices, i), [input]: bad })).toThrow(NonFiniteInputError);
          }
        }
        const values = stream.update(row(prices, i));
        for (const [k, output] of outputs.entries()) expect(same(values[k]!, whole[output]![i]!)).toBe(true);
      }
      for (const input of def.inputs) {
        const broken = { ...prices, [input]: prices[input].with(3, Number.NaN) };
        expect(() => compute(def, {}, broken)).toThrow(NonFiniteInputError);
      }
    });

    test('refuses inputs that are absent or of another length', () => {
      for (const input of def.inputs) {
        const { [input]: _, ...rest } = prices;
        expect(() => compute(def, {}, rest as Columns)).toThrow(ShapeMismatchError);
        if (def.inputs.length > 1) {
          expect(() => compute(def, {}, { ...prices, [input]: prices[input].subarray(1) })).toThrow(
            ShapeMismatchError,
          );
        }
      }
    });

    test('gives no value for an empty series or a single bar', () => {
      for (const length of [0, 1]) {
        const series = compute(def, {}, walk(length));
        for (const output of outputs) {
          expect(series[output]).toHaveLength(length);
          expect(series[output]!.every(Number.isNaN)).toBe(warmup >= length);
        }
      }
    });

    test('stays finite and constant on a market that never moves', () => {
      const flat = map(walk(warmup + 50), (column) => column.fill(0.1));
      const series = compute(def, {}, flat);
      for (const output of outputs) {
        const values = series[output]!.subarray(warmup);
        expect(values.every(Number.isFinite)).toBe(true);
        for (const value of values) expect(value).toBeCloseTo(values[0]!, 12);
      }
    });

    test('keeps its stated range', () => {
      for (const [output, { range }] of Object.entries(def.outputs)) {
        if (range === undefined) continue;
        for (const value of whole[output]!.subarray(warmup)) {
          expect(value).toBeGreaterThanOrEqual(range[0]);
          expect(value).toBeLessThanOrEqual(range[1]);
        }
      }
    });

    test(`is ${def.stability} under a later start`, () => {
      const long = walk(warmup * 25 + 100);
      const later = compute(
        def,
        {},
        map(long, (column) => column.subarray(10)),
      );
      const full = compute(def, {}, long);
      for (const output of outputs) {
        const all = full[output]!.subarray(10);
        const late = later[output]!;
        if (def.stability === 'exact') {
          for (let i = warmup; i < late.length; i++) expect(same(late[i]!, all[i]!)).toBe(true);
        } else {
          // Prices stay near 100: what is left of the seed is far below a ten-millionth of a price unit.
          expect(Math.abs(late.at(-1)! - all.at(-1)!)).toBeLessThan(1e-7);
        }
      }
    });

    test('never changes a value when bars are appended', () => {
      fc.assert(
        fc.property(fc.nat(prices.close.length), (length) => {
          const prefix = compute(
            def,
            {},
            map(prices, (column) => column.subarray(0, length)),
          );
          for (const output of outputs)
            expect(sameBits(prefix[output]!, whole[output]!.subarray(0, length))).toBe(true);
        }),
        { numRuns: 30 },
      );
    });
  });
}

describe('laws of scale, by powers of two, to the last bit', () => {
  const scales: Record<string, number> = { rsi: 0, ema: 1, macd: 1, bollinger: 1, atr: 1 };
  for (const def of INDICATORS) {
    test(`${def.name} ${scales[def.name] === 0 ? 'does not change with' : 'follows'} the price scale`, () => {
      fc.assert(
        fc.property(fc.integer(), fc.integer({ min: -40, max: 40 }), (seed, exponent) => {
          const prices = walk(100, seed);
          const plain = compute(def, {}, prices);
          const scaled = compute(
            def,
            {},
            map(prices, (column) => column.map((v) => v * 2 ** exponent)),
          );
          const factor = 2 ** (exponent * scales[def.name]!);
          for (const output of Object.keys(def.outputs)) {
            expect(
              sameBits(
                scaled[output]!,
                plain[output]!.map((v) => v * factor),
              ),
            ).toBe(true);
          }
        }),
        { numRuns: 30 },
      );
    });
  }
});

test('rsi stays from 0 to 100 on any finite prices', () => {
  const price = fc.double({ min: 1e-9, max: 1e9, noNaN: true });
  fc.assert(
    fc.property(
      fc.array(price, { minLength: 3, maxLength: 60 }),
      fc.integer({ min: 2, max: 20 }),
      (closes, period) => {
        const { rsi } = compute(
          indicator('rsi'),
          { period },
          { ...walk(0), close: Float64Array.from(closes) },
        );
        for (const value of rsi!.subarray(period)) expect(value >= 0 && value <= 100).toBe(true);
      },
    ),
  );
});

test('rsi is 50 when prices never move, 100 when they only rise and 0 when they only fall', () => {
  const last = (closes: number[]): number =>
    compute(indicator('rsi'), {}, { ...walk(0), close: Float64Array.from(closes) }).rsi!.at(-1)!;
  const steps = Array.from({ length: 30 }, (_, i) => i);
  expect(last(steps.map(() => 7))).toBe(50);
  expect(last(steps.map((i) => 7 + i))).toBe(100);
  expect(last(steps.map((i) => 70 - i))).toBe(0);
});

test('bands of a flat window touch, and macd refuses a slow period that is not above the fast one', () => {
  const flat = map(walk(40), (column) => column.fill(0.1));
  const bands = compute(indicator('bollinger'), {}, flat);
  expect(bands.upper!.at(-1)! - bands.lower!.at(-1)!).toBeLessThan(1e-15);
  expect(() => open(indicator('macd'), { fast: 26, slow: 26 })).toThrow(
    'Expected an integer above fast for slow',
  );
});
