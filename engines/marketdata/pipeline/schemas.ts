// Requests and replies of the pipeline: sources, subscriptions, books, quality, latency.
import { z } from 'zod';
import { importedSeries } from '../files/schemas.ts';
import { subscription } from './subscription.ts';

const MICROS = 'microseconds since the epoch';
const us = z.int().describe(MICROS);
const nullableUs = z.int().nullable().describe(MICROS);
const name = z.string().regex(/^[\w-]{1,32}$/, 'expected 1 to 32 letters, digits or any of _ -');

export const symbolParam = z.object({ symbol: z.string().min(1).max(64) });
export const sourceParam = z.object({ id: z.string().min(1).max(64) });
export const subscriptionParam = z.object({ id: z.string().min(1).max(64) });

export const sourceUpdate = z.strictObject({
  enabled: z.boolean().optional(),
  priority: z.int().min(0).max(100_000).optional().describe('the lowest number is taken first'),
  endpoints: z
    .record(name, z.string().max(2048).nullable())
    .optional()
    .describe("addresses instead of the provider's own, by the adapter's names; null goes back to its own"),
  silent_after_s: z
    .number()
    .min(1)
    .max(86_400)
    .optional()
    .describe('seconds without a word after which a connection counts as silent'),
  requests_per_minute: z
    .int()
    .min(2)
    .max(1_000_000)
    .nullable()
    .optional()
    .describe(
      "requests per minute, as the provider counts them (weight at Binance), instead of the source's own limit; null goes back to that",
    ),
});
export type SourceUpdate = z.infer<typeof sourceUpdate>;

export interface SourceSettings {
  readonly enabled: boolean;
  readonly priority: number;
  readonly endpoints: Readonly<Record<string, string>>;
  readonly silent_after_s: number;
  /** Null: the source's own limit. */
  readonly requests_per_minute: number | null;
}

const counts = z.record(z.string(), z.int());

export const sourceReply = z.object({
  id: z.string(),
  title: z.string(),
  enabled: z.boolean(),
  priority: z.int(),
  endpoints: z.record(z.string(), z.string()),
  silent_after_s: z.number(),
  requests_per_minute: z.int().nullable().describe("null: the source's own limit, which is in capabilities"),
  health: z.enum(['disabled', 'idle', 'connecting', 'connected', 'silent', 'disconnected', 'failed']),
  reason: z.string().nullable().describe('why it is in this state'),
  since_us: us,
  last_record_us: nullableUs,
  late: z.boolean().describe('over the bound of latency'),
  capabilities: z.object({
    live: z.array(z.string()),
    historical: z.array(z.string()),
    intervals_us: z.array(z.int()).nullable().describe('lengths of bars that it has; null: any'),
    key: z.enum(['none', 'optional', 'required']),
    requests_per_minute: z.number().nullable(),
    symbols_per_connection: z.number().nullable(),
    verified: z.enum(['recorded', 'documentation']),
  }),
  credentials: z.array(z.object({ name: z.string(), present: z.boolean() })),
  streams: z.int().describe('what is wanted of it: symbols times kinds'),
  counts: counts.describe('since the start: records, and what happened to its stream'),
  outcomes: counts.describe('since the start: what became of its records'),
  last_garbage: z.string().nullable(),
});
export type SourceReply = z.infer<typeof sourceReply>;

const route = z.object({
  symbol: z.string(),
  stream: z.string(),
  source: z.string().nullable().describe('the one that is published'),
  since_us: us,
  reason: z.string(),
  changes: z.int(),
  overlapped: z.int().describe('records that an earlier source had said already'),
  candidates: z.array(
    z.object({
      source: z.string(),
      active: z.boolean(),
      trouble: z.string().nullable(),
      late: z.boolean(),
      last_record_us: nullableUs,
    }),
  ),
});

const change = z.object({
  symbol: z.string(),
  stream: z.string(),
  from: z.string().nullable(),
  to: z.string().nullable(),
  reason: z.string(),
  at_us: us,
});

const divergence = z.object({
  symbol: z.string(),
  stream: z.string(),
  source: z.string(),
  against: z.string().describe('the source that was published'),
  comparisons: z.int(),
  last_bps: z.number().describe('signed, in basis points of the mean'),
  mean_bps: z.number(),
  max_bps: z.number(),
  state: z.enum(['agrees', 'diverges']),
  threshold_bps: z.number(),
});

