// Measures of features beside scikit-learn and scipy, and simulations of what choices promise.
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { InsufficientHistoryError, InvalidOptionError } from '../../core/errors.ts';
import { Philox } from '../../core/philox.ts';
import { chiSquareTail, studentTail } from '../../core/special.ts';
import { adjustedP } from '../discoveries.ts';
import type { TrainingSet } from '../tables/training-set.ts';
import type { ValidationData } from '../validation/data.ts';
import { binned, type Candidates, candidatesOf, ranked, timeBlocks } from './candidates.ts';
import { CORRELATIONS, correlations, redundantGroups, strongestPairs } from './correlation.ts';
import { testEach } from './discovery.ts';
import golden from './golden.json';
import { CodePairs, classInformation, neighbourInformation } from './mutual-information.ts';
import { informationOf, minimumRedundancy } from './relevance.ts';
import { SELECTION_METHODS, type SelectionOptions, selectFeatures } from './select.ts';
import { stability } from './stability.ts';

const columns = golden.columns.map((column) => Float64Array.from(column));
const target = Float64Array.from(golden.target);
const three = Float64Array.from(golden.three);

/** Candidates of columns [columns][rows]; each row is of its own time. */
function candidates(of: readonly Float64Array[], y: Float64Array, classes: number | null = null): Candidates {
  const rows = y.length;
  const values = new Float64Array(of.length * rows);
  of.forEach((column, i) => {
    values.set(column, i * rows);
  });
  const startUs = Float64Array.from({ length: rows }, (_, row) => row);
  const places = of.map((_, i) => i);
  return { rows, places, values, target: y, classes, startUs, unusable: new Map(), incomplete: 0 };
}
const normals = (seed: number, stream: number, length: number) =>
  new Philox(seed, stream).fillNormal(new Float64Array(length));

describe('mutual information', () => {
  // scikit-learn parts equal numbers by noise of its own generator: no number here is near enough to another one to notice.
  test('of neighbours is that of scikit-learn', () => {
    for (const [k, expected] of [
      [3, golden.information.regression],
      [5, golden.information.regression_5],
    ] as const)
      for (const [i, value] of expected.entries())
        expect(neighbourInformation(columns[i]!, target, k, 1)).toBeCloseTo(value, 8);
    for (const [i, value] of golden.information.classes.entries())
      expect(classInformation(columns[i]!, three, 3, 1)).toBeCloseTo(value, 8);
  });

  test('of neighbours is that of the columns the other way round, also where one has many equal numbers', () => {
    const few = target.map((value, i) => Math.sign(value + columns[0]![i]!));
    for (const x of [few, columns[0]!]) {
      const value = neighbourInformation(x, target, 3, 1);
      // The noise that parts equal numbers, of 1e-10, is another.
      expect(neighbourInformation(target, x, 3, 1)).toBeCloseTo(value, 8);
      expect(value).toBeGreaterThan(0.01);
    }
  });

  test('of codes is that of scikit-learn, less the bias that Miller names', () => {
    const { a, b, value } = golden.information.codes;
    const pairs = new CodePairs(7);
    const [x, y] = [Uint8Array.from(a), Uint8Array.from(b)];
    expect(pairs.information(x, y, false)).toBeCloseTo(value, 12);
    const occupied = (of: number[]) => new Set(of).size;
    const both = occupied(a.map((code, i) => 10 * code + b[i]!));
    const bias = (both - occupied(a) - occupied(b) + 1) / (2 * a.length);
    expect(pairs.information(x, y, true)).toBeCloseTo(value - bias, 12);
  });

  test('of normal columns is near -ln(1 - r^2) / 2, with neighbours and in bins', async () => {
    const [rows, r] = [4000, 0.7];
    const x = normals(3, 0, rows);
    const noise = normals(3, 1, rows);
    const y = x.map((value, i) => r * value + Math.sqrt(1 - r * r) * noise[i]!);
    const exact = -Math.log(1 - r * r) / 2;
    // The deviation of the estimate is about sqrt(var / rows) < 0.02; bins lose a little on top.
    expect(Math.abs(neighbourInformation(x, y, 3, 1) - exact)).toBeLessThan(0.05);
    const data = candidates([x, noise], y);
    const [inBins, ofNoise] = await informationOf(data, 'binned', 3, { seed: 1 });
    expect(Math.abs(inBins! - exact)).toBeLessThan(0.06);
    expect(ofNoise!).toBeGreaterThan(0.1);
    const [independent] = await informationOf(candidates([noise], x), 'binned', 3, { seed: 1 });
    expect(independent!).toBeLessThan(0.02);
  });

  test('in bins does not change when a column is stretched by a rising function', async () => {
    const exp = columns.map((x) => x.map((value) => Math.expm1(value / 100)));
    const plain = await informationOf(candidates(columns, target), 'binned', 3, { seed: 1 });
    expect(await informationOf(candidates(exp, target), 'binned', 3, { seed: 1 })).toEqual(plain);
  });
});

