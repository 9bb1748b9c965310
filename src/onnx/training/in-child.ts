// Trains in a process of its own: it can be stopped at any moment, may die without harm, and never holds up the caller's thread.
import { join } from 'node:path';
import type { z } from 'zod';
import { ChildLostError, ChildProcess } from '../../core/child-process.ts';
import {
  ConflictError,
  DependencyUnavailableError,
  DivergedError,
  MalformedBodyError,
  NautilusError,
  TooLargeError,
} from '../../core/errors.ts';
import { CancelledError } from '../../native/errors.ts';
import { type ChildOrder, doneSchema, type Note, noteSchema } from './child-messages.ts';
import type { TrainingJob, TrainingProgress, TrainingResult } from './job.ts';

/** What runs a job in a child. */
export interface ChildControl {
  readonly threads: number;
  /** Ends the run at once: the child is killed, and CancelledError thrown. */
  readonly signal?: AbortSignal | undefined;
  readonly progress?: ((progress: TrainingProgress) => void) | undefined;
  /** A checkpoint to go on from. */
  readonly resume?: Uint8Array | undefined;
  /** Receives every checkpoint, for keeping. */
  readonly checkpoint?: ((bytes: Uint8Array) => void) | undefined;
  /** Milliseconds between checkpoints; 10,000 by default. */
  readonly checkpointMs?: number | undefined;
  /** Resident bytes at which the child is killed; 4 GiB by default. */
  readonly memoryBytes?: number | undefined;
  /** How often a run whose child died goes on from its last checkpoint; 2 by default. */
  readonly restarts?: number | undefined;
  /** For tests: called with the process id of each child. */
  readonly started?: ((pid: number) => void) | undefined;
}

const DEFAULT_MEMORY_BYTES = 4 * 2 ** 30;
const CHILD = join(import.meta.dir, 'child.ts');

/** A child that died of something outside: the run may go on from its last checkpoint. */
class ChildDied extends Error {}

/**
 * Runs a job in a child process and resolves to its result. Throws CancelledError, DivergedError, TooLargeError (over
 * `memoryBytes`), DependencyUnavailableError when the child died more often than `restarts`, and what `train` throws
 * for a wrong checkpoint. No process is left behind.
 */
export async function trainInChild(job: TrainingJob, control: ChildControl): Promise<TrainingResult> {
  let resume = control.resume;
  const checkpoint = (bytes: Uint8Array) => {
    resume = bytes;
    control.checkpoint?.(bytes);
  };
  for (let restart = 0; ; restart++) {
    try {
      return await runChild(job, { ...control, resume, checkpoint });
    } catch (error) {
      if (!(error instanceof ChildDied)) throw error;
      if (restart >= (control.restarts ?? 2)) {
        throw new DependencyUnavailableError(`Expected the training process to live, ${error.message}`);
      }
    }
  }
}

async function runChild(job: TrainingJob, control: ChildControl): Promise<TrainingResult> {
  const { signal, memoryBytes = DEFAULT_MEMORY_BYTES } = control;
  if (signal?.aborted) throw cancelled();
  const order: ChildOrder = {
    job,
    threads: control.threads,
    resume: control.resume,
    checkpointMs: control.checkpointMs ?? 10_000,
  };
  const child = new ChildProcess<ChildOrder, z.infer<typeof doneSchema>, Note>({
    program: CHILD,
    purpose: 'that trains',
    maxBytes: memoryBytes,
    answers: doneSchema,
    notes: noteSchema,
  });
  control.started?.(child.pid);
  const heard = (note: Note) => {
    if (note.type === 'progress') control.progress?.(note.progress);
    else control.checkpoint?.(note.bytes);
  };
  try {
    return (await child.ask(order, { signal, heard })).result;
  } catch (error) {
    throw errorOf(error, memoryBytes);
  } finally {
    child.kill();
    await child.exited;
  }
}

function cancelled(): CancelledError {
  return new CancelledError('The training was cancelled; nothing of it is kept');
}

/** The class of an error does not travel. */
function errorOf(error: unknown, memoryBytes: number): unknown {
  if (error instanceof ChildLostError) {
    if (error.loss === 'cancelled') return cancelled();
    if (error.loss === 'memory')
      return new TooLargeError('Expected a training that fits its memory limit', memoryBytes);
    return new ChildDied(`was ended by ${error.how}`);
  }
  if (!(error instanceof NautilusError)) return error;
  if (error.slug === 'diverged') return new DivergedError(error.message, Number(error.extras.step));
  if (error.slug === 'conflict') return new ConflictError(error.message);
  if (error.slug === 'malformed-body') return new MalformedBodyError(error.message);
  return error;
}