export const sourcesReply = z.object({
  sources: z.array(sourceReply),
  routes: z.array(route),
  changes: z.array(change).describe('the last 100 changes of routes, newest first'),
  divergence: z.array(divergence),
  lost: counts.describe('records that were lost in this engine, by place'),
});
export type SourcesReply = z.infer<typeof sourcesReply>;

export const subscriptionsReply = z.object({ subscriptions: z.array(subscription) });

const percentiles = z.object({
  count: z.int(),
  p50_us: z.number().nullable(),
  p95_us: z.number().nullable(),
  p99_us: z.number().nullable(),
});

export const latencyReply = z.object({
  bound_us: z.number().describe('what the 99th percentile may not exceed'),
  sources: z.array(
    z.object({
      source: z.string(),
      clock: z.object({
        offset_us: z.number().nullable().describe('least of receive time and venue time in the last minute'),
        state: z.enum(['agrees', 'behind', 'ahead', 'unknown']),
      }),
      venue_to_receive: percentiles.describe('by the clocks as they are'),
      above_fastest: percentiles.describe('beyond the fastest record of the last minute'),
      receive_to_publish: percentiles,
      late: z.boolean(),
    }),
  ),
  publish_to_bus: percentiles,
});

export const bookQuery = z.object({
  source: z.string().min(1).max(64).optional().describe('the source that is published when absent'),
  depth: z.coerce.number().int().min(1).max(5000).default(20).describe('levels of each side'),
  at_us: z.coerce
    .number()
    .int()
    .optional()
    .describe('the stored book as it was then, microseconds since the epoch; that of now when absent'),
});
export type BookQuery = z.infer<typeof bookQuery>;

const level = z.object({ price: z.string(), size: z.string() });

export const bookReply = z.object({
  symbol: z.string(),
  source: z.string(),
  state: z.enum(['waiting', 'live', 'stale', 'broken']),
  reason: z.string().nullable(),
  sequence: z.int().nullable(),
  ts_event_us: us,
  ts_receive_us: us,
  bids: z.array(level).describe('best first; empty while the book is not live'),
  asks: z.array(level),
  counts: counts.describe('since the start, or the stored snapshot: what was applied, and what went wrong'),
});
export type BookReply = z.infer<typeof bookReply>;

const quarantineRow = z.object({
  kind: z.string().nullable(),
  source: z.string(),
  ts_event_us: z.number().nullable(),
  ts_receive_us: z.number(),
  reasons: z.array(z.string()),
  content: z.string().nullable().describe('what came, where it was no record'),
});
export type QuarantineRow = z.infer<typeof quarantineRow>;

const flags = z.record(z.string(), z.int()).describe('records by flag');

export const qualityReply = z.object({
  symbol: z.string(),
  combined: z
    .array(
      z.object({
        source: z.string(),
        kind: z.string(),
        records: z.int(),
        flagged: z.int(),
        quarantined: z.int(),
        flags,
        missing: z.int(),
        coverage: z.number(),
        score: z.number().nullable(),
      }),
    )
    .describe('`series` and `imports` together: counts added, score and coverage as means by records'),
  series: z
    .array(
      z.object({
        source: z.string(),
        kind: z.string(),
        calendar: z
          .string()
          .nullable()
          .describe(
            'when its instrument trades; null where that is not known: then no gaps of bars or sessions are judged',
          ),
        records: z.int(),
        flagged: z.int(),
        quarantined: z.int(),
        flags,
        score: z.number().nullable().describe('in [0, 1]; null before the first record'),
        coverage: z.number().describe('share of the expected records that came'),
        missing: z.int(),
        reasons: z
          .array(z.object({ reason: z.string(), records: z.int(), share: z.number(), cost: z.number() }))
          .describe('what the score was lost by, costliest first'),
        stale: z.boolean(),
        silent_us: z.number().describe('silence beyond its bound'),
        garbage: z.int().describe('messages of its source that were no records'),
        examples: z
          .array(
            z.object({
              ts_event_us: z.number(),
              ts_receive_us: z.number(),
              sequence: z.int().nullable(),
              flags: z.array(z.string()),
            }),
          )
          .describe('the newest 20 records with a flag'),
      }),
    )
    .describe('since the subscription, also before a restart of the engine, by source and kind'),
  imports: z
    .array(importedSeries.extend({ file: z.string(), imported_ts_us: us }))
    .describe('series of imported files, the newest 100'),
  quarantine: z.array(quarantineRow).describe('the newest 100 of the history'),
});
