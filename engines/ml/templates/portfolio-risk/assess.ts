// The figures of one set of weights, by the names that a body asks for.
import type { Gemm } from '../../../../src/trading/covariance.ts';
import {
  betaTo,
  type Figure,
  type PortfolioSeries,
  portfolioReturns,
  type RiskConventions,
  tailFigures,
  wholeFigures,
} from '../../../../src/trading/portfolio-risk.ts';
import type { Assessed, PortfolioRequest } from './schemas.ts';

/** Returns of the assets of a portfolio. */
export interface AssetReturns extends Pick<PortfolioSeries, 'times' | 'intervalUs'> {
  /** [bars, assets]. */
  readonly returns: Float64Array;
  readonly bars: number;
}

/** What weights are assessed with. */
export interface Assessing {
  readonly metrics: readonly string[];
  /** Level of `portfolio_var`. */
  readonly level: number;
  readonly history: AssetReturns;
  /** [bars]; null where there is none, for the reason that follows. */
  readonly benchmark: Float64Array | null;
  readonly noBenchmark: string;
  readonly conventions: RiskConventions;
  readonly gemm: Gemm;
}

const WHOLE = ['max_drawdown', 'sharpe_ratio'] as const;

/** Returns the metrics that a body asks for, each once; beta is always there, as in the published reply. */
export function metricsOf({ risk_metrics: asked, confidence_level: level }: PortfolioRequest): string[] {
  const name = String(Math.round(level * 1000) / 10).replace('.', '_');
  return [...new Set([...(asked ?? [`var_${name}`, `cvar_${name}`, ...WHOLE]), 'beta'])];
}

/** Returns the figures of `weights` [assets]. */
export function assess(weights: Float64Array, assessing: Assessing): Assessed {
  const { history, conventions, benchmark, gemm, level } = assessing;
  const returns = portfolioReturns(history.returns, history.bars, weights, gemm);
  const whole = wholeFigures({ ...history, returns }, conventions);
  const beta = benchmark ? betaTo(returns, benchmark) : { value: null, reason: assessing.noBenchmark };
  const single: Readonly<Record<string, Figure>> = { ...whole, beta };
  const standard_errors: Record<string, number | null> = {};
  const reasons: Record<string, string> = {};
  const risk_assessment = Object.fromEntries(
    assessing.metrics.map((metric) => {
      const tail = /^(c?var)_(.+)$/.exec(metric);
      let figure = single[metric];
      if (tail) {
        const kind = tail[1] as 'var' | 'cvar';
        const figures = tailFigures(
          returns,
          Number(tail[2]!.replace('_', '.')) / 100,
          conventions.horizonBars,
        );
        figure = figures[kind];
        standard_errors[metric] = figures[`${kind}_standard_error`];
      }
      if (figure!.reason !== undefined) reasons[metric] = figure!.reason;
      return [metric, figure!.value];
    }),
  );
  const portfolio = tailFigures(returns, level, conventions.horizonBars).var;
  if (portfolio.reason !== undefined) reasons.portfolio_var = portfolio.reason;
  const net = weights.reduce((sum, weight) => sum + weight, 0);
  return {
    risk_assessment,
    reasons,
    standard_errors,
    portfolio_var: portfolio.value,
    exposure: { gross: weights.reduce((sum, weight) => sum + Math.abs(weight), 0), net, cash: 1 - net },
  };
}
