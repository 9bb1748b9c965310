// Requests and replies of the Risk engine.
import { z } from 'zod';
import { positiveDecimalSchema } from '../../src/trading/decimal.ts';
import { type LimitDefinition, limitDefinitions, limitIds, limitsSchema } from '../../src/trading/limits.ts';
import { orderTypeSchema, sideSchema } from '../../src/trading/orders.ts';

const symbol = z.string().min(1).max(64);
const status = z.enum(['ok', 'warning', 'breach']);
const decimal = z.string().describe('exact decimal as text');
const fraction = z.number().nullable().describe('value over threshold; null when it could not be measured');
const ran = {
  processing_time_ms: z.number(),
  hardware_used: z.string(),
  backend: z.string(),
};

export const portfolioParam = z.object({ portfolio_id: z.string().min(1).max(128) });

export const checkRequest = z.strictObject({
  order: z
    .strictObject({
      symbol,
      side: sideSchema,
      quantity: positiveDecimalSchema.describe('base units'),
      type: orderTypeSchema.optional().describe('default: limit with a limit_price, else market'),
      limit_price: positiveDecimalSchema.optional().describe('quote currency per unit; limit orders only'),
    })
    .refine((o) => o.type === undefined || (o.type === 'limit') === (o.limit_price !== undefined), {
      path: ['limit_price'],
      message: 'Expected limit_price for a limit order and none for a market order',
    }),
});
export type CheckRequest = z.infer<typeof checkRequest>;

export const checkReply = z.object({
  portfolio_id: z.string(),
  status: status.describe('of the book as it is now'),
  approved: z.boolean().describe('the order passes; without an order: no limit of the book is in breach'),
  ts_event_us: z.int().describe('event time of the valuation that was checked'),
  equity: decimal,
  peak_equity: decimal,
  drawdown: z.number().describe('fall of equity below its peak, fraction of the peak'),
  limits: z
    .array(
      z.object({
        limit: z.string(),
        title: z.string(),
        symbol: z.string().nullable().describe('the fullest position; null when the limit is not about one'),
        value: decimal.nullable(),
        threshold: decimal.nullable(),
        utilisation: fraction,
        headroom: decimal.nullable().describe('threshold less value'),
        status,
      }),
    )
    .describe('every limit that a book can fill'),
  risk_score: z
    .number()
    .describe('1 less the utilisation of the fullest limit, within 0 and 1: 1 is far from every limit'),
  breaches: z
    .array(
      z.object({
        limit: z.string(),
        title: z.string(),
        value: decimal.nullable(),
        threshold: decimal.nullable(),
        utilisation: fraction,
        headroom: decimal.nullable(),
        max_quantity: decimal.describe('the largest quantity that this limit lets pass'),
        message: z.string(),
      }),
    )
    .optional()
    .describe('why the order is refused; only with an order'),
  max_quantity: decimal
    .optional()
    .describe('the largest quantity of the order that all limits let pass; only with an order'),
  ...ran,
});

export const limitsReply = z.object({
  portfolio_id: z.string(),
  limits: limitsSchema,
  stored: z.boolean().describe('false: nothing was ever set, these are the defaults'),
});

// Partial by hand: a default inside a partial schema would overwrite limits that the caller leaves out.
const patchShape = Object.fromEntries(
  limitIds.map((id) => {
    const { schema, default: value, doc, unit } = limitDefinitions[id] as LimitDefinition;
    const settable = value === null ? schema.nullable() : schema;
    return [id, settable.optional().describe(`${doc} Unit: ${unit}.`)];
  }),
) as { [K in (typeof limitIds)[number]]: z.ZodOptional<(typeof limitDefinitions)[K]['schema']> };

export const limitsPatch = z
  .strictObject(patchShape)
  .refine((patch) => Object.keys(patch).length > 0, 'Expected at least one limit')
  .describe('the limits to change; null takes max_position_quantity away');

export const pageQuery = z.object({
  limit: z.coerce.number().int().min(1).max(1000).default(100),
  cursor: z.coerce.number().int().min(1).optional().describe('next_cursor of the page before'),
});

export const changesReply = z.object({
  portfolio_id: z.string(),
  changes: z
    .array(
      z.object({
        id: z.int(),
        time_us: z.int().describe('microseconds since the epoch'),
        before: limitsSchema,
        after: limitsSchema,
      }),
    )
    .describe('newest first'),
  next_cursor: z.int().nullable(),
});

export const breachesReply = z.object({
  portfolio_id: z.string(),
  breaches: z
    .array(
      z.object({
        id: z.int(),
        limit: z.string(),
        status: z.enum(['breach', 'cleared']).describe('what it became'),
        value: decimal.nullable().describe('null when it could not be measured, or the limit is gone'),
        threshold: decimal.nullable(),
        utilisation: fraction,
        equity: decimal,
        ts_event_us: z.int().describe('of the valuation, or of the change of limits'),
      }),
    )
    .describe('newest first; live running only'),
  next_cursor: z.int().nullable(),
});

export const varRequest = z
  .strictObject({
    confidence: z.number().min(0.5).max(0.9999).default(0.95),
    horizon_bars: z.int().min(1).max(10_000).default(1).describe('bars of the length that the returns have'),
    paths: z.int().min(1000).max(1_000_000).default(10_000),
    seed: z.int().min(0).max(Number.MAX_SAFE_INTEGER).default(1),
    positions: z
      .array(z.strictObject({ symbol, market_value: z.number().describe('signed, in quote currency') }))
      .max(1000)
      .refine((list) => new Set(list.map((p) => p.symbol)).size === list.length, 'Expected each symbol once')
      .optional()
      .describe("taken instead of the portfolio's own"),
    returns: z
      .record(symbol, z.array(z.number()).max(100_000))
      .optional()
      .describe('simple returns as fractions by symbol, oldest first, all of one length; needs positions'),
  })
  .refine((r) => r.returns === undefined || r.positions !== undefined, {
    path: ['positions'],
    message: 'Expected positions when returns are given',
  });
export type VarRequest = z.infer<typeof varRequest>;

export const varReply = z.object({
  portfolio_id: z.string(),
  source: z.enum(['book', 'request']).describe('whose positions'),
  var: z.number().describe('loss in quote currency over the horizon, losses positive'),
  cvar: z.number().describe('mean loss beyond the confidence level'),
  var_standard_error: z.number().describe('of the simulation'),
  cvar_standard_error: z.number(),
  expected_pnl: z.number().describe('drift over the horizon, gains positive'),
  gross_exposure: z.number().describe('sum of absolute market values'),
  observations: z.int().describe('returns used of each position'),
  rank: z.int().describe('independent directions in the covariance'),
  positions: z.int(),
  convention: z.object({
    method: z.string(),
    sign: z.string(),
    confidence: z.number(),
    horizon_bars: z.int(),
    paths: z.int(),
    seed: z.string(),
    generator: z.string(),
  }),
  ...ran,
});
