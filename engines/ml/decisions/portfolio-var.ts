// Value at risk of a portfolio with the trades of its signals, by the template portfolio_risk.
import type { PredictionValidation, ValidationReply } from '../../../src/bus/decision-bodies.ts';
import { NautilusError } from '../../../src/core/errors.ts';
import { SERVED_TEMPLATES } from '../templates/index.ts';
import { AllExcludedError } from '../templates/portfolio-risk/predict.ts';
import { type PortfolioReply, portfolioRequest } from '../templates/portfolio-risk/schemas.ts';
import type { Templates } from '../templates/service.ts';
import type { PortfolioVar } from './gates.ts';
import type { DecisionRequest } from './schemas.ts';

const TEMPLATE = SERVED_TEMPLATES.find(({ modelTypes }) => modelTypes.includes('portfolio_risk'))!;

/** Value at risk with and without the trades. */
export interface PortfolioVars extends PortfolioVar {
  readonly before: number | null;
  readonly excluded: readonly string[];
}

const NOTHING: PortfolioVars = { value: 0, before: 0, reason: null, excluded: [] };

/** Returns the trades that count: those whose risk is known, or may be unknown. */
export function countedTrades(
  { unknown_risk_score }: DecisionRequest,
  { validations }: ValidationReply,
): PredictionValidation[] {
  const mayBeUnknown = unknown_risk_score !== undefined;
  return validations.filter(
    ({ weight_change, risk_score }) => weight_change !== 0 && (risk_score !== null || mayBeUnknown),
  );
}

/**
 * Returns the value at risk (95%, over the horizon of the body, as a share of the portfolio) of `positions` with `trades`. Null with the reason
 * where it can't be told, so that nothing passes its gate. Throws what the template throws but for 422.
 */
export async function portfolioVar(
  body: DecisionRequest,
  positions: ValidationReply['positions'],
  trades: readonly PredictionValidation[],
  templates: Templates,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<PortfolioVars> {
  const mayBeUnknown = body.unknown_risk_score !== undefined;
  const proposed_trades = trades.map(({ symbol, weight_change }) => ({
    symbol,
    side: weight_change > 0 ? 'buy' : 'sell',
    weight: Math.abs(weight_change),
  }));
  if (positions.length === 0 && proposed_trades.length === 0) return NOTHING;
  const { time_horizon, returns, returns_interval } = body;
  const checked = portfolioRequest.safeParse({
    model_type: 'portfolio_risk',
    current_positions: Object.fromEntries(positions.map(({ symbol, weight }) => [symbol, { weight }])),
    proposed_trades,
    // How much a sale may be is decided already.
    allow_short: true,
    time_horizon,
    ...(returns && { returns, returns_interval }),
    unknown: mayBeUnknown ? 'exclude' : 'refuse',
    timeout_ms: Math.ceil(timeoutMs),
  });
  if (!checked.success) {
    const { path, message } = checked.error.issues[0]!;
    return unknown(`the portfolio can't be assessed: ${message} for /${path.join('/')}`);
  }
  try {
    const reply = await templates.answer({ template: TEMPLATE, body: checked.data }, 'auto', signal);
    const { portfolio_var, before, reasons, excluded } = reply as PortfolioReply;
    return {
      value: portfolio_var,
      before: before?.portfolio_var ?? null,
      reason: reasons.portfolio_var ?? null,
      excluded: excluded.map(({ symbol }) => symbol),
    };
  } catch (error) {
    if (error instanceof AllExcludedError) {
      const left = [...positions, ...proposed_trades].map(({ symbol }) => symbol);
      return { ...NOTHING, excluded: [...new Set(left)] };
    }
    if (error instanceof NautilusError && error.status === 422) return unknown(error.message);
    throw error;
  }
}

function unknown(reason: string): PortfolioVars {
  return { value: null, before: null, reason, excluded: [] };
}
