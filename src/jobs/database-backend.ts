// Jobs in an engine's own database: claimed in order of priority, held by a lease, found again when their process ends.
import type { Clock } from '../core/clock.ts';
import type { Log } from '../core/log.ts';
import type { Database, SqlValue } from '../store/database.ts';
import type { JobBackend, JobKind, JobWorker } from './backend.ts';
import { type Added, BACKEND_TIMING, type BackendTiming, type Cancelled } from './backend.ts';
import { pruneJobs, recoverJobs } from './database-recovery.ts';
import { COLUMNS, type JobRow, jobOf } from './database-rows.ts';
import {
  CANCEL_WAITING,
  CANCELLED,
  CLAIM,
  FINISH,
  HOLD,
  INSERT,
  insertValues,
  NEXT_DELAYED,
  OTHERS,
  SAME_KEY,
} from './database-sql.ts';
import { takeOwner } from './owner.ts';
import {
  isFinished,
  type JobPage,
  type JobProgress,
  type JobQuery,
  type JobRecord,
  type NewJob,
  type Outcome,
} from './record.ts';

export interface DatabaseBackendOptions {
  /** Has the tables of {@link JOB_TABLES}. */
  readonly database: Database;
  readonly kinds: readonly JobKind[];
  readonly clock: Clock;
  readonly log: Log;
  readonly timing?: BackendTiming;
  /** Closes the database with the backend. */
  readonly ownsDatabase?: boolean;
}

const PRUNE_EVERY = 1000;

/** See {@link JobBackend}. */
export class DatabaseBackend implements JobBackend {
  readonly kind = 'database';
  readonly #db: Database;
  readonly #options: DatabaseBackendOptions;
  readonly #timing: BackendTiming;
  readonly #owner = takeOwner();
  readonly #running = new Map<string, Promise<void>>();
  /** Free places by kind. */
  readonly #free: Map<string, number>;
  #worker: JobWorker | undefined;
  #paused = false;
  #claiming: Promise<void> | undefined;
  #claimAgain = false;
  #poll: ReturnType<typeof setInterval> | undefined;
  #polling: Promise<void> | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #finished = 0;
  #failing = false;

  constructor(options: DatabaseBackendOptions) {
    this.#options = options;
    this.#db = options.database;
    this.#timing = options.timing ?? BACKEND_TIMING;
    this.#free = new Map(options.kinds.map(({ kind, concurrency }) => [kind, concurrency]));
  }

