// The queues of one engine in Redis, one for each kind of job, as everyone sees them who adds, reads and cancels.
import type { Job, Queue } from 'bullmq';
import { reasonOf } from '../bus/redis-link.ts';
import { DependencyUnavailableError } from '../core/errors.ts';
import type { RedisSettings } from '../core/redis-settings.ts';
import type { Added, Cancelled } from './backend.ts';
import { BullCancels } from './bull-cancels.ts';
import { type BullClient, ready } from './bull-connections.ts';
import { type BullData, bullJob, jobOfBull, stateOf } from './bull-records.ts';
import type { JobPage, JobQuery, JobRecord, JobState, NewJob } from './record.ts';
import { isFinished } from './record.ts';

/** A job of BullMQ that carries one of ours. */
export type BullJob = Job<BullData, unknown>;

export interface BullQueuesOptions {
  readonly settings: RedisSettings;
  readonly engine: string;
  readonly kinds: readonly string[];
  /** Of `connectForCommands`. */
  readonly commands: BullClient;
  readonly onError: (error: unknown) => void;
}

/** Longest wait for a connection, in milliseconds. */
const CONNECT_MS = 1000;
/**
 * What is said of a command that Redis has not answered, perhaps before the client knows that the connection is gone, or that it
 * refuses for now or to this user.
 */
