// The long work of the Market Data engine as jobs: replays that wait for their turn, and what its other parts define.
import { ConflictError, NautilusError } from '../../src/core/errors.ts';
import type { EngineContext } from '../../src/http/engine.ts';
import { defineJob, type JobContext, type JobDefinition } from '../../src/jobs/define.ts';
import type { Jobs } from '../../src/jobs/jobs.ts';
import { openJobs } from '../../src/jobs/open.ts';
import { isFinished } from '../../src/jobs/record.ts';
import type { Replays } from './replays.ts';
import { type ReplayReply, type ReplayRequest, replayReply, replayRequest } from './schemas.ts';
import type { Uploads } from './uploads.ts';

const PROGRESS_MS = 200;

export interface LongWorkParts {
  readonly uploads: Uploads;
  readonly replays: Replays;
  /** Starts a replay. */
  readonly replay: (request: ReplayRequest) => Promise<ReplayReply>;
  /** Jobs that other parts of the engine define. */
  // biome-ignore lint/suspicious/noExplicitAny: each has types of its own, which a list cannot hold
  readonly more: readonly JobDefinition<any, any>[];
}

/** The jobs of this engine. */
export class LongWork {
  readonly jobs: Jobs;
  readonly #context: EngineContext;
  readonly #parts: LongWorkParts;
  /** Files of an earlier process. */
  readonly #found: readonly string[];

  constructor(context: EngineContext, parts: LongWorkParts) {
    this.#context = context;
    this.#parts = parts;
    this.#found = parts.uploads.ids();
    const replays = defineJob({
      kind: 'replay',
      input: replayRequest,
      result: replayReply,
      run: (request, job) => this.#replay(request, job),
    });
    this.jobs = openJobs(context, { engine: 'marketdata', definitions: [replays, ...parts.more] });
  }

  async start(): Promise<void> {
    this.#parts.uploads.prepare();
    await this.jobs.start();
    if (this.#found.length === 0) return;
    this.#sweep().catch((err) => this.#context.log.warn({ err }, 'old uploads cannot be looked through'));
  }

  stop(): Promise<void> {
    return this.jobs.stop(this.#context.config.graceMs / 2);
  }

  // Files whose job has ended, or was never made, are of no use.
  async #sweep(): Promise<void> {
    for (const id of this.#found) {
      const job = await this.jobs.find(id);
      if (!job || isFinished(job.state)) await this.#parts.uploads.remove(id);
    }
  }

  async #replay(request: ReplayRequest, { signal, progress }: JobContext): Promise<ReplayReply> {
    const { replays } = this.#parts;
    const { replay_id: id } = await this.#begin(request, signal);
    const cancel = () => void replays.cancel(id);
    signal.addEventListener('abort', cancel);
    if (signal.aborted) cancel();
    const timer = setInterval(() => {
      const { events_done, events_total } = replays.get(id);
      progress(events_done, events_total, `replay ${id}`);
    }, PROGRESS_MS);
    try {
      const reply = await replays.ended(id);
      signal.throwIfAborted();
      if (reply.state === 'done') return reply;
      const { type, detail } = reply.error ?? { type: 'conflict', detail: 'The replay was cancelled' };
      throw new NautilusError(type.split('/').at(-1)!, 409, 'Replay failed', detail);
    } finally {
      clearInterval(timer);
      signal.removeEventListener('abort', cancel);
    }
  }

  // One replay runs at a time, whoever has asked for it.
  async #begin(request: ReplayRequest, signal: AbortSignal): Promise<ReplayReply> {
    const { replays, replay } = this.#parts;
    const stopped = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
    for (;;) {
      await Promise.race([replays.idle(), stopped]);
      signal.throwIfAborted();
      try {
        return await replay(request);
      } catch (error) {
        if (!(error instanceof ConflictError) || !replays.busy) throw error;
      }
    }
  }
}
