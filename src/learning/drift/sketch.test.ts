// Sketches of tables: counts and moments of any chunks, shares within the stated error, merging, storing, refusals.
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { InvalidOptionError, ShapeMismatchError } from '../../core/errors.ts';
import { CancelledError } from '../../native/index.ts';
import { CategorySketch } from './category-sketch.ts';
import { rowsUpTo } from './distribution.ts';
import type { NumericSketch } from './numeric-sketch.ts';
import { TableSketch } from './table-sketch.ts';
import { normalStream, uniformStream } from './test-streams.ts';

const numeric = (names: string[]) => names.map((name) => ({ name, kind: 'numeric' as const }));
const column = (sketch: TableSketch, name = 'x') => sketch.column(name) as NumericSketch;
const chunk = (values: ArrayLike<number>, name = 'x') => new Map([[name, Float64Array.from(values)]]);

/** Checks every count of rows at or below a value against all rows. */
function expectWithinError(sketch: NumericSketch, all: readonly number[]) {
  const distribution = sketch.distribution();
  const sorted = Float64Array.from(all.filter(Number.isFinite)).sort();
  expect(distribution.rows).toBe(sorted.length);
  for (let i = 0; i < sorted.length; i++) {
    const point = sorted[i]!;
    if (sorted[i + 1] === point) continue;
    const off = Math.abs(rowsUpTo(distribution, point) - (i + 1));
    // Rounding of weights, beside the bound.
    expect(off).toBeLessThanOrEqual(distribution.error * distribution.rows + 1e-6);
  }
}

