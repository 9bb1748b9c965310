// The jobs of one engine: adds, follows, cancels and runs long work, wherever it is kept.
import type { Bus } from '../bus/client.ts';
import { topics } from '../bus/topics.ts';
import { InvariantError, NotFoundError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import { Attempt, type Ending } from './attempt.ts';
import type { JobBackend } from './backend.ts';
import { backoffDelayMs, type JobDefinition } from './define.ts';
import { type AddOptions, newJob, recordOf } from './new-job.ts';
import {
  describeJob,
  isFinished,
  type JobAccepted,
  type JobPage,
  type JobProgress,
  type JobQuery,
  type JobRecord,
  type JobReply,
  type Outcome,
} from './record.ts';

export interface JobsParts {
  readonly engine: string;
  // Each definition has types of its own, which a list cannot hold.
  // biome-ignore lint/suspicious/noExplicitAny: see above
  readonly definitions: readonly JobDefinition<any, any>[];
  readonly backend: JobBackend;
  readonly bus: Bus;
  readonly log: Log;
  /** Milliseconds that work has to stop after its signal; 5000 by default. */
  readonly signalGraceMs?: number;
}

interface Running {
  readonly attempt: Attempt;
  readonly job: JobRecord;
  publishedAt: number;
  storedAt: number;
}

const SIGNAL_GRACE_MS = 5000;
/** Least milliseconds between two messages, and between two writes, of one job's progress. */
const PUBLISH_EVERY_MS = 100;
const STORE_EVERY_MS = 500;
const LOOK_EVERY_MS = 100;

/** See docs/jobs.md. */
export class Jobs {
  readonly #parts: JobsParts;
  readonly #definitions: ReadonlyMap<string, JobDefinition>;
  readonly #running = new Map<string, Running>();
  readonly #waiters = new Map<string, Set<() => void>>();
  #stopping = false;
  #givenUp = 0;

  constructor(parts: JobsParts) {
    this.#parts = parts;
    this.#definitions = new Map(parts.definitions.map((d) => [d.kind, d]));
    if (this.#definitions.size !== parts.definitions.length)
      throw new InvariantError(`two kinds of jobs of ${parts.engine} have one name`);
  }

  /** Begins to run jobs; those that the end of a process left behind, too. */
  async start(): Promise<void> {
    await this.#parts.backend.start({
      run: (job) => this.#run(job),
      settled: (job, outcome) => this.#settled(job, outcome),
      cancelRequested: (id) => this.#running.get(id)?.attempt.stop('cancelled'),
      ended: (job) => this.#publish(job),
    });
  }

  /**
   * Stops: no job begins any more; those that run get half of `graceMs` to end by themselves and the other half after their
   * signal. What is left is tried again at the next start, when it has attempts left.
   */
  async stop(graceMs: number): Promise<void> {
    if (this.#stopping) return;
    this.#stopping = true;
    this.#parts.backend.pause();
    const closing = this.#parts.backend.close();
    const timer = setTimeout(() => {
      for (const { attempt } of this.#running.values()) attempt.stop('stopping');
    }, graceMs / 2);
    let end: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<false>((resolve) => {
      end = setTimeout(() => resolve(false), graceMs);
    });
    const closed = await Promise.race([closing.then(() => true), late]);
    clearTimeout(timer);
    clearTimeout(end);
    if (!closed) await this.#parts.backend.abandon();
  }

  /**
   * Adds a job and resolves when it is stored. Throws InvalidOptionError for an input that its schema refuses,
   * TooLargeError for one over 1 MiB, and what the backend throws while it is away.
   */
  async add(kind: string, input: unknown, options: AddOptions = {}): Promise<JobAccepted> {
    return (await this.#add(kind, [input], options))[0]!;
  }

  /** Adds several jobs of one kind at once. */
  async addAll(
    kind: string,
    inputs: readonly unknown[],
    options: Omit<AddOptions, 'id'> = {},
  ): Promise<JobAccepted[]> {
    return this.#add(kind, inputs, options);
  }

  async #add(kind: string, inputs: readonly unknown[], options: AddOptions): Promise<JobAccepted[]> {
    const definition = this.#definitions.get(kind);
    if (!definition) throw new InvariantError(`no kind of job ${kind} in ${this.#parts.engine}`);
    const jobs = inputs.map((input) => newJob(definition, input, options));
    const added = await this.#parts.backend.add(jobs);
    const replies: JobAccepted[] = [];
    for (const [i, { id, deduplicated }] of added.entries()) {
      const fresh = recordOf(jobs[i]!);
      if (!deduplicated) this.#publish(fresh);
      const job = deduplicated ? ((await this.#find(id)) ?? { ...fresh, id }) : fresh;
      replies.push({ ...describeJob(job), deduplicated });
    }
    return replies;
  }

  /** Throws {@link NotFoundError}. */
  async get(id: string): Promise<JobReply> {
    return describeJob(await this.#require(id));
  }

  /** Null where there is no such job. */
  async find(id: string): Promise<JobReply | null> {
    const job = await this.#find(id);
    return job && describeJob(job);
  }

  /** The result as JSON text, or the job when it has none (yet). Throws {@link NotFoundError}. */
  async result(id: string): Promise<{ readonly json: string } | { readonly job: JobReply }> {
    const job = await this.#require(id);
    const json = job.state === 'completed' ? await this.#parts.backend.result(id) : null;
    return json === null ? { job: describeJob(job) } : { json };
  }

  /** Newest first. */
  async list(query: JobQuery): Promise<{ jobs: JobReply[]; total: number }> {
    const { jobs, total }: JobPage = await this.#parts.backend.list(query);
    return { jobs: jobs.map((job) => describeJob(this.#withProgress(job))), total };
  }

  /**
   * Cancels: a job that waits ends at once; one that runs gets its signal, and the reply says `cancel_requested`; one that
   * has ended stays as it is. Throws {@link NotFoundError}.
   */
  async cancel(id: string): Promise<JobReply> {
    const what = await this.#parts.backend.cancel(id);
    if (what === 'requested') this.#running.get(id)?.attempt.stop('cancelled');
    const job = await this.#require(id);
    if (what === 'cancelled') this.#publish(job);
    return describeJob(job);
  }

  /** Resolves when the job has ended, wherever it runs; rejects with the reason of `signal`. */
  async wait(id: string, signal?: AbortSignal): Promise<JobReply> {
    for (;;) {
      signal?.throwIfAborted();
      const ended = this.#nextEnd(id);
      const job = await this.#require(id);
      if (isFinished(job.state)) return describeJob(job);
      await ended;
    }
  }

  /** Counts for `/system/status`. */
  stats() {
    return {
      backend: this.#parts.backend.kind,
      running: this.#running.size,
      /** Work that ignored its signal and still goes on; its result is discarded. */
      given_up_running: this.#givenUp,
    };
  }

  async #run(job: JobRecord): Promise<Outcome> {
    const definition = this.#definitions.get(job.kind)!;
    const attempt = new Attempt({
      job,
      definition,
      log: this.#parts.log,
      graceMs: this.#parts.signalGraceMs ?? SIGNAL_GRACE_MS,
      onProgress: (progress) => this.#progressed(job.id, progress),
      onLateEnd: () => {
        this.#givenUp--;
      },
    });
    this.#running.set(job.id, { attempt, job, publishedAt: 0, storedAt: performance.now() });
    this.#publish(job);
    if (job.cancelRequested) attempt.stop('cancelled');
    const ending = await attempt.run();
    if (attempt.ignoredSignal) this.#givenUp++;
    return this.#outcome(job, definition, ending, attempt.progress);
  }

  #settled(job: JobRecord, outcome: Outcome | null): void {
    // A process that lost a job and took it again has a newer attempt at it.
    if (this.#running.get(job.id)?.job.attempt === job.attempt) this.#running.delete(job.id);
    if (outcome === null) return;
    const error = outcome.state === 'completed' ? null : outcome.error;
    this.#publish({ ...job, state: outcome.state, progress: outcome.progress, error });
  }

  #outcome(
    job: JobRecord,
    { backoffMs }: JobDefinition,
    ending: Ending,
    progress: JobProgress | null,
  ): Outcome {
    if (ending.state === 'completed') return { state: 'completed', result: ending.result, progress };
    const { error } = ending;
    if (ending.state === 'stopped' && ending.reason === 'cancelled')
      return { state: 'cancelled', error, progress };
    const final = ending.state === 'failed' && ending.final;
    if (final || job.attempt >= job.attempts) return { state: 'failed', error, progress };
    const stopping = ending.state === 'stopped' && ending.reason === 'stopping';
    const delayMs = stopping ? 0 : backoffDelayMs(backoffMs, job.attempt);
    return { state: 'delayed', error, delayMs, progress };
  }

  #progressed(id: string, progress: JobProgress): void {
    const running = this.#running.get(id);
    if (!running) return;
    const now = performance.now();
    if (now - running.publishedAt >= PUBLISH_EVERY_MS) {
      running.publishedAt = now;
      this.#publish({ ...running.job, progress });
    }
    if (now - running.storedAt >= STORE_EVERY_MS) {
      running.storedAt = now;
      this.#parts.backend.progress(running.job, progress);
    }
  }

  async #find(id: string): Promise<JobRecord | null> {
    const job = await this.#parts.backend.get(id);
    return job && this.#withProgress(job);
  }

  async #require(id: string): Promise<JobRecord> {
    const job = await this.#find(id);
    if (!job) throw new NotFoundError('No job of this id: finished jobs are kept for 7 days');
    return job;
  }

  // What runs here is known more exactly than it is stored.
  #withProgress(job: JobRecord): JobRecord {
    const progress = job.state === 'active' ? this.#running.get(job.id)?.attempt.progress : undefined;
    return progress ? { ...job, progress } : job;
  }

  #publish(job: JobRecord): void {
    const { bus, engine } = this.#parts;
    const body = {
      engine,
      job_id: job.id,
      kind: job.kind,
      state: job.state,
      attempt: job.attempt,
      attempts: job.attempts,
      progress: job.progress,
      error: job.error,
    };
    bus.publish(topics.jobs, body, job.correlationId === null ? {} : { correlationId: job.correlationId });
    if (!isFinished(job.state)) return;
    this.#definitions.get(job.kind)?.ended?.(describeJob(job));
    for (const wake of this.#waiters.get(job.id) ?? []) wake();
  }

  // A job may end in another process, which nobody tells of here for certain.
  #nextEnd(id: string): Promise<void> {
    return new Promise((resolve) => {
      const waiting = this.#waiters.get(id) ?? new Set();
      this.#waiters.set(id, waiting);
      const wake = () => {
        clearTimeout(timer);
        waiting.delete(wake);
        if (waiting.size === 0) this.#waiters.delete(id);
        resolve();
      };
      const timer = setTimeout(wake, LOOK_EVERY_MS);
      waiting.add(wake);
    });
  }
}
