// Requests and replies of replays that can be paused, moved and sped up.
import { z } from 'zod';
import { symbolSchema } from '../../../src/market/symbol.ts';
import { ASKED } from '../pipeline/kinds.ts';
import { replayRequest } from '../schemas.ts';

const MICROS = 'microseconds since the epoch';
const timeUs = z.int();

export const speed = z
  .union([z.literal('max'), z.number().min(0.001).max(1000)])
  .describe('market seconds in one second, 0.001 to 1000, or max: as fast as possible');

export const pacedRequest = z.strictObject({
  mode: z.literal('paced'),
  capture: z
    .string()
    .min(1)
    .max(1024)
    .optional()
    .describe('file of captured messages in the import folder; the stored history when absent'),
  symbols: z.array(symbolSchema).min(1).max(100).optional().describe('all that a capture has when absent'),
  kinds: z
    .array(z.enum(ASKED))
    .min(1)
    .max(ASKED.length)
    .optional()
    .describe('all that there are when absent'),
  source: z
    .string()
    .min(1)
    .max(64)
    .optional()
    .describe('history: whose records, where several have a symbol'),
  interval_us: z.int().min(1).optional().describe('history: length of bars, where there are several'),
  from_us: timeUs.optional().describe(`where to begin, ${MICROS}; books are rebuilt from what is before`),
  to_us: timeUs.optional().describe(`last time, inclusive, ${MICROS}`),
  speed: speed.default(1),
  paused: z.boolean().default(false).describe('stands at its start until it is resumed'),
});
export type PacedRequest = z.infer<typeof pacedRequest>;

export const anyReplayRequest = z.discriminatedUnion('mode', [
  pacedRequest,
  replayRequest.extend({ mode: z.literal('lockstep') }),
]);
export type AnyReplayRequest = z.infer<typeof anyReplayRequest>;

export const replayChange = z
  .strictObject({
    paused: z.boolean().optional(),
    speed: speed.optional(),
    seek_us: timeUs.optional().describe(`goes to this time, ${MICROS}, forwards or backwards`),
  })
  .refine((change) => Object.keys(change).length > 0, 'expected paused, speed or seek_us');
export type ReplayChange = z.infer<typeof replayChange>;

const counts = z.record(z.string(), z.int());

export const pacedReply = z.object({
  replay_id: z.string(),
  mode: z.literal('paced'),
  state: z.enum(['seeking', 'running', 'paused', 'done', 'failed', 'cancelled']),
  capture: z.string().nullable(),
  symbols: z.array(z.string()).describe('those that were met so far'),
  kinds: z.array(z.string()).nullable(),
  speed,
  from_us: z.int().nullable(),
  to_us: z.int().nullable(),
  position_us: z.int().nullable().describe('market time; never beyond what was published'),
  lag_ms: z.number().describe('how late the next record is, where the machine does not keep up'),
  max_lag_ms: z.number(),
  published: counts.describe('records by kind; after a seek, all of them together'),
  records: z.object({
    published: z.int(),
    rebuilt: z.int().describe('before the place of a seek: into books, told to nobody'),
    left: z.int().describe('of kinds, symbols or sources that were not asked for'),
    other_source: z.int().describe('of them, those of a second source of one symbol'),
    quarantined: z.int(),
    unused: z.int().describe('changes of books that could not be applied, or not yet'),
    unpublishable: z.int().describe('refused by the schema of their topic'),
    not_connected: z.int().describe('messages lost because the bus was not connected'),
  }),
  unreadable: z.object({
    rejected: z.int(),
    reasons: counts,
    damaged: z.string().nullable().describe('why the file ended before its end'),
  }),
  books: z.record(z.string(), z.object({ state: z.string(), reason: z.string().nullable(), counts })),
  elapsed_s: z.number(),
  progress_url: z.string(),
  error: z.object({ type: z.string(), detail: z.string() }).nullable(),
});
export type PacedReply = z.infer<typeof pacedReply>;