describe('bins and ranks', () => {
  test('hold about equally many rows, equal values together, in the order of values', async () => {
    const shape = fc.array(fc.integer({ min: -5, max: 30 }), { minLength: 20, maxLength: 200 });
    await fc.assert(
      fc.asyncProperty(shape, fc.integer({ min: 2, max: 16 }), async (list, bins) => {
        const x = Float64Array.from(list);
        const codes = await binned(x, x.length, bins);
        for (let i = 0; i < x.length; i++) {
          for (let j = 0; j < i; j++) {
            if (x[i] === x[j]) expect(codes[i]).toBe(codes[j]!);
            if (x[i]! > x[j]!) expect(codes[i]!).toBeGreaterThanOrEqual(codes[j]!);
          }
        }
        const ranks = await ranked(x, x.length);
        expect(ranks.reduce((sum, rank) => sum + rank, 0)).toBe((x.length * (x.length + 1)) / 2);
      }),
      { numRuns: 20 },
    );
  });

  test('blocks of time never part rows of one time', () => {
    const times = fc.array(fc.nat(30), { minLength: 1, maxLength: 200 });
    fc.assert(
      fc.property(times, fc.integer({ min: 1, max: 40 }), (list, parts) => {
        const startUs = Float64Array.from(list).sort();
        const edges = timeBlocks(startUs, parts);
        expect([edges[0], edges.at(-1)]).toEqual([0, startUs.length]);
        for (const edge of edges.slice(1, -1)) expect(startUs[edge]!).toBeGreaterThan(startUs[edge - 1]!);
        expect(edges.length - 1).toBeLessThanOrEqual(parts);
      }),
    );
  });
});

describe('correlations', () => {
  test.each([...CORRELATIONS])('%s is that of numpy and scipy, also with equal numbers', async (method) => {
    const matrix = await correlations(candidates(columns, target).values, golden.rows, method);
    // Nine digits in the file.
    golden.correlation[method].forEach((value, i) => {
      expect(matrix[i]!).toBeCloseTo(value, 8);
    });
  });

  test('of a column that does not vary are none', async () => {
    const values = Float64Array.from([1, 2, 3, 4, 7, 7, 7, 7]);
    for (const method of CORRELATIONS) {
      const [own, across] = await correlations(values, 4, method);
      expect([own, across]).toEqual([1, Number.NaN]);
    }
  });

  test('pairs come by strength, groups hold what is tied together', () => {
    const matrix = Float64Array.from([
      ...[1, 0.9, 0.2, 0, Number.NaN],
      ...[0.9, 1, -0.85, 0.1, Number.NaN],
      ...[0.2, -0.85, 1, 0.3, Number.NaN],
      ...[0, 0.1, 0.3, 1, Number.NaN],
      ...[Number.NaN, Number.NaN, Number.NaN, Number.NaN, Number.NaN],
    ]);
    expect(strongestPairs(matrix, 5, 3)).toEqual([
      { a: 0, b: 1, value: 0.9 },
      { a: 1, b: 2, value: -0.85 },
      { a: 2, b: 3, value: 0.3 },
    ]);
    // 1 is tied to both others.
    expect(redundantGroups(matrix, 5, 0.8)).toEqual([[1, 0, 2]]);
    expect(redundantGroups(matrix, 5, 0.95)).toEqual([]);
  });

  test('the strongest pairs of many are those of sorting all', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 14 }),
        fc.integer({ min: 1, max: 9 }),
        fc.nat(),
        (n, most, seed) => {
          const matrix = new Philox(seed).fillUniform(new Float64Array(n * n)).map((x) => 2 * x - 1);
          const all: number[] = [];
          for (let a = 0; a < n; a++) for (let b = a + 1; b < n; b++) all.push(Math.abs(matrix[a * n + b]!));
          const expected = all.sort((p, q) => q - p).slice(0, most);
          expect(strongestPairs(matrix, n, most).map(({ value }) => Math.abs(value))).toEqual(expected);
        },
      ),
    );
  });
});

