// Ingests: the history of a source, read as a job, checked and stored; goes on where it was after a crash.
import { z } from 'zod';
import type { Clock } from '../../../src/core/clock.ts';
import { type FieldError, InvalidOptionError, ProviderError } from '../../../src/core/errors.ts';
import { defineJob, type JobContext, type JobDefinition } from '../../../src/jobs/define.ts';
import { QUARANTINE } from '../../../src/market/quality/gate.ts';
import type { CorporateAction, MarketKind, MarketRecord } from '../../../src/market/records.ts';
import { symbolSchema } from '../../../src/market/symbol.ts';
import type { Database } from '../../../src/store/database.ts';
import type { SourceAdapter } from '../sources/port.ts';
import { gateOf } from './gates.ts';
import { QualityDesk } from './quality-desk.ts';

const MICROS = 'microseconds since the epoch';
const DAY_US = 86_400_000_000;
const DAY_MS = 86_400_000;

/** Kinds whose history is long and comes in order of time: an ingest of them goes on where it was. The others are short, and revised. */
const GOES_ON: ReadonlySet<string> = new Set(['trades', 'quotes', 'bars', 'funding']);
const MAX_HELD = 1_000_000;

/** Kinds that an ingest can ask for, and the kind of record. */
const KINDS = {
  trades: 'trade',
  quotes: 'quote',
  bars: 'bar',
  funding: 'funding',
  macro: 'macro',
  fundamentals: 'fundamental',
  corporate_actions: 'corporate_action',
  instruments: 'instrument',
} as const satisfies Readonly<Record<string, MarketKind>>;

export const ingestRequest = z.strictObject({
  symbol: symbolSchema.describe('instrument, or id of a series'),
  kind: z.enum(Object.keys(KINDS) as [keyof typeof KINDS, ...(keyof typeof KINDS)[]]),
  from_us: z.int().describe(`first time, inclusive, ${MICROS}; before 1970 below 0`),
  to_us: z.int().describe(`last time, inclusive, ${MICROS}`),
  native_symbol: z
    .string()
    .min(1)
    .max(64)
    .optional()
    .describe('name at the source, where its rule does not give it'),
  interval_us: z
    .int()
    .min(1_000_000)
    .max(366 * DAY_US)
    .optional()
    .describe('length of bars; one minute when absent'),
  again: z
    .boolean()
    .default(false)
    .describe('true: from the beginning, also where an earlier ingest of the same came to its end'),
});
export type IngestRequest = z.infer<typeof ingestRequest>;

const ingestInput = ingestRequest.extend({ source: z.string().min(1).max(64) });
type IngestInput = z.infer<typeof ingestInput>;

export const ingestReply = z.object({
  source: z.string(),
  symbol: z.string(),
  kind: z.string(),
  records: z.int().describe('what the source said in this run'),
  stored: z.int(),
  replaced: z.int().describe('took the place of an earlier one: bars, points, reports'),
  duplicates: z.int().describe('stored before, by their id'),
  quarantined: z.int(),
  flags: z.record(z.string(), z.int()),
  resumed_from_us: z.int().nullable().describe('where an earlier run had come to'),
  last_us: z.int().nullable().describe('time of the newest record of this run'),
});
export type IngestReply = z.infer<typeof ingestReply>;

export interface IngestParts {
  readonly database: Database;
  readonly clock: Clock;
  /** Throws NotFoundError. */
  readonly adapter: (source: string) => SourceAdapter;
  /** Stores records, and says what became of them. */
  readonly put: (
    records: readonly MarketRecord[],
  ) => Promise<{ readonly stored: number; readonly replaced: number; readonly duplicates: number }>;
  /** Time of the newest stored record of a source at or before a time; null without one. */
  readonly newest: (
    kind: MarketKind,
    of: {
      readonly symbol: string;
      readonly source: string;
      readonly atUs: number;
      /** Bars only: their length. */
      readonly intervalUs: number | undefined;
    },
  ) => Promise<number | null>;
  /** Corporate actions that are known of a symbol: their jumps are no faults. */
  readonly actions: (symbol: string) => Promise<readonly CorporateAction[]>;
  /** Told of corporate actions that were stored: what comes live is judged by them as well. */
  readonly learned: (action: CorporateAction) => void;
}

