// What becomes of one signal: combined confidence, gates and the reasons. Pure.
import type { PredictionValidation } from '../../../src/bus/decision-bodies.ts';
import type { SymbolPrediction } from '../templates/symbols/schemas.ts';
import type { Decided, DecisionReply } from './schemas.ts';

/** By what decisions are made. */
export interface Rules extends Pick<DecisionReply, 'weights' | 'gates'> {
  /** Risk score of a symbol of which nothing is known; undefined: its signal is rejected. */
  readonly unknownRiskScore: number | undefined;
}

/** Value at risk with the trades; or why it can't be told. */
export interface PortfolioVar {
  readonly value: number | null;
  readonly reason: string | null;
}

type Gate = Decided['gates'][number];
type Fields = Pick<Decided, 'risk_score' | 'combined_confidence' | 'decision' | 'gates' | 'reasons'>;

/**
 * Returns what becomes of a signal. It is executed when it buys or sells something and every gate is passed; a number that is not known
 * passes no gate, but for the limits of a symbol whose risk is unknown and may be.
 */
export function decide(
  { signal, confidence, reason }: SymbolPrediction,
  validation: PredictionValidation,
  portfolioVar: PortfolioVar,
  { weights, gates, unknownRiskScore }: Rules,
): Fields {
  const isAllowed = validation.risk_score === null && unknownRiskScore !== undefined;
  const counted = validation.risk_score ?? unknownRiskScore ?? null;
  const combined =
    confidence === null || counted === null
      ? null
      : Math.min(1, weights.ml * confidence + weights.risk * counted);
  const fullest = validation.parts.limits.value;
  const passed: Gate[] = [
    gate('confidence', confidence, gates.confidence, above),
    { ...gate('limits', fullest, 1, atMost), ...(isAllowed && fullest === null && { passed: true }) },
    gate('portfolio_var', portfolioVar.value, gates.portfolio_var, below),
    gate('combined_confidence', combined, gates.combined_confidence, above),
  ];
  const shown = { risk_score: validation.risk_score, combined_confidence: combined, gates: passed };
  if (signal === 'HOLD') return { ...shown, decision: 'hold', reasons: ['the signal is to hold'] };
  const reasons: string[] = [];
  if (signal === null) reasons.push(`there is no signal${reason === undefined ? '' : `: ${reason}`}`);
  else if (validation.weight_change === 0)
    reasons.push(`nothing would be traded${validation.trade_reason ? `: ${validation.trade_reason}` : ''}`);
  if (validation.risk_score === null && !isAllowed)
    reasons.push(`the risk of the symbol is not known: ${validation.reason}`);
  for (const one of passed) if (!one.passed) reasons.push(told(one, portfolioVar));
  return { ...shown, decision: reasons.length === 0 ? 'execute' : 'reject', reasons };
}

const above = (value: number, threshold: number) => value > threshold;
const below = (value: number, threshold: number) => value < threshold;
const atMost = (value: number, threshold: number) => value <= threshold;

function gate(
  name: Gate['gate'],
  value: number | null,
  threshold: number,
  passes: (value: number, threshold: number) => boolean,
): Gate {
  return { gate: name, value, threshold, passed: value !== null && passes(value, threshold) };
}

const NEEDS = {
  confidence: 'above',
  limits: 'at most',
  portfolio_var: 'below',
  combined_confidence: 'above',
} as const;

function told({ gate: name, value, threshold }: Gate, portfolioVar: PortfolioVar): string {
  const why = name === 'portfolio_var' && portfolioVar.reason ? ` (${portfolioVar.reason})` : '';
  return value === null
    ? `${name} is not known${why}`
    : `${name} is ${Number(value.toPrecision(6))}, not ${NEEDS[name]} ${threshold}`;
}
