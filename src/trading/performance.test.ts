// Performance measures against an outside oracle, their conventions, and what is not defined.
import { describe, expect, test } from 'bun:test';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { sharedData } from '../../test/shared-data.ts';
import { InvalidOptionError, NonFiniteInputError, ShapeMismatchError } from '../core/errors.ts';
import golden from './golden.json';
import { type Performance, performance, simpleReturns } from './performance.ts';

const daily = { periods_per_year: 252, risk_free_rate: 0 };
const days = (n: number) => Float64Array.from({ length: n }, (_, i) => i * 86_400e6);
const of = (...equity: number[]) => performance(Float64Array.from(equity), days(equity.length), daily);

const measures = [
  'total_return',
  'annualised_return',
  'volatility',
  'sharpe',
  'sortino',
  'max_drawdown',
  'calmar',
] as const;

function expectGolden(ours: Performance, expected: (typeof golden.performance)['index_1990_2022']): void {
  for (const name of measures) {
    const relative = Math.abs(ours[name].value! / expected[name] - 1);
    expect({ name, close: relative <= golden.tolerance.relative, relative }).toMatchObject({
      name,
      close: true,
    });
    expect(ours[name].sample_size).toBe(expected.sample_size);
  }
  expect(ours.max_drawdown.peak_ts_us).toBe(expected.peak_ts_us);
  expect(ours.max_drawdown.valley_ts_us).toBe(expected.valley_ts_us);
}

describe('against empyrical-reloaded and numpy', () => {
  test('agrees on the index in 2008', () => {
    const { closes, timestamps_us, ...expected } = golden.performance.index_2008;
    expectGolden(
      performance(Float64Array.from(closes), Float64Array.from(timestamps_us), expected),
      expected,
    );
  });
  const file = sharedData('sp500-index-daily-close-1990-2022.csv.gz');
  test.skipIf(file === null)(
    'agrees on the index from 1990 to 2022 (needs the shared market data)',
    async () => {
      const rows = gunzipSync(await Bun.file(file!).bytes())
        .toString()
        .trim()
        .split('\n')
        .slice(1);
      const cells = rows.map((row) => row.split(',') as [string, string]);
      const closes = Float64Array.from(cells, ([, close]) => Number(close));
      const times = Float64Array.from(cells, ([date]) => Date.parse(date) * 1000);
      const expected = golden.performance.index_1990_2022;
      expectGolden(performance(closes, times, expected), expected);
    },
  );
});

describe('by hand', () => {
  test('the drawdown runs from its peak to its valley', () => {
    expect(of(100, 120, 90, 130, 117).max_drawdown).toMatchObject({
      value: 0.25,
      peak_ts_us: 86_400e6,
      valley_ts_us: 2 * 86_400e6,
    });
  });
  test('a doubling in a Julian year is an annualised return of one', () => {
    const curve = performance(Float64Array.of(1, 2), Float64Array.of(0, 365.25 * 86_400e6), daily);
    expect(curve.annualised_return.value).toBeCloseTo(1, 14);
  });
  test('every measure names its formula and its sample', () => {
    for (const name of measures) {
      expect(of(1, 2, 1.5)[name].convention.length).toBeGreaterThan(10);
      expect(of(1, 2, 1.5)[name].sample_size).toBe(2);
    }
  });
});

describe('what is not defined is null with a reason', () => {
  const reasons = (p: Performance) => Object.fromEntries(measures.map((m) => [m, p[m].reason ?? null]));
  test('for an empty curve and a single point', () => {
    for (const p of [of(), of(100)])
      for (const m of measures) expect(p[m]).toMatchObject({ value: null, sample_size: 0 });
    expect(of().sharpe.reason).toBe('needs at least 2 returns');
  });
  test('for a single return, where nothing can be said about dispersion', () => {
    expect(reasons(of(100, 90))).toMatchObject({ total_return: null, sharpe: 'needs at least 2 returns' });
  });
  test('for a flat curve', () => {
    expect(of(100, 100, 100)).toMatchObject({
      volatility: { value: 0 },
      sharpe: { value: null, reason: 'zero volatility' },
      sortino: { value: null },
      max_drawdown: { value: 0, peak_ts_us: null },
      calmar: { value: null, reason: 'no drawdown' },
    });
  });
  test('for steady growth, whose deviation is rounding only', () => {
    expect(of(1, 1.01, 1.01 ** 2, 1.01 ** 3, 1.01 ** 4).sharpe.reason).toBe('zero volatility');
  });
  test('for a ruined account, except the fall itself', () => {
    const p = of(100, 50, -10, 20);
    expect(reasons(p)).toMatchObject({
      sharpe: 'equity was zero or below',
      calmar: 'equity was zero or below',
    });
    expect(p.max_drawdown.value).toBeCloseTo(1.1, 15);
    expect(of(-1, 5, 6).total_return.value).toBeNull();
  });
  test('for growth that float64 cannot annualise', () => {
    const p = performance(Float64Array.of(1, 2), Float64Array.of(0, 1e6), daily);
    expect(p.annualised_return).toMatchObject({ value: null, reason: 'beyond the range of float64' });
  });
});

test('broken input is refused by name', () => {
  expect(() => performance(new Float64Array(2), new Float64Array(3), daily)).toThrow(ShapeMismatchError);
  expect(() => of(1, Number.NaN)).toThrow(NonFiniteInputError);
  expect(() => performance(Float64Array.of(1, 2), Float64Array.of(1, 1), daily)).toThrow(InvalidOptionError);
  for (const broken of [{ periods_per_year: 0 }, { risk_free_rate: -1 }, { risk_free_rate: Number.NaN }]) {
    expect(() => performance(days(2), days(2), { ...daily, ...broken })).toThrow(InvalidOptionError);
  }
});

test('the scale of the account changes no measure', () => {
  const curve = fc.array(fc.double({ min: 1, max: 1000, noNaN: true }), { minLength: 3, maxLength: 50 });
  fc.assert(
    fc.property(curve, fc.integer({ min: -20, max: 20 }), (equity, power) => {
      // A power of two scales without rounding, so the equality is exact.
      expect(of(...equity.map((x) => x * 2 ** power))).toEqual(of(...equity));
    }),
  );
});

test('simple returns have one element less than the curve', () => {
  expect([...simpleReturns(Float64Array.of(100, 110, 99))]).toEqual([110 / 100 - 1, 99 / 110 - 1]);
  expect(simpleReturns(new Float64Array(0))).toHaveLength(0);
});
