// Requests and replies of the Portfolio engine.
import { z } from 'zod';
import { decimalTextSchema, positiveDecimalSchema } from '../../src/trading/decimal.ts';
import { fillSchema } from '../../src/trading/orders.ts';

const MAX_ASSETS = 1000;
const MAX_OBSERVATIONS = 1_000_000;

const portfolioId = z
  .string()
  .regex(/^[\w.:-]{1,128}$/, 'Expected 1 to 128 letters, digits or _ . : -')
  .describe('letters, digits and _ . : -, at most 128');
const money = (what: string) => decimalTextSchema.describe(`${what}; quote currency, exact decimal as text`);

export const portfolioParam = z.object({ id: z.string().min(1).max(128).describe('portfolio_id') });

const limit = z.coerce.number().int().min(1).max(1000).default(100).describe('most items in the reply');
export const listQuery = z.object({
  limit,
  offset: z.coerce.number().int().min(0).default(0).describe('items to leave out first'),
});
export const fillsQuery = z.object({
  limit,
  after: z.coerce.number().int().min(0).default(0).describe('seq of the last fill already known'),
});

export const newPortfolio = z.strictObject({
  portfolio_id: portfolioId.optional().describe('made up when absent'),
  name: z.string().min(1).max(128),
  starting_cash: positiveDecimalSchema.describe('above 0, quote currency'),
});
export type NewPortfolio = z.infer<typeof newPortfolio>;

export const portfolioList = z.object({
  portfolios: z.array(
    z.object({
      portfolio_id: z.string(),
      name: z.string(),
      starting_cash: money('cash at the start'),
      equity: money('cash and the value of all positions'),
      fills: z.int(),
    }),
  ),
  total: z.int().describe('portfolios altogether'),
});

export const portfolioReply = z.object({
  portfolio_id: z.string(),
  name: z.string(),
  ts_event_us: z.int().nullable().describe('event time of the newest valuation; null before the first'),
  starting_cash: money('cash at the start'),
  cash: money('cash now'),
  fees: money('fees paid'),
  realised_pnl: money('profit of what was closed, gross of fees'),
  unrealised_pnl: money('profit of what is open, gross of fees'),
  equity: money('starting cash + realised + unrealised - fees'),
  fills: z.int().describe('executions booked'),
  positions: z
    .array(
      z.object({
        symbol: z.string(),
        quantity: decimalTextSchema.describe('base units, below zero when short'),
        average_price: decimalTextSchema.nullable().describe('average cost; null when flat'),
        mark_price: money('newest price'),
        market_value: money('quantity x mark'),
        unrealised_pnl: money('gross of fees'),
        realised_pnl: money('gross of fees'),
      }),
    )
    .describe('in order of symbol, flat ones included once traded'),
});

export const fillsReply = z.object({
  fills: z.array(fillSchema.extend({ seq: z.int().describe('order of arrival') })),
  next_after: z.int().nullable().describe('`after` of the next page; null on the last one'),
});

// A number outside float64 (1e999) parses to infinity: it passes here and becomes a non-finite-input problem.
const anyNumber = z.union([z.number(), z.literal(Number.POSITIVE_INFINITY), z.literal(-Infinity)]);

export const minimumVarianceRequest = z.strictObject({
  symbols: z.array(z.string().min(1).max(64)).min(1).max(MAX_ASSETS).describe('[assets], each once'),
  returns: z
    .array(z.array(anyNumber).max(MAX_ASSETS))
    .max(MAX_OBSERVATIONS)
    .describe('[observations][assets] simple returns as fractions; more observations than assets'),
});
export type MinimumVarianceRequest = z.infer<typeof minimumVarianceRequest>;

export const minimumVarianceReply = z.object({
  weights: z.record(z.string(), z.number()).describe('share of equity by symbol; sums to 1'),
  expected_volatility: z.number().describe('standard deviation of the return of one observation'),
  observations: z.int(),
  constraint: z.literal('weights sum to 1; short positions allowed'),
  hardware_used: z.string(),
  backend: z.string(),
  processing_time_ms: z.number(),
});