describe('tests of features', () => {
  test('tails of distributions are those of scipy', () => {
    for (const [t, freedom, p] of golden.tails.student as [number, number, number][])
      expect(studentTail(t, freedom) / p).toBeCloseTo(1, 9);
    for (const [x, freedom, p] of golden.tails.chi_squared as [number, number, number][])
      expect(chiSquareTail(x, freedom) / p).toBeCloseTo(1, 9);
  });

  test('of independent rows are those of scipy: Spearman, Mann-Whitney, Kruskal-Wallis', async () => {
    const near = (p: number, expected: number) => expect(p / expected).toBeCloseTo(1, 6);
    const numbers = await testEach(candidates(columns, target), 'rows');
    golden.tests.spearman.forEach(([rho, p], i) => {
      expect(numbers[i]!.effect).toBeCloseTo(rho!, 8);
      near(numbers[i]!.p, p!);
    });
    const two = await testEach(candidates(columns, Float64Array.from(golden.two), 2), 'rows');
    golden.tests.two.forEach((p, i) => {
      near(two[i]!.p, p);
    });
    const several = await testEach(candidates(columns, three, 3), 'rows');
    golden.tests.three.forEach((p, i) => {
      near(several[i]!.p, p);
    });
  });

  test('adjusted p are those of scipy, and the least q of each set', () => {
    for (const control of ['benjamini_hochberg', 'benjamini_yekutieli'] as const)
      adjustedP(golden.discovery.p, control).forEach((q, i) => {
        expect(q / golden.discovery[control][i]!).toBeCloseTo(1, 7);
      });
  });

  const RUNS = 80;
  const COLUMNS = 25;
  const TRUE = 5;
  // Tables of which a fifth of the columns has a part in the target. What remembers is like itself a while ago.
  const discoveries = async (independence: 'rows' | 'blocks', memory: number, rows: number) => {
    let [share, found] = [0, 0];
    for (let run = 0; run < RUNS; run++) {
      const remembering = (stream: number) => {
        const x = normals(run, stream, rows);
        for (let i = 1; i < rows; i++) x[i] = memory * x[i - 1]! + Math.sqrt(1 - memory ** 2) * x[i]!;
        return x;
      };
      const list = Array.from({ length: COLUMNS }, (_, k) => remembering(k));
      const y = remembering(99).map(
        (value, i) => value + list.slice(0, TRUE).reduce((sum, x) => sum + 0.4 * x[i]!, 0),
      );
      const tests = await testEach(candidates(list, y), independence);
      const q = adjustedP(
        tests.map(({ p }) => p),
        'benjamini_hochberg',
      );
      const chosen = q.flatMap((value, i) => (value <= 0.1 ? [i] : []));
      const isFalse = chosen.filter((i) => i >= TRUE).length;
      share += isFalse / Math.max(1, chosen.length) / RUNS;
      found += (chosen.length - isFalse) / TRUE / RUNS;
    }
    return { share, found };
  };

  test('keep the share of false discoveries at its level, with blocks also where rows know of each other', async () => {
    // A share of mean 0.1 at most has a variance of at most 0.1 (1 - 0.1): three deviations of the mean of all runs above.
    const level = 0.1 + 3 * Math.sqrt((0.1 * 0.9) / RUNS);
    const independent = await discoveries('rows', 0, 160);
    expect(independent.share).toBeLessThan(level);
    expect(independent.found).toBeGreaterThan(0.6);
    const inBlocks = await discoveries('blocks', 0.7, 500);
    expect(inBlocks.share).toBeLessThan(level);
    expect(inBlocks.found).toBeGreaterThan(0.4);
    // The test of independent rows can't keep it here: what it takes for granted matters.
    expect((await discoveries('rows', 0.9, 300)).share).toBeGreaterThan(1.5 * level);
  });
});

describe('mRMR', () => {
  test('leaves a copy of what it has for last, and takes the most relevant first', async () => {
    const rows = 600;
    const [a, b, noise] = [normals(5, 0, rows), normals(5, 1, rows), normals(5, 2, rows)];
    const y = a.map((value, i) => 1.2 * value + b[i]! + 0.3 * noise[i]!);
    const copy = a.map((value, i) => value + 0.05 * noise[i]!);
    for (const form of ['difference', 'quotient'] as const) {
      const chosen = await minimumRedundancy(candidates([copy, noise, b, a], y), 4, form, { seed: 1 });
      const order = chosen.map(({ column }) => column);
      expect([0, 3]).toContain(order[0]!);
      expect(order[1]).toBe(2);
      expect(chosen[0]!.redundancy).toBe(0);
      expect(chosen[0]!.relevance).toBe(Math.max(...chosen.map(({ relevance }) => relevance)));
    }
  });
});

