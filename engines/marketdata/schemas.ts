// Requests and replies of the Market Data engine.
import { z } from 'zod';
import { symbolSchema } from '../../src/market/symbol.ts';
import { barOptions, timeUs } from './history/schemas.ts';

const MICROS = 'microseconds since the epoch';
const symbol = symbolSchema.describe('instrument, such as BTC-PERP');
const interval = z.coerce
  .number()
  .int()
  .min(1)
  .max(366 * 86_400 * 1e6);

export const symbolParam = z.object({ symbol: z.string().min(1).max(64) });
export const idParam = z.object({ id: z.string().min(1).max(64) });

export const barsQuery = z.object({
  interval_us: interval
    .optional()
    .describe('length of a bar in microseconds; the only stored one when absent'),
  from_us: timeUs.optional().describe(`first time, inclusive, ${MICROS}; without it, the newest bars`),
  to_us: timeUs.optional().describe(`last time, inclusive, ${MICROS}`),
  limit: z.coerce
    .number()
    .int()
    .min(1)
    .max(10_000_000)
    .default(1000)
    .describe('most bars; more than 100000 as Arrow or CSV only'),
  ...barOptions,
});
export type BarsQuery = z.infer<typeof barsQuery>;

/** What is known of a file beside its text; the input of an import that is a job. */
export const importInput = z.object({
  symbol: symbol
    .optional()
    .describe('symbol of a file without a symbol column; with one, the only symbol taken'),
  interval_us: interval
    .optional()
    .describe('length of a bar; the most frequent spacing of the file when absent'),
});
export type ImportQuery = z.infer<typeof importInput>;

export const importQuery = importInput.extend({
  wait: z
    .enum(['true', 'false'])
    .default('true')
    .describe('true: the reply comes after the import; false: at once, and the import is a job'),
});

const seriesInfo = z.object({
  symbol: z.string(),
  interval_us: z.int(),
  source: z.string().describe('who said it; `file` for imports'),
  bars: z.int(),
  first_ts_us: z.int(),
  last_ts_us: z.int(),
});
export const seriesReply = z.object({ series: z.array(seriesInfo), simulated: z.array(z.string()) });

export const importReply = z.object({
  rows: z.int().describe('data rows in the file'),
  imported: z.int(),
  replaced: z.int().describe('bars that were stored before and are now overwritten'),
  rejected: z.int(),
  reasons: z.record(z.string(), z.int()).describe('rejected rows by reason'),
  errors: z.array(z.object({ line: z.int(), reason: z.string() })).describe('the first 100 rejected rows'),
  series: z.array(seriesInfo).describe('what the file added, by symbol; the first 1000'),
  processing_time_ms: z.number(),
});
export type ImportReply = z.infer<typeof importReply>;

export const replayRequest = z.strictObject({
  symbol,
  interval_us: interval.optional(),
  source: z
    .string()
    .min(1)
    .max(64)
    .optional()
    .describe('whose bars, where several sources have them; the one with the most when absent'),
  from_us: timeUs.optional().describe(`first bar, inclusive, ${MICROS}`),
  to_us: timeUs.optional().describe(`last bar, inclusive, ${MICROS}`),
  mode: z
    .enum(['lockstep', 'paced'])
    .default('lockstep')
    .describe(
      'lockstep: a counted barrier, same result every time; paced: bars onto the live stream at a speed',
    ),
  speed: z.number().min(0.001).max(1_000_000).default(1).describe('paced only: market seconds in one second'),
  strategy: z.string().min(1).max(64).default('ma-cross'),
  strategy_options: z.record(z.string(), z.unknown()).default({}),
  portfolio_id: z
    .string()
    .regex(/^[\w.-]{1,64}$/, 'expected 1 to 64 letters, digits or any of . _ -')
    .default('portfolio_001'),
  starting_cash: z
    .string()
    .regex(/^\d{1,18}(\.\d{1,8})?$/, 'expected a decimal number as text, not negative')
    .default('1000000'),
  fee_bps: z
    .number()
    .min(0)
    .max(1000)
    .default(5)
    .describe('fee of the paper venue in basis points of the notional'),
  reset: z.boolean().default(false).describe('empties the history of the portfolio first'),
  barrier_bars: z
    .int()
    .min(1)
    .max(65_536)
    .default(64)
    .describe('bars in one barrier; the result does not depend on it'),
  in_flight: z
    .int()
    .min(1)
    .max(64)
    .default(4)
    .describe('barriers under way at once; the result does not depend on it'),
  timeout_ms: z.int().min(100).max(600_000).default(10_000).describe('longest wait for an engine'),
  engines: z
    .array(z.string().min(1).max(64))
    .max(64)
    .optional()
    .describe('engines that must take part, portfolio among them; those alive when absent'),
});
export type ReplayRequest = z.infer<typeof replayRequest>;

export const replayReply = z.object({
  replay_id: z.string(),
  state: z.enum(['running', 'done', 'failed', 'cancelled']),
  mode: z.enum(['lockstep', 'paced']),
  symbol: z.string(),
  portfolio_id: z.string(),
  strategy: z.string(),
  events_total: z.int(),
  events_done: z.int(),
  elapsed_s: z.number(),
  bars_per_s: z.number(),
  progress_url: z.string(),
  error: z.object({ type: z.string(), detail: z.string() }).nullable(),
  result: z
    .object({
      events: z.int(),
      signals: z.int(),
      orders: z.int(),
      fills: z.int(),
      rejected: z.int(),
      pnl: z.object({
        starting_cash: z.string(),
        equity: z.string(),
        total: z.string(),
        realised: z.string(),
        unrealised: z.string(),
        fees: z.string(),
      }),
      latency_us: z.record(
        z.string(),
        z.object({ count: z.int(), p50: z.number().nullable(), p99: z.number().nullable() }),
      ),
      result_hash: z.string().describe('sha256 over signals, orders, fills and ledger, in order'),
    })
    .nullable(),
});
export type ReplayReply = z.infer<typeof replayReply>;
