// Jobs on BullMQ in Redis: a queue for each kind, shared by all processes of the engine.
import type { Worker } from 'bullmq';
import { reasonOf } from '../bus/redis-link.ts';
import type { Log } from '../core/log.ts';
import type { RedisSettings } from '../core/redis-settings.ts';
import type { Added, BackendTiming, Cancelled, JobBackend, JobKind, JobWorker } from './backend.ts';
import { BACKEND_TIMING } from './backend.ts';
import { type BullClient, connectForCommands, connectForWork } from './bull-connections.ts';
import { type BullJob, BullQueues, hasJobs, prefixOf, queueName, READY } from './bull-queues.ts';
import { type BullData, jobOfBull, Retry, reasonText, withoutStack } from './bull-records.ts';
import { takeOwner } from './owner.ts';
import type { JobPage, JobProgress, JobQuery, JobRecord, NewJob, Outcome } from './record.ts';
import { interruptedError, RETENTION } from './record.ts';

export interface BullBackendOptions {
  readonly settings: RedisSettings;
  readonly engine: string;
  readonly kinds: readonly JobKind[];
  readonly log: Log;
  readonly timing?: BackendTiming;
  /** Longest wait for an answer of Redis to who adds or reads, in milliseconds; at most and by default 5000. */
  readonly timeoutMs?: number;
}

const KEEP = { age: RETENTION.ageS, count: RETENTION.count };

/** How long jobs may wait for workers that have nothing to do, in milliseconds; a worker that is well takes one within a few. */
const IDLE_MS = 15_000;

interface Opened {
  readonly bullmq: typeof import('bullmq');
  readonly queues: BullQueues;
}

/**
 * See {@link JobBackend}. BullMQ takes a third of a second to load, so that this waits for the first job: one that is added
 * here, or one that is found in Redis by a look once a second.
 */
export class BullBackend implements JobBackend {
  readonly kind = 'bullmq';
  readonly #options: BullBackendOptions;
  readonly #timing: BackendTiming;
  readonly #owner = takeOwner();
  readonly #workers: Worker<BullData>[] = [];
  readonly #active = new Map<string, BullJob>();
  /** Attempts that have ended, until their outcome is stored. */
  readonly #unsettled = new Map<string, { record: JobRecord; outcome: Outcome; sinceMs: number }>();
  #commands: Promise<BullClient> | undefined;
  #opened: Promise<Opened> | undefined;
  #working: Promise<void> | undefined;
  /** Connection of the workers. */
  #connection: BullClient | undefined;
  #worker: JobWorker | undefined;
  #poll: ReturnType<typeof setInterval> | undefined;
  #looking: Promise<void> | undefined;
  #paused = false;
  #closing: Promise<unknown> | undefined;
  #failing = false;
  /** Since when jobs wait although no worker has anything to do. */
  #idleSinceMs: number | null = null;

  constructor(options: BullBackendOptions) {
    this.#options = options;
    this.#timing = options.timing ?? BACKEND_TIMING;
  }

