// The quality of tables: each flag where it belongs, none where nothing is wrong, on made and on real data.
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { InvalidOptionError, ShapeMismatchError } from '../../core/errors.ts';
import { duplicateRows } from './duplicates.ts';
import { qualityReport } from './quality.ts';
import { TableSketch } from './table-sketch.ts';
import { normalStream, uniformStream } from './test-streams.ts';
import type { ColumnValues, QualityFlag } from './types.ts';

const MINUTE = 60e6;
const START = 1.7e15;
const minutes = (rows: number) => Float64Array.from({ length: rows }, (_, i) => START + i * MINUTE);
const table = (columns: Record<string, ColumnValues>) => new Map(Object.entries(columns));
const normal = (seed: number, rows: number) => Float64Array.from({ length: rows }, normalStream(seed));
type Report = Awaited<ReturnType<typeof qualityReport>>;
const flags = ({ findings }: Report) =>
  Object.fromEntries(
    findings.map(({ flag, column, count, failed }) => [column ? `${flag} ${column}` : flag, [count, failed]]),
  );

describe('a table', () => {
  test('of sound rows passes without a finding', async () => {
    const random = uniformStream(1);
    const x = Float64Array.from({ length: 500 }, random);
    const report = await qualityReport({ columns: table({ x }), tsUs: minutes(500) });
    expect(report).toEqual({ rows: 500, columns: 1, findings: [], passed: true });
  });

  test('has a flag with its count for each fault of a column', async () => {
    const rows = 200;
    const some = normal(1, rows).map((x, i) => (i < 20 ? Number.NaN : x));
    const wild = normal(2, rows).map((x, i) => (i < 3 ? 50 : x));
    const reference = TableSketch.build(
      table({ wild: normal(3, 5000), word: Array.from({ length: 5000 }, (_, i) => (i % 2 ? 'a' : 'b')) }),
    );
    const columns = table({
      ...{ some, wild, none: new Float64Array(rows).fill(Number.NaN), flat: new Float64Array(rows).fill(2) },
      infinite: normal(4, rows).map((x, i) => (i === 7 ? Number.POSITIVE_INFINITY : x)),
      word: Array.from({ length: rows }, (_, i) => (i < 5 ? 'new' : 'a')),
    });
    const report = await qualityReport({ columns }, { reference, outlierScore: 8 });
    expect(flags(report)).toEqual({
      ...{ 'missing some': [20, true], 'all_missing none': [rows, true], 'constant flat': [rows, true] },
      ...{ 'non_finite infinite': [1, true], 'outliers wild': [3, false], 'out_of_range wild': [3, true] },
      'new_categories word': [5, true],
    });
    expect(report.passed).toBe(false);
    expect(report.findings.findIndex(({ failed }) => !failed)).toBe(report.findings.length - 1);
    const lenient = {
      missing: 0.5,
      all_missing: 1,
      constant: 1,
      non_finite: 1,
      out_of_range: 1,
      new_categories: 1,
    };
    expect((await qualityReport({ columns }, { reference, thresholds: lenient })).passed).toBe(true);
  });

  test('without rows is empty', async () => {
    const report = await qualityReport({ columns: table({ x: new Float64Array() }) });
    expect(report).toMatchObject({ rows: 0, passed: false, findings: [{ flag: 'empty' }] });
  });

  test('of other lengths or options is refused', async () => {
    const columns = table({ x: normal(1, 10) });
    await expect(qualityReport({ columns, tsUs: minutes(9) })).rejects.toThrow(ShapeMismatchError);
    await expect(qualityReport({ columns }, { gapFactor: 0 })).rejects.toThrow(InvalidOptionError);
    await expect(qualityReport({ columns }, { thresholds: { missing: 2 } })).rejects.toThrow(
      InvalidOptionError,
    );
    await expect(qualityReport({ columns }, { thresholds: { other: 1 } as never })).rejects.toThrow(
      InvalidOptionError,
    );
  });
});

describe('rows', () => {
  test('that are there twice are counted as a search of all pairs counts them', async () => {
    const cell = fc.constantFrom(0, -0, 1, Number.NaN, 2 ** 40, 2 ** 40 + 1);
    const word = fc.constantFrom('a', 'b', '1', null);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(cell, cell, word), { maxLength: 60 }), async (rows) => {
        const columns = [
          Float64Array.from(rows, ([x]) => x),
          rows.map(([, x]) => x),
          // Both are no value.
          rows.map(([, , text], row) => (text === null && row % 2 ? '' : text)),
        ];
        const key = ([x, y, text]: (typeof rows)[number]) => JSON.stringify([String(x), String(y), text]);
        const doubled = rows.filter(
          (row, i) => rows.findIndex((other) => key(other) === key(row)) < i,
        ).length;
        expect(await duplicateRows(columns, rows.length)).toBe(doubled);
      }),
      { numRuns: 60 },
    );
  });

  test('of another time are not the same', async () => {
    const columns = table({ x: new Float64Array(50).map((_, i) => i % 5) });
    const find = async (tsUs?: Float64Array) =>
      flags(await qualityReport(tsUs ? { columns, tsUs } : { columns })).duplicate_rows;
    expect(await find()).toEqual([45, true]);
    expect(await find(minutes(50))).toBeUndefined();
  });
});

describe('time', () => {
  const columns = (rows: number) => table({ x: normal(1, rows) });
  const found = async (tsUs: Float64Array, more = {}) =>
    flags(await qualityReport({ columns: columns(tsUs.length), tsUs, ...more }, { outlierScore: 1e9 }));

  test('that stands still, falls or is no number is counted, once for each such row', async () => {
    const tsUs = minutes(100);
    tsUs[10] = tsUs[9]!;
    tsUs[20] = tsUs[0]!;
    tsUs[30] = Number.NaN;
    expect(await found(tsUs)).toEqual({ time_not_rising: [3, true] });
  });

  test('with gaps is told, each series by itself', async () => {
    const gap = minutes(100).map((at, i) => (i < 50 ? at : at + 10 * MINUTE));
    expect(await found(gap)).toEqual({ time_gaps: [1, true] });
    const both = Float64Array.from([...minutes(100)].flatMap((at) => [at, at]));
    const seriesOf = Uint32Array.from(both, (_, i) => i % 2);
    expect(await found(both, { seriesOf })).toEqual({});
  });

  const clocks: [name: string, clock: (at: number, row: number) => number, expected: QualityFlag[]][] = [
    ['that agree', (at) => at, []],
    ['that always differ by the same', (at) => at - 5e6, []],
    ['of which one jumps', (at, row) => (row < 700 ? at : at + 3e6), ['clock_jump']],
    ['of which one loses 0.1 %', (at) => at - (at - START) * 1e-3, ['clock_drift']],
    [
      'of which one gains, and jumps',
      (at, row) => at + (at - START) * 1e-3 - (row < 500 ? 0 : 60e6),
      ['clock_drift', 'clock_jump'],
    ],
  ];
  for (const [name, clock, expected] of clocks) {
    test(`of two clocks ${name} is told, whatever rows need to arrive`, async () => {
      const random = uniformStream(9);
      const right = Float64Array.from({ length: 1000 }, (_, i) => START + i * 1e6);
      const receivedUs = right.map((at) => at + 2000 - 20_000 * Math.log(1 - random()));
      const tsUs = right.map(clock);
      const report = await found(tsUs, { receivedUs });
      expect(
        Object.keys(report)
          .filter((flag) => flag.startsWith('clock'))
          .sort(),
      ).toEqual(expected);
    });
  }
});
