// Requests to the history.
import { z } from 'zod';
import { ADJUSTMENTS } from '../../../src/market/actions/adjust.ts';
import { CALENDAR_IDS } from '../../../src/market/sessions/calendars.ts';

const MICROS = 'microseconds since the epoch';
/** A time within a query; below 0 before 1970. */
export const timeUs = z.coerce.number().int();
export const MAX_ROWS_JSON = 100_000;

const source = z.string().min(1).max(64);
const view = z
  .enum(['repaired', 'raw'])
  .default('repaired')
  .describe('repaired: without what is in quarantine; raw: everything, with its flags');
const symbolAt = timeUs
  .optional()
  .describe(
    `which instrument: that which had the symbol at this time, ${MICROS}; the one that has it now, or had it last, when absent`,
  );
const cursor = z
  .string()
  .regex(/^-?\d{1,16}-\d{1,16}(?:-[\w-]{1,256})?$/, 'the next_cursor of a page')
  .optional()
  .describe('next_cursor of the page before: goes on after it, from the same source');
const range = {
  from_us: timeUs.optional().describe(`first time, inclusive, ${MICROS}; without it, the newest`),
  to_us: timeUs.optional().describe(`last time, inclusive, ${MICROS}`),
};

export const ticksQuery = z.object({
  ...range,
  symbol_at_us: symbolAt,
  at_us: timeUs.optional().describe(`the newest record at or before this time, ${MICROS}, and nothing else`),
  source: source.optional().describe('one source; all when absent'),
  view,
  limit: z.coerce
    .number()
    .int()
    .min(1)
    .optional()
    .describe(
      `most records; 1000 for JSON, of which it gives at most ${MAX_ROWS_JSON}; all for CSV and Arrow`,
    ),
  cursor,
});
export type TicksQuery = z.infer<typeof ticksQuery>;

const count = z.coerce.number().int().optional();
const thresholdOptions = {
  unit: z
    .enum(['time', 'tick', 'volume', 'dollar', 'imbalance'])
    .default('time')
    .describe('what a bar ends by; others than time are made of the stored trades'),
  threshold: z.coerce
    .number()
    .optional()
    .describe('trades, base units or quote units in a bar; for imbalance that at which the first bar ends'),
  measure: z
    .enum(['tick', 'volume', 'dollar'])
    .optional()
    .describe('imbalance: what is signed and summed; tick when absent'),
  expected_trades: count.describe(
    'imbalance: trades that the first bar is expected to have; 1000 when absent',
  ),
  bars_span: count.describe('imbalance: span of the mean of trades in a bar, in bars; 20 when absent'),
  trades_span: count.describe(
    'imbalance: span of the mean of the signed measure, in trades; 10000 when absent',
  ),
  growth: z.coerce
    .number()
    .optional()
    .describe('imbalance: how far the threshold may go from the first; 4 when absent'),
  cursor,
};
const allThresholdOptions = z.object(thresholdOptions);
export type ThresholdOptions = z.infer<typeof allThresholdOptions>;

/** What a request for bars may ask for beside range and interval. */
export const barOptions = {
  source: source.optional().describe('one source; that with the most bars when absent'),
  symbol_at_us: symbolAt,
  view,
  adjustment: z
    .enum(ADJUSTMENTS)
    .default('raw')
    .describe('raw as stored; split in shares of today; total_return with dividends reinvested'),
  gaps: z
    .enum(['none', 'mark', 'fill'])
    .default('none')
    .describe('mark: the bar after a gap has the flag; fill: flat bars without volume'),
  resample_us: z.coerce
    .number()
    .int()
    .min(1)
    .optional()
    .describe('length of longer bars that are made of the stored ones, in microseconds'),
  calendar: z
    .enum(CALENDAR_IDS as [string, ...string[]])
    .optional()
    .describe('sessions that gaps and longer bars go by; open at every time when absent'),
  ...thresholdOptions,
};

export const instrumentsQuery = z.object({
  symbol: z.string().min(1).max(64).optional(),
  source: source.optional(),
  at_us: timeUs.optional().describe(`what was valid then, ${MICROS}; all versions when absent`),
  after: z.string().max(64).optional().describe('goes on after this symbol'),
  limit: z.coerce.number().int().min(1).max(10_000).default(1000),
});
export type InstrumentsQuery = z.infer<typeof instrumentsQuery>;

export const actionsQuery = z.object({
  from_us: timeUs.optional(),
  to_us: timeUs.optional(),
  source: source.optional(),
});
export type ActionsQuery = z.infer<typeof actionsQuery>;

const asOf = timeUs.optional().describe(`what was known then, ${MICROS}; what is known now when absent`);
const page = {
  limit: z.coerce.number().int().min(1).max(MAX_ROWS_JSON).default(10_000),
  offset: z.coerce.number().int().min(0).max(100_000_000).default(0),
};

export const macroQuery = z.object({
  ...range,
  as_of_us: asOf,
  source: source.optional(),
  ...page,
});
export type MacroQuery = z.infer<typeof macroQuery>;

export const fundamentalsQuery = z.object({
  as_of_us: asOf,
  concept: z.string().min(1).max(200).optional().describe('as in its taxonomy: us-gaap/Revenues'),
  source: source.optional(),
  ...page,
});
export type FundamentalsQuery = z.infer<typeof fundamentalsQuery>;

export const symbolParam = z.object({ symbol: z.string().min(1).max(64) });
export const seriesParam = z.object({ series: z.string().min(1).max(64) });
