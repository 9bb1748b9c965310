// Verdicts: what counts as drift and what does not, whatever the number of rows; false alarms at their stated rate.
import { describe, expect, test } from 'bun:test';
import { InvalidOptionError } from '../../core/errors.ts';
import { compareSketches } from './compare.ts';
import { TableSketch } from './table-sketch.ts';
import { normalStream, uniformStream } from './test-streams.ts';
import type { ColumnValues, DriftOptions } from './types.ts';

type Columns = Record<string, ColumnValues>;
const compared = (a: Columns, b: Columns, options: DriftOptions = {}) =>
  compareSketches(
    TableSketch.build(new Map(Object.entries(a))),
    TableSketch.build(new Map(Object.entries(b))),
    options,
  );
const normal = (seed: number, rows: number, shift = 0) => {
  const random = normalStream(seed);
  return Float64Array.from({ length: rows }, () => random() + shift);
};
const words = (counts: Record<string, number>) =>
  Object.entries(counts).flatMap(([name, count]) => Array<string>(count).fill(name));

describe('a verdict', () => {
  test('is by the size of the effect, not by the number of rows', () => {
    const small = compared({ x: normal(1, 200_000) }, { x: normal(2, 200_000, 0.1) }).columns[0]!;
    expect(small).toMatchObject({ significant: true, drifted: false, reason: 'small_effect', level: 'none' });
    expect(small.p).toBeLessThan(1e-20);
    for (const rows of [200, 20_000]) {
      const large = compared({ x: normal(1, rows) }, { x: normal(2, rows, 1) }).columns[0]!;
      expect(large).toMatchObject({
        significant: true,
        drifted: true,
        reason: 'distribution',
        level: 'major',
      });
      expect(large.text).toContain('psi');
    }
  });

  test('goes by the measure and the threshold that are asked for', () => {
    const [a, b] = [{ x: normal(1, 5000) }, { x: normal(2, 5000, 0.3) }];
    const by = (options: DriftOptions) => compared(a, b, options).columns[0]!;
    expect(by({})).toMatchObject({ drifted: false, effect: { name: 'psi', threshold: 0.25 } });
    expect(by({ thresholds: { psi: 0.05 } }).drifted).toBe(true);
    expect(by({ measure: 'ks' })).toMatchObject({ drifted: true, effect: { name: 'ks', threshold: 0.1 } });
    expect(by({ measure: 'wasserstein' })).toMatchObject({ drifted: true });
    expect(by({ measure: 'js' }).effect.name).toBe('js');
    const categories = compared(
      { c: words({ a: 500, b: 500 }) },
      { c: words({ a: 350, b: 650 }) },
      { measure: 'ks' },
    );
    expect(categories.columns[0]).toMatchObject({ drifted: true, effect: { name: 'cramers_v' } });
  });

  test('says how little few rows tell', () => {
    const few = compared({ x: normal(1, 40) }, { x: normal(2, 40) }).columns[0]!;
    const many = compared({ x: normal(1, 4000) }, { x: normal(2, 4000) }).columns[0]!;
    expect(few.power).toBeLessThan(0.2);
    expect(few.text).toContain('so few rows');
    expect(many.power).toBeGreaterThan(0.99);
    for (const { tests } of [few, many])
      for (const { power } of [tests.psi!, tests.js!, tests.ks!])
        expect(power! >= 0 && power! <= 1).toBe(true);
    expect(few.tests.psi!.power!).toBeLessThan(many.tests.psi!.power!);
  });

  test('power is how often a drift of the threshold is found', () => {
    // Two categories, V of 0.1 exactly: half against 0.6 and 0.4 is V = 0.1005.
    const [rows, runs] = [300, 400];
    const random = uniformStream(11);
    const draw = (share: number) => Array.from({ length: rows }, () => (random() < share ? 'a' : 'b'));
    let found = 0;
    let power = 0;
    for (let run = 0; run < runs; run++) {
      const { tests } = compared({ c: draw(0.45) }, { c: draw(0.55) }).columns[0]!;
      found += tests.chi2!.p! <= 0.05 ? 1 : 0;
      power = tests.chi2!.power!;
    }
    // 4.7 binomial deviations; the chi-square limit itself is good to about 0.01 for 300 rows.
    expect(Math.abs(found / runs - power)).toBeLessThan(4.7 * Math.sqrt((power * (1 - power)) / runs) + 0.01);
  });
});

