// How signals become decisions where a request says nothing else, as an operator sets it.
import { z } from 'zod';

/** What decisions are made by. */
export interface DecisionSettings {
  /** Weight of the confidence of the model; that of the risk score is what is missing from 1. */
  readonly mlWeight: number;
  /** Confidence above which a signal passes. */
  readonly confidence: number;
  /** Value at risk of the portfolio, as a share of it, below which a signal passes. */
  readonly portfolioVar: number;
  /** Combined confidence above which a signal passes. */
  readonly combinedConfidence: number;
  /** Milliseconds that the risk engine has for an answer. */
  readonly riskTimeoutMs: number;
}

/** The variables of decisions, for the schema of the environment. */
export const DECISION_VARIABLES = {
  /** Weight of the confidence of the model in the combined confidence; 0..1. */
  NAUTILUS_DECISION_ML_WEIGHT: z.coerce.number().min(0).max(1).default(0.7),
  /** Confidence above which a signal passes; 0 to below 1. */
  NAUTILUS_DECISION_CONFIDENCE: z.coerce.number().min(0).lt(1).default(0.8),
  /** Value at risk of the portfolio below which a signal passes; above 0 to 1. */
  NAUTILUS_DECISION_PORTFOLIO_VAR: z.coerce.number().gt(0).max(1).default(0.02),
  /** Combined confidence above which a signal passes; 0 to below 1. */
  NAUTILUS_DECISION_COMBINED_CONFIDENCE: z.coerce.number().min(0).lt(1).default(0.85),
  /** Milliseconds that the risk engine has to validate predictions; 10..60000. */
  NAUTILUS_DECISION_RISK_TIMEOUT_MS: z.coerce.number().int().min(10).max(60_000).default(1000),
};

type Variables = z.infer<z.ZodObject<typeof DECISION_VARIABLES>>;

/** Returns the settings of checked variables. */
export function decisionSettings(env: Variables): DecisionSettings {
  return {
    mlWeight: env.NAUTILUS_DECISION_ML_WEIGHT,
    confidence: env.NAUTILUS_DECISION_CONFIDENCE,
    portfolioVar: env.NAUTILUS_DECISION_PORTFOLIO_VAR,
    combinedConfidence: env.NAUTILUS_DECISION_COMBINED_CONFIDENCE,
    riskTimeoutMs: env.NAUTILUS_DECISION_RISK_TIMEOUT_MS,
  };
}
