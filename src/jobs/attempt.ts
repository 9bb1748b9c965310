// One attempt at a job: its time, its signal, and what becomes of work that does not listen.
import { DeadlineExceededError, NautilusError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import type { JobDefinition } from './define.ts';
import { type JobError, type JobProgress, type JobRecord, MAX_JSON_BYTES } from './record.ts';

/** Why an attempt was told to stop. */
export type StopReason = 'cancelled' | 'timeout' | 'stopping';

/** How an attempt ended. */
export type Ending =
  | { readonly state: 'completed'; readonly result: string }
  /** `final`: the same input would fail in the same way again. */
  | { readonly state: 'failed'; readonly error: JobError; readonly final: boolean }
  | { readonly state: 'stopped'; readonly reason: StopReason; readonly error: JobError };

export interface AttemptOptions {
  readonly job: JobRecord;
  readonly definition: JobDefinition;
  readonly log: Log;
  /** Milliseconds that the work has after its signal. */
  readonly graceMs: number;
  readonly onProgress: (progress: JobProgress) => void;
  /** Work that was given up has ended at last. */
  readonly onLateEnd: () => void;
}

/** Runs once. */
export class Attempt {
  readonly #options: AttemptOptions;
  // Made for work that listens: most does not, and a signal costs more than a small job.
  #abort: AbortController | undefined;
  #giveUp: (() => void) | undefined;
  #reason: StopReason | undefined;
  #grace: ReturnType<typeof setTimeout> | undefined;
  /** The last that the work told of its progress. */
  progress: JobProgress | null = null;
  /** Whether the work went on after its signal for longer than the grace. */
  ignoredSignal = false;

  constructor(options: AttemptOptions) {
    this.#options = options;
  }

  /** Fires the signal; the first reason counts. */
  stop(reason: StopReason): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    this.#grace = setTimeout(() => this.#giveUp?.(), this.#options.graceMs);
    this.#abort?.abort(stopError(reason));
  }

  async run(): Promise<Ending> {
    const { job, definition, log } = this.#options;
    if (this.#reason !== undefined) {
      clearTimeout(this.#grace);
      return this.#stopped();
    }
    const input = definition.input.safeParse(job.input);
    if (!input.success) return failure('invalid-option', 'The stored input is not one of this version');
    const timer =
      definition.timeoutMs === null
        ? undefined
        : setTimeout(() => this.stop('timeout'), definition.timeoutMs);
    const work = this.#work(input.data);
    try {
      const first = await new Promise<Ending | 'given up'>((resolve, reject) => {
        this.#giveUp = () => resolve('given up');
        work.then(resolve, reject);
      });
      if (first !== 'given up') return first;
      this.ignoredSignal = true;
      log.warn({ job_id: job.id, reason: this.#reason }, 'a job ignores its signal and is given up');
      void work.then(this.#options.onLateEnd);
      return this.#stopped(`did not stop within ${this.#options.graceMs} ms, and its result is discarded`);
    } finally {
      clearTimeout(timer);
      clearTimeout(this.#grace);
    }
  }

  get #signal(): AbortSignal {
    if (!this.#abort) {
      this.#abort = new AbortController();
      if (this.#reason !== undefined) this.#abort.abort(stopError(this.#reason));
    }
    return this.#abort.signal;
  }

  async #work(input: unknown): Promise<Ending> {
    const { job, definition, log } = this.#options;
    const signal = () => this.#signal;
    try {
      const value = await definition.run(input, {
        jobId: job.id,
        attempt: job.attempt,
        get signal() {
          return signal();
        },
        correlationId: job.correlationId ?? undefined,
        // Most work has nothing to log, and a log of its own costs more than a small job.
        get log() {
          return log.child({ job_id: job.id, kind: job.kind, attempt: job.attempt });
        },
        progress: (done, total, note) => this.#tell({ done, total, note: note ?? null }),
      });
      // Work that was done before it could stop is done; only a deadline says otherwise.
      if (this.#reason === 'timeout') return this.#stopped();
      return completed(JSON.stringify(definition.result.parse(value)) ?? 'null');
    } catch (error) {
      if (this.#reason !== undefined) return this.#stopped();
      if (error instanceof NautilusError && error.slug !== 'internal')
        return failure(error.slug, error.message, error.status < 500);
      log.error({ err: error, job_id: job.id, kind: job.kind, attempt: job.attempt }, 'a job failed');
      return failure('internal', 'An internal error occurred; it is in the log', false);
    }
  }

  #tell(progress: JobProgress): void {
    if (this.ignoredSignal || !Number.isFinite(progress.done)) return;
    const total = Number.isFinite(progress.total) ? progress.total : null;
    this.progress = { done: progress.done, total, note: progress.note?.slice(0, 200) ?? null };
    this.#options.onProgress(this.progress);
  }

  #stopped(more?: string): Ending {
    const reason = this.#reason!;
    const slug =
      reason === 'timeout' ? 'deadline-exceeded' : reason === 'cancelled' ? 'cancelled' : 'interrupted';
    const limit = reason === 'timeout' ? ` of ${this.#options.definition.timeoutMs} ms` : '';
    const detail = `The job was ${WORDS[reason]}${limit}${more ? `; it ${more}` : ''}`;
    return { state: 'stopped', reason, error: { type: `/problems/${slug}`, detail } };
  }
}

const WORDS: Record<StopReason, string> = {
  cancelled: 'cancelled',
  timeout: 'stopped at its time-out',
  stopping: 'interrupted by the stop of its engine',
};

function stopError(reason: StopReason): DeadlineExceededError {
  return new DeadlineExceededError(`The job was ${WORDS[reason]}`);
}

function completed(result: string): Ending {
  const bytes = Buffer.byteLength(result);
  if (bytes <= MAX_JSON_BYTES) return { state: 'completed', result };
  return failure(
    'too-large',
    `The result has ${bytes} bytes of JSON, more than the ${MAX_JSON_BYTES} that are kept`,
  );
}

function failure(slug: string, detail: string, final = true): Ending {
  return { state: 'failed', error: { type: `/problems/${slug}`, detail }, final };
}