describe('stability', () => {
  const rows = 480;
  const list = Array.from({ length: 60 }, (_, k) => normals(7, k, rows));
  const noise = normals(7, 99, rows);
  const y = noise.map((value, i) => value + 0.6 * (list[3]![i]! - list[11]![i]! + list[40]![i]!));
  const options = { threshold: 0.7, expected_false: 1, samples: 20 };

  test('finds what has a part in the target, and the same for the same seed', async () => {
    const one = await stability(candidates(list, y), options, { seed: 1 });
    const found = Array.from(one.frequency.keys()).filter((i) => one.frequency[i]! >= 0.7);
    for (const column of [3, 11, 40]) expect(found).toContain(column);
    // q^2 = (2 0.7 - 1) 60 at most.
    expect([one.first, one.blocks]).toEqual([4, 16]);
    expect(one.frequency.reduce((sum, share) => sum + share, 0)).toBeLessThanOrEqual(4 + 1e-9);
    expect(await stability(candidates(list, y), options, { seed: 1 })).toEqual(one);
  });

  test('expects few false ones: among columns of noise alone no more than promised, on average', async () => {
    let stable = 0;
    const runs = 15;
    for (let run = 0; run < runs; run++) {
      const of = Array.from({ length: 40 }, (_, k) => normals(100 + run, k, 200));
      const { frequency } = await stability(candidates(of, normals(100 + run, 99, 200)), options, {
        seed: run,
      });
      stable += frequency.filter((share) => share >= options.threshold).length;
    }
    expect(stable / runs).toBeLessThanOrEqual(1);
  });

  test('refuses too many columns', async () => {
    const wide = { ...candidates(list, y), places: Array.from({ length: 1501 }, (_, i) => i) };
    expect(await stability(wide, options, { seed: 1 }).catch((e) => e)).toBeInstanceOf(InvalidOptionError);
  });
});

describe('a choice', () => {
  const rows = 400;
  const random = normals(11, 0, rows * 6);
  const target = (row: number) => random[row * 6]! - random[row * 6 + 3]! + 0.5 * random[row * 6 + 5]!;
  const set = (lastRows: number): TrainingSet => ({
    inputs: ['a', 'b', 'c', 'd', 'e', 'f'],
    leftOut: { without_label: 0, without_features: 0 },
    data: {
      rows,
      columns: 6,
      inputs: Float32Array.from(random, (value, i) => (i < 6 * (rows - lastRows) ? value : -7 * value)),
      targets: Float32Array.from({ length: rows }, (_, row) => (row < rows - lastRows ? target(row) : 99)),
      spans: {
        startUs: Float64Array.from({ length: rows }, (_, row) => row),
        endUs: Float64Array.from({ length: rows }, (_, row) => row + 5),
      },
    },
  });
  const options: SelectionOptions = {
    ...{ method: 'mutual_information', top: 2, test_fraction: 0.3, estimator: 'auto', neighbours: 3 },
    ...{ form: 'difference', rate: 0.1, control: 'benjamini_hochberg', independence: 'blocks' },
    ...{ threshold: 0.7, expected_false: 2, samples: 20 },
  };

  test.each([...SELECTION_METHODS])(
    'by %s finds what matters, and nothing of the test part changes it',
    async (method) => {
      const found = await selectFeatures(set(0), { ...options, method }, { seed: 1 });
      expect(found.selected.toSorted()).toEqual(['a', 'd']);
      // 280 rows, of which the labels of the last 5 end in the test part.
      expect(found.rows).toMatchObject({
        used: 275,
        incomplete: 0,
        held_out: 125,
        to_us: 274,
        test_from_us: 280,
      });
      expect(await selectFeatures(set(125), { ...options, method }, { seed: 1 })).toEqual(found);
    },
  );
});

describe('candidates', () => {
  const rows = 120;
  const data = (of: readonly ((row: number) => number)[]): ValidationData => ({
    rows,
    columns: of.length,
    inputs: Float32Array.from({ length: rows * of.length }, (_, i) =>
      of[i % of.length]!(Math.floor(i / of.length)),
    ),
    targets: Float32Array.from({ length: rows }, (_, row) => row % 7),
    spans: {
      startUs: Float64Array.from({ length: rows }, (_, row) => row),
      endUs: Float64Array.from({ length: rows }, (_, row) => row),
    },
  });
  const every = Uint32Array.from({ length: rows }, (_, row) => row);

  test('name each column that can not be compared, with the reason, and keep complete rows', () => {
    const found = candidatesOf(
      data([
        (row) => row,
        () => 5,
        () => Number.NaN,
        (row) => (row < 70 ? Number.NaN : row),
        (row) => (row < 10 ? Number.NaN : -row),
      ]),
      every,
    );
    expect(found.places).toEqual([0, 4]);
    expect([...found.unusable]).toEqual([
      [1, 'constant'],
      [2, 'all_missing'],
      [3, 'mostly_missing'],
    ]);
    expect([found.rows, found.incomplete, found.values[0], found.target[0]]).toEqual([110, 10, 10, 3]);
  });

  test('need rows', () => {
    expect(() => candidatesOf(data([(row) => row]), every.subarray(0, 49))).toThrow(InsufficientHistoryError);
  });
});
