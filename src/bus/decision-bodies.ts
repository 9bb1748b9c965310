// What the ml engine asks the risk engine about predictions, its answer, and the decisions that come of both.
import { z } from 'zod';

/** Most predictions of one question. */
export const MAX_PREDICTIONS = 100;
/** Most positions of a posted portfolio. */
export const MAX_HELD = 500;
/** Most returns of one question, of all symbols together. */
export const MAX_RETURNS = 100_000;

const id = z.string().min(1).max(128);
const symbol = z.string().min(1).max(64);
const nullableNumber = z.number().nullable();
const signal = z.enum(['BUY', 'HOLD', 'SELL']).nullable();
const confidence = z.number().min(0).max(1).nullable();
const duration = z.string().regex(/^[1-9]\d{0,4}[mhdw]$/);

/** Fails where a symbol comes twice in a list, with its place. */
export function eachOnce(list: readonly { readonly symbol: string }[], context: z.core.$RefinementCtx): void {
  const seen = new Set<string>();
  for (const [i, one] of list.entries()) {
    if (seen.has(one.symbol))
      context.addIssue({ code: 'custom', path: [i, 'symbol'], message: 'Expected each symbol once' });
    seen.add(one.symbol);
  }
}

/** Positions as shares of a portfolio. */
export const heldWeights = z
  .array(z.strictObject({ symbol, weight: z.number().min(-10).max(10) }))
  .max(MAX_HELD)
  .superRefine(eachOnce)
  .describe('positions as shares of the portfolio, below 0 for short ones');

/** Posted histories. */
export const postedReturns = z
  .record(symbol, z.array(z.number().min(-1).max(1000)).min(1))
  .refine((all) => Object.values(all).reduce((sum, list) => sum + list.length, 0) <= MAX_RETURNS, {
    message: `Expected at most ${MAX_RETURNS} returns`,
  })
  .describe('returns of each symbol, oldest first, all of one length; default: the bars of the stream');

/** What a question about predictions has beside them, whoever asks. */
export const validationFields = {
  portfolio_id: id.optional().describe('a portfolio of this system: its positions, equity and limits count'),
  current_positions: heldWeights
    .optional()
    .describe('in place of portfolio_id: positions as shares of the portfolio; default limits count'),
  portfolio_value: z
    .number()
    .positive()
    .max(1e15)
    .optional()
    .describe('what current_positions are shares of, in quote currency'),
  trade_weight: z
    .number()
    .positive()
    .max(1)
    .default(0.05)
    .describe('share of the portfolio that a signal of confidence 1 trades'),
  allow_short: z.boolean().default(false).describe('false: a sale ends at a position of nothing'),
  time_horizon: duration.default('1d').describe('of value at risk, such as 30m, 4h, 1d or 2w'),
  returns: postedReturns.optional(),
  returns_interval: duration.default('1d').describe('distance between two posted returns'),
  turnover: z
    .record(symbol, z.number().nonnegative().max(1e18))
    .optional()
    .describe('traded value of a day in quote currency; default: from the bars of the stream'),
  max_daily_volatility: z
    .number()
    .positive()
    .max(10)
    .default(0.2)
    .describe('daily volatility of a symbol at which its score is 0'),
  max_participation: z
    .number()
    .positive()
    .max(1)
    .default(0.05)
    .describe('share of the turnover of a day at which the score of a trade is 0'),
};

interface Held {
  readonly portfolio_id?: string | undefined;
  readonly current_positions?: unknown;
  readonly portfolio_value?: number | undefined;
}

/** Fails unless a body names one portfolio, whole. */
export function onePortfolio(body: Held, context: z.core.$RefinementCtx): void {
  const refuse = (path: string, message: string) =>
    context.addIssue({ code: 'custom', path: [path], message });
  if ((body.portfolio_id === undefined) === (body.current_positions === undefined))
    refuse('portfolio_id', 'Expected either portfolio_id or current_positions');
  if ((body.current_positions === undefined) !== (body.portfolio_value === undefined))
    refuse('portfolio_value', 'Expected portfolio_value with current_positions, and only with them');
}

// Predictions are handed on as they came, with fields that mean nothing here.
const predictions = z
  .array(
    z.looseObject({
      symbol,
      signal,
      confidence,
      weight: z
        .number()
        .positive()
        .max(10)
        .optional()
        .describe('share of the portfolio that is traded, in place of trade_weight times confidence'),
    }),
  )
  .min(1)
  .max(MAX_PREDICTIONS)
  .superRefine(eachOnce);

