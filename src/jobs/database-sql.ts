// The statements of the backend of jobs in a database, the same for SQLite and Postgres.
import type { SqlValue } from '../store/database.ts';
import { COLUMNS } from './database-rows.ts';
import type { NewJob } from './record.ts';

/** Adds a job; see {@link insertValues}. */
export const INSERT = `INSERT INTO jobs (id, kind, state, priority, attempt, attempts, cancel_requested, run_at_us, dedup_key,
  correlation_id, input) VALUES (?, ?, ?, ?, 0, ?, 0, ?, ?, ?, ?)`;
/** The job of a key that waits or runs. */
export const SAME_KEY = `SELECT id FROM jobs WHERE kind = ? AND dedup_key = ? AND state IN ('waiting', 'delayed', 'active')`;
/** Why a job that never began has ended. */
export const CANCELLED = JSON.stringify({
  type: '/problems/cancelled',
  detail: 'The job was cancelled before it began',
});
/** Ends a job that has not begun. */
export const CANCEL_WAITING = `UPDATE jobs SET state = 'cancelled', cancel_requested = 1, error = ?, finished_us = ?
  WHERE id = ? AND state IN ('waiting', 'delayed') RETURNING id`;
/** When the next delayed job is due. */
export const NEXT_DELAYED = "SELECT run_at_us FROM jobs WHERE state = 'delayed' ORDER BY run_at_us LIMIT 1";
/** Takes waiting jobs of a kind. */
// The second condition on the state is for Postgres, where another process may have been faster than the inner SELECT.
export const CLAIM = `UPDATE jobs SET state = 'active', attempt = attempt + 1, owner = ?, lease_until_us = ?, started_us = ?,
  progress = NULL WHERE state = 'waiting' AND id IN
  (SELECT id FROM jobs WHERE state = 'waiting' AND kind = ? ORDER BY priority, id LIMIT ?) RETURNING ${COLUMNS}`;
/** Stores the outcome of an attempt, while it is still ours. */
export const FINISH = `UPDATE jobs SET state = ?, run_at_us = ?, finished_us = ?, progress = ?, error = ?, result = ?,
  owner = NULL, lease_until_us = NULL WHERE id = ? AND owner = ? AND attempt = ? AND state = 'active' RETURNING id`;
/** Holds everything that runs here for another lease. */
export const HOLD = `UPDATE jobs SET lease_until_us = ? WHERE owner = ? AND state = 'active' RETURNING id, cancel_requested`;
/** Whether another process has a job. */
export const OTHERS = "SELECT 1 FROM jobs WHERE state = 'active' AND owner <> ? LIMIT 1";
/** Jobs to which nothing more happens. */
export const FINISHED = "state IN ('completed', 'failed', 'cancelled')";

/** Returns the values of {@link INSERT}. */
export function insertValues(job: NewJob, nowUs: number): SqlValue[] {
  const state = job.delayMs > 0 ? 'delayed' : 'waiting';
  const runAtUs = nowUs + job.delayMs * 1000;
  const { id, kind, priority, attempts, dedupKey, correlationId } = job;
  return [
    id,
    kind,
    state,
    priority,
    attempts,
    runAtUs,
    dedupKey,
    correlationId,
    JSON.stringify(job.input) ?? 'null',
  ];
}