describe('columns without a distribution', () => {
  const ten = (value: number, rows = 100) => new Float64Array(rows).fill(value);

  test('get no verdict, and a reason, when they are short or empty', () => {
    const report = compared(
      { short: normal(1, 100), empty: ten(Number.NaN), gone: normal(3, 100) },
      { short: normal(2, 100).fill(Number.NaN, 10), empty: ten(Number.NaN), gone: ten(Number.NaN) },
      { thresholds: { missing: 0.95 } },
    );
    const [short, empty, gone] = report.columns;
    expect(short).toMatchObject({ reason: 'too_few_rows', drifted: false, tests: {}, power: null });
    expect(short!.text).toContain('100 and 10');
    expect(empty).toMatchObject({ reason: 'all_missing', drifted: false });
    // Whatever is compared, a column that went missing is told.
    expect(gone).toMatchObject({ reason: 'missing_share', drifted: true });
    expect(compared({ x: normal(1, 5) }, { x: normal(2, 9) })).toMatchObject({
      ...{ judged: 0, drifted: 0, drifted_share: null, psi_max: null },
      columns: [{ reason: 'too_few_rows', p: null, p_adjusted: null }],
    });
    expect(compared({ x: new Float64Array() }, { x: new Float64Array() }).columns[0]!.reason).toBe(
      'too_few_rows',
    );
  });

  test('are compared when they are constant', () => {
    const kinds = compared(
      { same: ten(5), changed: ten(5), lower: ten(5), spread: ten(5), word: words({ a: 100 }) },
      { same: ten(5), changed: ten(6), lower: ten(4), spread: normal(1, 100, 5), word: words({ b: 100 }) },
    );
    const reasons = Object.fromEntries(kinds.columns.map(({ column, reason }) => [column, reason]));
    expect(reasons).toEqual({
      ...{ same: 'constant', changed: 'constant_changed', lower: 'constant_changed' },
      ...{ spread: 'distribution', word: 'constant_changed' },
    });
    expect(kinds.columns[0]!.tests.wasserstein!.effect.value).toBeNull();
    const spread = compared({ x: ten(5) }, { x: normal(1, 100, 5) }, { measure: 'wasserstein' }).columns[0]!;
    expect(spread).toMatchObject({ drifted: true, effect: { value: null } });
    expect(spread.text).toContain('does not vary');
    for (const { tests } of kinds.columns)
      for (const test of Object.values(tests))
        for (const value of [test.statistic, test.p, test.power, test.effect.value])
          expect(value === null || Number.isFinite(value)).toBe(true);
  });

  test('are named when only one table has them, or as another kind', () => {
    const { columns, judged } = compared(
      { a: normal(1, 50), b: normal(2, 50) },
      { b: words({ x: 50 }), c: normal(3, 50) },
    );
    expect(columns.map(({ column, reason }) => [column, reason])).toEqual([
      ['a', 'not_comparable'],
      ['b', 'not_comparable'],
      ['c', 'not_comparable'],
    ]);
    expect(judged).toBe(0);
  });
});

describe('categories', () => {
  test('that the reference never saw are reported and make no measure infinite', () => {
    const [column] = compared(
      { c: words({ a: 600, b: 400 }) },
      { c: words({ a: 300, b: 200, new: 300, rare: 2 }) },
    ).columns;
    expect(column).toMatchObject({ drifted: true, reason: 'distribution' });
    expect(column!.unseen).toEqual({ categories: ['new', 'rare'], rows: 302 });
    expect(Number.isFinite(column!.tests.psi!.statistic!)).toBe(true);
  });

  test('that are all different tell nothing, and do not alarm', () => {
    const ids = (from: number) => Array.from({ length: 800 }, (_, i) => `id-${from + i}`);
    for (const categories of [1000, 100]) {
      const [one, other] = [ids(0), ids(5000)].map((c) =>
        TableSketch.build(new Map([['c', c]]), { categories }),
      );
      const [column] = compareSketches(one!, other!).columns;
      expect(column).toMatchObject({ drifted: false, significant: false });
    }
  });
});

test('a share of missing values that grows is drift of its own', () => {
  const gaps = (share: number) =>
    normal(share * 100, 1000).map((x, i) => (i < share * 1000 ? Number.NaN : x));
  const [column] = compared({ x: gaps(0.01) }, { x: gaps(0.2) }).columns;
  expect(column).toMatchObject({ drifted: true, reason: 'missing_share' });
  expect(column!.text).toBe('missing values went from 1.0 % to 20.0 %');
  expect(compared({ x: gaps(0.01) }, { x: gaps(0.05) }).columns[0]).toMatchObject({
    drifted: false,
    reason: 'small_effect',
  });
});

