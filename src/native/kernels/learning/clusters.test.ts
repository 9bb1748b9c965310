// K-means and DBSCAN: scikit-learn's labels, laws of both, refusals.
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { InvalidOptionError, NonFiniteInputError } from '../../../core/errors.ts';
import { uniform } from '../../example-call.ts';
import { CancelledError, setThreads } from '../../index.ts';
import golden from './classic/golden.json';
import { dbscan, kmeans } from './clusters.ts';

const arrays = (given: { inputs: number[]; weights?: number[] }, Class = Float64Array) => ({
  values: Class.from(given.inputs),
  weights: given.weights ? Class.from(given.weights) : undefined,
});

/** Rows around a few centres, and some anywhere. */
function cloud(seed: number, rows: number, columns: number): Float64Array {
  const random = uniform(seed);
  const centres = Array.from({ length: 4 * columns }, () => 8 * random());
  return Float64Array.from({ length: rows * columns }, (_, i) => {
    const group = Math.floor(i / columns) % 5;
    const near = random() + random() + random() - 1.5;
    return group === 4 ? 8 * random() : centres[group * columns + (i % columns)]! + near;
  });
}

const sizes = {
  rows: fc.integer({ min: 8, max: 150 }),
  columns: fc.integer({ min: 1, max: 6 }),
  seed: fc.nat(),
};

describe('kmeans', () => {
  for (const [i, { rows, columns, clusters, centres, labels, inertia, ...given }] of golden.kmeans.entries())
    test(`answers what scikit-learn does, case ${i}`, () => {
      const { values, weights } = arrays(given);
      const start = values.slice(0, clusters * columns);
      const found = kmeans({ rows, columns, clusters, values, weights, start, tolerance: 0 });
      expect([...found.labels]).toEqual(labels);
      // Written with nine digits, sums in another order.
      for (let k = 0; k < centres.length; k++)
        expect(Math.abs(found.centres[k]! - centres[k]!)).toBeLessThan(1e-7);
      expect(Math.abs(found.inertia[0]! / inertia - 1)).toBeLessThan(1e-9);
    });

  test('never raises the inertia, and ends with rows at their nearest centre', () => {
    fc.assert(
      fc.property(
        sizes.rows,
        sizes.columns,
        fc.integer({ min: 1, max: 8 }),
        sizes.seed,
        (rows, columns, clusters, seed) => {
          const values = cloud(seed, rows, columns);
          const path = new Float64Array(100);
          const call = { rows, columns, clusters, seed, values, tolerance: 0, maxIterations: 100, path };
          const { centres, labels, inertia, iterations } = kmeans(call);
          for (let i = 1; i < iterations[0]!; i++)
            expect(path[i]!).toBeLessThanOrEqual(path[i - 1]! * (1 + 1e-12));
          expect(Number.isNaN(path[iterations[0]!] ?? Number.NaN)).toBe(true);
          let sum = 0;
          for (let row = 0; row < rows; row++) {
            const far = Array.from({ length: clusters }, (_, k) => {
              let square = 0;
              for (let j = 0; j < columns; j++)
                square += (values[row * columns + j]! - centres[k * columns + j]!) ** 2;
              return square;
            });
            const least = Math.min(...far);
            expect(far[labels[row]!]! - least).toBeLessThanOrEqual(1e-12 * (1 + least));
            sum += least;
          }
          expect(Math.abs(sum - inertia[0]!)).toBeLessThanOrEqual(1e-10 * (1 + sum));
        },
      ),
      { numRuns: 60 },
    );
  });

  test('finds clouds that lie apart, and leaves no centre without rows', () => {
    const random = uniform(4);
    const values = Float64Array.from({ length: 2000 }, (_, i) => 100 * (Math.floor(i / 2) % 10) + random());
    for (const seed of [1, 2, 3]) {
      const { labels, inertia } = kmeans({ rows: 1000, columns: 2, clusters: 10, seed, values });
      expect(new Set(labels).size).toBe(10);
      expect(inertia[0]!).toBeLessThan(1000);
    }
    const start = new Float64Array(20).fill(1e6);
    start.set([0, 0]);
    const { labels } = kmeans({ rows: 1000, columns: 2, clusters: 10, start, values });
    expect(new Set(labels).size).toBe(10);
  });

  test('gives equal rows one centre, whatever is asked for', () => {
    const { labels, inertia } = kmeans({
      rows: 40,
      columns: 2,
      clusters: 5,
      values: new Float64Array(80).fill(3),
    });
    expect([new Set(labels).size, inertia[0]]).toEqual([1, 0]);
  });

  test('has the same bits on any number of threads, drawn or given', () => {
    const threads = setThreads(1);
    for (const values of [cloud(3, 30_000, 4), Float32Array.from(cloud(3, 30_000, 4))]) {
      const call = { rows: 30_000, columns: 4, clusters: 7, seed: 5, values, maxIterations: 10 };
      setThreads(1);
      const one = kmeans<typeof values>(call);
      setThreads(3);
      const other = kmeans<typeof values>(call);
      expect(other.centres).toEqual(one.centres);
      expect(other.labels).toEqual(one.labels);
      expect(other.inertia).toEqual(one.inertia);
    }
    setThreads(threads);
  });

  test('refuses NaN, weights below 0 and fewer rows than clusters', async () => {
    const values = cloud(1, 10, 2);
    const call = { rows: 10, columns: 2, clusters: 3, values };
    expect(() => kmeans({ ...call, values: values.with(7, Number.NaN) })).toThrow(NonFiniteInputError);
    expect(() => kmeans({ ...call, values: values.with(7, Number.NaN) })).toThrow('element 7');
    expect(() => kmeans({ ...call, weights: new Float64Array(10).fill(-1) })).toThrow(InvalidOptionError);
    expect(() => kmeans({ ...call, weights: new Float64Array(10).with(0, 1) })).toThrow(InvalidOptionError);
    expect(() => kmeans({ ...call, clusters: 11 })).toThrow(InvalidOptionError);
    await expect(kmeans.async(call, AbortSignal.abort())).rejects.toThrow(CancelledError);
  });
});