const REFUSED =
  /timed out|connection|writeable|cluster (isn't|is|redirections)|slots cache|^(NOPERM|LOADING|READONLY|OOM|MISCONF|MASTERDOWN|CLUSTERDOWN|TRYAGAIN)/i;
/** Where BullMQ keeps the ids of jobs that could begin at once. */
export const READY = ['wait', 'prioritized'] as const;
/** Where BullMQ keeps the ids of jobs that have not ended. */
const UNFINISHED = ['wait', 'prioritized', 'delayed', 'active'] as const;
const BULL_STATES = {
  waiting: ['wait', 'prioritized'],
  delayed: ['delayed'],
  active: ['active'],
  completed: ['completed'],
  failed: ['failed'],
} as const;

interface Found {
  readonly id: string;
  readonly state: JobState;
  readonly queue?: Queue<BullData>;
}

/** Every method throws DependencyUnavailableError, and soon, while Redis is away. */
export class BullQueues {
  readonly cancels: BullCancels;
  readonly #commands: BullClient;
  readonly #queues: ReadonlyMap<string, Queue<BullData>>;

  constructor(options: BullQueuesOptions, { Queue: BullQueue }: typeof import('bullmq')) {
    const { settings, engine, kinds, commands, onError } = options;
    const prefix = prefixOf(settings, engine);
    this.#commands = commands;
    this.#queues = new Map(
      kinds.map((kind) => {
        const queue = new BullQueue<BullData>(queueName(engine, kind), {
          connection: this.#commands,
          prefix,
        });
        queue.on('error', onError);
        return [kind, queue];
      }),
    );
    this.cancels = new BullCancels(this.#commands, `${prefix}:${engine}`);
  }

  /** Stores jobs of one kind. */
  async add(jobs: readonly NewJob[]): Promise<Added[]> {
    const queue = this.#queues.get(jobs[0]?.kind ?? '');
    if (!queue) return [];
    const added = await this.#ask(() => queue.addBulk(jobs.map(bullJob)));
    return added.map(({ id }, i) => ({ id: id!, deduplicated: id !== jobs[i]!.id }));
  }

  get(id: string): Promise<JobRecord | null> {
    return this.#ask(async () => {
      // In this order a job that is cancelled meanwhile is seen before its end or after it, never as failed.
      const wished = await this.cancels.isRequested(id);
      const found = await this.#find(id);
      const cancelled = await this.cancels.get(id);
      return cancelled ?? (found && jobOfBull(found.job, found.state, wished));
    });
  }

  result(id: string): Promise<string | null> {
    return this.#ask(async () => {
      const value = (await this.#find(id))?.job.returnvalue;
      return typeof value === 'string' ? value : null;
    });
  }

  // BullMQ sorts each state in its own way, so that a page of all needs the ids of all.
  list({ state, kind, limit, offset }: JobQuery): Promise<JobPage> {
    return this.#ask(async () => {
      const wished = new Set(await this.cancels.requested());
      const found: Found[] = [];
      for (const [name, queue] of this.#queues) {
        if (kind !== undefined && kind !== name) continue;
        for (const [at, types] of Object.entries(BULL_STATES)) {
          if (state !== undefined && state !== at) continue;
          for (const id of await queue.getRanges([...types], 0, -1))
            found.push({ id, state: at as JobState, queue });
        }
      }
      const cancelled = new Map((await this.cancels.all()).map((job) => [job.id, job]));
      const ended = [...cancelled.values()].filter((job) => kind === undefined || kind === job.kind);
      const others = found.filter(({ id }) => !cancelled.has(id));
      if (state === undefined || state === 'cancelled')
        others.push(...ended.map(({ id }) => ({ id, state: 'cancelled' as const })));
      // A job that moved on between two looks is in two lists.
      const unique = [...new Map(others.map((job) => [job.id, job])).values()];
      unique.sort((a, b) => (a.id < b.id ? 1 : -1));
      const page = unique.slice(offset, offset + limit).map(async ({ id, state: at, queue }) => {
        if (!queue) return cancelled.get(id)!;
        const job = await queue.getJob(id);
        return job ? jobOfBull(job as BullJob, at, wished.has(id)) : null;
      });
      return { jobs: (await Promise.all(page)).filter((job) => job !== null), total: unique.length };
    });
  }

  cancel(id: string): Promise<Cancelled> {
    return this.#ask(async () => {
      if (await this.cancels.get(id)) return 'finished';
      // The wish comes first: whoever takes the job meanwhile finds it.
      await this.cancels.request(id);
      const found = await this.#find(id);
      if (!found || isFinished(found.state)) {
        await this.cancels.withdraw(id);
        return found ? 'finished' : 'unknown';
      }
      if (found.state === 'active' || !(await removed(found.job))) return 'requested';
      const error = { type: '/problems/cancelled', detail: 'The job was cancelled before it began' };
      const finishedUs = Date.now() * 1000;
      await this.cancels.end({ ...jobOfBull(found.job, 'cancelled', true), error, finishedUs });
      return 'cancelled';
    });
  }

  /** Ids of jobs that shall end; wishes for jobs that have ended are forgotten. */
  async wishes(): Promise<string[]> {
    const open: string[] = [];
    for (const id of await this.cancels.requested()) {
      const found = await this.#find(id);
      if (found && !isFinished(found.state)) open.push(id);
      else await this.cancels.withdraw(id);
    }
    return open;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#queues.values()].map((queue) => queue.close().catch(() => {})));
  }

  // The state comes first: a job that ends between the two looks is seen as it was, never as ended without its end.
  async #find(id: string): Promise<{ job: BullJob; state: JobState } | null> {
    for (const queue of this.#queues.values()) {
      const state = await queue.getJobState(id);
      if (state === 'unknown') continue;
      const job = await queue.getJob(id);
      return job ? { job: job as BullJob, state: stateOf(state) } : null;
    }
    return null;
  }

  async #ask<T>(question: () => Promise<T>): Promise<T> {
    try {
      await ready(this.#commands, CONNECT_MS);
      return await question();
    } catch (error) {
      if (this.#commands.status === 'ready' && !REFUSED.test((error as Error).message)) throw error;
      throw new DependencyUnavailableError(`Redis, which keeps the jobs, cannot be used: ${reasonOf(error)}`);
    }
  }
}

/** What stands before every key of the jobs of an engine. In a cluster the part in braces keeps them on one node, as BullMQ needs it. */
export function prefixOf({ prefix, cluster }: RedisSettings, engine: string): string {
  return cluster ? `${prefix}{jobs:${engine}}` : `${prefix}jobs`;
}

/** The name of the queue of one kind. */
export function queueName(engine: string, kind: string): string {
  return `${engine}.${kind}`;
}

/** Whether a queue has jobs in one of these lists; asked without BullMQ, which takes long to load. */
export async function hasJobs(
  commands: BullClient,
  settings: RedisSettings,
  engine: string,
  kinds: readonly string[],
  lists: readonly string[] = UNFINISHED,
): Promise<boolean> {
  const keys = kinds.flatMap((kind) =>
    lists.map((state) => `${prefixOf(settings, engine)}:${queueName(engine, kind)}:${state}`),
  );
  return (await commands.exists(...keys)) > 0;
}

// A worker that has just taken it holds its lock.
async function removed(job: BullJob): Promise<boolean> {
  try {
    await job.remove();
    return true;
  } catch (error) {
    if (/locked|could not be removed/i.test((error as Error).message)) return false;
    throw error;
  }
}
