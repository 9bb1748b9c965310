// A job as it is stored and as the world sees it.
import { z } from 'zod';

export const JOB_STATES = ['waiting', 'delayed', 'active', 'completed', 'failed', 'cancelled'] as const;

/** `waiting` for a free place, `delayed` until a time (asked for, or after a failure), `active`, and three ends. */
export type JobState = (typeof JOB_STATES)[number];

/** Whether nothing more will happen to a job. */
export function isFinished(state: JobState): boolean {
  return state === 'completed' || state === 'failed' || state === 'cancelled';
}

/** How far a job is; `total` null when nobody knows. */
export const jobProgress = z.object({
  done: z.number(),
  total: z.number().nullable(),
  note: z.string().nullable(),
});
export type JobProgress = z.infer<typeof jobProgress>;

/** Why an attempt or the job did not succeed: a problem type and words for people. */
export const jobError = z.object({ type: z.string(), detail: z.string() });
export type JobError = z.infer<typeof jobError>;

/** One job. Times are microseconds since the epoch. */
export interface JobRecord {
  /** A UUID of version 7: ids sort by time of creation. */
  readonly id: string;
  readonly kind: string;
  readonly state: JobState;
  readonly priority: number;
  /** Attempts begun so far. */
  readonly attempt: number;
  readonly attempts: number;
  readonly input: unknown;
  readonly dedupKey: string | null;
  readonly correlationId: string | null;
  readonly cancelRequested: boolean;
  readonly progress: JobProgress | null;
  /** Of the last attempt that did not succeed. */
  readonly error: JobError | null;
  readonly createdUs: number;
  readonly startedUs: number | null;
  readonly finishedUs: number | null;
}

/** A job to be added. */
export interface NewJob {
  readonly id: string;
  readonly kind: string;
  readonly input: unknown;
  readonly priority: number;
  readonly attempts: number;
  readonly dedupKey: string | null;
  readonly correlationId: string | null;
  readonly delayMs: number;
}

/** How one attempt ended, for the backend to store. */
export type Outcome = { readonly progress: JobProgress | null } & (
  | { readonly state: 'completed'; readonly result: string }
  | { readonly state: 'failed' | 'cancelled'; readonly error: JobError }
  /** Another attempt follows after `delayMs`. */
  | { readonly state: 'delayed'; readonly error: JobError; readonly delayMs: number }
);

/** Which jobs to list; newest first. */
export interface JobQuery {
  readonly state?: JobState | undefined;
  readonly kind?: string | undefined;
  readonly limit: number;
  readonly offset: number;
}

export interface JobPage {
  readonly jobs: readonly JobRecord[];
  /** Jobs that match, on all pages. */
  readonly total: number;
}

/** Largest input and largest result of a job, in bytes of JSON. */
export const MAX_JSON_BYTES = 2 ** 20;

/** Finished jobs of one kind are kept for so long, and no more than so many. */
export const RETENTION = { ageS: 7 * 86_400, count: 10_000 } as const;

/** When a job was made: the time in its id, a UUID of version 7 (RFC 9562). */
export function createdUsOf(id: string): number {
  return Number.parseInt(id.replace('-', '').slice(0, 12), 16) * 1000;
}

/** Returns why a job has no result whose process ended, or lost sight of it for too long, in the middle of an attempt. */
export function interruptedError(attempt: number, attempts: number): JobError {
  const detail = `The process ended, or was cut off, in the middle of attempt ${attempt} of ${attempts}`;
  return { type: '/problems/interrupted', detail };
}

/** A job in replies. */
export const jobReply = z.object({
  job_id: z.string(),
  kind: z.string(),
  state: z.enum(JOB_STATES),
  attempt: z.int().describe('attempts begun so far'),
  attempts: z.int().describe('attempts at most'),
  priority: z.int().describe('smaller is sooner'),
  cancel_requested: z.boolean(),
  progress: jobProgress.nullable().describe('in units of the work'),
  error: jobError.nullable().describe('of the last attempt that did not succeed'),
  created_ts_us: z.int().describe('microseconds since the epoch'),
  started_ts_us: z.int().nullable().describe('begin of the last attempt'),
  finished_ts_us: z.int().nullable(),
  progress_url: z.string(),
  result_url: z.string().nullable().describe('where the result is, once completed'),
});
export type JobReply = z.infer<typeof jobReply>;

/** The reply to a request that becomes a job. */
export const jobAccepted = jobReply.extend({
  deduplicated: z
    .boolean()
    .describe('true when a job with the same key waits or runs already: this is that one'),
});
export type JobAccepted = z.infer<typeof jobAccepted>;

/** Returns a job as replies show it. */
export function describeJob(job: JobRecord): JobReply {
  return {
    job_id: job.id,
    kind: job.kind,
    state: job.state,
    attempt: job.attempt,
    attempts: job.attempts,
    priority: job.priority,
    cancel_requested: job.cancelRequested,
    progress: job.progress,
    error: job.error,
    created_ts_us: job.createdUs,
    started_ts_us: job.startedUs,
    finished_ts_us: job.finishedUs,
    progress_url: `/jobs/${job.id}`,
    result_url: job.state === 'completed' ? `/jobs/${job.id}/result` : null,
  };
}
