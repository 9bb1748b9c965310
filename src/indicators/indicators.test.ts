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
  type InputName,
  indicator,
  open,
  schemaOf,
  warmupOf,
} from './index.ts';
import { type Columns, map, row, sameBits, walk } from './test-series.ts';

interface Golden {
  source: { library: string; version: string; function: string };
  tolerance: { rel: number; abs: number; reason: string };
  inputs: Partial<Record<InputName, number[]>>;
  cases: { options: Record<string, number>; outputs: Record<string, (number | null)[]> }[];
}

const folder = (name: string): string => `${import.meta.dir}/${name}`;
const same = (a: number, b: number): boolean => Object.is(a, b);
const defaults = (def: AnyIndicator): Record<string, number> =>
  schemaOf(def).parse({}) as Record<string, number>;

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
        } else if (def.stability === 'epsilon') {
          // A few roundings of a sum over the window, on values below a thousand.
          for (let i = warmup; i < late.length; i++) expect(Math.abs(late[i]! - all[i]!)).toBeLessThan(1e-9);
        } else if (def.stability === 'pathDependent') {
          expect(late.subarray(warmup).every(Number.isFinite)).toBe(true);
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
