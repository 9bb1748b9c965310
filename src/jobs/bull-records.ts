// Jobs of BullMQ as jobs of ours.
import type { Job } from 'bullmq';
import {
  createdUsOf,
  isFinished,
  type JobError,
  type JobRecord,
  type JobState,
  jobError,
  jobProgress,
  type NewJob,
} from './record.ts';

const NO_PROGRESS = { success: false } as const;

/** What BullMQ carries for us. */
export interface BullData {
  readonly input: unknown;
  readonly correlationId: string | null;
}

/** Thrown to BullMQ for an attempt that is followed by another after `delayMs`. */
export class Retry extends Error {
  constructor(
    message: string,
    readonly delayMs: number,
  ) {
    super(message);
    withoutStack(this);
  }
}

/** Returns `error` without its stack, which BullMQ would store with the job. */
export function withoutStack<E extends Error>(error: E): E {
  delete error.stack;
  return error;
}

/** BullMQ keeps one text of a failure. */
export function reasonText({ type, detail }: JobError): string {
  return JSON.stringify({ type, detail });
}

// BullMQ has failures of its own words.
function errorOf(reason: string): JobError {
  try {
    return jobError.parse(JSON.parse(reason));
  } catch {
    return { type: '/problems/internal', detail: reason.slice(0, 500) };
  }
}

/** Returns our state for one of BullMQ's. */
export function stateOf(state: string): JobState {
  if (state === 'delayed' || state === 'active' || state === 'completed' || state === 'failed') return state;
  return 'waiting';
}

/** Returns what BullMQ takes for a new job. */
export function bullJob(job: NewJob) {
  const { id, kind, input, correlationId, priority, attempts, delayMs, dedupKey } = job;
  return {
    name: kind,
    data: { input, correlationId },
    opts: {
      jobId: id,
      attempts,
      // Each option is stored and read again with each job; what all have in common is said to the workers.
      ...(attempts > 1 ? { backoff: { type: 'custom' } } : {}),
      ...(priority > 0 ? { priority } : {}),
      ...(delayMs > 0 ? { delay: delayMs } : {}),
      ...(dedupKey === null ? {} : { deduplication: { id: dedupKey } }),
    },
  };
}

/** Returns a job of BullMQ as a job of ours. */
export function jobOfBull(job: Job<BullData>, state: JobState, cancelRequested: boolean): JobRecord {
  const { opts, data, failedReason, processedOn, finishedOn } = job;
  const attempts = opts.attempts ?? 1;
  // BullMQ has 0 for none, which a schema would take long to refuse.
  const progress = typeof job.progress === 'object' ? jobProgress.safeParse(job.progress) : NO_PROGRESS;
  return {
    id: job.id!,
    kind: job.name,
    state,
    priority: opts.priority ?? 0,
    attempt: Math.min(job.attemptsStarted, attempts),
    attempts,
    input: data.input,
    dedupKey: job.deduplicationId ?? null,
    correlationId: data.correlationId,
    cancelRequested,
    progress: progress.success ? progress.data : null,
    error: state !== 'completed' && failedReason ? errorOf(failedReason) : null,
    createdUs: createdUsOf(job.id!),
    startedUs: processedOn ? processedOn * 1000 : null,
    finishedUs: isFinished(state) && finishedOn ? finishedOn * 1000 : null,
  };
}
