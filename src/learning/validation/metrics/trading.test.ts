import { describe, expect, test } from 'bun:test';
import {
  InsufficientHistoryError,
  InvalidOptionError,
  NonFiniteInputError,
  ShapeMismatchError,
} from '../../../core/errors.ts';
import { Philox } from '../../../core/philox.ts';
import { performance } from '../../../trading/performance.ts';
import { dailySpans } from '../test-panels.ts';
import { bootstrap, scoreOnce } from './scorer.ts';
import { equityMeasures, holdings, signPositions, tradingScorer } from './trading.ts';

const f64 = (...values: number[]) => Float64Array.from(values);

describe('holdings', () => {
  test('pays for what changes, the first entry and the last exit included', () => {
    const sample = {
      positions: f64(1, 1, -1, 0),
      returns: f64(0.01, 0.02, 0.03, 0.04),
      spans: dailySpans(4, 1),
    };
    const { net, gross, turnover, skippedRows } = holdings(sample, { costBps: 10 });
    expect([...turnover]).toEqual([1, 0, 2, 1]);
    expect([...gross]).toEqual([0.01, 0.02, -0.03, 0]);
    for (const [i, value] of [0.009, 0.02, -0.032, -0.001].entries()) expect(net[i]!).toBeCloseTo(value, 12);
    expect(skippedRows).toBe(0);
    const kept = { ...sample, positions: f64(1, 1, 1, 1) };
    expect(holdings(kept, { costBps: 10 }).net[3]!).toBeCloseTo(0.039, 12);
  });

  test('does not count a return twice: rows that begin while a holding lasts are skipped', () => {
    const sample = {
      positions: f64(1, -1, -1, 1, 1),
      returns: f64(0.1, 9, 9, 0.2, 9),
      spans: dailySpans(5, 3),
    };
    const { gross, skippedRows, tsUs } = holdings(sample, { costBps: 0 });
    expect([...gross]).toEqual([0.1, 0.2]);
    expect(skippedRows).toBe(3);
    expect([...tsUs].map((ts) => ts / 86_400e6)).toEqual([0, 3, 6]);
  });

  test('shares equity among the series of a time', () => {
    const day = dailySpans(2, 1);
    const twice = (times: Float64Array) => Float64Array.from({ length: 4 }, (_, i) => times[i >> 1]!);
    const sample = {
      positions: f64(1, -1, 1, 1),
      returns: f64(0.04, 0.02, 0.02, 0.02),
      spans: { startUs: twice(day.startUs), endUs: twice(day.endUs) },
      series: Uint32Array.of(0, 1, 0, 1),
    };
    const { gross, turnover } = holdings(sample, { costBps: 5 });
    for (const [i, value] of [0.01, 0.02].entries()) expect(gross[i]!).toBeCloseTo(value, 12);
    expect([...turnover]).toEqual([1, 1]);
    expect(() => holdings({ ...sample, series: Uint32Array.of(0, 0, 0, 1) }, { costBps: 5 })).toThrow(
      'each series once',
    );
  });

  test('says how it is annualised and what it costs', () => {
    const sample = { positions: f64(1, 1, 1), returns: f64(0, 0, 0), spans: dailySpans(3, 1) };
    expect(holdings(sample, { costBps: 5, periodsPerYear: 252 }).convention).toBe(
      'as asked: 252 holdings a year; 5 basis points of what is traded',
    );
    expect(holdings(sample, { costBps: 5 }).periodsPerYear).toBe(365.25);
  });

  test('refuses what can not be held', () => {
    const good = { positions: f64(1, 1), returns: f64(0, 0), spans: dailySpans(2, 1) };
    const bad =
      (more: object, costBps = 0) =>
      () =>
        holdings({ ...good, ...more }, { costBps });
    expect(bad({ positions: f64(1, 1.5) })).toThrow(InvalidOptionError);
    expect(bad({ positions: f64(1) })).toThrow(ShapeMismatchError);
    expect(bad({ returns: f64(1, Number.NaN) })).toThrow(NonFiniteInputError);
    expect(bad({ spans: dailySpans(2, 0) })).toThrow(InvalidOptionError);
    expect(bad({ spans: dailySpans(2, 2) })).toThrow(InsufficientHistoryError);
    expect(bad({}, -1)).toThrow(InvalidOptionError);
  });
});

describe('tradingScorer', () => {
  const rows = 400;
  const returns = new Philox(3).fillNormal(new Float64Array(rows)).map((value) => 0.0005 + value / 100);
  const sample = { positions: new Float64Array(rows).fill(1), returns, spans: dailySpans(rows, 1) };

  test('gives the Sharpe ratio of the performance measures', () => {
    const held = holdings(sample, { costBps: 3, periodsPerYear: 252 });
    const equity = [1];
    for (const value of held.net) equity.push(equity.at(-1)! * (1 + value));
    const { sharpe, max_drawdown, total_return } = performance(Float64Array.from(equity), held.tsUs, {
      periods_per_year: 252,
      risk_free_rate: 0,
    });
    // Quotients of compounded equity give the returns back to some epsilons.
    expect(scoreOnce(tradingScorer(held)).sharpe).toBeCloseTo(sharpe.value!, 9);
    expect(equityMeasures(held)).toEqual({ max_drawdown, total_return });
  });

  test('counts each unit as often as its weight', () => {
    const held = holdings(sample, { costBps: 3, periodsPerYear: 252 });
    const interval = bootstrap(tradingScorer(held), { resamples: 200, blockRows: 5, level: 0.9, seed: 1 });
    const { sharpe } = scoreOnce(tradingScorer(held));
    expect(interval.sharpe.low).toBeLessThan(sharpe);
    expect(interval.sharpe.high).toBeGreaterThan(sharpe);
    // The standard error of a Sharpe ratio of 400 days is about sqrt(252 / 400); 90% are 3.3 of it wide.
    expect(interval.sharpe.high - interval.sharpe.low).toBeGreaterThan(1.5);
    expect(interval.sharpe.high - interval.sharpe.low).toBeLessThan(4);
  });

  test('costs lower what is earned by what is traded', () => {
    const flips = {
      ...sample,
      positions: signPositions(
        returns.map((_, i) => (i % 2 ? 1 : -1)),
        0,
      ),
    };
    const free = scoreOnce(tradingScorer(holdings(flips, { costBps: 0 })));
    const paid = scoreOnce(tradingScorer(holdings(flips, { costBps: 10 })));
    expect(free.mean_net_bps).toBeCloseTo(free.mean_gross_bps, 9);
    // Entry 1, 399 flips of 2, exit 1, at 10 basis points over 400 holdings.
    expect(paid.mean_net_bps).toBeCloseTo(free.mean_net_bps - ((2 * 399 + 2) * 10) / 400, 9);
    expect(paid.turnover).toBeCloseTo((2 * 399 + 1) / 400, 9);
  });
});