/** A question: which risk has each of these predictions, were it traded? */
export const validationRequest = z
  .strictObject({
    predictions: predictions.describe('entries of a reply to POST /predict/batch, or the same by hand'),
    ...validationFields,
    max_portfolio_var: z
      .number()
      .positive()
      .max(1)
      .default(0.02)
      .describe('value at risk of the portfolio, as a share of it, of which a trade is measured'),
  })
  .superRefine(onePortfolio);
export type ValidationRequest = z.output<typeof validationRequest>;

const part = z.object({
  score: z.number().min(0).max(1).nullable().describe('1 is safe; null where it could not be told'),
  value: nullableNumber,
  threshold: z.number().describe('value at which the score is 0'),
  reason: z.string().nullable().describe('why it could not be told'),
});
export type ScorePart = z.infer<typeof part>;

const limitUse = z.object({
  limit: z.string(),
  value: z.string().describe('once the trade is done'),
  threshold: z.string(),
  utilisation: z
    .number()
    .describe('0 for a trade that the limit never refuses, as it only reduces a position'),
  headroom: z.string(),
});

const validation = z.object({
  symbol,
  risk_score: z
    .number()
    .min(0)
    .max(1)
    .nullable()
    .describe('the least of the parts; 1 is safe, null where too little is known of the symbol'),
  reason: z.string().nullable().describe('why risk_score is null'),
  weight_change: z.number().describe('share of the portfolio that would be traded, below 0 for a sale'),
  trade_reason: z.string().nullable().describe('why less is traded than the signal asks for'),
  parts: z.object({ limits: part, portfolio_var: part, volatility: part, liquidity: part }),
  limits: z.array(limitUse).describe('every limit that a trade can fill'),
});
export type PredictionValidation = z.infer<typeof validation>;

/** The answer to a {@link validationRequest}. */
export const validationReply = z.object({
  portfolio_id: id.nullable(),
  portfolio_value: z.number().describe('equity of the portfolio in quote currency'),
  ts_event_us: z.int().nonnegative().nullable().describe('of the valuation of the portfolio'),
  positions: z.array(z.object({ symbol, weight: z.number() })).describe('what is held, as it was measured'),
  portfolio_var: nullableNumber.describe(
    'value at risk (95%) of what is held as a share of the portfolio, for normal returns',
  ),
  validations: z.array(validation).describe('one for each prediction, in their order'),
  processing_time_ms: z.number(),
});
export type ValidationReply = z.infer<typeof validationReply>;

/** The question as it travels on the bus. */
export const validationQuestion = z.object({ validation_id: id, request: validationRequest });

/** The answer as it travels on the bus: a reply, or the problem that REST would have answered with. */
export const validationAnswer = z.object({
  validation_id: id,
  /** When the question came in: microseconds since the epoch. */
  received_us: z.int().nonnegative(),
  reply: validationReply.nullable(),
  problem: z
    .object({
      slug: z.string(),
      status: z.int(),
      title: z.string(),
      detail: z.string(),
      errors: z.array(z.object({ pointer: z.string(), expected: z.string() })),
    })
    .nullable(),
});

export const GATES = ['confidence', 'limits', 'portfolio_var', 'combined_confidence'] as const;

export const decisionGate = z.object({
  gate: z.enum(GATES),
  value: nullableNumber,
  threshold: z.number(),
  passed: z.boolean(),
});

export const decisionKind = z.enum(['execute', 'hold', 'reject']);

/** What became of one signal; nothing was traded. */
export const decision = z.object({
  decision_id: id,
  symbol,
  /** Null for posted positions. */
  portfolio_id: id.nullable(),
  signal,
  ml_confidence: confidence,
  risk_score: z.number().min(0).max(1).nullable(),
  combined_confidence: confidence,
  decision: decisionKind,
  gates: z.array(decisionGate),
  reasons: z.array(z.string()),
  /** Share of the portfolio that would be traded, below 0 for a sale. */
  weight_change: z.number(),
  /** Of the portfolio with all proposed trades; null where it could not be told. */
  portfolio_var: nullableNumber,
  model_id: z.string().nullable(),
  model_version: z.string().nullable(),
  /** Milliseconds from the request to the decision. */
  total_ms: z.number().nonnegative(),
  /** Seconds since the epoch. */
  timestamp: z.number(),
});
