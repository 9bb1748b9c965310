// Risk of a portfolio: values of outside libraries, laws, and what has no value.
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { simpleReturns } from './performance.ts';
import { plainGemm } from './plain-gemm.ts';
import { betaTo, portfolioReturns, tailFigures, wholeFigures } from './portfolio-risk.ts';
import golden from './portfolio-risk-golden.json';

const DAY_US = 86_400e6;
const { closes, times_us, weights, horizon_bars, risk_free_rate, expected, tolerance } = golden;
const bars = closes.length - 1;
const moves = Float64Array.from(
  closes.slice(1).flatMap((row, i) => row.map((close, j) => close / closes[i]![j]! - 1)),
);
const returns = portfolioReturns(moves, bars, Float64Array.from(weights), plainGemm);
const conventions = { horizonBars: horizon_bars, periodsPerYear: 252, riskFreeRate: risk_free_rate };
const series = { returns, times: Float64Array.from(times_us.slice(1)), intervalUs: DAY_US };

const relative = (ours: number | null, theirs: number) => Math.abs(ours! / theirs - 1);

describe('the risk of a portfolio', () => {
  test('is what empyrical and numpy say of 60 days in 2020', () => {
    const tail = tailFigures(returns, 0.95, horizon_bars);
    const whole = wholeFigures(series, conventions);
    const benchmark = simpleReturns(Float64Array.from(golden.benchmark));
    const ours = {
      var_95: tail.var,
      cvar_95: tail.cvar,
      max_drawdown: whole.max_drawdown,
      sharpe_ratio: whole.sharpe_ratio,
      volatility: whole.volatility,
      beta: betaTo(returns, benchmark),
    };
    for (const [name, value] of Object.entries(expected)) {
      const off = relative(ours[name as keyof typeof ours].value, value);
      expect({ name, close: off <= tolerance.relative, off }).toMatchObject({ name, close: true });
    }
  });

  const someReturns = fc
    .array(fc.double({ min: -0.2, max: 0.2, noNaN: true }), { minLength: 20, maxLength: 120 })
    .map((list) => Float64Array.from(list));

  test('value at risk grows with the level and the root of the horizon, and never passes the expected shortfall', () => {
    fc.assert(
      fc.property(someReturns, fc.double({ min: 0.1, max: 50, noNaN: true }), (r, horizon) => {
        const [low, high] = [0.8, 0.95].map((level) => tailFigures(r, level, 1));
        const far = tailFigures(r, 0.95, horizon);
        expect(high!.var.value!).toBeGreaterThanOrEqual(low!.var.value!);
        // The mean of a tail may lose an ulp on equal losses.
        expect(high!.cvar.value!).toBeGreaterThanOrEqual(high!.var.value! - 1e-15);
        expect(far.var.value!).toBeCloseTo(high!.var.value! * Math.sqrt(horizon), 12);
      }),
    );
  });

  test('a portfolio of twice the weights has twice the risk and the beta, and that of nothing has none', () => {
    fc.assert(
      fc.property(someReturns, (r) => {
        const doubled = r.map((x) => 2 * x);
        const [one, two] = [tailFigures(r, 0.9, 1), tailFigures(doubled, 0.9, 1)];
        expect([two.var.value, two.cvar.value]).toEqual([2 * one.var.value!, 2 * one.cvar.value!]);
        const beta = betaTo(doubled, r);
        if (beta.value === null) expect(beta.reason).toBe('the benchmark does not vary');
        else expect(beta.value).toBeCloseTo(2, 9);
      }),
    );
    const nothing = portfolioReturns(moves, bars, new Float64Array(4), plainGemm);
    expect(tailFigures(nothing, 0.95, 1).var).toEqual({ value: 0 });
    expect(wholeFigures({ ...series, returns: nothing }, conventions).sharpe_ratio).toEqual({
      value: null,
      reason: 'zero volatility',
    });
  });

  test('what cannot be told is null with the reason', () => {
    const few = returns.subarray(0, 19);
    expect(tailFigures(few, 0.95, 1).var).toEqual({ value: null, reason: 'needs at least 20 returns' });
    expect(tailFigures(returns.subarray(0, 20), 0.95, 1).var.value).not.toBeNull();
    const ruin = Float64Array.from([0.1, -1, 0.2]);
    const times = Float64Array.from([1, 2, 3], (day) => day * DAY_US);
    const whole = wholeFigures({ returns: ruin, times, intervalUs: DAY_US }, conventions);
    expect(whole.sharpe_ratio).toEqual({ value: null, reason: 'equity was zero or below' });
    expect(betaTo(ruin, new Float64Array(3)).reason).toBe('the benchmark does not vary');
  });

  test('numbers that do not fit are refused', () => {
    expect(() => portfolioReturns(moves, bars, new Float64Array(3), plainGemm)).toThrow(
      'returns of 3 assets',
    );
    const infinite = Float64Array.from([Number.POSITIVE_INFINITY, 0, 0, 0]);
    expect(() => portfolioReturns(moves, bars, infinite, plainGemm)).toThrow('finite returns');
    expect(() => tailFigures(returns, 0.5, 1)).toThrow('above 0.5');
    expect(() => betaTo(returns, returns.subarray(1))).toThrow('as many bars');
  });
});