  async start(worker: JobWorker): Promise<void> {
    this.#worker = worker;
    this.#poll = setInterval(() => {
      this.#looking ??= this.#look().finally(() => {
        this.#looking = undefined;
      });
    }, this.#timing.pollMs);
    await this.#connect();
  }

  async add(jobs: readonly NewJob[]): Promise<Added[]> {
    const added = await (await this.#open()).queues.add(jobs);
    void this.#work();
    return added;
  }

  async get(id: string): Promise<JobRecord | null> {
    return (await this.#open()).queues.get(id);
  }

  async result(id: string): Promise<string | null> {
    return (await this.#open()).queues.result(id);
  }

  async list(query: JobQuery): Promise<JobPage> {
    return (await this.#open()).queues.list(query);
  }

  async cancel(id: string): Promise<Cancelled> {
    return (await this.#open()).queues.cancel(id);
  }

  progress({ id }: JobRecord, progress: JobProgress): void {
    const job = this.#active.get(id);
    // The next report brings more than this one.
    job?.updateProgress(progress).catch(() => {});
  }

  pause(): void {
    this.#paused = true;
    // Closing a worker means that it takes no job any more and waits for those it has.
    this.#closing ??= Promise.all(this.#workers.map((worker) => worker.close()));
  }

  async close(): Promise<void> {
    this.pause();
    await this.#closing;
    await this.abandon();
  }

  async abandon(): Promise<void> {
    clearInterval(this.#poll);
    this.#owner.release();
    // A worker that waits for Redis would wait for ever.
    for (const worker of this.#workers) worker.close(true).catch(() => {});
    await (await this.#opened?.catch(() => undefined))?.queues.close();
    (await this.#commands?.catch(() => undefined))?.disconnect();
    this.#connection?.disconnect();
  }

  #connect(): Promise<BullClient> {
    const { settings, engine, timeoutMs } = this.#options;
    this.#commands ??= connectForCommands(settings, `jobs-${engine}`, timeoutMs).then((client) => {
      client.on('error', (error) => this.#complain(error));
      return client;
    });
    return this.#commands;
  }

  #open(): Promise<Opened> {
    this.#opened ??= this.#load();
    return this.#opened;
  }

  async #load(): Promise<Opened> {
    const [bullmq, commands] = await Promise.all([import('bullmq'), this.#connect()]);
    const { settings, engine } = this.#options;
    const onError = (error: unknown) => this.#complain(error);
    return {
      bullmq,
      queues: new BullQueues({ settings, engine, kinds: this.#kinds, commands, onError }, bullmq),
    };
  }

  get #kinds(): string[] {
    return this.#options.kinds.map(({ kind }) => kind);
  }

  #work(): Promise<void> {
    this.#working ??= this.#startWorkers();
    return this.#working;
  }

  async #startWorkers(): Promise<void> {
    const { engine, kinds, settings } = this.#options;
    const { bullmq } = await this.#open();
    const connection = await connectForWork(settings, `jobs-${engine}`);
    if (this.#paused || !this.#worker) {
      connection.disconnect();
      this.#working = undefined;
      return;
    }
    this.#connection = connection;
    connection.on('error', (error) => this.#complain(error));
    for (const { kind, concurrency } of kinds) {
      const made = new bullmq.Worker<BullData>(queueName(engine, kind), (job) => this.#process(job, bullmq), {
        connection,
        prefix: prefixOf(settings, engine),
        concurrency,
        name: this.#owner.name,
        lockDuration: this.#timing.leaseMs,
        stalledInterval: Math.max(this.#timing.leaseMs / 3, 100),
        // How often a job may be begun is counted by us.
        maxStalledCount: 1_000_000,
        removeOnComplete: KEEP,
        removeOnFail: KEEP,
        drainDelay: 1,
        runRetryDelay: 1000,
        settings: { backoffStrategy: (_made, _type, error) => (error instanceof Retry ? error.delayMs : 0) },
      });
      made.on('error', (error) => this.#complain(error));
      made.on('completed', ({ id }) => this.#settle(id, true));
      made.on('failed', (job) => this.#settle(job?.id, true));
      this.#workers.push(made);
    }
  }

  async #process(job: BullJob, bullmq: Opened['bullmq']): Promise<unknown> {
    const worker = this.#worker!;
    // Before its first attempt a cancelled job is removed; later it may have been on its way to another attempt.
    const wished = job.attemptsStarted > 1 && (await this.#isCancelled(job.id!));
    const record = jobOfBull(job, 'active', wished);
    // An attempt that nobody ended was the last: its process has gone.
    if (job.attemptsStarted > record.attempts && !wished) {
      const error = interruptedError(record.attempts, record.attempts);
      worker.ended({ ...record, state: 'failed', error, finishedUs: Date.now() * 1000 });
      throw withoutStack(new bullmq.UnrecoverableError(reasonText(error)));
    }
    this.#active.set(record.id, job);
    let outcome: Outcome;
    try {
      outcome = await worker.run(record);
    } finally {
      this.#active.delete(record.id);
    }
    if (outcome.progress) await job.updateProgress(outcome.progress).catch(() => {});
    // What is returned or thrown is stored by BullMQ, as long as the lock is ours; then its event settles the job.
    this.#unsettled.set(record.id, { record, outcome, sinceMs: performance.now() });
    if (outcome.state === 'completed') return outcome.result;
    if (outcome.state === 'delayed') throw new Retry(reasonText(outcome.error), outcome.delayMs);
    if (outcome.state === 'cancelled') {
      const { error, progress } = outcome;
      const finishedUs = Date.now() * 1000;
      const ended = {
        ...record,
        state: 'cancelled',
        cancelRequested: true,
        error,
        progress,
        finishedUs,
      } as const;
      const { queues } = await this.#open();
      await queues.cancels.end(ended).catch((cause) => this.#complain(cause));
    }
    throw withoutStack(new bullmq.UnrecoverableError(reasonText(outcome.error)));
  }

  async #isCancelled(id: string): Promise<boolean> {
    return (await this.#open()).queues.cancels.isRequested(id);
  }

  #settle(id: string | undefined, stored: boolean): void {
    const ended = this.#unsettled.get(id ?? '');
    if (!ended) return;
    this.#unsettled.delete(ended.record.id);
    this.#worker!.settled(ended.record, stored ? ended.outcome : null);
  }

  // What others have asked for, and what became of outcomes that nobody has stored: their jobs went to another process.
  async #look(): Promise<void> {
    const now = performance.now();
    for (const [id, { sinceMs }] of this.#unsettled)
      if (now - sinceMs > 2 * this.#timing.leaseMs) this.#settle(id, false);
    try {
      const { settings, engine } = this.#options;
      const client = await this.#connect();
      if (!this.#working) {
        if (client.status !== 'ready' || !(await hasJobs(client, settings, engine, this.#kinds))) return;
        await this.#work();
      }
      const isIdle = this.#active.size === 0 && this.#unsettled.size === 0 && !this.#paused;
      if (isIdle && (await hasJobs(client, settings, engine, this.#kinds, READY)))
        await this.#nothingBegins(now);
      else this.#idleSinceMs = null;
      const { queues } = await this.#open();
      for (const id of await queues.wishes()) if (this.#active.has(id)) this.#worker!.cancelRequested(id);
      this.#failing = false;
    } catch (error) {
      this.#complain(error);
    }
  }

  // Jobs wait and workers that have nothing to do take none. It has been seen after a node of a cluster hung: a worker then waits for an
  // answer that nobody owes it any more. New workers have connections of their own.
  async #nothingBegins(now: number): Promise<void> {
    this.#idleSinceMs ??= now;
    if (now - this.#idleSinceMs < IDLE_MS) return;
    this.#idleSinceMs = null;
    this.#options.log.warn({ idle_ms: IDLE_MS }, 'jobs wait and workers take none; they are replaced');
    for (const worker of this.#workers.splice(0)) worker.close(true).catch(() => {});
    this.#connection?.disconnect();
    this.#working = undefined;
    await this.#work();
  }

  // Once for a row of failures; errors of the client may hold the commands they were about.
  #complain(error: unknown): void {
    if (!this.#failing)
      this.#options.log.warn({ reason: reasonOf(error) }, 'Redis, which keeps the jobs, fails');
    this.#failing = true;
  }
}