test('the plot has shares that add up on both sides, and edges of the reference', () => {
  const { plot } = compared({ x: normal(1, 1000) }, { x: normal(2, 500, 2) }).columns[0]!;
  expect(plot).toHaveLength(10);
  for (const side of ['reference', 'current'] as const)
    expect(plot.reduce((sum, bin) => sum + bin[side], 0)).toBeCloseTo(1, 12);
  expect(plot[0]!.low).toBeNull();
  expect(plot[0]!.high).toBe(plot[1]!.low);
  expect(plot.at(-1)!.high).toBeNull();
});

describe('without drift', () => {
  const [tables, columns, rows] = [60, 12, 300];
  const reports = (correction: 'bh' | 'none') =>
    Array.from({ length: tables }, (_, table) => {
      const random = normalStream(1000 + table);
      const side = () =>
        Object.fromEntries(
          Array.from({ length: columns }, (_, i) => {
            const values = Array.from({ length: rows }, random);
            // Numbers, few different numbers with ties, categories.
            if (i % 3 === 0) return [`c${i}`, Float64Array.from(values)];
            if (i % 3 === 1) return [`c${i}`, Float64Array.from(values, (x) => Math.round(x))];
            return [`c${i}`, values.map((x) => (x < -0.5 ? 'a' : x < 0.8 ? 'b' : 'c'))];
          }),
        );
      return compared(side(), side(), { correction });
    });

  test('each test rejects at its level, and ties make it cautious', () => {
    const all = reports('none').flatMap((report) => report.columns);
    const kinds = [
      [all.filter((_, i) => i % 3 === 0), true],
      [all.filter((_, i) => i % 3 === 1), false],
      [all.filter((_, i) => i % 3 === 2), true],
    ] as const;
    for (const [some, level] of kinds) {
      const share = some.filter(({ p }) => p! <= 0.05).length / some.length;
      // Four binomial deviations of 240 tests.
      const bound = 4 * Math.sqrt((0.05 * 0.95) / some.length);
      expect(share).toBeLessThanOrEqual(0.05 + bound);
      // A test that never rejects would be at no level at all.
      if (level) expect(some.filter(({ p }) => p! <= 0.3).length).toBeGreaterThan(some.length * 0.15);
    }
    expect(all.filter(({ drifted }) => drifted)).toEqual([]);
  });

  test('a table alarms no more often than alpha, however many columns it has', () => {
    const alarmed = reports('bh').filter((report) =>
      report.columns.some(({ significant }) => significant),
    ).length;
    expect(alarmed / tables).toBeLessThanOrEqual(0.05 + 4 * Math.sqrt((0.05 * 0.95) / tables));
    const single = reports('none').filter((report) =>
      report.columns.some(({ significant }) => significant),
    ).length;
    // Without the correction about 1 - 0.95^12 of the tables would.
    expect(single).toBeGreaterThan(alarmed);
  });

  test('p of sketches that are not exact is never too small', () => {
    let rejected = 0;
    const runs = 40;
    for (let run = 0; run < runs; run++) {
      const side = (seed: number) => TableSketch.build(new Map([['x', normal(seed, 3000)]]), { points: 64 });
      const [column] = compareSketches(side(2 * run + 1), side(2 * run + 2)).columns;
      for (const name of ['ks', 'psi', 'js'] as const) rejected += column!.tests[name]!.p! <= 0.05 ? 1 : 0;
    }
    expect(rejected / (3 * runs)).toBeLessThanOrEqual(0.05 + 4 * Math.sqrt((0.05 * 0.95) / runs));
  });
});

test('options out of range are refused by name', () => {
  const bad: [DriftOptions, string][] = [
    [{ alpha: 0 }, 'alpha'],
    [{ bins: 1 }, 'bins'],
    [{ minRows: 1 }, 'min_rows'],
    [{ measure: 'chi' as never }, 'measure'],
    [{ correction: 'holm' as never }, 'correction'],
    [{ thresholds: { psi: 0 } }, 'thresholds/psi'],
    [{ thresholds: { other: 1 } as never }, 'thresholds/other'],
  ];
  for (const [options, pointer] of bad) {
    try {
      compared({ x: normal(1, 50) }, { x: normal(2, 50) }, options);
      throw new Error('was taken');
    } catch (error) {
      expect(error).toBeInstanceOf(InvalidOptionError);
      expect((error as InvalidOptionError).extras.errors![0]!.pointer).toBe(pointer);
    }
  }
});
