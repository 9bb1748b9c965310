// Predictions and their validations for tests, whole, with what a test changes.
import type { PredictionValidation, ValidationReply } from '../../../src/bus/decision-bodies.ts';
import type { SymbolPrediction } from '../templates/symbols/schemas.ts';

/** A prediction to buy with a confidence of 0.9. */
export function prediction(of: Partial<SymbolPrediction> = {}): SymbolPrediction {
  return {
    signal: 'BUY',
    confidence: 0.9,
    calibrated: true,
    target_price: null,
    target_interval: null,
    target_model_id: null,
    expected_return: null,
    values: [0.05, 0.05, 0.9],
    interval: null,
    model_id: 'm',
    model_version: '1.0.0',
    generic: false,
    ...of,
  };
}

const part = (value: number | null, threshold: number) => ({
  score: value === null ? null : Math.max(0, 1 - value / threshold),
  value,
  threshold,
  reason: value === null ? 'not known' : null,
});

/** A validation with a score of 0.9 and a limit that is full to 0.3. */
export function validation({
  fullest = 0.3,
  ...of
}: Partial<PredictionValidation> & { fullest?: number | null } = {}): PredictionValidation {
  return {
    symbol: 'A',
    risk_score: 0.9,
    reason: null,
    weight_change: 0.045,
    trade_reason: null,
    parts: {
      limits: part(fullest, 1),
      portfolio_var: part(0.001, 0.02),
      volatility: part(0.02, 0.2),
      liquidity: part(null, 0.05),
    },
    limits: [],
    ...of,
  };
}

/** A reply of the risk engine to validations. */
export function replyWith(
  validations: PredictionValidation[],
  of: Partial<ValidationReply> = {},
): ValidationReply {
  return {
    portfolio_id: 'p',
    portfolio_value: 1_000_000,
    ts_event_us: 1,
    positions: [],
    portfolio_var: 0,
    validations,
    processing_time_ms: 0.1,
    ...of,
  };
}
