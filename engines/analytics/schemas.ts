// Requests and replies of the Analytics engine.
import { z } from 'zod';
import { decimalTextSchema } from '../../src/trading/decimal.ts';

const money = (what: string) => decimalTextSchema.describe(`${what}; quote currency, exact decimal as text`);
const measureOf = (what: string) => z.number().nullable().describe(`${what}; null with a reason`);
const timeUs = z.int().describe('microseconds since the epoch');

export const portfolioParam = z.object({ id: z.string().min(1).max(128).describe('portfolio_id') });

const limit = z.coerce.number().int().min(1).max(1000).default(100).describe('most items in the reply');
export const listQuery = z.object({
  limit,
  offset: z.coerce.number().int().min(0).default(0).describe('items to leave out first'),
});
export const equityQuery = z.object({
  limit,
  from_us: z.coerce.number().int().min(0).default(0).describe('first event time, microseconds'),
});

const calculateBody = z.strictObject({
  risk_free_rate: z
    .number()
    .gt(-1)
    .max(10)
    .default(0)
    .describe('a year, as a fraction: 0.02 is two per cent'),
  periods_per_year: z
    .number()
    .positive()
    .max(1e9)
    .optional()
    .describe('observations a year; inferred from their spacing when absent'),
  from_us: timeUs.nonnegative().optional().describe('leaves out earlier observations; microseconds'),
});
export type CalculateRequest = z.infer<typeof calculateBody>;

export const calculateRequest = calculateBody.optional().describe('optional: no body means all defaults');

/** Returns the request of a call without a body. */
export function defaultRequest(): CalculateRequest {
  return calculateBody.parse({});
}

export const calculateReply = z.object({
  portfolio_id: z.string(),
  realised_pnl: money('profit of what was closed, gross of fees'),
  unrealised_pnl: money('profit of what is open, gross of fees'),
  total_pnl: money('equity less starting cash: realised + unrealised - fees'),
  fees: money('fees paid'),
  equity: money('newest equity'),
  starting_cash: money('cash at the start'),
  total_return: measureOf('fraction'),
  annualised_return: measureOf('fraction a year'),
  volatility: measureOf('fraction a year'),
  sharpe_ratio: measureOf('a year'),
  sortino_ratio: measureOf('a year'),
  max_drawdown: z.object({
    fraction: measureOf('largest fall from a peak, in [0, 1] unless equity fell below zero'),
    peak_ts_us: timeUs.nullable(),
    valley_ts_us: timeUs.nullable(),
  }),
  calmar_ratio: measureOf('annualised return over largest fall'),
  reasons: z.record(z.string(), z.string()).describe('why a measure is null, by its name'),
  observations: z.int().describe('points of the equity curve, one for each event time'),
  conventions: z.object({
    periods_per_year: z.number().nullable(),
    periods_source: z.string().describe('the rule that gave it'),
    risk_free_rate: z.number().describe('fraction a year'),
    formulas: z.record(z.string(), z.string()).describe('formula in words by measure'),
  }),
  processing_time_ms: z.number(),
  hardware_used: z.string(),
  backend: z.string(),
});

export const portfolioList = z.object({
  portfolios: z.array(
    z.object({
      portfolio_id: z.string(),
      equity: money('newest equity'),
      observations: z.int(),
      ts_event_us: timeUs.nullable().describe('event time of the newest observation; null before the first'),
    }),
  ),
  total: z.int().describe('portfolios altogether'),
});

export const equityReply = z.object({
  portfolio_id: z.string(),
  points: z
    .array(z.object({ ts_event_us: timeUs, equity: z.number().describe('quote currency') }))
    .describe('in order of time'),
  next_from_us: timeUs.nullable().describe('`from_us` of the next page; null on the last one'),
});
