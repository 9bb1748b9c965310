// What time does to jobs: those whose process has ended are tried again or failed, old ones are forgotten.
import type { Database } from '../store/database.ts';
import { COLUMNS, type JobRow, jobOf } from './database-rows.ts';
import { FINISHED } from './database-sql.ts';
import { isDead } from './owner.ts';
import { interruptedError, type JobError, type JobRecord, RETENTION } from './record.ts';

const TAKE = `UPDATE jobs SET state = ?, error = ?, finished_us = ?, owner = NULL, lease_until_us = NULL
  WHERE id = ? AND owner = ? AND attempt = ? AND state = 'active' RETURNING ${COLUMNS}`;

/**
 * Takes jobs from processes that have ended (on this machine) or let their lease end (on any). Those with attempts left wait
 * again; returns the others, which are failed or, when that was asked for, cancelled now.
 */
export function recoverJobs(database: Database, self: string, nowUs: number): Promise<JobRecord[]> {
  return database.transaction(async (tx) => {
    const active = await tx.all<JobRow>(
      `SELECT ${COLUMNS} FROM jobs WHERE state = 'active' AND owner <> ?`,
      self,
    );
    const ended: JobRecord[] = [];
    for (const { id, owner, attempt, attempts, lease_until_us, cancel_requested } of active) {
      if (!isDead(owner!) && lease_until_us! > nowUs) continue;
      const error: JobError = cancel_requested
        ? { type: '/problems/cancelled', detail: 'The job was cancelled; its process has ended' }
        : interruptedError(attempt, attempts);
      const state = cancel_requested ? 'cancelled' : attempt < attempts ? 'waiting' : 'failed';
      const finishedUs = state === 'waiting' ? null : nowUs;
      const values = [state, JSON.stringify(error), finishedUs, id, owner!, attempt];
      const row = await tx.get<JobRow>(TAKE, ...values);
      if (row && finishedUs !== null) ended.push(jobOf(row));
    }
    return ended;
  });
}

const OLD = `DELETE FROM jobs WHERE kind = ? AND ${FINISHED} AND finished_us < ?`;
const MANY = `DELETE FROM jobs WHERE kind = ? AND ${FINISHED} AND id <=
  (SELECT id FROM jobs WHERE kind = ? AND ${FINISHED} ORDER BY id DESC LIMIT 1 OFFSET ?)`;

/** Forgets finished jobs of each kind that are too old or too many. */
export async function pruneJobs(database: Database, kinds: readonly string[], nowUs: number): Promise<void> {
  for (const kind of kinds) {
    await database.transaction((tx) => {
      tx.write(OLD, kind, nowUs - RETENTION.ageS * 1e6);
      tx.write(MANY, kind, kind, RETENTION.count);
    });
  }
}