describe('dbscan', () => {
  for (const [i, { rows, columns, eps, minPoints, labels, core, ...given }] of golden.dbscan.entries())
    test(`answers what scikit-learn does, case ${i}`, () => {
      const found = dbscan({ rows, columns, eps, minPoints, ...arrays(given) });
      expect([...found.labels]).toEqual(labels);
      expect([...found.core.keys()].filter((row) => found.core[row])).toEqual(core);
      expect(found.clusters[0]).toBe(Math.max(-1, ...labels) + 1);
    });

  test('finds the same clusters in any order of the rows, and one answer by grid and by tree', () => {
    fc.assert(
      fc.property(
        sizes.rows,
        fc.integer({ min: 1, max: 3 }),
        fc.constantFrom(0.1, 0.5, 1.5),
        fc.integer({ min: 1, max: 8 }),
        sizes.seed,
        (rows, columns, eps, minPoints, seed) => {
          const values = cloud(seed, rows, columns);
          const one = dbscan({ rows, columns, eps, minPoints, values });
          // Columns of zeros change no distance, and more than three go through the tree.
          const wide = new Float64Array(rows * 5);
          for (let i = 0; i < values.length; i++)
            wide[Math.floor(i / columns) * 5 + (i % columns)] = values[i]!;
          const tree = dbscan({ rows, columns: 5, eps, minPoints, values: wide });
          expect([...tree.labels]).toEqual([...one.labels]);
          expect([...tree.core]).toEqual([...one.core]);
          const turned = Float64Array.from(values, (_, i) => {
            return values[(rows - 1 - Math.floor(i / columns)) * columns + (i % columns)]!;
          });
          const other = dbscan({ rows, columns, eps, minPoints, values: turned });
          expect([...other.core].reverse()).toEqual([...one.core]);
          expect(other.clusters).toEqual(one.clusters);
          const names = new Map<number, number>();
          for (let row = 0; row < rows; row++) {
            const [a, b] = [one.labels[row]!, other.labels[rows - 1 - row]!];
            expect(a < 0).toBe(b < 0);
            if (one.core[row]) expect(names.set(a, names.get(a) ?? b).get(a)).toBe(b);
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  test('takes many equal rows, an eps of 0 and columns that reach far', () => {
    const rows = 20_000;
    const same = dbscan({ rows, columns: 4, eps: 0, values: new Float64Array(rows * 4).fill(2) });
    expect([same.clusters[0], same.labels.every((label) => label === 0)]).toEqual([1, true]);
    const far = Float64Array.from({ length: 400 }, (_, i) => (i % 2 === 0 ? 1e9 * (i % 4) : i / 400));
    const found = dbscan({ rows: 200, columns: 2, eps: 0.1, minPoints: 3, values: far });
    expect(found.clusters[0]).toBe(2);
  });

  test('counts neighbours at eps itself', () => {
    const values = Float64Array.of(0, 1, 2, 10);
    const found = dbscan({ rows: 4, columns: 1, eps: 1, minPoints: 3, values });
    expect([...found.labels]).toEqual([0, 0, 0, -1]);
    expect([...found.core]).toEqual([0, 1, 0, 0]);
  });

  test('has the same labels on any number of threads', () => {
    const threads = setThreads(1);
    for (const columns of [3, 5]) {
      const call = { rows: 5000, columns, eps: 0.5, minPoints: 5, values: cloud(9, 5000, columns) };
      setThreads(1);
      const one = dbscan(call);
      setThreads(3);
      expect(dbscan(call)).toEqual(one);
    }
    setThreads(threads);
  });

  test('refuses NaN and weights below 0', () => {
    const values = cloud(1, 10, 2);
    expect(() => dbscan({ rows: 10, columns: 2, values: values.with(3, Number.NaN) })).toThrow('element 3');
    const weights = new Float64Array(10).with(4, -1);
    expect(() => dbscan({ rows: 10, columns: 2, values, weights })).toThrow('row 4');
  });
});
