// Bars per year, inferred from timestamps.
import { describe, expect, test } from 'bun:test';
import { InsufficientHistoryError, InvalidOptionError } from '../core/errors.ts';
import golden from './golden.json';
import { inferPeriodsPerYear } from './periods.ts';

const hour = 3600e6;
const every = (us: number, n = 100) => Float64Array.from({ length: n }, (_, i) => 1.6e15 + i * us);
const onDays = (...dates: string[]) => Float64Array.from(dates, (d) => Date.parse(d) * 1000);

describe('bars per year', () => {
  test('of bars shorter than a day take the market for always open', () => {
    expect(inferPeriodsPerYear(every(hour / 60))).toEqual({
      periods_per_year: 525_960,
      convention: 'market open around the clock: 365.25 days / median spacing',
    });
    expect(inferPeriodsPerYear(every(hour)).periods_per_year).toBe(8766);
  });
  test('of daily bars without weekends are 252', () => {
    const year = Float64Array.from(golden.performance.index_2008.timestamps_us);
    expect(inferPeriodsPerYear(year).periods_per_year).toBe(252);
  });
  test('of daily bars with weekends, or too few to tell, are 365.25', () => {
    expect(inferPeriodsPerYear(every(24 * hour)).periods_per_year).toBe(365.25);
    expect(inferPeriodsPerYear(onDays('2024-01-01', '2024-01-02', '2024-01-03')).periods_per_year).toBe(
      365.25,
    );
  });
  test('of weekly, monthly, quarterly and yearly bars follow the calendar', () => {
    expect(inferPeriodsPerYear(every(7 * 24 * hour)).periods_per_year).toBeCloseTo(52.18, 2);
    expect(inferPeriodsPerYear(onDays('2023-01-01', '2023-02-01', '2023-03-01')).periods_per_year).toBe(12);
    expect(inferPeriodsPerYear(onDays('2023-01-01', '2023-04-01', '2023-07-01')).periods_per_year).toBe(4);
    expect(inferPeriodsPerYear(onDays('2022-01-01', '2023-01-01')).periods_per_year).toBe(1);
  });
  test('do not change for a few missing bars', () => {
    const all = every(hour);
    expect(inferPeriodsPerYear(all.filter((_, i) => i % 7 !== 0)).periods_per_year).toBe(8766);
  });
  test('need two increasing timestamps', () => {
    expect(() => inferPeriodsPerYear(every(1, 1))).toThrow(InsufficientHistoryError);
    expect(() => inferPeriodsPerYear(Float64Array.of(2, 1))).toThrow(InvalidOptionError);
    expect(() => inferPeriodsPerYear(Float64Array.of(2, Number.NaN))).toThrow(InvalidOptionError);
  });
});
