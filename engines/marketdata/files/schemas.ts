// Requests and replies of imports of files.
import { z } from 'zod';
import { FLAG_NAMES, type FlagName } from '../../../src/market/flags.ts';
import { MARKET_KINDS } from '../../../src/market/records.ts';
import { CALENDAR_IDS } from '../../../src/market/sessions/calendars.ts';
import { importInput as barsInput } from '../schemas.ts';
import { TABLE_KINDS } from './columns.ts';
import { FORMATS } from './formats.ts';

const source = z.string().regex(/^[\w.-]{1,64}$/, 'expected 1 to 64 letters, digits or any of . _ -');

/** What is known of a file beside its bytes. */
const importSpec = barsInput.extend({
  format: z.enum(FORMATS).optional().describe('told by the first bytes when absent'),
  kind: z
    .enum(TABLE_KINDS)
    .optional()
    .describe('what the rows of a table are; told by its columns when absent'),
  source: source
    .optional()
    .describe('source that the records are said to be of; `file`, for captures the venue, when absent'),
  time_zone: z
    .string()
    .min(1)
    .max(64)
    .optional()
    .describe('zone of times that name none: UTC (default), -05:00, America/New_York'),
  price_decimals: z.coerce
    .number()
    .int()
    .min(1)
    .max(12)
    .optional()
    .describe('decimals that prices of a table are written without: 4 for `973100` that is 97.31'),
  calendar: z
    .enum(CALENDAR_IDS as [string, ...string[]])
    .optional()
    .describe('when the instruments trade; gaps of bars and sessions are not judged without'),
});

/** Input of the job: with `path`, a file of the import folder; else the uploaded file of the job. */
export const fileImportInput = importSpec.extend({
  path: z.string().min(1).max(1024).optional().describe('file of the import folder instead of a body'),
  name: z
    .string()
    .min(1)
    .max(200)
    .optional()
    .describe('what reports call a file that is sent as the body; `body` when absent'),
  dry_run: z.boolean().default(false),
});
export type FileImportInput = z.infer<typeof fileImportInput>;

export const fileImportQuery = fileImportInput.extend({
  dry_run: z
    .enum(['true', 'false'])
    .default('false')
    .describe('true: everything is read and judged, nothing is stored'),
  wait: z
    .enum(['true', 'false'])
    .default('true')
    .describe('true: the reply comes after the import; false: at once, and the import is a job'),
});

const count = z.int().nonnegative();

/** What an import says of one series. */
export const importedSeries = z.object({
  kind: z.enum(MARKET_KINDS),
  symbol: z.string(),
  source: z.string(),
  interval_us: z.number().nullable(),
  calendar: z.string().nullable(),
  records: count,
  imported: count,
  rejected: count.describe('records with a flag of quarantine'),
  flagged: count.describe('records with any flag'),
  flags: z.record(z.string(), count).describe('records by flag'),
  score: z.number().nullable().describe('quality from 0 to 1'),
  coverage: z.number().describe('share of the expected records that are there'),
  missing: count,
  reasons: z
    .array(z.object({ reason: z.string(), records: count, share: z.number(), cost: z.number() }))
    .describe('what the score was lost by, costliest first'),
  first_ts_us: z.int().nullable().describe('of records whose time is readable'),
  last_ts_us: z.int().nullable(),
  shortest_way_us: z
    .number()
    .nullable()
    .optional()
    .describe('the least of time of receipt less time of the venue: below 0 the clocks disagree'),
});

export const fileImportReport = z.object({
  file: z.string(),
  format: z.enum(FORMATS),
  bytes: count.describe('of the file as it came'),
  dry_run: z.boolean(),
  rows: count.describe('rows or lines, those of other symbols than the one asked for included'),
  records: count.describe('`imported` and `rejected` together'),
  imported: count,
  rejected: count.describe('not readable, or kept from the main view by a flag of quarantine'),
  replaced: count.describe('of the imported: bars that took the place of stored ones'),
  already_stored: count.describe(
    'of the imported: stored before by the same file, or trades whose id is stored',
  ),
  quality: z
    .object(Object.fromEntries(FLAG_NAMES.map((name) => [name, count])) as Record<FlagName, typeof count>)
    .describe('records by flag'),
  books: z.object({
    snapshots: count,
    resyncs: count.describe('times that a book broke and needed a snapshot'),
    states: z.array(
      z.object({
        symbol: z.string(),
        source: z.string(),
        state: z.string(),
        reason: z.string(),
        snapshots: count,
        resyncs: count,
        deltas: count,
      }),
    ),
  }),
  series: z.array(importedSeries).describe('the first 1000'),
  series_total: count,
  reasons: z.record(z.string(), count).describe('rejected rows by reason'),
  errors: z.array(z.object({ line: count, reason: z.string() })).describe('the first 100 rejected rows'),
  truncated: z.boolean().describe('a capture whose gzip ends too early; what came before was read'),
  processing_time_ms: count,
});
/** What an import says of a file. */
export type ImportReport = z.infer<typeof fileImportReport>;
