// Rows of the table of jobs as jobs.
import { createdUsOf, type JobRecord, type JobState } from './record.ts';

/** All columns but the result. */
export const COLUMNS = `id, kind, state, priority, attempt, attempts, cancel_requested, started_us, finished_us, dedup_key,
  correlation_id, progress, error, input, owner, lease_until_us`;

export interface JobRow {
  readonly id: string;
  readonly kind: string;
  readonly state: JobState;
  readonly priority: number;
  readonly attempt: number;
  readonly attempts: number;
  readonly cancel_requested: number;
  readonly started_us: number | null;
  readonly finished_us: number | null;
  readonly dedup_key: string | null;
  readonly correlation_id: string | null;
  readonly progress: string | null;
  readonly error: string | null;
  readonly input: string;
  readonly owner: string | null;
  readonly lease_until_us: number | null;
}

/** Returns a row as a job. */
export function jobOf(row: JobRow): JobRecord {
  return {
    id: row.id,
    kind: row.kind,
    state: row.state,
    priority: row.priority,
    attempt: row.attempt,
    attempts: row.attempts,
    input: JSON.parse(row.input),
    dedupKey: row.dedup_key,
    correlationId: row.correlation_id,
    cancelRequested: row.cancel_requested === 1,
    progress: row.progress === null ? null : JSON.parse(row.progress),
    error: row.error === null ? null : JSON.parse(row.error),
    createdUs: createdUsOf(row.id),
    startedUs: row.started_us,
    finishedUs: row.finished_us,
  };
}
