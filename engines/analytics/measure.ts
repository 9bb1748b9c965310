// All measures of an equity curve in the form of the reply: numbers, reasons for those that are missing, conventions.
import { type Measure, performance } from '../../src/trading/performance.ts';
import { inferPeriodsPerYear } from '../../src/trading/periods.ts';
import type { CalculateRequest } from './schemas.ts';
import type { Curve } from './store.ts';

const GIVEN = 'given with the request';
const UNKNOWN = 'needs at least 2 observations';

/**
 * Returns the measures of `curve` (one point per event time, in order) with the formula of each in words. A measure that
 * is not defined is null and its reason stands in `reasons`. Periods a year are inferred from the spacing unless given.
 */
export function measure({ equity, timestampsUs }: Curve, request: CalculateRequest) {
  const inferred = equity.length >= 2 ? inferPeriodsPerYear(timestampsUs) : null;
  const periods = request.periods_per_year ?? inferred?.periods_per_year ?? null;
  const measured = performance(equity, timestampsUs, {
    // Without two points every measure that it would annualise is undefined anyway.
    periods_per_year: periods ?? 1,
    risk_free_rate: request.risk_free_rate,
  });
  const named: Record<string, Measure> = {
    total_return: measured.total_return,
    annualised_return: measured.annualised_return,
    volatility: measured.volatility,
    sharpe_ratio: measured.sharpe,
    sortino_ratio: measured.sortino,
    max_drawdown: measured.max_drawdown,
    calmar_ratio: measured.calmar,
  };
  const entries = Object.entries(named);
  const { value: fraction, peak_ts_us, valley_ts_us } = measured.max_drawdown;
  return {
    total_return: measured.total_return.value,
    annualised_return: measured.annualised_return.value,
    volatility: measured.volatility.value,
    sharpe_ratio: measured.sharpe.value,
    sortino_ratio: measured.sortino.value,
    max_drawdown: { fraction, peak_ts_us, valley_ts_us },
    calmar_ratio: measured.calmar.value,
    reasons: Object.fromEntries(entries.flatMap(([name, { reason }]) => (reason ? [[name, reason]] : []))),
    observations: equity.length,
    conventions: {
      periods_per_year: periods,
      periods_source: request.periods_per_year !== undefined ? GIVEN : (inferred?.convention ?? UNKNOWN),
      risk_free_rate: request.risk_free_rate,
      formulas: Object.fromEntries(entries.map(([name, { convention }]) => [name, convention])),
    },
  };
}