/** Throws what {@link checkIngest} finds wrong, before a job is made of it. */
export function checkIngest(adapter: SourceAdapter, request: IngestRequest): void {
  const errors: FieldError[] = [];
  const { capabilities } = adapter;
  const kinds = Object.keys(KINDS).filter((kind) =>
    capabilities.historical.includes(KINDS[kind as keyof typeof KINDS]),
  );
  const isKind = adapter.history !== undefined && kinds.includes(request.kind);
  if (!isKind) {
    const has = adapter.history && kinds.length > 0 ? kinds.join(', ') : 'none';
    errors.push({ pointer: '/kind', expected: `a kind of which ${adapter.id} has history (${has})` });
  }
  if (request.to_us < request.from_us)
    errors.push({ pointer: '/to_us', expected: 'a time that is not before from_us' });
  const { interval_us: interval = 60_000_000 } = request;
  if (isKind && request.kind === 'bars' && capabilities.intervalsUs?.includes(interval) === false) {
    const known = capabilities.intervalsUs.join(', ');
    errors.push({ pointer: '/interval_us', expected: `one of ${known} microseconds` });
  }
  if (errors.length === 0) return;
  throw new InvalidOptionError(
    errors.map((e) => `Expected ${e.expected} for ${e.pointer}`).join('; '),
    errors,
  );
}

/** The job of an ingest; the same one asked for twice runs once. */
// biome-ignore lint/suspicious/noExplicitAny: a list of definitions of several types holds it
export function ingestJob(parts: IngestParts): JobDefinition<any, any> {
  return defineJob({
    kind: 'ingest',
    input: ingestInput,
    result: ingestReply,
    attempts: 5,
    backoffMs: 5000,
    timeoutMs: DAY_MS,
    dedupKey: (input) => keyOf(input),
    run: (input, job) => ingest(parts, input, job),
  });
}

async function ingest(parts: IngestParts, input: IngestInput, job: JobContext): Promise<IngestReply> {
  const { source, symbol, kind } = input;
  const adapter = parts.adapter(source);
  checkIngest(adapter, input);
  const key = keyOf(input);
  const goesOn = GOES_ON.has(kind);
  const anew = !goesOn || (input.again && job.attempt === 1);
  const known = anew ? null : await resumePoint(parts, input);
  const fromUs = known === null ? input.from_us : Math.max(input.from_us, known + 1);
  // Gates of its own: the past must not be judged beside what is live.
  const calendar = adapter.calendar?.(input.native_symbol ?? adapter.nativeSymbol(symbol)) ?? null;
  const quality = new QualityDesk((record) => gateOf(record, calendar));
  for (const action of await parts.actions(symbol)) quality.know(action);
  const reply: IngestReply = {
    source,
    symbol,
    kind,
    records: 0,
    stored: 0,
    replaced: 0,
    duplicates: 0,
    quarantined: 0,
    flags: {},
    resumed_from_us: known,
    last_us: null,
  };
  let doneUs = known ?? input.from_us - 1;
  // Before anything can fail: the next try must not go on from what an earlier ingest has noted.
  if (goesOn && anew) await saveProgress(parts, key, doneUs);
  const spanUs = Math.max(1, input.to_us - input.from_us);
  if (fromUs <= input.to_us) {
    const batches = adapter.history!(
      {
        kind: KINDS[kind],
        symbol,
        nativeSymbol: input.native_symbol,
        fromUs,
        toUs: input.to_us,
        intervalUs: intervalOf(input),
      },
      job.signal,
    );
    // The newest record of a range that is not over may still change; a bar that began within it may not be there yet. Days are told when they are
    // over where they are traded, up to a day and a half after their date begins.
    const settledUs = input.to_us + 2 * (intervalOf(input) ?? 0);
    const isOver = settledUs < parts.clock.nowUs();
    for await (const { records, uptoUs, isLast } of wholeTimes(batches, adapter)) {
      job.signal.throwIfAborted();
      const flagged = records.map((record) => {
        const flags = quality.check(record, parts.clock.nowUs());
        if ((flags & QUARANTINE) !== 0) reply.quarantined++;
        return flags === record.flags ? record : { ...record, flags };
      });
      if (goesOn) await saveProgress(parts, key, doneUs, uptoUs);
      const { stored, replaced, duplicates } = await parts.put(flagged);
      for (const record of records) if (record.kind === 'corporate_action') parts.learned(record);
      reply.records += records.length;
      reply.stored += stored;
      reply.replaced += replaced;
      reply.duplicates += duplicates;
      reply.last_us = Math.max(reply.last_us ?? Number.NEGATIVE_INFINITY, uptoUs);
      doneUs = isLast && !isOver ? uptoUs - 1 : uptoUs;
      if (goesOn) await saveProgress(parts, key, doneUs);
      job.progress(Math.min(spanUs, uptoUs - input.from_us), spanUs, `${reply.records} records`);
    }
    if (goesOn && isOver) await saveProgress(parts, key, input.to_us);
  }
  job.progress(spanUs, spanUs, `${reply.records} records`);
  return { ...reply, flags: quality.totals() as Record<string, number> };
}

