// Requests and replies of combined decisions.
import { z } from 'zod';
import {
  decisionGate,
  decisionKind,
  eachOnce,
  MAX_PREDICTIONS,
  onePortfolio,
  validationFields,
  validationReply,
} from '../../../src/bus/decision-bodies.ts';
import { symbolItem, symbolPrediction, symbolsRequest } from '../templates/symbols/schemas.ts';
import { templateFields } from '../templates/template.ts';

const { symbols, features, prediction_horizon } = symbolsRequest.shape;
const share = z.number().min(0).max(1);
const strict = z.number().min(0).lt(1);

const weights = z.strictObject({
  ml: share.optional().describe('of the confidence of the model'),
  risk: share.optional().describe('of the risk score'),
});

const gates = z.strictObject({
  confidence: strict.optional().describe('a signal passes above it'),
  portfolio_var: z.number().positive().max(1).optional().describe('a signal passes below it'),
  combined_confidence: strict.optional().describe('a signal passes above it'),
});

const listed = z
  .array(symbolItem.omit({ model_type: true }))
  .min(1)
  .max(MAX_PREDICTIONS);

export const decisionRequest = z
  .strictObject({
    symbols: symbols.max(MAX_PREDICTIONS).optional(),
    features: features.unwrap().optional().describe('as in trading_signals; with symbols'),
    model_id: templateFields.model_id,
    prediction_horizon,
    predictions: listed
      .superRefine(eachOnce)
      .optional()
      .describe('in place of symbols: a list as POST /predict/batch takes it'),
    ...validationFields,
    weights: weights
      .optional()
      .describe('of the combined confidence, with a sum of 1; one of them alone tells the other'),
    gates: gates.optional().describe('what is left out is as the environment says'),
    unknown_risk_score: share
      .optional()
      .describe(
        'counts where nothing is known of the risk of a symbol; absent: such a signal is rejected, and positions without history too are no reason to go on',
      ),
    timeout_ms: templateFields.timeout_ms,
  })
  .superRefine(onePortfolio)
  .superRefine((body, context) => {
    const refuse = (path: string, message: string) =>
      context.addIssue({ code: 'custom', path: [path], message });
    if ((body.symbols === undefined) === (body.predictions === undefined))
      refuse('symbols', 'Expected either symbols or predictions');
    for (const field of ['features', 'model_id', 'prediction_horizon'] as const)
      if (body.predictions && body[field] !== undefined) refuse(field, `Expected ${field} with symbols only`);
    const { ml, risk } = body.weights ?? {};
    if (ml !== undefined && risk !== undefined && Math.abs(ml + risk - 1) > 1e-9)
      refuse('weights', 'Expected weights with a sum of 1');
  });
export type DecisionRequest = z.output<typeof decisionRequest>;

const { validations, portfolio_id, portfolio_value } = validationReply.shape;
const validation = validations.element.shape;
const { signal, calibrated, generic, model_id, model_version, target_price } = symbolPrediction.shape;

const decided = z.object({
  symbol: z.string(),
  signal,
  ml_confidence: z.number().nullable().describe('probability of the signal, as its model tells it'),
  risk_score: validation.risk_score,
  combined_confidence: z
    .number()
    .nullable()
    .describe('weighted mean of ml_confidence and risk_score; null where one of them is'),
  decision: decisionKind.describe('execute passed all gates; hold has nothing to trade'),
  weight_change: validation.weight_change,
  gates: z.array(decisionGate),
  reasons: z.array(z.string()).describe('why it is not executed'),
  risk: z
    .object({ parts: validation.parts, limits: validation.limits, reason: validation.reason })
    .describe('what the risk score is made of'),
  calibrated,
  generic,
  model_id,
  model_version,
  target_price,
});
export type Decided = z.infer<typeof decided>;

export const HOPS = ['ml', 'bus_out', 'risk', 'bus_back', 'portfolio_risk', 'total'] as const;
export type Hop = (typeof HOPS)[number];

export const decisionReply = z.object({
  decision_id: z.string().describe('on each message of ml.decisions too'),
  portfolio_id,
  portfolio_value,
  portfolio_var: z
    .number()
    .nullable()
    .describe(
      'value at risk (95%) over time_horizon, as a share of the portfolio: the larger of that with all trades whose risk is known and that with the executed ones',
    ),
  portfolio_var_before: z.number().nullable().describe('of what is held'),
  portfolio_var_reason: z.string().nullable().describe('why portfolio_var is null'),
  excluded: z
    .array(z.string())
    .describe('symbols without history that count as cash, where unknown_risk_score is posted'),
  weights: z.object({ ml: z.number(), risk: z.number() }),
  gates: z.object({
    confidence: z.number(),
    portfolio_var: z.number(),
    combined_confidence: z.number(),
  }),
  decisions: z.array(decided).describe('in the order of the request'),
  executed: z.array(z.string()).describe('symbols that passed; nothing was traded'),
  unused: z.array(z.string()).describe('posted features that no model read'),
  hops_ms: z
    .object(Object.fromEntries(HOPS.map((hop) => [hop, z.number()])) as Record<Hop, z.ZodNumber>)
    .describe('milliseconds of each part of the way'),
});
export type DecisionReply = z.infer<typeof decisionReply>;
