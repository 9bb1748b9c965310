// What a kind of job is: its input, its result, its limits, and the work itself.
import type { z } from 'zod';
import { InvariantError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import type { JobReply } from './record.ts';

/** What the work of a job is given beside its input. */
export interface JobContext {
  readonly jobId: string;
  /** Which attempt this is, from 1. More than 1 after a failure, a time-out, or an end of the process in the middle. */
  readonly attempt: number;
  /** Fires when the job is cancelled, has no time left, or the engine stops. Work that goes on all the same is given up. */
  readonly signal: AbortSignal;
  readonly correlationId: string | undefined;
  readonly log: Log;
  /** Tells how far the work is, in units of its own choice; `note` says in words what it does. May be called often. */
  progress(done: number, total: number | null, note?: string): void;
}

/** One kind of long work of an engine. */
export interface JobDefinition<Input = unknown, Result = unknown> {
  /** Name within its engine: lower-case letters, digits and dashes. */
  readonly kind: string;
  readonly input: z.ZodType<Input>;
  readonly result: z.ZodType<Result>;
  /** Jobs of this kind that run at once in one process of the engine; 1 by default. */
  readonly concurrency: number;
  /** Milliseconds that one attempt may take; null = no end. */
  readonly timeoutMs: number | null;
  /** How often the work is begun at most; 1 by default. */
  readonly attempts: number;
  /** Wait before the second attempt in milliseconds; it doubles with each further one. 1000 by default. */
  readonly backoffMs: number;
  /** Smaller is sooner: 0 (default) to 1000000. */
  readonly priority: number;
  /** Jobs of one key are one job for as long as it waits or runs. */
  readonly dedupKey?: (input: Input) => string;
  run(input: Input, context: JobContext): Promise<Result> | Result;
  /** Called when a job has ended for good, also without a run, in the process that ended it; not after a crash in between. */
  ended?(job: JobReply): void;
}

type Optional = 'concurrency' | 'timeoutMs' | 'attempts' | 'backoffMs' | 'priority';

const KIND = /^[a-z][a-z0-9-]{0,39}$/;
/** The last priority. */
export const MAX_PRIORITY = 1_000_000;

/** Returns a definition with its defaults. Throws {@link InvariantError} for one that can't work. */
export function defineJob<Input, Result>(
  given: Omit<JobDefinition<Input, Result>, Optional> & Partial<Pick<JobDefinition, Optional>>,
): JobDefinition<Input, Result> {
  const definition = {
    concurrency: 1,
    timeoutMs: null,
    attempts: 1,
    backoffMs: 1000,
    priority: 0,
    ...given,
  } as JobDefinition<Input, Result>;
  const { kind, concurrency, timeoutMs, attempts, backoffMs, priority } = definition;
  if (!KIND.test(kind)) throw new InvariantError(`the kind of job ${kind} is no name`);
  const numbers: [string, number, number, number][] = [
    ['concurrency', concurrency, 1, 1000],
    ['attempts', attempts, 1, 1000],
    ['backoffMs', backoffMs, 0, 86_400_000],
    ['priority', priority, 0, MAX_PRIORITY],
    ['timeoutMs', timeoutMs ?? 1, 1, 2 ** 31 - 1],
  ];
  for (const [name, value, least, most] of numbers) {
    if (!Number.isInteger(value) || value < least || value > most)
      throw new InvariantError(`${name} of the job ${kind} is not an integer from ${least} to ${most}`);
  }
  return definition;
}

const LONGEST_BACKOFF_MS = 3_600_000;

/**
 * Returns the milliseconds before the attempt after `attempt`: `backoffMs` doubled with each attempt, at most an hour, of
 * which a random half is left out (`random` in [0, 1)), so that what failed together does not come back together.
 */
export function backoffDelayMs(backoffMs: number, attempt: number, random = Math.random()): number {
  const whole = Math.min(backoffMs * 2 ** (attempt - 1), LONGEST_BACKOFF_MS);
  return Math.round(whole * (0.5 + random / 2));
}
