// Summaries of columns against numpy, and what sketches rely on.
import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { columnSummaries } from './column-summaries.ts';
import golden from './columns-golden.json';

const table = Float64Array.from(golden.table, (value) =>
  value === null ? Number.NaN : value === 'inf' ? Infinity : value === '-inf' ? -Infinity : Number(value),
);
const columns = golden.summaries.length;
const rows = table.length / columns;

test('has the counts, moments and points of numpy', () => {
  const found = columnSummaries({ rows, columns, values: table, summaryPoints: 16 });
  for (const [i, { counts, moments, points }] of golden.summaries.entries()) {
    expect([...found.counts.subarray(3 * i, 3 * i + 3)]).toEqual(counts);
    const own = [...found.moments.subarray(4 * i, 4 * i + 4)];
    if (moments === null) expect(own.every(Number.isNaN)).toBe(true);
    // Sums of 70 numbers.
    else
      for (const [at, value] of moments.entries())
        expect(Math.abs(own[at]! - value)).toBeLessThanOrEqual(1e-9 * Math.abs(value));
    const kept = [...found.points.subarray(16 * i, 16 * i + 16)].filter((point) => !Number.isNaN(point));
    // Both zeros are one number, and come back as 0.
    expect(kept).toEqual(points.map((point) => point + 0));
  }
});

test('is the same by rows as by columns, in either precision, and in any order of the rows', () => {
  const value = fc.oneof(fc.integer({ min: -9, max: 9 }), fc.constantFrom(Number.NaN, Infinity, -0));
  const shape = fc.integer({ min: 1, max: 4 });
  fc.assert(
    fc.property(shape, fc.array(value, { minLength: 4, maxLength: 120 }), (width, values) => {
      const height = Math.floor(values.length / width);
      const byRows = Float64Array.from(values.slice(0, height * width));
      const byColumns = byRows.map((_, at) => byRows[(at % height) * width + Math.floor(at / height)]!);
      const upsideDown = byRows.map(
        (_, at) => byRows[(height - 1 - Math.floor(at / width)) * width + (at % width)]!,
      );
      const call = { rows: height, columns: width, summaryPoints: 8 };
      const one = columnSummaries({ ...call, values: byRows });
      const others = [
        columnSummaries({ ...call, values: byColumns, columnMajor: true }),
        columnSummaries({ ...call, values: upsideDown }),
        columnSummaries<Float32Array>({ ...call, values: Float32Array.from(byRows) }),
      ];
      for (const other of others) {
        expect([...other.counts]).toEqual([...one.counts]);
        expect([...other.registers]).toEqual([...one.registers]);
        expect([...other.points]).toEqual([...one.points]);
        expect([...other.moments]).toEqual([...one.moments]);
      }
    }),
    { numRuns: 60 },
  );
});