describe('a numeric column', () => {
  const values = fc.array(
    fc.oneof(
      fc.integer({ min: -30, max: 30 }),
      fc.double({ min: -1e3, max: 1e3, noNaN: true }),
      fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, -0),
    ),
    { maxLength: 300 },
  );

  test('is the same in chunks as at once: counts exactly, moments but for rounding, shares within the error', () => {
    fc.assert(
      fc.property(fc.array(values, { minLength: 1, maxLength: 8 }), fc.boolean(), (chunks, flushed) => {
        const all = chunks.flat();
        const numbers = all.filter(Number.isFinite);
        const sketch = new TableSketch(numeric(['x']), { points: 16 });
        for (const part of chunks) {
          sketch.update(chunk(part));
          if (flushed) sketch.flush();
        }
        const found = column(sketch);
        expect(sketch.rows).toBe(all.length);
        expect(found.numbers).toBe(numbers.length);
        expect(found.missing).toBe(all.filter(Number.isNaN).length);
        expect(found.nonFinite).toBe(all.length - numbers.length - found.missing);
        expectWithinError(found, all);
        if (numbers.length === 0) return;
        const mean = numbers.reduce((sum, x) => sum + x, 0) / numbers.length;
        const squares = numbers.reduce((sum, x) => sum + (x - mean) ** 2, 0);
        expect(Math.abs(found.mean - mean)).toBeLessThanOrEqual(1e-9);
        expect(Math.abs(found.squares - squares)).toBeLessThanOrEqual(1e-9 * (1 + numbers.length * 1e6));
        expect(found.min === Math.min(...numbers) && found.max === Math.max(...numbers)).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  test('merges in any order: counts are the same, shares within the error of each', () => {
    fc.assert(
      fc.property(values, values, values, (a, b, c) => {
        const [x, y, z] = [a, b, c].map((part) => TableSketch.build(chunk(part), { points: 16 }));
        const left = column(TableSketch.merge(TableSketch.merge(x!, y!), z!));
        const right = column(TableSketch.merge(x!, TableSketch.merge(z!, y!)));
        for (const found of [left, right]) {
          expect(found.numbers).toBe(left.numbers);
          expect(found.missing).toBe(left.missing);
          expectWithinError(found, [...a, ...b, ...c]);
        }
        // What was merged is as it was, and merges with itself.
        expectWithinError(column(x!), a);
        expectWithinError(column(x!.merge(x!)), [...a, ...a]);
      }),
      { numRuns: 60 },
    );
  });

  test('of many rows has few points, and a share off by no more than the stated bound', () => {
    const random = normalStream(1);
    const all = Array.from({ length: 30_000 }, random);
    const sketch = new TableSketch(numeric(['x']), { points: 64 });
    for (let from = 0; from < all.length; from += 700) sketch.update(chunk(all.slice(from, from + 700)));
    const found = column(sketch);
    expectWithinError(found, all);
    const depth = 1 + Math.ceil(Math.log2(all.length / 3500));
    expect(found.distribution().error).toBeLessThanOrEqual(depth / (2 * 64));
    expect(found.distribution().values.length).toBeLessThanOrEqual(64 * (depth + 2));
  });

  test('knows how many different values there are: exactly while few, else nearly', () => {
    const random = uniformStream(2);
    const few = TableSketch.build(chunk([1, 2, 2, 0, -0, Number.NaN]));
    expect(column(few).distinct).toBe(3);
    const many = Array.from({ length: 20_000 }, () => Math.floor(random() * 5000));
    const known = new Set(many).size;
    const estimate = column(TableSketch.build(chunk(many), { points: 64 })).distinct;
    // Four standard errors of 3.25 %, for these numbers.
    expect(Math.abs(estimate / known - 1)).toBeLessThan(0.13);
  });
});

test('rows and columns, of 32 and 64 bits, at once and later, say the same', async () => {
  const random = normalStream(5);
  const [rows, names] = [5000, ['a', 'b', 'c']];
  const matrix = Float32Array.from({ length: rows * 3 }, random);
  const columns = new Map(
    names.map((name, i) => [name, Float64Array.from({ length: rows }, (_, row) => matrix[row * 3 + i]!)]),
  );
  const byRows = new TableSketch(numeric(names));
  byRows.updateRows(matrix);
  const later = new TableSketch(numeric(names));
  await later.updateRowsLater(matrix);
  const byColumns = TableSketch.build(columns);
  const expected = JSON.stringify(byRows);
  for (const other of [later, byColumns, await TableSketch.buildLater(columns)])
    expect(JSON.stringify(other)).toBe(expected);
});

test('work that is cancelled leaves the sketch as it was', async () => {
  const sketch = new TableSketch(numeric(['x']));
  const values = Float64Array.from({ length: 5000 }, normalStream(8));
  await expect(sketch.updateRowsLater(values, AbortSignal.abort())).rejects.toThrow(CancelledError);
  await expect(TableSketch.buildLater(chunk(values), { signal: AbortSignal.abort() })).rejects.toThrow(
    CancelledError,
  );
  expect(sketch.rows).toBe(0);
});

test('a sketch goes on after it was stored', () => {
  const random = normalStream(6);
  const rows = (count: number) =>
    new Map<string, Float64Array | string[]>([
      ['x', Float64Array.from({ length: count }, random)],
      ['side', Array.from({ length: count }, () => (random() > 0 ? 'buy' : 'sell'))],
    ]);
  const [first, second] = [rows(5000), rows(300)];
  const specs = [
    { name: 'x', kind: 'numeric' as const },
    { name: 'side', kind: 'categorical' as const },
  ];
  const whole = new TableSketch(specs, { points: 32 });
  whole.update(first);
  const stored = TableSketch.fromJSON(JSON.parse(JSON.stringify(whole)));
  for (const sketch of [whole, stored]) sketch.update(second);
  expect(JSON.stringify(stored)).toBe(JSON.stringify(whole));
});

test('what is no stored sketch is refused by the member that is wrong', () => {
  const sound = JSON.parse(JSON.stringify(TableSketch.build(chunk([3, 1, 2]))));
  const [sketch] = sound.sketches;
  const broken = [
    null,
    { ...sound, version: 2 },
    { ...sound, columns: [{ name: 'x' }] },
    { ...sound, sketches: [] },
    { ...sound, points: 3 },
    { ...sound, sketches: [{ ...sketch, kind: 'categorical' }] },
    { ...sound, sketches: [{ ...sketch, numbers: 4 }] },
    { ...sound, sketches: [{ ...sketch, registers: 'AA==' }] },
    { ...sound, sketches: [{ ...sketch, levels: [['AAAA', 3, 0]] }] },
  ];
  for (const json of broken) expect(() => TableSketch.fromJSON(json)).toThrow(InvalidOptionError);
});

test('columns that do not fit are refused before anything changes', () => {
  const sketch = new TableSketch([...numeric(['x']), { name: 's', kind: 'categorical' }]);
  const x = Float64Array.of(1, 2);
  const bad: [Map<string, Float64Array | (string | number)[]>, typeof InvalidOptionError][] = [
    [new Map([['x', x]]), InvalidOptionError],
    [
      new Map<string, Float64Array | string[]>([
        ['x', x],
        ['s', ['a']],
      ]),
      ShapeMismatchError,
    ],
    [
      new Map<string, (string | number)[]>([
        ['x', [1, 'two']],
        ['s', ['a', 'b']],
      ]),
      InvalidOptionError,
    ],
  ];
  for (const [rows, error] of bad) expect(() => sketch.update(rows)).toThrow(error);
  expect(() => sketch.updateRows(x)).toThrow(InvalidOptionError);
  expect(sketch.rows).toBe(0);
  expect(() => new TableSketch(numeric(['x', 'y'])).updateRows(Float64Array.of(1, 2, 3))).toThrow(
    ShapeMismatchError,
  );
  expect(() => new TableSketch([])).toThrow(InvalidOptionError);
  expect(() => new TableSketch(numeric(['x', 'x']))).toThrow(InvalidOptionError);
  expect(() => new TableSketch(numeric(['x']), { points: 15 })).toThrow(InvalidOptionError);
  expect(() => sketch.merge(new TableSketch(numeric(['x'])))).toThrow(InvalidOptionError);
});

describe('a categorical column', () => {
  test('counts within its error, however many categories come in whatever order', () => {
    const names = fc.array(fc.integer({ min: 0, max: 60 }), { maxLength: 400 });
    fc.assert(
      fc.property(names, names, (a, b) => {
        const sketches = [a, b].map((part) => {
          const sketch = new CategorySketch(8);
          for (const name of part) sketch.add(`c${name}`);
          return sketch;
        });
        const [sketch, other] = sketches as [CategorySketch, CategorySketch];
        sketch.merge(other);
        const all = [...a, ...b];
        expect(sketch.values).toBe(all.length);
        expect(sketch.error).toBeLessThanOrEqual(all.length / 9);
        expect(sketch.counts.size).toBeLessThanOrEqual(16);
        for (const name of new Set(all)) {
          const truth = all.filter((one) => one === name).length;
          const counted = sketch.counts.get(`c${name}`) ?? 0;
          expect(counted).toBeLessThanOrEqual(truth);
          expect(counted).toBeGreaterThanOrEqual(truth - sketch.error);
        }
      }),
      { numRuns: 60 },
    );
  });

  test('takes what has no value as missing, and long texts without keeping them', () => {
    const sketch = new CategorySketch(10);
    for (const value of [null, undefined, '', Number.NaN, 'x', 1, true]) sketch.add(value);
    for (const end of ['a', 'b']) sketch.add('long'.repeat(10_000) + end);
    expect(sketch.missing).toBe(4);
    expect(sketch.distinct).toBe(5);
    expect(Math.max(...Array.from(sketch.counts.keys(), (name) => name.length))).toBeLessThan(250);
  });
});