  async start(worker: JobWorker): Promise<void> {
    this.#worker = worker;
    await this.#recover();
    await this.#prune();
    this.#poll = setInterval(() => {
      this.#polling ??= this.#look().finally(() => {
        this.#polling = undefined;
      });
    }, this.#timing.pollMs);
    this.#claim();
  }

  async add(jobs: readonly NewJob[]): Promise<Added[]> {
    const nowUs = this.#options.clock.nowUs();
    const added = await this.#db.transaction(async (tx) => {
      const all: Added[] = [];
      for (const job of jobs) {
        const values = insertValues(job, nowUs);
        if (job.dedupKey === null) {
          tx.write(INSERT, ...values);
          all.push({ id: job.id, deduplicated: false });
          continue;
        }
        const made = await tx.get(`${INSERT} ON CONFLICT DO NOTHING RETURNING id`, ...values);
        const same = made ? null : await tx.get<{ id: string }>(SAME_KEY, job.kind, job.dedupKey);
        all.push({ id: same?.id ?? job.id, deduplicated: same !== null });
      }
      return all;
    });
    this.#claim();
    return added;
  }

  async get(id: string): Promise<JobRecord | null> {
    const row = await this.#db.get<JobRow>(`SELECT ${COLUMNS} FROM jobs WHERE id = ?`, id);
    return row && jobOf(row);
  }

  async result(id: string): Promise<string | null> {
    const row = await this.#db.get<{ result: string | null }>('SELECT result FROM jobs WHERE id = ?', id);
    return row?.result ?? null;
  }

  async list({ state, kind, limit, offset }: JobQuery): Promise<JobPage> {
    const wanted: [string, SqlValue][] = [];
    if (state !== undefined) wanted.push(['state = ?', state]);
    if (kind !== undefined) wanted.push(['kind = ?', kind]);
    const where = wanted.length === 0 ? '' : `WHERE ${wanted.map(([text]) => text).join(' AND ')}`;
    const values = wanted.map(([, value]) => value);
    const page = `SELECT ${COLUMNS} FROM jobs ${where} ORDER BY id DESC LIMIT ? OFFSET ?`;
    const [rows, count] = await Promise.all([
      this.#db.all<JobRow>(page, ...values, limit, offset),
      this.#db.get<{ n: number }>(`SELECT count(*) AS n FROM jobs ${where}`, ...values),
    ]);
    return { jobs: rows.map(jobOf), total: count!.n };
  }

  cancel(id: string): Promise<Cancelled> {
    return this.#db.transaction(async (tx) => {
      const job = await tx.get<{ state: JobRecord['state'] }>('SELECT state FROM jobs WHERE id = ?', id);
      if (!job) return 'unknown';
      if (isFinished(job.state)) return 'finished';
      const nowUs = this.#options.clock.nowUs();
      const ended = await tx.get(CANCEL_WAITING, CANCELLED, nowUs, id);
      if (ended) return 'cancelled';
      tx.write("UPDATE jobs SET cancel_requested = 1 WHERE id = ? AND state = 'active'", id);
      return 'requested';
    });
  }

  progress(job: JobRecord, progress: JobProgress): void {
    const sql =
      "UPDATE jobs SET progress = ? WHERE id = ? AND owner = ? AND attempt = ? AND state = 'active'";
    const values = [JSON.stringify(progress), job.id, this.#owner.name, job.attempt];
    // The next report brings more than this one.
    this.#db.transaction((tx) => tx.write(sql, ...values)).catch(() => {});
  }

  pause(): void {
    this.#paused = true;
    clearTimeout(this.#timer);
  }

  async close(): Promise<void> {
    this.pause();
    await this.#claiming;
    while (this.#running.size > 0) await Promise.all(this.#running.values());
    await this.abandon();
  }

  async abandon(): Promise<void> {
    clearInterval(this.#poll);
    await this.#polling;
    this.#owner.release();
    if (this.#options.ownsDatabase) await this.#db.close();
  }

  // One claim at a time; what happens meanwhile is looked at by the next.
  #claim(): void {
    if (this.#paused || !this.#worker) return;
    if (this.#claiming) {
      this.#claimAgain = true;
      return;
    }
    this.#claimAgain = false;
    this.#claiming = this.#claimOnce().then(
      () => this.#claimed(),
      (error) => this.#claimed(error),
    );
  }

  #claimed(error?: unknown): void {
    this.#claiming = undefined;
    if (error !== undefined) this.#complain(error);
    else this.#failing = false;
    // After a failure the next look is soon enough.
    if (this.#claimAgain && error === undefined) this.#claim();
  }

  async #claimOnce(): Promise<void> {
    const nowUs = this.#options.clock.nowUs();
    const leaseUs = nowUs + this.#timing.leaseMs * 1000;
    const { rows, next } = await this.#db.transaction(async (tx) => {
      let next = await tx.get<{ run_at_us: number }>(NEXT_DELAYED);
      if (next && next.run_at_us <= nowUs) {
        tx.write("UPDATE jobs SET state = 'waiting' WHERE state = 'delayed' AND run_at_us <= ?", nowUs);
        next = await tx.get<{ run_at_us: number }>(NEXT_DELAYED);
      }
      const rows: JobRow[] = [];
      for (const [kind, free] of this.#free) {
        if (free === 0) continue;
        rows.push(...(await tx.all<JobRow>(CLAIM, this.#owner.name, leaseUs, nowUs, kind, free)));
      }
      return { rows, next };
    });
    clearTimeout(this.#timer);
    if (next && !this.#paused) {
      const waitMs = Math.max(1, Math.ceil((next.run_at_us - nowUs) / 1000));
      this.#timer = setTimeout(() => this.#claim(), Math.min(waitMs, 2 ** 31 - 1));
    }
    // The order of what an UPDATE returns is nobody's promise.
    rows.sort((a, b) => a.priority - b.priority || (a.id < b.id ? -1 : 1));
    for (const row of rows) this.#begin(jobOf(row));
  }

  #begin(job: JobRecord): void {
    this.#free.set(job.kind, this.#free.get(job.kind)! - 1);
    const done = this.#attempt(job).finally(() => {
      this.#running.delete(job.id);
      this.#free.set(job.kind, this.#free.get(job.kind)! + 1);
      this.#claim();
    });
    this.#running.set(job.id, done);
  }

  async #attempt(job: JobRecord): Promise<void> {
    const outcome = await this.#worker!.run(job);
    for (;;) {
      try {
        const stored = await this.#store(job, outcome);
        if (!stored) this.#options.log.warn({ job_id: job.id }, 'a job went to another process meanwhile');
        this.#worker!.settled(job, stored ? outcome : null);
        return;
      } catch (error) {
        this.#complain(error);
        // Another process takes the job after the end of its lease; while this one stops, the next start does.
        if (this.#paused) return this.#worker!.settled(job, null);
        await Bun.sleep(this.#timing.pollMs);
      }
    }
  }

  async #store(job: JobRecord, outcome: Outcome): Promise<boolean> {
    const nowUs = this.#options.clock.nowUs();
    const delayUs = outcome.state === 'delayed' ? nowUs + outcome.delayMs * 1000 : nowUs;
    const progress = outcome.progress && JSON.stringify(outcome.progress);
    const error = outcome.state === 'completed' ? null : JSON.stringify(outcome.error);
    const result = outcome.state === 'completed' ? outcome.result : null;
    const finishedUs = outcome.state === 'delayed' ? null : nowUs;
    const state = outcome.state === 'delayed' && outcome.delayMs === 0 ? 'waiting' : outcome.state;
    const values = [
      state,
      delayUs,
      finishedUs,
      progress,
      error,
      result,
      job.id,
      this.#owner.name,
      job.attempt,
    ];
    const stored = await this.#db.transaction((tx) => tx.get(FINISH, ...values));
    if (++this.#finished % PRUNE_EVERY === 0) this.#prune().catch((cause) => this.#complain(cause));
    return stored !== null;
  }

  // What others have done: added jobs, asked for ends, gone away. And our leases.
  async #look(): Promise<void> {
    try {
      if (this.#running.size > 0) {
        const leaseUs = this.#options.clock.nowUs() + this.#timing.leaseMs * 1000;
        const held = await this.#db.transaction((tx) =>
          tx.all<{ id: string; cancel_requested: number }>(HOLD, leaseUs, this.#owner.name),
        );
        for (const { id, cancel_requested } of held) if (cancel_requested) this.#worker!.cancelRequested(id);
      }
      if (await this.#db.get(OTHERS, this.#owner.name)) await this.#recover();
      if (await this.#db.get("SELECT 1 FROM jobs WHERE state IN ('waiting', 'delayed') LIMIT 1"))
        this.#claim();
    } catch (error) {
      this.#complain(error);
    }
  }

  async #recover(): Promise<void> {
    const ended = await recoverJobs(this.#db, this.#owner.name, this.#options.clock.nowUs());
    for (const job of ended) this.#worker!.ended(job);
  }

  #prune(): Promise<void> {
    return pruneJobs(this.#db, [...this.#free.keys()], this.#options.clock.nowUs());
  }

  // Once for a row of failures.
  #complain(err: unknown): void {
    if (!this.#failing) this.#options.log.error({ err }, 'the database of the jobs fails');
    this.#failing = true;
  }
}
