// Requests and replies of the Factor engine.
import { z } from 'zod';

const MAX_SYMBOLS = 1000;
const MAX_BARS = 100_000;
const MAX_CELLS = 1_000_000;

const value = z.number().nullable();
const symbol = z.string().min(1).max(64);
const price = z.number().positive().nullable();
const volume = z.number().nonnegative().nullable();

function columns<S extends z.ZodType>(cell: S, what: string) {
  return z
    .array(z.array(cell).max(MAX_SYMBOLS))
    .max(MAX_BARS)
    .describe(`[bars][symbols], oldest first: ${what}; null where a symbol has no bar`);
}

export const nameParam = z.object({
  name: z.string().min(1).max(64).describe('factor, such as momentum_20'),
});

const page = {
  limit: z.coerce.number().int().min(1).max(1000).default(100),
  offset: z.coerce.number().int().min(0).default(0),
};
export const pageQuery = z.object(page);
export type Page = z.infer<typeof pageQuery>;

export const valuesQuery = z.object({
  ...page,
  // The server already splits a query value at its commas; a single symbol stays text.
  symbols: z
    .union([z.string(), z.array(z.string())])
    .transform((list) => [...new Set(typeof list === 'string' ? [list] : list)])
    .pipe(z.array(symbol).max(MAX_SYMBOLS))
    .optional()
    .describe('symbols with commas between them; all when absent'),
});

export const definitionsReply = z.object({
  factors: z.array(
    z.object({
      name: z.string(),
      title: z.string(),
      category: z.string(),
      lookback: z.int().describe('bars needed for a value, the newest included'),
      inputs: z.array(z.string()),
      formula: z.string(),
      source: z.string(),
    }),
  ),
  total: z.int(),
});

export const valuesReply = z.object({
  values: z.array(
    z.object({
      symbol,
      ts_event_us: z.int().describe('its newest bar'),
      bars: z.int().describe('bars seen since its first'),
      factors: z.record(z.string(), value).describe('null where there is too little history'),
    }),
  ),
  total: z.int(),
});

export const rankReply = z.object({
  factor: z.string(),
  ts_event_us: z.int().describe('the newest bar of all symbols'),
  ranks: z
    .array(
      z.object({
        symbol,
        ts_event_us: z.int(),
        value,
        rank: value.describe(
          'percentile in (0, 1]: 1 is the largest value; equal values share their mean rank',
        ),
        current: z
          .boolean()
          .describe('its newest bar is at most one interval of its own older than the newest of all'),
      }),
    )
    .describe('highest rank first; symbols that are not current, or have no value, have no rank'),
  ranked: z.int().describe('symbols with a rank'),
  total: z.int(),
});

export const computeRequest = z
  .strictObject({
    symbols: z
      .array(symbol)
      .min(1)
      .max(MAX_SYMBOLS)
      .refine((list) => new Set(list).size === list.length, 'Expected each symbol once')
      .describe('columns of every matrix'),
    close: columns(price, 'closes').min(1),
    open: columns(price, 'opens; no factor reads them yet').optional(),
    high: columns(price, 'highs; no factor reads them yet').optional(),
    low: columns(price, 'lows; no factor reads them yet').optional(),
    volume: columns(volume, 'volumes in base units').optional(),
    factors: z
      .array(z.string().min(1).max(64))
      .min(1)
      .max(1000)
      .optional()
      .describe('names; all when absent'),
  })
  .refine((r) => r.close.length * r.symbols.length <= MAX_CELLS, {
    path: ['close'],
    message: `Expected at most ${MAX_CELLS} bars times symbols`,
  });
export type ComputeRequest = z.infer<typeof computeRequest>;

export const computeReply = z.object({
  symbols: z.array(z.string()),
  bars: z.int(),
  factors: z
    .record(z.string(), z.array(value))
    .describe('by name, [symbols], at the newest bar of each; null where there is no value'),
  ranks: z
    .record(z.string(), z.array(value))
    .describe('by name, [symbols]: percentile in (0, 1] among the symbols with a value'),
  processing_time_ms: z.number(),
  hardware_used: z.string(),
  backend: z.string(),
});