/**
 * Cuts batches where the time changes, so that a time is stored as a whole: what goes on after it repeats nothing and leaves nothing out.
 * Records that come late, below a time that has passed, go with the next batch.
 */
async function* wholeTimes(
  batches: AsyncIterable<readonly MarketRecord[]>,
  adapter: SourceAdapter,
): AsyncGenerator<{
  readonly records: readonly MarketRecord[];
  readonly uptoUs: number;
  readonly isLast: boolean;
}> {
  let held: MarketRecord[] = [];
  let heldUs = Number.NEGATIVE_INFINITY;
  for await (const batch of batches) {
    const newest = batch.reduce((us, record) => Math.max(us, record.tsEventUs), heldUs);
    let records: MarketRecord[] = [];
    if (newest > heldUs) [records, held, heldUs] = [held, [], newest];
    for (const record of batch) (record.tsEventUs === newest ? held : records).push(record);
    if (records.length > 0) yield { records, uptoUs: newest - 1, isLast: false };
    if (held.length > MAX_HELD)
      throw new ProviderError(
        `${adapter.title} has more than ${MAX_HELD} records of one time`,
        adapter.id,
        200,
      );
  }
  if (held.length > 0) yield { records: held, uptoUs: heldUs, isLast: true };
}

function intervalOf({ kind, interval_us = 60_000_000 }: IngestInput): number | undefined {
  return kind === 'bars' ? interval_us : undefined;
}

/** Two ingests of one range are one, whether `again` was asked for or not. */
function keyOf(input: IngestInput): string {
  const { source, symbol, kind, from_us, to_us, native_symbol } = input;
  const interval = intervalOf(input) ?? null;
  return JSON.stringify([source, kind, symbol, native_symbol ?? null, interval, from_us, to_us]);
}

/**
 * Up to which time everything is stored; null for nothing yet. A batch ends where a time ends, and is stored as a whole or not at all: where a
 * run ended between the two notes about one, a record of its times says that it was. Records of other times say nothing: a live stream
 * stores of the same series too.
 */
async function resumePoint(parts: IngestParts, input: IngestInput): Promise<number | null> {
  const row = await parts.database.get<{ last_us: number; storing_us: number | null }>(
    'SELECT last_us, storing_us FROM market_ingests WHERE ingest = ?',
    keyOf(input),
  );
  if (!row) return null;
  const noted = row.last_us < input.from_us ? null : row.last_us;
  if (row.storing_us === null) return noted;
  const { symbol, source } = input;
  const of = { symbol, source, atUs: row.storing_us, intervalUs: intervalOf(input) };
  const newest = await parts.newest(KINDS[input.kind], of);
  return newest !== null && newest > row.last_us ? newest : noted;
}

async function saveProgress(
  { database, clock }: IngestParts,
  key: string,
  lastUs: number,
  storingUs: number | null = null,
): Promise<void> {
  await database.transaction((tx) => {
    tx.write(
      `INSERT INTO market_ingests (ingest, last_us, storing_us, updated_us) VALUES (?, ?, ?, ?)
       ON CONFLICT (ingest) DO UPDATE SET last_us = excluded.last_us, storing_us = excluded.storing_us, updated_us = excluded.updated_us`,
      key,
      lastUs,
      storingUs,
      clock.nowUs(),
    );
  });
}
