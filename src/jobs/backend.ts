// Where jobs are kept and who hands them out: what the two backends have to do.
import type { JobPage, JobProgress, JobQuery, JobRecord, NewJob, Outcome } from './record.ts';

/** One kind of job as a backend needs to know it. */
export interface JobKind {
  readonly kind: string;
  readonly concurrency: number;
}

/** Who does the work. */
export interface JobWorker {
  /** Runs one attempt, whose number is `job.attempt`, and never throws. */
  run(job: JobRecord): Promise<Outcome>;
  /** The outcome of an attempt is stored; null when the job is no longer ours to store it. */
  settled(job: JobRecord, outcome: Outcome | null): void;
  /** Somebody, perhaps another process, has asked for the end of a job that may run here. */
  cancelRequested(id: string): void;
  /** A job was ended without an attempt: its process had gone, and no attempt was left. */
  ended(job: JobRecord): void;
}

/** A job that was added, or the one that had the same key. */
export interface Added {
  readonly id: string;
  readonly deduplicated: boolean;
}

/** What came of a wish to cancel: `requested` means that it runs and has yet to stop. */
export type Cancelled = 'cancelled' | 'requested' | 'finished' | 'unknown';

/**
 * Keeps the jobs of one engine. Every method throws DependencyUnavailableError or StorageUnavailableError, and soon, while
 * the place of the jobs is away.
 */
export interface JobBackend {
  readonly kind: 'database' | 'bullmq';
  /** Hands jobs out from now on; those whose process has gone, too. */
  start(worker: JobWorker): Promise<void>;
  /** Stores the jobs; what is returned survives kill -9. */
  add(jobs: readonly NewJob[]): Promise<Added[]>;
  get(id: string): Promise<JobRecord | null>;
  /** The result as JSON; null when there is none. */
  result(id: string): Promise<string | null>;
  list(query: JobQuery): Promise<JobPage>;
  cancel(id: string): Promise<Cancelled>;
  /** Stores how far an active job is. Failures are nobody's concern. */
  progress(job: JobRecord, progress: JobProgress): void;
  /** Hands out no more jobs. */
  pause(): void;
  /** Resolves when the outcome of every attempt is stored, and lets go of everything. */
  close(): Promise<void>;
  /** Lets go of everything now; attempts whose outcome is not stored are found at the next start. */
  abandon(): Promise<void>;
}

/** Owner, lease and pace of a backend; tests make them short. */
export interface BackendTiming {
  /** Milliseconds after which a silent process has lost its jobs. */
  readonly leaseMs: number;
  /** Milliseconds between two looks at what other processes have added or asked for. */
  readonly pollMs: number;
}

export const BACKEND_TIMING: BackendTiming = { leaseMs: 15_000, pollMs: 1000 };
